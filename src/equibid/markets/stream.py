"""Random numbers for generated markets.

They are drawn with NumPy: nothing has to be compiled for a draw that happens once, and the bits do
not depend on the accelerator. What chance does to a market later comes from `equibid.noise`.
"""

from enum import IntEnum

import jax
import numpy as np


class Part(IntEnum):
    """Parts of a market; each has random numbers of its own."""

    TRAITS = 0
    SAMPLE = 1
    DAY = 2
    OUTSIDE = 3


def stream(key: jax.Array, part: Part, day: int = 0) -> np.random.Generator:
    """The random numbers of a part of the market of `key`, independent of all others."""
    words = np.asarray(jax.random.key_data(key)).ravel().tolist()
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([*words, part, day])))
