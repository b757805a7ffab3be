"""Policies that climb weights of their actions, each with a baseline of its returns.

    advantages: returns to go less a baseline that sees what the policy sees
    climbed: epochs on Σ min(ρ w, clip(ρ, 1 ± ε) w) with ρ the ratio of densities, w a weight

where w is the advantage, this is proximal policy optimisation (Schulman et al. 2017); a policy may
climb the sum of several parts, in which its actions have weights of other kinds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from equibid.learning.config import Count, HeadConfig, NotNegative, Positive, Share
from equibid.learning.losses.actor_critic import Moves, adam, masked_mean, moved
from equibid.learning.losses.ppo import Gaussian, clipped_objective
from equibid.learning.losses.targets import gae, huber
from equibid.learning.networks.communication import actor
from equibid.learning.networks.mlp import MLP, mlp
from equibid.learning.networks.normalise import Moments, moments, normal, observe, restored

# Error from which a baseline's loss is linear, in standard deviations of returns.
HUBER = 10.0


@dataclass(frozen=True)
class ClimbConfig(HeadConfig):
    """How a policy and its baseline learn."""

    gamma: Share = 1.0
    """Discount a step of the game."""
    gae_lambda: Share = 0.9
    """λ of generalised advantage estimation."""
    clip_eps: Positive = 0.2
    """ε within which ratios of probabilities count."""
    critic_learning_rate: Positive = 3e-3
    """Learning rate of the baselines."""
    critic_epochs: Count = 4
    """Times that the baselines learn from the periods of a step."""
    max_grad_norm: Positive = 10.0
    """Norm to which gradients are clipped."""
    head: Moves = "multiple"
    action_scale: Positive = 0.4
    init_std: Positive = 0.5
    """Standard deviation of actions before training."""
    min_std: NotNegative = 0.1
    """Standard deviation below which that of actions does not fall."""


class Critic(NamedTuple):
    """A baseline: what an advertiser still gets, by what it sees itself.

    Attributes:
        network: from what is seen to the return to come less the credit, normalised.
        opt_state: of its optimiser.
        moments: of what it is fitted to.
    """

    network: MLP
    opt_state: optax.OptState
    moments: Moments


class Side(NamedTuple):
    """A policy with what it learns by.

    Attributes:
        policy: drawn from.
        opt_state: of its optimiser.
        critic: of its returns.
    """

    policy: Gaussian
    opt_state: optax.OptState
    critic: Critic


class Played(NamedTuple):
    """What a policy did in E periods, of N advertisers, or of the one that deviated.

    Attributes:
        seen: before each step, and after the last.
        present: who acted; nobody after the last step.
        action: that was drawn.
        reward: over what the advertiser's factor of the day before buys in a period.
        credit: about what is still to come, in the same unit.
    """

    seen: Float[Array, "E T+1 N F"]
    present: Bool[Array, "E T+1 N"]
    action: Float[Array, "E T N 1"]
    reward: Float[Array, "E T N"]
    credit: Float[Array, "E T+1 N"]


def of_one(x: Float[Array, "E T N *A"], who: Int[Array, " E"]) -> Float[Array, "E T 1 *A"]:
    """What is one advertiser's in each episode."""
    return jnp.take_along_axis(x, who.reshape(-1, *(1,) * (x.ndim - 1)), axis=2)


def new_policy(config: ClimbConfig, features: int, agents: int, key: jax.Array) -> Gaussian:
    """One untrained network for all, which keeps the factors of the day before."""
    networks = actor(key, features, 1, agents, hidden=config.hidden_sizes)
    return Gaussian(networks, jnp.log(jnp.full((1, 1), config.init_std, jnp.float32)))


def new_side(config: ClimbConfig, policy: Gaussian, rate: float, key: jax.Array) -> Side:
    """A policy with an untrained baseline.

    Args:
        config: of both.
        policy: to learn.
        rate: of its learning.
        key: of the baseline's weights.
    """
    features = policy.actor.act.network.layers[0].weight.shape[-2]
    network = mlp(key, (features, *config.hidden_sizes, 1), last_scale=0.1)
    memory = optimiser(config, config.critic_learning_rate).init(eqx.filter(network, eqx.is_array))
    of_policy = optimiser(config, rate).init(eqx.filter(policy, eqx.is_array))
    return Side(policy, of_policy, Critic(network, memory, moments()))


def advantages(
    config: ClimbConfig, critic: Critic, played: Played
) -> tuple[Float[Array, "E T N"], Critic]:
    """Returns to go less the baseline, and a critic that is nearer to them."""
    credit = played.credit
    said = restored(critic.moments, critic.network(played.seen)[..., 0])
    value = jnp.where(played.present, credit + said, 0.0)
    advantage, target = gae(played.reward, value, config.gamma, config.gae_lambda)
    return advantage, _fitted(config, critic, played, target - credit[:, :-1])


def climbed(
    config: ClimbConfig,
    side: Side,
    rate: float,
    parts: Sequence[tuple[Played, Float[Array, "..."]]],
    epochs: int,
) -> Side:
    """A side whose policy was moved by weights of its actions.

    Args:
        config: of the algorithm.
        side: before.
        rate: of learning.
        parts: what was played, and by what its log densities are multiplied [E, T, N]; all weights
            in one unit, which is divided out.
        epochs: updates on all of it.
    """
    alone = jnp.zeros(1, jnp.int32)

    def density(policy: Gaussian, played: Played) -> Array:
        return policy.log_density(played.seen[:, :-1], played.action, alone)

    before = [density(side.policy, played) for played, _ in parts]
    acted = [played.present[:, :-1] for played, _ in parts]
    count = jnp.maximum(sum(mask.sum() for mask in acted), 1)
    squares = [
        jnp.where(mask, weight**2, 0).sum() for mask, (_, weight) in zip(acted, parts, strict=True)
    ]
    size = jnp.sqrt(sum(squares) / count) * count

    def loss(policy: Gaussian) -> Array:
        lost = [
            surrogate(density(policy, played) - old, weight, mask, config.clip_eps)
            for (played, weight), old, mask in zip(parts, before, acted, strict=True)
        ]
        return sum(lost, jnp.zeros(())) / jnp.where(size > 0, size, 1)

    def update(
        held: tuple[Gaussian, optax.OptState], _: None
    ) -> tuple[tuple[Gaussian, optax.OptState], None]:
        policy, memory = held
        policy, memory = moved(optimiser(config, rate), policy, jax.grad(loss)(policy), memory)
        least = jnp.log(jnp.float32(max(config.min_std, 1e-6)))
        kept = eqx.tree_at(lambda x: x.log_std, policy, jnp.maximum(policy.log_std, least))
        return (kept, memory), None

    (policy, memory), _ = jax.lax.scan(update, (side.policy, side.opt_state), length=epochs)
    return side._replace(policy=policy, opt_state=memory)


def surrogate(
    log_ratio: Float[Array, "..."],
    weight: Float[Array, "..."],
    counts: Bool[Array, "..."],
    clip: float,
) -> Float[Array, ""]:
    """Minus the sum of clipped ratios of densities times weights, to be made small.

    Its gradient where nothing has moved yet is minus that of Σ log π · weight.

    Args:
        log_ratio: of the densities of actions now and when they were drawn.
        weight: of each.
        counts: which actions were bid.
        clip: beyond which a ratio has no gradient.
    """
    gain = clipped_objective(log_ratio, jnp.broadcast_to(weight, log_ratio.shape), clip)
    return -jnp.where(counts, gain, 0).sum()


def _fitted(
    config: ClimbConfig, critic: Critic, played: Played, target: Float[Array, "E T N"]
) -> Critic:
    """A critic nearer to what came less the credit."""
    seen, acted = played.seen[:, :-1], played.present[:, :-1]
    now = observe(critic.moments, target, acted)
    wanted = normal(now, target)

    def loss(network: MLP) -> Array:
        return masked_mean(huber(network(seen)[..., 0] - wanted, HUBER), acted)

    return Critic(*descended(config, loss, (critic.network, critic.opt_state)), now)


def descended(
    config: ClimbConfig, loss: Callable[[MLP], Array], start: tuple[MLP, optax.OptState]
) -> tuple[MLP, optax.OptState]:
    """A baseline's network after its epochs."""
    rule = optimiser(config, config.critic_learning_rate)

    def update(
        held: tuple[MLP, optax.OptState], _: None
    ) -> tuple[tuple[MLP, optax.OptState], None]:
        network, memory = held
        return moved(rule, network, jax.grad(loss)(network), memory), None

    held, _ = jax.lax.scan(update, start, length=config.critic_epochs)
    return held


def optimiser(config: ClimbConfig, rate: float) -> optax.GradientTransformation:
    """Adam on clipped gradients."""
    return adam(rate, config.max_grad_norm, 1e-5)
