"""Numba, as this project uses it: on loops over impressions that XLA cannot fuse."""

import os
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's compiler, kept on disk between runs and free of the interpreter lock."""
    return cast(
        Callable[..., Any], numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    )


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `compiled`, pasted into its caller.

    Only there does the compiler see that the arrays of a loop are distinct, and vectorises it.
    """
    return cast(Callable[..., Any], numba.njit(nogil=True, inline="always")(function))


def read_only(x: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
    """The same numbers as a contiguous array that is not to be written.

    The compiler makes a function anew for each kind of array, and tells arrays of JAX, which are
    not to be written, from those of NumPy, which may be. All of one kind are compiled for once.
    """
    still = np.asarray(x, dtype, order="C").view()
    still.flags.writeable = False
    return still


def cores() -> int:
    """Cores this process may use, as far as the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
