"""Numba, as this project uses it: on loops over impressions that XLA cannot fuse.

Numba keeps what it compiled beside a function's file, and takes it for new when another file
changes: one whose function is called or inlined, or whose constant is frozen into the code. So what
is kept here lies in a folder named by the text of all of them.
"""

import hashlib
import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numba
import numba.core.config
import numpy as np
import numpy.typing as npt

# Read from the environment when numba is imported.
CONFIG: Any = numba.core.config
PACKAGE = Path(__file__).resolve().parent
# What the package's own modules are taken from, in files that compile something.
IMPORT = re.compile(rb"^from (equibid[.\w]*) import", re.MULTILINE)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's compiler, kept on disk between runs and free of the interpreter lock."""
    before = CONFIG.CACHE_DIR
    # A function learns where it is kept as it is declared.
    CONFIG.CACHE_DIR = str(kept_in(before))
    try:
        declare = numba.njit(nogil=True, cache=True, error_model="numpy")
        return cast(Callable[..., Any], declare(function))
    finally:
        CONFIG.CACHE_DIR = before


def kept_in(asked: str) -> Path:
    """Where compiled code is kept: under NUMBA_CACHE_DIR if that is set, else beside the package.

    Where nobody may write beside the package it is the user's folder for caches.

    Args:
        asked: the variable; empty if it is not set.
    """
    beside = PACKAGE / "__pycache__"
    if not asked and not os.access(beside if beside.exists() else PACKAGE, os.W_OK):
        own = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        beside = Path(own) / "equibid"
    return Path(asked or beside) / f"numba-{digest_of(PACKAGE)}"


@lru_cache(maxsize=1)
def digest_of(package: Path) -> str:
    """Of the files of a package that compile something, and of those that they import from it."""
    texts = {path: path.read_bytes() for path in package.rglob("*.py")}
    compiling = {path for path, text in texts.items() if b"equibid.compiled import" in text}
    named = {name.decode() for path in compiling for name in IMPORT.findall(texts[path])}
    modules = (package.joinpath(*name.split(".")[1:]) for name in named)
    places = {
        place for path in modules for place in (path.with_suffix(".py"), path / "__init__.py")
    }
    state = hashlib.blake2b(digest_size=8)
    for path in sorted(compiling | (places & texts.keys())):
        state.update(path.relative_to(package).as_posix().encode() + b"\0" + texts[path] + b"\0")
    return state.hexdigest()


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
