"""Figures of campaigns against brute force and known cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.simulation.campaign_figures import gini, herfindahl, liquid_value, overpaid

AMOUNTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=12)


@given(AMOUNTS)
def test_gini_is_the_mean_difference_of_pairs(amounts: list[float]) -> None:
    x = np.array(amounts)
    if x.sum() == 0:
        assert np.isnan(gini(x))
        return
    brute = np.abs(x[:, None] - x).sum() / (2 * len(x) * x.sum())
    assert gini(x) == pytest.approx(brute, abs=1e-9)


@given(AMOUNTS)
def test_herfindahl_is_the_chance_that_two_coins_are_the_same_ones(amounts: list[float]) -> None:
    x = np.array(amounts)
    if x.sum() == 0:
        assert np.isnan(herfindahl(x))
        return
    share = x / x.sum()
    brute = sum(a * b for i, a in enumerate(share) for j, b in enumerate(share) if i == j)
    assert herfindahl(x) == pytest.approx(brute)
    assert 1 / len(x) - 1e-12 <= herfindahl(x) <= 1 + 1e-12


def test_the_ends_of_both_scales() -> None:
    assert herfindahl(np.full(8, 3.0)) == pytest.approx(1 / 8)
    assert gini(np.full(8, 3.0)) == pytest.approx(0)
    alone = np.array([0.0, 0.0, 0.0, 7.0])
    assert (herfindahl(alone), gini(alone)) == (1.0, 0.75)


def test_what_is_paid_beyond_the_target() -> None:
    spend, counted = np.array([50.0, 40, 10, 0]), np.array([3.0, 4, 0, 0])
    target = np.array([10.0, 10, 10, 10])
    np.testing.assert_array_equal(overpaid(spend, counted, target), [20, 0, 10, 0])
    # Who has no target misses none, unless it paid for nothing at all.
    free = np.full(4, np.inf)
    np.testing.assert_array_equal(overpaid(spend, counted, free), [0, 0, 10, 0])


def test_liquid_value_ends_at_the_budget() -> None:
    value, budget = np.array([2.0, 9, 0]), np.array([50.0, 50, 50])
    np.testing.assert_array_equal(liquid_value(value, budget, np.full(3, 10.0)), [20, 50, 0])
    np.testing.assert_array_equal(liquid_value(value, budget, np.full(3, np.inf)), [50, 50, 0])
