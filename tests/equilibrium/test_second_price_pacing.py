"""Second-price pacing: the published example, all equilibria of two advertisers, known bounds."""

from dataclasses import replace
from itertools import product

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from equibid.equilibrium.pacing.market import paced
from equibid.equilibrium.pacing.second_price import (
    Objective,
    SecondPricePacing,
    check_second_price,
    second_price_pacing,
)
from equibid.errors import InputError
from equibid.markets import MARKETS

EXAMPLE = paced(MARKETS["example-3.2"](jax.random.key(0)), 2.0)
OBJECTIVES: tuple[Objective, ...] = ("revenue", "welfare", "lowest-factor", "highest-factor")


def drawn(seed: int, impressions: int, advertisers: int) -> tuple[np.ndarray, np.ndarray]:
    """Values in hundredths, and budgets of which some bind."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.05, 1, (impressions, advertisers)).round(2)
    return values, rng.uniform(0.05, 0.6, advertisers) * impressions / advertisers


def all_equilibria(values: np.ndarray, budget: np.ndarray) -> list[SecondPricePacing]:
    """Every equilibrium of two advertisers with caps of 1, one a pattern, without a solver.

    The ratio of the factors decides who wins what. It is that of a tie, or lies between two ties;
    the levels follow from the caps and budgets that bind.
    """
    first, second = values.T
    ties = np.unique(second / first)
    between = np.sqrt(ties[1:] * ties[:-1])
    found = []
    for ratio in [ties[0] / 2, *between, ties[-1] * 2, *ties]:
        tied = np.isclose(ratio * first, second, rtol=1e-12)
        wins = (ratio * first > second) & ~tied
        loses = ~wins & ~tied
        # Without ties, a factor is set by its cap or by the bill it makes for the other.
        bill = second[wins].sum(), first[loses].sum()
        if not tied.any():
            pairs = product(
                [1.0] + ([budget[1] / bill[1]] if bill[1] else []),
                [1.0] + ([budget[0] / bill[0]] if bill[0] else []),
            )
            splits = [(a, b, 0.0) for a, b in pairs]
        else:
            # With one, a and b keep their ratio: at a cap, or where all the money is spent.
            pool = second[tied].sum()
            levels = [1.0, 1 / ratio, budget.sum() / (bill[0] + pool + ratio * bill[1])]
            splits = []
            for b in levels:
                shares = (budget[0] - b * bill[0], b * pool - budget[1] + ratio * b * bill[1])
                splits += [(ratio * b, b, share / (b * pool)) for share in (*shares, 0, b * pool)]
        for a, b, share in splits:
            part = np.where(tied, share, wins)
            allocation = np.column_stack([part, 1 - part])
            factors = np.array([a, b])
            price = (factors * values).min(axis=1)
            point = SecondPricePacing(
                factors,
                allocation,
                price,
                price @ allocation,
                float((values * allocation).sum()),
                float(price.sum()),
                True,
            )
            if max(check_second_price(values, budget, 1.0, point)) < 1e-9:
                found.append(point)
    return found


@pytest.mark.parametrize("impressions", [2, 3])
@given(seed=st.integers(0, 10**6))
def test_two_advertisers_have_no_better_equilibrium(impressions: int, seed: int) -> None:
    values, budget = drawn(seed, impressions, 2)
    every = all_equilibria(values, budget)
    best = {
        "revenue": max(point.revenue for point in every),
        "welfare": max(point.welfare for point in every),
        "lowest-factor": min(point.factors[0] for point in every),
        "highest-factor": max(point.factors[0] for point in every),
    }
    for objective in OBJECTIVES:
        got = second_price_pacing(values, budget, objective=objective)
        reached = {"revenue": got.revenue, "welfare": got.welfare}.get(objective, got.factors[0])
        assert got.proven
        assert max(check_second_price(values, budget, 1.0, got)) < 1e-7
        assert reached == pytest.approx(best[objective], rel=1e-5)


def test_the_example_in_which_advertiser_one_bids_most() -> None:
    got = second_price_pacing(*EXAMPLE, objective="highest-factor", time_limit=240)
    assert got.proven
    assert max(check_second_price(*EXAMPLE, got)) < 1e-8
    np.testing.assert_allclose(got.factors, (1.0305, 0.8509, 0.2407), atol=5e-5)
    np.testing.assert_allclose(got.spend, EXAMPLE.budget, rtol=1e-8)
    assert got.welfare == pytest.approx(38.363, abs=5e-4)


def split(factors: tuple[float, ...], budget: np.ndarray, values: np.ndarray) -> SecondPricePacing:
    """A point with printed factors: ties within four digits, split so that budgets are met."""
    bids = np.array(factors) * values
    order = np.sort(bids, axis=1)
    top = bids >= order[:, -1:] * (1 - 5e-4)
    price = order[:, -2]
    good, who = top.nonzero()
    paid = np.zeros((len(budget), len(good)))
    paid[who, np.arange(len(good))] = price[good]
    sold = np.zeros((len(values), len(good)))
    sold[good, np.arange(len(good))] = 1
    # Least deviation from the budgets, every impression sold.
    slack = np.eye(len(budget))
    result = linprog(
        np.r_[np.zeros(len(good)), np.ones(2 * len(budget))],
        A_eq=np.block([[paid, slack, -slack], [sold, np.zeros((len(values), 2 * len(budget)))]]),
        b_eq=np.r_[budget, np.ones(len(values))],
    )
    allocation = np.zeros_like(values)
    allocation[good, who] = result.x[: len(good)]
    spend = price @ allocation
    welfare = float((values * allocation).sum())
    return SecondPricePacing(
        np.array(factors), allocation, price, spend, welfare, float(spend.sum()), False
    )


@pytest.mark.parametrize(
    ("factors", "welfare"),
    [((0.6664, 1.2846, 0.3634), 36.507), ((1.0305, 0.8509, 0.2407), 38.363)],
)
def test_both_equilibria_of_the_example(factors: tuple[float, ...], welfare: float) -> None:
    got = split(factors, EXAMPLE.budget, EXAMPLE.values)
    assert max(check_second_price(*EXAMPLE, got)) < 1e-3
    assert got.welfare == pytest.approx(welfare, abs=0.02)


@pytest.mark.slow
def test_the_example_in_which_advertiser_one_bids_least() -> None:
    got = second_price_pacing(*EXAMPLE, objective="lowest-factor", time_limit=240)
    assert got.proven
    assert max(check_second_price(*EXAMPLE, got)) < 1e-8
    np.testing.assert_allclose(got.factors, (0.6664, 1.2846, 0.3634), atol=5e-5)
    assert got.welfare == pytest.approx(36.507, abs=5e-4)


@pytest.mark.slow
def test_the_best_welfare_of_the_example_is_proven() -> None:
    got = second_price_pacing(*EXAMPLE, objective="welfare", time_limit=280)
    assert got.proven
    assert got.welfare == pytest.approx(38.363, abs=5e-4)


def test_one_market_three_equilibria() -> None:
    """By hand: each wins what it values more, or one of them shares its impression.

    At (1/2, 1/2) each pays 3/2 for one impression. At (3/7, 4/7) bids on the second impression
    tie at 12/7: one pays for 7/8 of it, the other for the rest and 9/7 for the first impression.
    (5/8, 3/8) ties on the first.
    """
    values, budget = np.array([[3.0, 5.0], [4.0, 3.0]]), [1.5, 1.5]
    expected: dict[Objective, tuple[tuple[float, float], float]] = {
        "lowest-factor": ((3 / 7, 4 / 7), 8.875),
        "welfare": ((1 / 2, 1 / 2), 9.0),
        "highest-factor": ((5 / 8, 3 / 8), 8.6),
    }
    for objective, (factors, welfare) in expected.items():
        got = second_price_pacing(values, budget, objective=objective)
        assert got.proven
        np.testing.assert_allclose(got.factors, factors, rtol=1e-7)
        assert (got.revenue, got.welfare) == pytest.approx((3.0, welfare))


def test_equilibria_differ_in_revenue() -> None:
    """By hand: the first's impression costs what the second bids for it, from 0.8 to 2."""
    values, budget = np.array([[2.0, 5.0], [2.0, 2.0]]), [2.5, 2.0]
    assert second_price_pacing(values, budget, objective="revenue").revenue == pytest.approx(4)
    low = second_price_pacing(values, budget, objective="lowest-factor", advertiser=1)
    assert low.factors == pytest.approx([1, 0.4])
    assert low.revenue == pytest.approx(2.8)


def test_unlimited_budgets_bid_their_caps() -> None:
    values, _ = drawn(3, 4, 3)
    cap = np.array([1.0, 2.0, 0.5])
    got = second_price_pacing(values, [99.0] * 3, cap)
    np.testing.assert_allclose(got.factors, cap)
    bids = np.sort(values * cap, axis=1)
    np.testing.assert_allclose(got.price, bids[:, -2])
    assert got.proven and got.revenue == pytest.approx(bids[:, -2].sum())


def test_what_one_alone_values_is_free() -> None:
    values = np.array([[2.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    got = second_price_pacing(values, [0.0, 0.3])
    assert got.allocation[0].tolist() == [1, 0] and got.allocation[1].tolist() == [0, 0]
    assert got.price[:2].tolist() == [0, 0]
    assert max(check_second_price(values, [0.0, 0.3], 1.0, got)) < 1e-8
    lone = second_price_pacing([[1.0], [3.0]], [1.0])
    assert lone.factors.tolist() == [1] and lone.revenue == 0 and lone.welfare == 4


def test_identical_impressions_are_one_good() -> None:
    values, budget = drawn(1, 4, 3)
    once = second_price_pacing(values, budget)
    many = second_price_pacing(np.tile(values, (25, 1)), 25 * budget)
    np.testing.assert_allclose(many.factors, once.factors, rtol=1e-6)
    assert max(check_second_price(np.tile(values, (25, 1)), 25 * budget, 1.0, many)) < 1e-7


def test_the_unit_of_money_changes_nothing() -> None:
    values, budget = drawn(5, 4, 3)
    once = second_price_pacing(values, budget)
    fen = second_price_pacing(values / 100, budget * 1e4, 1e6)
    np.testing.assert_allclose(fen.factors, 1e6 * once.factors, rtol=1e-6)


@given(seed=st.integers(0, 10**6), cap=st.sampled_from([1.0, 2.0]))
def test_liquid_welfare_is_half_of_the_optimum_at_least(seed: int, cap: float) -> None:
    """Value counts at the cap's money, and no further than the budget."""
    values, budget = drawn(seed, 4, 3)
    got = second_price_pacing(values, budget, cap)
    worth = cap * values
    liquid = np.minimum(budget, (worth * got.allocation).sum(axis=0)).sum()
    impressions, advertisers = values.shape
    gain = np.zeros((advertisers, values.size))
    for i in range(advertisers):
        gain[i, i::advertisers] = worth[:, i]
    best = linprog(
        np.r_[np.zeros(values.size), -np.ones(advertisers)],
        A_ub=np.block(
            [
                [-gain, np.eye(advertisers)],
                [
                    np.kron(np.eye(impressions), np.ones(advertisers)),
                    np.zeros((impressions, advertisers)),
                ],
            ]
        ),
        b_ub=np.r_[np.zeros(advertisers), np.ones(impressions)],
        bounds=[(0, None)] * values.size + [(0, money) for money in budget],
    )
    assert -best.fun / 2 - 1e-9 <= liquid <= -best.fun + 1e-7


def test_the_check_sees_what_is_wrong() -> None:
    values, budget = drawn(2, 4, 3)
    good = second_price_pacing(values, budget)
    assert max(check_second_price(values, budget, 1.0, good)) < 1e-8
    for wrong, seen in (
        (replace(good, allocation=good.allocation[:, [1, 2, 0]]), "winners"),
        (replace(good, price=good.price * 1.2), "price"),
        (replace(good, allocation=good.allocation * 0.8), "sale"),
        (replace(good, price=good.price * 1.2), "budget"),
        (replace(good, price=good.price * 0.8), "pacing"),
        (replace(good, factors=good.factors + 1), "pacing"),
    ):
        assert getattr(check_second_price(values, budget, 1.0, wrong), seen) > 0.05


def test_input_that_cannot_be_used() -> None:
    values, budget = drawn(0, 4, 3)
    with pytest.raises(InputError, match="objective"):
        second_price_pacing(values, budget, objective="best")  # pyright: ignore
    with pytest.raises(InputError, match="advertiser 3"):
        second_price_pacing(values, budget, advertiser=3)
    wide = drawn(0, 3, 13)
    with pytest.raises(InputError, match="13 advertisers"):
        second_price_pacing(*wide)
    with pytest.raises(InputError, match="41 different impressions"):
        second_price_pacing(*drawn(0, 41, 3))
    with pytest.raises(InputError, match="time_limit"):
        second_price_pacing(*EXAMPLE, time_limit=1e-9)
