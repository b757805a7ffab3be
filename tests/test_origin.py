"""Two results have one origin only if code, settings and arrays are the same."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import pytest

from equibid.bidders.bidder import FactorBidder, pytree
from equibid.bidders.fixed import Fixed
from equibid.origin import code_digest, digest_of, own_source, package_digest

OWN = """
from dataclasses import dataclass
from own_helper import DOUBLE
from equibid.bidders.bidder import FactorBidder, pytree

@pytree()
class Mine(FactorBidder):
    level: object

    def factor(self, state, observation, key):
        return {factor} * self.level
"""
HELPER = """
def DOUBLE(x):
    return {times} * x
"""


def loaded(folder: Path, factor: int, times: int) -> ModuleType:
    """A module of somebody's own, as a fresh process would load it."""
    (folder / "own_bidder.py").write_text(OWN.format(factor=factor))
    (folder / "own_helper.py").write_text(HELPER.format(times=times))
    for name in ("own_bidder", "own_helper"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module("own_bidder")


def test_edited_code_of_ones_own_is_another_bidder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    marks = [
        digest_of(loaded(tmp_path, factor, times).Mine(jnp.ones(2)))
        for factor, times in ((1, 2), (1, 2), (3, 2), (1, 4))
    ]
    assert marks[0] == marks[1]
    assert len(set(marks[1:])) == 3


@pytree("name")
class Named(FactorBidder):
    """A bidder with a setting."""

    level: jax.Array
    name: str = ""


def test_arrays_settings_and_classes_count() -> None:
    same = [digest_of(Named(jnp.ones(2), "a")) for _ in range(2)]
    others = [
        digest_of(Named(jnp.ones(2), "b")),
        digest_of(Named(jnp.ones(2, jnp.float32), "a")),
        digest_of(Named(jnp.asarray([1.0, 1 + 2e-16 * 2]), "a")),
        digest_of(Fixed(jnp.ones(2))),
        digest_of(Named(jnp.ones(2), "a"), Named(jnp.ones(2), "a")),
    ]
    assert same[0] == same[1] and len({same[0], *others}) == 6


def test_the_packages_own_code_counts_as_a_whole() -> None:
    assert own_source(sys.modules["equibid.bidders.fixed"]) is None
    assert own_source(sys.modules["jax"]) is None and own_source(sys.modules["pathlib"]) is None
    assert code_digest(Fixed) == code_digest() and package_digest() != code_digest()
    assert code_digest(Fixed, package=False) == ""
