"""Proximal policy optimisation: Gaussian actors, and the two losses.

    u ~ Normal(μ(o), σ)                 σ one number an action, whatever is seen
    policy  −min(ρ A, clip(ρ, 1 ± ε) A) − c · entropy         ρ = π(u|o) / π_old(u|o)
    value   max(H(V − G), H(V_old + clip(V − V_old, ±ε) − G))        H Huber's loss

Sources: Schulman et al., "Proximal policy optimization algorithms", 2017, equation 7; for many
agents, with clipped and normalised values, Yu et al., "The surprising effectiveness of PPO in
cooperative multi-agent games", 2022.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from equibid.learning.losses.actor_critic import masked_mean
from equibid.learning.losses.targets import huber
from equibid.learning.networks.central_value import CentralValue
from equibid.learning.networks.communication import Actor


class Gaussian(eqx.Module):
    """Actors that draw their actions.

    Attributes:
        actor: of the means.
        log_std: of each network's agents [G, A].
    """

    actor: Actor
    log_std: Float[Array, "G A"]

    def spread(self, teams: Int[Array, " N"]) -> Float[Array, "#N A"]:
        """The logarithm of σ, of each agent."""
        return self.log_std[teams] if self.actor.sharing == "team" else self.log_std

    def draw(
        self,
        key: jax.Array,
        seen: Float[Array, "... N F"],
        teams: Int[Array, " N"],
        talks: Bool[Array, "... N"] | None = None,
    ) -> Float[Array, "... N A"]:
        """Actions; `talks` as an `Actor` takes it."""
        mean = self.actor(seen, teams, talks)
        return mean + jnp.exp(self.spread(teams)) * jax.random.normal(key, mean.shape, mean.dtype)

    def log_density(
        self,
        seen: Float[Array, "... N F"],
        action: Float[Array, "... N A"],
        teams: Int[Array, " N"],
        talks: Bool[Array, "... N"] | None = None,
    ) -> Float[Array, "... N"]:
        """The logarithm of π(u|o); `talks` as an `Actor` takes it."""
        log_std = self.spread(teams)
        distance = (action - self.actor(seen, teams, talks)) * jnp.exp(-log_std)
        return (-0.5 * (distance**2 + np.log(2 * np.pi)) - log_std).sum(axis=-1)

    def entropy(self) -> Float[Array, ""]:
        """Of an agent's action, the mean over networks."""
        return (self.log_std + 0.5 * np.log(2 * np.pi * np.e)).sum(axis=-1).mean()


class Rows(NamedTuple):
    """Joint steps to learn from.

    Attributes:
        seen: by each agent.
        present: who acts, and counts in the policy's loss.
        concerned: who counts in the value's loss.
        action: u.
        log_density: of it when it was drawn.
        advantage: A, normalised.
        value: what the critic said when it was drawn, so that no value is clipped before it moves.
        target: G in the unit that the critic is fitted in now.
    """

    seen: Float[Array, "B N F"]
    present: Bool[Array, "B N"]
    concerned: Bool[Array, "B N"]
    action: Float[Array, "B N A"]
    log_density: Float[Array, "B N"]
    advantage: Float[Array, "B N"]
    value: Float[Array, "B N"]
    target: Float[Array, "B N"]


def clipped_objective(
    log_ratio: Float[Array, "..."], advantage: Float[Array, "..."], clip: float
) -> Float[Array, "..."]:
    """min(ρ A, clip(ρ, 1 ± clip) A), to be made large."""
    ratio = jnp.exp(log_ratio)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def clipped_value_loss(
    value: Float[Array, "..."],
    old: Float[Array, "..."],
    target: Float[Array, "..."],
    clip: float,
    delta: float,
) -> Float[Array, "..."]:
    """The worse of the value and the value within `clip` of the old one, by Huber's loss."""
    near = old + jnp.clip(value - old, -clip, clip)
    return jnp.maximum(huber(value - target, delta), huber(near - target, delta))


def policy_loss(
    policy: Gaussian, rows: Rows, teams: Int[Array, " N"], clip: float, entropy: float
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The loss of the actors, and the distance KL(π_old, π) they have come.

    Args:
        policy: the actors.
        rows: to learn from.
        teams: of each agent.
        clip: ε.
        entropy: c.
    """
    now = policy.log_density(rows.seen, rows.action, teams, rows.present)
    log_ratio = now - rows.log_density
    gain = masked_mean(clipped_objective(log_ratio, rows.advantage, clip), rows.present)
    # Schulman's estimate, which is never negative.
    apart = masked_mean(jnp.exp(log_ratio) - 1 - log_ratio, rows.present)
    return -gain - entropy * policy.entropy(), apart


def value_loss(
    critic: CentralValue, rows: Rows, teams: Int[Array, " N"], clip: float, delta: float
) -> Float[Array, ""]:
    """The loss of the critic."""
    value = critic(rows.seen, rows.present, teams)
    return masked_mean(
        clipped_value_loss(value, rows.value, rows.target, clip, delta), rows.concerned
    )


def normalised_advantage(
    advantage: Float[Array, "..."], mask: Bool[Array, "..."]
) -> Float[Array, "..."]:
    """To mean zero and variance one over what is masked in."""
    apart = advantage - masked_mean(advantage, mask)
    return apart * jax.lax.rsqrt(masked_mean(apart**2, mask) + 1e-12)
