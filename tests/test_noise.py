"""Draws with an address: uniform, independent, and the same wherever they are computed."""

import jax
import jax.numpy as jnp
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.auctions.kernel import stir, unit
from equibid.noise import Purpose, seed_of, uniform

COUNT = 100_000
SEED = seed_of(jax.random.key(7))
ROWS = jnp.arange(COUNT)
# Five standard errors: a good generator fails a bound once in two million.
CORRELATION = 5 / COUNT**0.5
JITTED = jax.jit(uniform, static_argnums=1)
MAPPED = jax.jit(jax.vmap(uniform, in_axes=(None, None, 0, None)), static_argnums=1)


def draws(purpose: Purpose, lane: int = 0, seed: jax.Array = SEED) -> np.ndarray:
    """One draw an impression."""
    return np.asarray(uniform(seed, purpose, ROWS, jnp.asarray(lane)))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("lane", [-1, 0, 47])
def test_draws_are_uniform(purpose: Purpose, lane: int) -> None:
    drawn = draws(purpose, lane)
    assert drawn.dtype == np.float64
    assert drawn.min() >= 0 and drawn.max() < 1
    assert abs(drawn.mean() - 1 / 2) < 5 * (1 / 12 / COUNT) ** 0.5
    assert abs(drawn.var() - 1 / 12) < 5 * (1 / 180 / COUNT) ** 0.5
    # Chi-squared of 100 cells: mean 99, standard deviation √198.
    cells = np.bincount((drawn * 100).astype(int), minlength=100)
    expected = COUNT / 100
    assert abs(((cells - expected) ** 2 / expected).sum() - 99) < 5 * 198**0.5
    assert len(np.unique(drawn)) == COUNT


@numba.njit
def fused_uniform(seed, purpose, impressions, lanes):
    """The fused kernel's steps, in the order in which it takes them."""
    table = np.empty((len(impressions), len(lanes)))
    stream = stir(seed, np.uint64(purpose) - np.uint64(1))
    for r in range(len(impressions)):
        row = stir(stream, np.uint64(impressions[r]))
        for c in range(len(lanes)):
            table[r, c] = unit(stir(row, lanes[c]))
    return table


def test_neighbouring_impressions_are_uncorrelated() -> None:
    drawn = draws(Purpose.LUCK)
    for lag in (1, 2, 48):
        assert abs(correlation(drawn[:-lag], drawn[lag:])) < CORRELATION


def test_lanes_are_uncorrelated() -> None:
    first = draws(Purpose.LUCK, 0)
    for lane in (-1, 1, 2, 999):
        assert abs(correlation(first, draws(Purpose.LUCK, lane))) < CORRELATION


def test_rows_and_lanes_do_not_trade_places() -> None:
    """The draw at (3, 5) is not the draw at (5, 3)."""
    square = np.asarray(uniform(SEED, Purpose.LUCK, ROWS[:300, None], ROWS[None, :300]))
    assert len(np.unique(square)) == square.size
    above = np.triu_indices(300, 1)
    assert abs(correlation(square[above], square.T[above])) < 5 / len(above[0]) ** 0.5


def test_purposes_are_independent() -> None:
    for one in Purpose:
        for other in Purpose:
            if one < other:
                assert abs(correlation(draws(one), draws(other))) < CORRELATION


def test_keys_differ() -> None:
    """Neighbouring keys, and keys apart in the high bits only, give unrelated draws."""
    drawn = draws(Purpose.CONVERSION)
    neighbour = draws(Purpose.CONVERSION, seed=SEED + jnp.uint64(1))
    high = draws(Purpose.CONVERSION, seed=SEED ^ jnp.uint64(1 << 63))
    for other in (neighbour, high, draws(Purpose.CONVERSION, seed=seed_of(jax.random.key(8)))):
        assert (drawn != other).all()
        assert abs(correlation(drawn, other)) < CORRELATION


def test_seed_holds_all_bits_of_the_key() -> None:
    data = jnp.array([0x01234567, 0x89ABCDEF], jnp.uint32)
    assert int(seed_of(jax.random.wrap_key_data(data))) == 0x0123456789ABCDEF


@given(
    seed=st.integers(0, 2**64 - 1),
    purpose=st.sampled_from(Purpose),
    impressions=st.lists(st.integers(0, 2**40), min_size=4, max_size=4),
    lanes=st.lists(st.integers(-1, 2**20), min_size=3, max_size=3),
)
def test_an_address_has_the_same_bits_everywhere(
    seed: int, purpose: Purpose, impressions: list[int], lanes: list[int]
) -> None:
    """Broadcast, alone, under jit, under vmap, and in the fused kernel's own form."""
    start, rows, columns = jnp.uint64(seed), jnp.array(impressions), jnp.array(lanes)
    table = np.asarray(uniform(start, purpose, rows[:, None], columns))
    jitted = JITTED(start, purpose, rows[:, None], columns)
    mapped = MAPPED(start, purpose, rows, columns)
    kernel = fused_uniform(np.uint64(seed), int(purpose), np.array(impressions), np.array(lanes))
    np.testing.assert_array_equal(jitted, table)
    np.testing.assert_array_equal(mapped, table)
    np.testing.assert_array_equal(kernel, table)
    assert float(uniform(start, purpose, rows[3], columns[2])) == table[3, 2]
