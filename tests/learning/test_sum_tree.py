"""The sum tree against a plain list."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.errors import InputError
from equibid.learning.replay import sum_tree as trees

M = 11
put = jax.jit(trees.put)
find = jax.jit(trees.find)


def filled(priority: list[float]) -> trees.SumTree:
    return put(trees.sum_tree(len(priority)), jnp.arange(len(priority)), jnp.float32(priority))


@pytest.mark.parametrize(("capacity", "size"), [(1, 1), (2, 2), (3, 4), (8, 8), (9, 16)])
def test_size_is_the_next_power_of_two(capacity: int, size: int) -> None:
    assert trees.sum_tree(capacity).nodes.shape == (2 * size,)


writes = st.lists(
    st.lists(st.tuples(st.integers(0, M - 1), st.floats(0, 1e6, width=32)), min_size=4, max_size=4),
    min_size=1,
    max_size=6,
)


@given(writes)
def test_sums_stay_sums_and_the_last_write_counts(batches: list[list[tuple[int, float]]]) -> None:
    tree, plain = trees.sum_tree(M), np.zeros(M, np.float32)
    for batch in batches:
        tree = put(tree, jnp.array([i for i, _ in batch]), jnp.float32([p for _, p in batch]))
        for i, p in batch:
            plain[i] = p
    nodes = np.asarray(tree.nodes)
    np.testing.assert_array_equal(trees.priorities(tree, jnp.arange(M)), plain)
    np.testing.assert_array_equal(nodes[1:16], nodes[2::2] + nodes[3::2])
    assert float(trees.total(tree)) == pytest.approx(plain.sum(dtype=np.float64), rel=1e-6)


@given(st.lists(st.integers(0, 5), min_size=M, max_size=M).filter(any))
def test_every_mass_finds_its_leaf(priority: list[int]) -> None:
    mass = np.arange(0, sum(priority), 0.5)
    mass = np.pad(mass, (0, 5 * 2 * M - len(mass)))
    wanted = np.searchsorted(np.cumsum(priority), mass, side="right")
    np.testing.assert_array_equal(find(filled(list(map(float, priority))), mass), wanted)


def test_never_finds_nothing() -> None:
    tree = filled([0, 1, 0, 2, 0, 0, 0])
    # A mass beyond the total, as rounding may make one, goes to the last leaf that has any.
    np.testing.assert_array_equal(find(tree, jnp.float32([0, 1, 2.9999, 3, 9])), [1, 3, 3, 3, 3])


def test_one_leaf() -> None:
    tree = filled([3.0])
    assert float(trees.total(tree)) == 3
    assert find(tree, jnp.float32([1.5])).tolist() == [0]


def test_frequencies_are_priorities() -> None:
    priority = np.random.default_rng(0).uniform(0.05, 1, 16)
    draws = 40_000
    uniforms = jax.random.uniform(jax.random.key(0), (draws,), jnp.float32)
    tree = filled(priority.tolist())
    times = np.bincount(find(tree, uniforms * trees.total(tree)), minlength=16)
    chance = priority / priority.sum()
    sigma = np.sqrt(draws * chance * (1 - chance))
    assert np.all(np.abs(times - draws * chance) < 3 * sigma)


def test_no_drift() -> None:
    """Large priorities come and go; what is left is summed as if they had never been."""
    size = 64

    @partial(jax.jit, static_argnames="times")
    def worn(tree: trees.SumTree, times: int) -> trees.SumTree:
        def once(i: jax.Array, tree: trees.SumTree) -> trees.SumTree:
            at = jax.random.randint(jax.random.fold_in(jax.random.key(0), i), (8,), 0, size)
            tree = trees.put(tree, at, jnp.full(8, 1e7, jnp.float32))
            return trees.put(tree, at, jnp.full(8, 1e-3, jnp.float32))

        return jax.lax.fori_loop(0, times, once, tree)

    tree = worn(filled([1e-3] * size), 2000)
    assert float(trees.total(tree)) == pytest.approx(size * 1e-3, rel=1e-6)


def test_says_what_is_wrong() -> None:
    with pytest.raises(InputError, match="capacity"):
        trees.sum_tree(0)
