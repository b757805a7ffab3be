"""Files of a training run: there whole or not at all.

A file of arrays is a line of JSON, then the leaves of a pytree one after another (as Equinox writes
them), then a digest of all that. The line says whose leaves they are, so that no other run goes on
from them.
"""

import json
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import equinox as eqx

from equibid.errors import InputError, input_error
from equibid.files import atomic
from equibid.kept import TRAILER, append_digest, digest_holds
from equibid.origin import package_digest

LIBRARIES = ("equibid", "jax", "jaxlib", "equinox", "optax", "numpy")


def save(path: Path, header: Mapping[str, Any], tree: Any) -> Path:
    """Write a header, the versions of the libraries, and the leaves of a tree."""
    line = json.dumps({**header, "versions": versions()}, sort_keys=True)
    with atomic(path) as file:
        file.write(line.encode() + b"\n")
        eqx.tree_serialise_leaves(file, tree)
        append_digest(file)
    return path


def load(path: Path, like: Callable[[dict[str, Any]], Any]) -> tuple[dict[str, Any], Any]:
    """Read what `save` wrote.

    Args:
        path: of the file.
        like: from the header to a tree of the same shapes and dtypes; a leaf may be a
            `jax.ShapeDtypeStruct`.

    Raises:
        InputError: there is no such file, it is damaged, or holds another tree.
    """
    try:
        if not digest_holds(path):
            raise input_error(
                path,
                "it is damaged, or of an earlier version; delete it and let the run start anew",
            )
        with path.open("rb") as file:
            header = json.loads(file.readline())
            tree = eqx.tree_deserialise_leaves(file, like(header))
            if len(file.read(TRAILER + 1)) != TRAILER:
                raise ValueError("more leaves than expected")
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not there, damaged, or of other settings") from error
    return header, tree


def verify(path: Path, there: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse a file of another run.

    Args:
        path: of the file.
        there: what the run in the file was asked for.
        asked: what this run is asked for.

    Raises:
        InputError: they differ; names the first setting in which they do.
    """
    for name in sorted({*there, *asked}):
        if there.get(name) != asked.get(name):
            raise InputError(
                f"{path} is of a run with {name} {there.get(name)}, not {asked.get(name)}; name "
                "another folder with --out, or delete this one"
            )


def versions() -> dict[str, str]:
    """Of what the bits of a run depend on beside its settings."""
    return {name: metadata.version(name) for name in LIBRARIES} | {"code": package_digest()}
