"""Deep Q-learning over a short list of actions: choosing, exploring, and the loss.

A network gives Q(o, a) for every action at once, [..., N, A]. Two of them make the double-Q error

    δ = r + γ Q'(o', argmax_a Q(o', a)) - Q(o, a)

of van Hasselt, Guez and Silver 2016, Q' a slowly moving copy of Q (Mnih et al. 2015).
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from equibid.bidders.bidder import pytree
from equibid.learning.losses.targets import double_q, huber, td
from equibid.learning.networks.mlp import MLP, mlp

# Gain of the last layer.
CALM = 0.1
# From what agents see [..., N, F] to the values of their actions [..., N, A].
QNetwork = Callable[[Float[Array, "... N F"]], Float[Array, "... N A"]]


class Levels(eqx.Module):
    """Q of levels in their order, such as multiples of a bid.

    Each level has an output of its own; smoothed, Q is their mean with those of its neighbours,
    weighted by a normal density over so many levels: what one level has earned is told of those
    next to it, and the best of many noisy values is no lucky one.

    Attributes:
        network: to an output for each level.
        smooth: standard deviation of the density, in levels; 0 is a plain deep Q-network.
    """

    network: MLP
    smooth: float = eqx.field(static=True)

    def __call__(self, seen: Float[Array, "... N F"]) -> Float[Array, "... N A"]:
        """Values of all levels."""
        said = self.network(seen)
        if self.smooth == 0:
            return said
        number = np.arange(said.shape[-1])
        near = np.exp(-(((number[:, None] - number) / self.smooth) ** 2) / 2)
        near /= near.sum(axis=0)
        return said @ jnp.asarray(near, said.dtype)


def levels(key: jax.Array, features: int, width: int, count: int, smooth: float = 0.0) -> Levels:
    """An untrained network of three ReLU layers that answers next to zero.

    Args:
        key: of the weights.
        features: F.
        width: of the layers.
        count: A.
        smooth: levels over which values are averaged.
    """
    sizes = (features, width, width, width, count)
    return Levels(mlp(key, sizes, last_scale=CALM), smooth)


class Greedy(eqx.Module):
    """A policy: the number of the best action."""

    q: Levels

    def __call__(self, seen: Float[Array, "... N F"]) -> Float[Array, "... N 1"]:
        """Numbers of actions."""
        return jnp.argmax(self.q(seen), axis=-1)[..., None].astype(jnp.float32)


@pytree("levels", "highest")
class Grid:
    """Head of a list of levels: an action is the number of one.

    Attributes:
        levels: A, from 0 to the highest in equal steps.
        highest: multiple of the start.
    """

    levels: int
    highest: float

    def level(self, chosen: Int[Array, "..."] | Float[Array, "..."]) -> Float[Array, "..."]:
        """Multiples of the start."""
        return chosen * (self.highest / (self.levels - 1))

    def __call__(
        self,
        action: Float[Array, "... N A"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The factors, currency per value unit."""
        return start * self.level(action[..., 0])


class Steps(NamedTuple):
    """What a batch of B steps is learned from.

    Attributes:
        seen: before the step.
        chosen: number of the action.
        reward: of the step.
        discount: γ, or zero where nothing follows.
        following: seen after the step.
        weight: of each agent's step in the loss; zero for who is absent.
    """

    seen: Float[Array, "B N F"]
    chosen: Int[Array, "B N"]
    reward: Float[Array, "B N"]
    discount: Float[Array, "B #N"]
    following: Float[Array, "B N F"]
    weight: Float[Array, "B #N"]


def q_values(q: Float[Array, "... A"], chosen: Int[Array, "..."]) -> Float[Array, "..."]:
    """Q(o, a) of the chosen actions."""
    return jnp.take_along_axis(q, chosen[..., None], axis=-1)[..., 0]


def double_q_error(online: QNetwork, target: QNetwork, steps: Steps) -> Float[Array, "B N"]:
    """δ of every step; no gradient flows through what it is compared with.

    Args:
        online: Q, which is learned and chooses.
        target: Q', which tells what the choice is worth.
        steps: the batch.
    """
    after = double_q(online(steps.following), target(steps.following))
    wanted = td(steps.reward, steps.discount, after)
    return jax.lax.stop_gradient(wanted) - q_values(online(steps.seen), steps.chosen)


def double_q_loss(
    online: QNetwork, target: QNetwork, steps: Steps, delta: float = float("inf")
) -> tuple[Float[Array, ""], Float[Array, "B N"]]:
    """Weighted mean of δ² / 2, or of its Huber form.

    Args:
        online: Q.
        target: Q'.
        steps: the batch.
        delta: beyond this error the loss grows linearly.

    Returns:
        The loss, and δ of every step.
    """
    error = double_q_error(online, target, steps)
    weight = jnp.broadcast_to(steps.weight, error.shape)
    cost = jnp.where(weight > 0, weight * huber(error, delta), 0)
    return cost.sum() / jnp.maximum(weight.sum(), 1e-9), error


def epsilon(step: Int[Array, ""] | int, first: float, last: float, steps: int) -> Float[Array, ""]:
    """Share of random actions, on a straight line from `first` to `last` in `steps` steps."""
    done = jnp.clip(jnp.asarray(step, jnp.float32) / max(steps, 1), 0, 1)
    return first + (last - first) * done


def explored(
    key: jax.Array,
    q: Float[Array, "... N A"],
    share: float | Float[Array, ""],
    group: Int[Array, " N"] | None = None,
) -> tuple[Int[Array, "... N"], Bool[Array, "... N"]]:
    """The best action, or with probability `share` any, all alike.

    Args:
        key: of the draws.
        q: values of the actions.
        share: ε.
        group: agents of one number draw the same; None lets each draw for itself.

    Returns:
        The number of the action, and whether it is a random one.
    """
    *ahead, N, A = q.shape
    coin, pick = jax.random.split(key)
    tossed = jax.random.uniform(coin, (*ahead, N), jnp.float32) < share
    any_action = jax.random.randint(pick, (*ahead, N), 0, A)
    if group is not None:
        # All take the draws of their group's first member.
        first = jnp.argmax(group[:, None] == group, axis=1)
        tossed, any_action = tossed[..., first], any_action[..., first]
    return jnp.where(tossed, any_action, jnp.argmax(q, axis=-1)), tossed
