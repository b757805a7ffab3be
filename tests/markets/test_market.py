"""Market: its two forms, its cuts, and what it refuses."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.errors import InputError
from equibid.markets.market import (
    Campaigns,
    Labels,
    Market,
    dense,
    even_ticks,
    span,
    sparse,
    split,
    validate,
)


def market_of(values: np.ndarray, ticks: int = 1, **changes: object) -> Market:
    K, N = values.shape
    campaigns = Campaigns(jnp.arange(1.0, N + 1), jnp.ones(N), jnp.zeros(N, jnp.int32))
    return replace(Market(jnp.asarray(values), even_ticks(K, ticks), campaigns), **changes)


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    # Few shapes, as every one of them is compiled.
    K, N = draw(st.sampled_from([(1, 1), (2, 4), (7, 3)]))
    numbers = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0])
    flat = draw(st.lists(numbers, min_size=K * N, max_size=K * N))
    return np.asarray(flat).reshape(K, N)


@given(tables())
def test_sparse_and_dense_are_inverse(values: np.ndarray) -> None:
    market = market_of(values)
    lists = validate(sparse(market))
    np.testing.assert_array_equal(dense(lists), values)
    assert lists.values.shape[1] == max((values > 0).sum(1).max(), 1)
    np.testing.assert_array_equal(np.asarray(lists.candidates) >= 0, np.asarray(lists.values) > 0)
    again = sparse(lists)
    np.testing.assert_array_equal(again.candidates, lists.candidates)
    np.testing.assert_array_equal(again.values, lists.values)


def test_sparse_keeps_outcomes_beside_their_values() -> None:
    values = np.array([[0.0, 0.5, 0.2], [0.1, 0.0, 0.0]])
    outcomes = jnp.asarray([[False, True, False], [True, False, False]])
    lists = sparse(market_of(values, outcomes=outcomes))
    np.testing.assert_array_equal(lists.candidates, [[1, 2], [0, -1]])
    assert lists.outcomes is not None
    np.testing.assert_array_equal(lists.outcomes, [[True, False], [True, False]])


def test_sparse_takes_more_columns_and_refuses_fewer() -> None:
    values = np.array([[0.0, 0.5, 0.2], [0.1, 0.0, 0.0]])
    assert sparse(market_of(values), columns=3).values.shape == (2, 3)
    with pytest.raises(InputError, match="an impression has 2"):
        sparse(market_of(values), columns=1)


def test_dense_drops_padding_and_nothing_else() -> None:
    lists = market_of(np.zeros((2, 3)))
    lists = replace(
        lists,
        values=jnp.asarray([[0.3, 0.0], [0.1, 0.2]]),
        candidates=jnp.asarray([[2, -1], [0, 2]]),
    )
    np.testing.assert_array_equal(dense(lists), [[0, 0, 0.3], [0.1, 0, 0.2]])


@given(st.integers(1, 1000), st.integers(1, 60))
def test_even_ticks_differ_by_one_at_most(impressions: int, ticks: int) -> None:
    counts = np.diff(np.asarray(even_ticks(impressions, ticks)))
    assert counts.sum() == impressions
    assert counts.max() - counts.min() <= 1


@given(tables(), st.integers(1, 8), st.data())
def test_split_repeats_budgets_and_loses_no_impression(
    values: np.ndarray, length: int, data: st.DataObject
) -> None:
    ticks = data.draw(st.integers(1, length))
    price = np.arange(len(values)) / 8
    stack = split(market_of(values, market_price=jnp.asarray(price)), length, ticks)
    periods = -(-len(values) // length)
    assert stack.values.shape == (periods, length, values.shape[1])
    flat = np.asarray(stack.values).reshape(-1, values.shape[1])
    np.testing.assert_array_equal(flat[: len(values)], values)
    assert not flat[len(values) :].any()
    assert stack.market_price is not None
    np.testing.assert_array_equal(np.ravel(stack.market_price)[: len(price)], price)
    for period in range(periods):
        np.testing.assert_array_equal(stack.tick_start[period], even_ticks(length, ticks))
        np.testing.assert_array_equal(
            stack.campaigns.budget[period], np.arange(values.shape[1]) + 1
        )
    assert (stack.ticks, stack.impressions, stack.advertisers) == (ticks, length, values.shape[1])


@given(tables(), st.data())
def test_span_cuts_ticks_where_it_cuts_impressions(values: np.ndarray, data: st.DataObject) -> None:
    K = len(values)
    first = data.draw(st.integers(0, K - 1))
    last = data.draw(st.integers(first + 1, K))
    market = market_of(values, ticks=data.draw(st.integers(1, K)))
    part = validate(span(market, first, last))
    np.testing.assert_array_equal(part.values, values[first:last])

    def tick(of: Market) -> np.ndarray:
        return np.repeat(np.arange(of.ticks), np.diff(np.asarray(of.tick_start)))

    # Neighbours share a tick in the part as they did in the whole.
    np.testing.assert_array_equal(np.diff(tick(part)) > 0, np.diff(tick(market)[first:last]) > 0)
    np.testing.assert_array_equal(part.campaigns.budget, market.campaigns.budget)


def test_span_cuts_everything_an_impression_has() -> None:
    values = np.eye(4)
    market = sparse(
        market_of(values, market_price=jnp.arange(4.0), outcomes=jnp.eye(4, dtype=bool))
    )
    part = span(market, 1, 3)
    np.testing.assert_array_equal(dense(part), values[1:3])
    assert part.market_price is not None
    assert part.outcomes is not None
    np.testing.assert_array_equal(part.market_price, [1, 2])
    assert part.outcomes.shape == (2, 1)


def test_bytes_and_names() -> None:
    market = market_of(np.ones((4, 2)), labels=Labels("m", ("ann", "bob")))
    # 8 values, 3 traits of 2 (the category in int32), 2 tick starts in int32.
    assert market.nbytes == 8 * 8 + 2 * (8 + 8 + 4) + 2 * 4
    assert market.labels.advertiser(1) == "bob"
    assert Labels().advertiser(1) == "1"
    np.testing.assert_array_equal(
        market.with_budget(jnp.asarray([5.0, 6.0])).campaigns.budget, [5, 6]
    )


GOOD = np.array([[0.0, 0.5], [0.1, 0.2]])
LISTS = market_of(GOOD, candidates=jnp.asarray([[1, -1], [0, 1]]))


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (market_of(GOOD * np.nan), "values must be finite"),
        (market_of(-GOOD), "not negative"),
        (market_of(GOOD, tick_start=jnp.asarray([0, 1])), "tick_start must ascend from 0 to 2"),
        (market_of(GOOD, tick_start=jnp.asarray([1, 2])), "tick_start"),
        (market_of(GOOD, tick_start=jnp.asarray([0, 2, 1, 2])), "tick_start"),
        (market_of(GOOD).with_budget(jnp.asarray([1.0, -1.0])), "budgets must be numbers"),
        (market_of(GOOD).with_budget(jnp.asarray([1.0, jnp.nan])), "budgets must be numbers"),
        (market_of(GOOD).with_budget(jnp.ones(3)), "2 value columns for 3 advertisers"),
        (market_of(GOOD, market_price=jnp.ones(3)), "market_price must be one number"),
        (market_of(GOOD, market_price=jnp.asarray([1.0, -1.0])), "market_price"),
        (replace(LISTS, candidates=jnp.asarray([[1, 2], [0, 1]])), "must lie in -1 … N-1"),
        (replace(LISTS, candidates=jnp.asarray([[-2, 1], [0, 1]])), "must lie in -1 … N-1"),
        (replace(LISTS, candidates=jnp.asarray([[1, 0], [0, 1]])), "must ascend"),
        (replace(LISTS, candidates=jnp.asarray([[1, 1], [0, 1]])), "must ascend"),
        (replace(LISTS, candidates=jnp.asarray([[-1, 1], [0, 1]])), "must ascend"),
    ],
)
def test_validate_refuses(bad: Market, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        validate(bad)


def test_validate_passes_the_market_through() -> None:
    for market in (market_of(GOOD), LISTS, market_of(GOOD, market_price=jnp.ones(2))):
        assert validate(market) is market
