"""Heads by name, for those who say one number from -1 to 1.

handle_named("increment:largest=0.1")
"""

from collections.abc import Callable
from typing import Annotated

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders.bidder import pytree
from equibid.envs.game import GameState, MarkovGame
from equibid.envs.heads import (
    Follows,
    Head,
    Increment,
    Multiple,
    ScaledSigmoid,
    start_now,
)
from equibid.registry import Registry, made
from equibid.settings import Within


@pytree("follows", "largest")
class Handle:
    """A head that is turned by numbers from -1 to 1.

    Attributes:
        rule: the head.
        follows: what its start follows.
        largest: the head's action at 1.
    """

    rule: Head
    follows: Follows
    largest: float

    def action(self, number: Float[Array, "... 1"]) -> Float[Array, "... 1"]:
        """The head's action; numbers beyond -1 and 1 are cut off."""
        return self.largest * jnp.clip(number, -1.0, 1.0)

    def factor(
        self, number: Float[Array, " N"], state: GameState, game: MarkovGame
    ) -> Float[Array, " N"]:
        """The factors to bid in one market, currency per value unit."""
        budget = jnp.asarray(game.campaigns.budget, jnp.float64)
        start = start_now(self.follows, game.start_factor, budget, game.observation(state))
        return self.rule(self.action(number[..., None]), state.last_factor, start)


Positive = Annotated[float, Within(above=0)]
AboveOne = Annotated[float, Within(above=1)]
HANDLES: Registry[Callable[..., Handle]] = Registry("head")


@HANDLES.add("multiple", "The start times span^a.")
def multiple(span: AboveOne = 4.0, follows: Follows = "nothing") -> Handle:
    """A `Multiple`.

    Args:
        span: the most a factor may be over the start, and the least.
        follows: what the start follows: nothing, pace or money.
    """
    return Handle(Multiple(span), follows, 1.0)


@HANDLES.add("paced", "The start times span^a; it follows money left over time left.")
def paced(span: AboveOne = 4.0) -> Handle:
    """A `Multiple` whose start follows the pace.

    Args:
        span: the most a factor may be over the start, and the least.
    """
    return multiple(span, "pace")


@HANDLES.add("increment", "The factor bid last, raised or lowered.")
def increment(largest: Positive = 0.2) -> Handle:
    """An `Increment`.

    Args:
        largest: what an action of 1 adds to the logarithm of the factor.
    """
    return Handle(Increment(largest), "nothing", largest)


@HANDLES.add("sigmoid", "A cap times a sigmoid; 0 bids the start.")
def sigmoid(cap: AboveOne = 4.0, steep: Positive = 4.0, follows: Follows = "nothing") -> Handle:
    """A `ScaledSigmoid`.

    Args:
        cap: the highest factor over the start.
        steep: the sigmoid's argument at an action of 1.
        follows: what the start follows: nothing, pace or money.
    """
    return Handle(ScaledSigmoid(cap), follows, steep)


def handle_named(text: str) -> Handle:
    """The head ``name`` or ``name:setting=value,…``, as ``increment:largest=0.1``.

    Raises:
        InputError: there is no such head or setting, or a setting takes no such value.
    """
    return made(HANDLES, text)
