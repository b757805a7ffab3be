"""First-price pacing: published laws, cases by hand, and PACE on the way there."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.equilibrium.pacing.first_price import (
    check_first_price,
    first_price_pacing,
)
from equibid.equilibrium.pacing.market import Gap, paced
from equibid.equilibrium.pacing.pace import pace
from equibid.errors import InputError
from equibid.markets import MARKETS

EXAMPLE = paced(MARKETS["example-3.2"](jax.random.key(0)))


def drawn(seed: int, advertisers: int, impressions: int) -> tuple[np.ndarray, np.ndarray]:
    """Values, some of them zero, and budgets from scarce to plenty."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 1, (impressions, advertisers))
    values *= rng.random(values.shape) < 0.9
    scale = impressions / advertisers * rng.choice([0.1, 0.5, 2.0])
    return values, rng.lognormal(0, 1, advertisers) * scale


def proportional_response(values: np.ndarray, budget: np.ndarray, rounds: int) -> np.ndarray:
    """Factors by another road: money goes, round by round, where the last round's value was."""
    money = np.outer(budget, np.ones(len(values))) / (len(values) + 1)
    worth = kept = budget / (len(values) + 1)
    for _ in range(rounds):
        gained = values.T * money / np.maximum(money.sum(axis=0), 1e-300)
        worth = gained.sum(axis=1) + kept
        money, kept = gained * (budget / worth)[:, None], kept * budget / worth
    return np.minimum(1, budget / worth)


def test_the_example() -> None:
    got = first_price_pacing(*EXAMPLE)
    np.testing.assert_allclose(got.factors, (0.3702, 0.6105, 0.1761), atol=5e-5)
    np.testing.assert_allclose(got.spend, EXAMPLE.budget, rtol=1e-8)
    assert got.welfare == pytest.approx(39.406, abs=5e-4)
    assert max(check_first_price(*EXAMPLE, got)) < 1e-8


def test_the_example_with_three_times_the_money() -> None:
    rich = EXAMPLE._replace(budget=3 * EXAMPLE.budget)
    got = first_price_pacing(*rich)
    np.testing.assert_allclose(got.factors, (1, 1, 0.5284), atol=5e-5)
    np.testing.assert_allclose(got.leftover, (2.166, 13.023, 0), atol=1e-6)
    assert got.revenue == pytest.approx(37.449, abs=1e-6)
    assert max(check_first_price(*rich, got)) < 1e-8


def test_one_impression_is_shared_by_budgets() -> None:
    """Both bid what both can pay, 3; whose value is less than that bids its value."""
    got = first_price_pacing([[10.0, 6.0]], [2.0, 1.0])
    np.testing.assert_allclose(got.factors, [0.3, 0.5])
    np.testing.assert_allclose(got.allocation, [[2 / 3, 1 / 3]], atol=1e-8)
    got = first_price_pacing([[10.0, 2.0]], [2.0, 1.0])
    np.testing.assert_allclose(got.factors, [0.2, 1.0], rtol=1e-5)
    np.testing.assert_allclose(got.allocation, [[1, 0]], atol=1e-5)
    assert got.price == pytest.approx([2.0], rel=1e-5)


def test_without_budget_or_value() -> None:
    market = ([[1.0, 5.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [0.4, 0.0, 3.0])
    got = first_price_pacing(*market)
    np.testing.assert_allclose(got.factors, [0.4, 0.0, 1.0])
    np.testing.assert_allclose(got.allocation[:, 0], [1, 0, 0])
    assert got.allocation[:, 1:].sum() == 0
    assert max(check_first_price(*market, 1.0, got)) < 1e-8


@given(seed=st.integers(0, 10**6), advertisers=st.integers(1, 8), impressions=st.integers(1, 30))
def test_the_conditions_hold(seed: int, advertisers: int, impressions: int) -> None:
    values, budget = drawn(seed, advertisers, impressions)
    cap = np.random.default_rng(seed).uniform(0.5, 3, advertisers)
    got = first_price_pacing(values, budget, cap)
    assert max(check_first_price(values, budget, cap, got)) < 1e-5
    assert got.revenue == pytest.approx(got.spend.sum())


@given(seed=st.integers(0, 10**6), payer=st.integers(0, 3), more=st.floats(1.01, 5))
def test_money_added_lowers_no_price(seed: int, payer: int, more: float) -> None:
    values, budget = drawn(seed, 4, 12)
    before = first_price_pacing(values, budget)
    budget[payer] *= more
    after = first_price_pacing(values, budget)
    assert (after.price >= before.price * (1 - 1e-5)).all()
    assert after.revenue >= before.revenue * (1 - 1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_another_algorithm_finds_the_same_factors(seed: int) -> None:
    values, budget = drawn(seed, 5, 15)
    got = first_price_pacing(values, budget)
    np.testing.assert_allclose(
        got.factors, proportional_response(values, budget, 20_000), rtol=2e-3
    )


@pytest.mark.parametrize("seed", range(3))
def test_no_other_affordable_factors_are_higher(seed: int) -> None:
    """The equilibrium is the largest vector of factors whose budgets can be kept.

    Whoever's factor were raised, those that bid most where it wins would owe more than they have.
    """
    rng = np.random.default_rng(seed)
    values, budget = drawn(seed, 4, 10)
    got = first_price_pacing(values, budget)
    for _ in range(200):
        other = np.minimum(1, got.factors * rng.uniform(0.5, 1.5, 4))
        price = (other * values).max(axis=1)
        raised = other > got.factors * (1 + 1e-6)
        alone = (other * values >= price[:, None]) & (price[:, None] > 0)
        bill = price[(alone & raised).any(axis=1)].sum()
        assert (
            not raised.any() or bill > budget[raised].sum() or not affordable(other, values, budget)
        )


def affordable(factors: np.ndarray, values: np.ndarray, budget: np.ndarray) -> bool:
    """Whether winners without ties can pay."""
    bids = factors * values
    spend = np.bincount(bids.argmax(axis=1), bids.max(axis=1), len(budget))
    return bool((spend <= budget).all())


def test_the_check_sees_what_is_wrong() -> None:
    good = first_price_pacing(*EXAMPLE)
    for field, wrong, seen in (
        ("factors", good.factors * 0.9, "price"),
        ("allocation", good.allocation[:, [1, 2, 0]], "winners"),
        ("allocation", good.allocation * 0.9, "sale"),
        ("price", good.price * 1.1, "budget"),
        ("price", good.price * 0.9, "pacing"),
    ):
        gap: Gap = check_first_price(*EXAMPLE, type(good)(**{**vars(good), field: wrong}))
        assert getattr(gap, seen) > 0.05


def test_identical_impressions_are_alike_and_a_market_is_solved_at_size() -> None:
    values, budget = drawn(7, 30, 200)
    twice = first_price_pacing(np.tile(values, (2, 1)), 2 * budget)
    once = first_price_pacing(values, budget)
    np.testing.assert_allclose(twice.factors, once.factors, rtol=1e-5)
    assert max(check_first_price(values, budget, 1.0, once)) < 1e-5


@pytest.mark.slow
def test_a_hundred_advertisers_two_thousand_impressions() -> None:
    values, budget = drawn(0, 100, 2000)
    assert max(check_first_price(values, budget, 1.0, first_price_pacing(values, budget))) < 1e-5


def test_input_that_cannot_be_used() -> None:
    for values, budget, cap, word in (
        ([[1.0, 2.0]], [1.0], 1.0, "one number an advertiser"),
        ([[1.0, -2.0]], [1.0, 1.0], 1.0, "values"),
        ([[1.0, 2.0]], [1.0, np.nan], 1.0, "budget"),
        ([[1.0, 2.0]], [1.0, 1.0], [1.0, 0.0], "cap"),
        ([[1.0, 2.0]], [1.0, 1.0], [1.0, 1.0, 1.0], "cap"),
    ):
        with pytest.raises(InputError, match=word):
            first_price_pacing(values, budget, cap)


@pytest.mark.parametrize(("money", "seed"), [(1, 0), (3, 1)])
def test_pace_goes_to_the_equilibrium(money: float, seed: int) -> None:
    market = EXAMPLE._replace(budget=money * EXAMPLE.budget)
    path = pace(*market, draws=200_000, key=jax.random.key(seed))
    exact = first_price_pacing(*market).factors
    np.testing.assert_allclose(path.last, exact, rtol=0.03)
    np.testing.assert_allclose(path.average, exact, rtol=0.04)


def test_pace_step_by_step() -> None:
    """Two impressions in order: by hand, with caps of 2."""
    path = pace([[2.0, 1.0], [2.0, 1.5]], [1.0, 8.0], 2.0)
    # The first wins worth 4 of money at 0.5 a turn: 1/8. Then the second wins, and can pay it all.
    np.testing.assert_allclose(path.last, [2 * 0.5 / 2, 2.0])
    np.testing.assert_allclose(path.average, [(2 * 0.125 + 0.5) / 2, 2.0])


def test_pace_input() -> None:
    for settings, word in (
        ({"draws": 5}, "key"),
        ({"key": jax.random.key(0)}, "key"),
        ({"floor": 0.0}, "floor"),
    ):
        with pytest.raises(InputError, match=word):
            pace(*EXAMPLE, **settings)


def test_a_market_with_outside_prices_is_refused() -> None:
    market = MARKETS["example-3.2"](jax.random.key(0))
    outside = type(market)(**{**vars(market), "market_price": np.ones(10)})
    with pytest.raises(InputError, match="market_price"):
        paced(outside)
