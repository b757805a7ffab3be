"""From what a network says to the factor that is bid.

Every head is a pytree and a rule ``head(action, last_factor, start) -> factor`` on arrays [..., N],
factors in currency per value unit: `action` is the network's answer, `last_factor` what was bid
last and `start` what silence bids. The start is the factor that was best for the day before; it may
follow the money through the day.
"""

from typing import Literal, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders.bidder import Observation, pytree
from equibid.bidders.pacing_ratio import money_over_time
from equibid.envs.game import GameState, MarkovGame

# What the start follows: nothing, money left over time left as `pacing-ratio` does, or the share of
# the money that is left.
Follows = Literal["nothing", "pace", "money"]

# A factor stays within this many times the start, up or down.
WIDEST = 20.0


class Head(Protocol):
    """A rule from actions to factors."""

    def __call__(
        self,
        action: Float[Array, "... N A"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The factors to bid, currency per value unit."""
        ...


@pytree("span")
class Multiple:
    """``start · span^a`` with a in [-1, 1]: the action is the size.

    Attributes:
        span: the most a factor may be over the start, and the least.
    """

    span: float = 4.0

    def __call__(
        self,
        action: Float[Array, "... N A"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The start times a power of the span."""
        return start * self.span ** jnp.clip(action[..., 0], -1, 1)


@pytree()
class ScaledSigmoid:
    """``cap · sigmoid(a)`` with the cap a multiple of the start; ``a = 0`` bids the start.

    Attributes:
        cap: the highest factor over the start, above 1; of all agents, or of each.
    """

    cap: Float[Array, " N"] | float = 4.0

    def __call__(
        self,
        action: Float[Array, "... N A"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The cap times a sigmoid, shifted so that silence is the start."""
        shift = jnp.log(1 / (self.cap - 1))
        return start * self.cap * jax.nn.sigmoid(action[..., 0] + shift)


@pytree("largest")
class Increment:
    """``last_factor · exp(a)``, kept within a range of the start: the action is a change.

    Attributes:
        largest: bound of |a| in a step.
    """

    largest: float = 0.2

    def __call__(
        self,
        action: Float[Array, "... N A"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The last factor, moved."""
        moved = last_factor * jnp.exp(jnp.clip(action[..., 0], -self.largest, self.largest))
        return jnp.clip(moved, start / WIDEST, start * WIDEST)


def start_now(
    follows: Follows,
    start: Float[Array, " N"],
    budget: Float[Array, " N"],
    observation: Observation,
) -> Float[Array, " N"]:
    """The start at this moment, currency per value unit.

    Args:
        follows: what.
        start: while there is as much money as time, or all of the money.
        budget: of the period, currency.
        observation: of this moment.
    """
    if follows == "pace":
        return start * money_over_time(budget, observation)
    if follows == "money":
        return start * observation.remaining / jnp.where(budget > 0, budget, 1.0)
    return start


def starts_now(
    follows: Follows, start: Float[Array, " N"], game: MarkovGame, states: GameState
) -> Float[Array, "E N"]:
    """The same in each of E markets."""
    budget = jnp.asarray(game.campaigns.budget, jnp.float64)
    return jax.vmap(lambda state: start_now(follows, start, budget, game.observation(state)))(
        states
    )
