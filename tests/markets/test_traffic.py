"""Traffic: shares of the day and whole numbers of impressions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.markets.traffic import (
    HALF_HOURS,
    hour_of_day,
    largest_remainder,
    tick_of,
    ticks_of_day,
    window,
)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=60), st.integers(0, 10**6))
def test_largest_remainder_is_exact_and_within_one(shares: list[float], total: int) -> None:
    share = np.asarray(shares)
    counts = largest_remainder(share, total)
    assert counts.sum() == total
    assert np.abs(counts - share / share.sum() * total).max() < 1


def test_largest_remainder_serves_the_largest_remainder_first() -> None:
    np.testing.assert_array_equal(largest_remainder(np.array([0.5, 0.3, 0.2]), 9), [4, 3, 2])
    np.testing.assert_array_equal(largest_remainder(np.array([1.0, 1.0, 1.0]), 4), [2, 1, 1])


def test_half_hours_are_the_table_and_finer_ticks_refine_it() -> None:
    table = HALF_HOURS / HALF_HOURS.sum()
    np.testing.assert_allclose(hour_of_day(48), table, rtol=1e-12)
    np.testing.assert_allclose(hour_of_day(96).reshape(48, 2).sum(1), table, rtol=1e-12)
    np.testing.assert_allclose(hour_of_day(24), table.reshape(24, 2).sum(1), rtol=1e-12)
    assert hour_of_day(7).sum() == pytest.approx(1)


def test_windows_have_four_ticks_at_48() -> None:
    np.testing.assert_array_equal(window(48, 12), np.repeat(np.arange(12), 4))
    np.testing.assert_array_equal(window(4, 2), [0, 0, 1, 1])


def test_ticks_of_day_follow_the_factors() -> None:
    factor = np.array([1.0, 3.0])
    start = ticks_of_day(400_000, 48, factor)
    counts = np.diff(start)
    share = HALF_HOURS * np.repeat(factor, 24)
    assert counts.sum() == 400_000
    assert np.abs(counts - 400_000 * share / share.sum()).max() < 1
    np.testing.assert_array_equal(np.bincount(tick_of(start), minlength=48), counts)
