"""Numba, as this project uses it: on loops over impressions that XLA cannot fuse."""

import os
from collections.abc import Callable
from typing import Any, cast

import numba


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


def cores() -> int:
    """Cores this process may use, as far as the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
