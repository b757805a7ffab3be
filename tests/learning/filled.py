"""Networks with weights at random, made without compiling what makes them."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

T = TypeVar("T")


def filled(make: Callable[[], T], seed: int = 0) -> T:
    """A network of the shapes `make` gives, each number from a normal distribution."""
    random = np.random.default_rng(seed)
    return jax.tree.map(
        lambda x: jnp.asarray((0.5 * random.normal(size=x.shape)).astype(x.dtype)),
        jax.eval_shape(make),
    )
