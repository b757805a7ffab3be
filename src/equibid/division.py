"""Division that is rounded once."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def divided(x: Float[Array, "..."], by: Float[Array, "..."] | float) -> Float[Array, "..."]:
    """``x / by`` as IEEE 754 has it, in compiled programs too.

    XLA turns a division by what is broadcast into a product with its reciprocal, which is rounded
    twice: 18 becomes a hair less, and a bid that is rounded down becomes 17. A plain program, and
    the other engine of this package, divide.
    """
    return x / jax.lax.optimization_barrier(jnp.broadcast_to(jnp.asarray(by, x.dtype), x.shape))
