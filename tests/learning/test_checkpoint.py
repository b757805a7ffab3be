"""Files of a run are there whole or not at all, and only for the run they are of."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.errors import InputError
from equibid.learning.training.checkpoint import load, save, verify, versions

TREE = {
    "weights": jnp.asarray([[1.5, -2.0], [0.25, 3.0]], jnp.float32),
    "best": np.asarray([1e300, -0.0, np.nan]),
    "key": jax.random.key_data(jax.random.key(5)),
    "steps": jnp.asarray(7),
    "none": None,
}


def like(_: dict[str, Any]) -> Any:
    return jax.tree.map(
        lambda x: (
            np.zeros_like(x)
            if isinstance(x, np.ndarray)
            else jax.ShapeDtypeStruct(x.shape, x.dtype)
        ),
        TREE,
    )


def test_what_is_read_is_what_was_written_to_the_bit(tmp_path: Path) -> None:
    path = save(tmp_path / "a.eqx", {"step": 7, "bound": float("inf")}, TREE)
    header, tree = load(path, like)
    assert header == {"step": 7, "bound": float("inf"), "versions": versions()}
    assert jax.tree.structure(tree) == jax.tree.structure(TREE)
    for there, here in zip(jax.tree.leaves(tree), jax.tree.leaves(TREE), strict=True):
        assert there.dtype == here.dtype
        assert isinstance(there, np.ndarray) == isinstance(here, np.ndarray)
        assert np.asarray(there).tobytes() == np.asarray(here).tobytes()
    again = save(tmp_path / "b.eqx", {"bound": float("inf"), "step": 7}, tree)
    assert again.read_bytes() == path.read_bytes()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.eqx", {}, TREE)
    whole = path.read_bytes()
    damaged = [whole[:size] for size in range(0, len(whole), 37)] + [whole + b"x", b"\xff\n"]
    for place in range(0, len(whole), 31):
        flipped = bytearray(whole)
        flipped[place] ^= 0x40
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.eqx: it is damaged"):
            load(path, like)
    path.unlink()
    with pytest.raises(InputError, match="not there"):
        load(path, like)


def test_a_file_of_other_shapes_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.eqx", {}, jnp.zeros(3))
    for other in (jnp.zeros(4), jnp.zeros(3, jnp.float32), (jnp.zeros(3), jnp.zeros(1)), None):
        with pytest.raises(InputError, match="of other settings"):
            load(path, lambda _, other=other: other)


def test_another_run_is_named_by_where_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "a.eqx"
    verify(path, {"rate": 0.1, "seeds": [0]}, {"rate": 0.1, "seeds": [0]})
    with pytest.raises(InputError, match=r"a run with rate 0\.1, not 0\.2; .* --out") as told:
        verify(path, {"rate": 0.1, "seeds": [0]}, {"rate": 0.2, "seeds": [1]})
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="with seeds None, not 1"):
        verify(path, {}, {"seeds": 1})
