"""What a result depends on: the code it ran, and the arrays and settings it was given.

Code of this package counts as a whole, without what only shows results. Code of somebody else
counts module by module: the one of a class, and what that one takes from other modules that are
no installed packages.
"""

import hashlib
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

PACKAGE = Path(__file__).resolve().parent
SHOWING = ("cli", "reports")
LIBRARY = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]
INSTALLED = {"site-packages", "dist-packages"}
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@lru_cache(maxsize=1)
def package_digest() -> str:
    """Of the sources of this package that decide numbers."""
    state = hashlib.blake2b(digest_size=16)
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        if inside.parts[0] not in SHOWING:
            state.update(inside.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()


def code_digest(*used: Any, package: bool = True) -> str:
    """Of the package, and of the modules of classes or functions that are not the package's own.

    A module counts by its file's name and text, so that one run as a script is the one that others
    import. Without the package it is empty where there are none.
    """
    state = hashlib.blake2b(package_digest().encode() if package else b"", digest_size=16)
    files: set[Path] = set()
    for one in used:
        for cls in one.__mro__ if isinstance(one, type) else (one,):
            _collect(sys.modules.get(getattr(cls, "__module__", "")), files)
    for name, text in sorted((path.name, path.read_bytes()) for path in files):
        state.update(name.encode() + b"\0" + text + b"\0")
    return state.hexdigest() if package or files else ""


def _collect(module: ModuleType | None, found: set[Path]) -> None:
    """The file of a module of somebody's own and those of what it takes from others."""
    path = own_source(module)
    if module is None or path is None or path in found:
        return
    found.add(path)
    for value in list(vars(module).values()):
        if isinstance(value, ModuleType):
            _collect(value, found)
        elif isinstance(value, type | FunctionType):
            _collect(sys.modules.get(value.__module__), found)


def own_source(module: ModuleType | None) -> Path | None:
    """The file of a module that is neither this package's nor an installed one's."""
    return _own(getattr(module, "__file__", None) or "")


@cache
def _own(name: str) -> Path | None:
    path = Path(name).resolve()
    inside = any(path.is_relative_to(place) for place in (PACKAGE, *LIBRARY))
    installed = not INSTALLED.isdisjoint(path.parts)
    return None if inside or installed or path.suffix != ".py" or not path.exists() else path


def digest_of(*trees: Any) -> str:
    """Of arrays, settings and classes: two that differ in any of them differ here.

    The code of classes counts too, see `code_digest`.
    """
    state = hashlib.blake2b(digest_size=16)
    for tree in trees:
        leaves, structure = jax.tree.flatten(tree)
        state.update(ADDRESS.sub("", str(structure)).encode() + b"\0")
        for leaf in leaves:
            state.update(_bytes_of(leaf))
        state.update(code_digest(*_classes(tree)).encode())
    return state.hexdigest()


def _bytes_of(leaf: Any) -> bytes:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    if not isinstance(leaf, np.ndarray | np.generic | jax.Array | bool | int | float | complex):
        return ADDRESS.sub("", repr(leaf)).encode() + b"\0"
    array = np.ascontiguousarray(leaf)
    return f"{array.dtype}{array.shape}".encode() + array.tobytes()


def _classes(tree: Any, depth: int = 6) -> Iterator[type | FunctionType]:
    """The classes of an object and of what it holds, and the functions among that."""
    if isinstance(tree, type | FunctionType):
        yield tree
        return
    yield type(tree)
    held: Any = tree if isinstance(tree, list | tuple) else ()
    if isinstance(tree, dict):
        held = tree.values()
    elif hasattr(tree, "__dict__"):
        held = vars(tree).values()
    plain = (np.ndarray, jax.Array, str, int, float, ModuleType)
    for value in held if depth else ():
        if not isinstance(value, plain):
            yield from _classes(value, depth - 1)
