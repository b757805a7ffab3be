"""From what a network says to the factor that is bid.

Every head is a frozen, hashable rule ``head(action, level, start) -> factor`` on arrays
``[..., N]``: `action` is the network's answer, `level` the factor bid last and `start` the one that
just spent the budget on the day before, all factors in currency per value unit.
"""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# A factor stays within this many times the start, up or down.
WIDEST = 20.0


class Head(Protocol):
    """A rule from actions to factors."""

    def __call__(
        self,
        action: Float[Array, "... N A"],
        level: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The factors to bid, currency per value unit."""
        ...


@dataclass(frozen=True)
class Multiple:
    """``start · span^a`` with a in [-1, 1]: the action is the level.

    Attributes:
        span: the most a factor may be over the start, and the least.
    """

    span: float = 4.0

    def __call__(
        self,
        action: Float[Array, "... N A"],
        level: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The start times a power of the span."""
        return start * self.span ** jnp.clip(action[..., 0], -1, 1)


@dataclass(frozen=True)
class ScaledSigmoid:
    """``cap · sigmoid(a)`` with the cap a multiple of the start; ``a = 0`` bids the start.

    Attributes:
        cap: the highest factor over the start, above 1.
    """

    cap: float = 4.0

    def __call__(
        self,
        action: Float[Array, "... N A"],
        level: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The cap times a sigmoid, shifted so that silence is the start."""
        shift = jnp.log(1 / (self.cap - 1))
        return start * self.cap * jax.nn.sigmoid(action[..., 0] + shift)


@dataclass(frozen=True)
class Increment:
    """``level · exp(a)``, kept within a range of the start: the action is a change.

    Attributes:
        largest: bound of |a| in a step.
    """

    largest: float = 0.2

    def __call__(
        self,
        action: Float[Array, "... N A"],
        level: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The last factor, moved."""
        moved = level * jnp.exp(jnp.clip(action[..., 0], -self.largest, self.largest))
        return jnp.clip(moved, start / WIDEST, start * WIDEST)
