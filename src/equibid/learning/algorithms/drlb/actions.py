"""What an action of DRLB does to a factor."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.bidders.bidder import pytree
from equibid.envs.heads import WIDEST
from equibid.learning.algorithms.drlb.config import SEVEN


@pytree("rates")
class Regulation:
    """``λ · (1 + β)``, so the factor ``1 / λ`` over ``1 + β``, of the action of highest value.

    Attributes:
        rates: β of each action, ascending.
    """

    rates: tuple[float, ...] = SEVEN

    def __call__(
        self,
        action: Float[Array, "... N A"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The last factor, regulated; within `WIDEST` of the start."""
        return self.regulated(jnp.argmax(action, axis=-1), last_factor, start)

    def regulated(
        self,
        chosen: Int[Array, "... N"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The factor after actions known by their number."""
        moved = last_factor / (1 + jnp.asarray(self.rates)[chosen])
        return jnp.clip(moved, start / WIDEST, start * WIDEST)
