"""Pacing programs as methods: their factors, and what they say under their own rule."""

import re

import numpy as np
import pytest

from equibid.auctions import Soft
from equibid.equilibrium.certificate import certify
from equibid.equilibrium.game import Game, game_of
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.pacing.first_price import first_price_pacing
from equibid.equilibrium.pacing.market import paced
from equibid.equilibrium.solvers.dynamics import SolverResult
from equibid.equilibrium.solvers.registry import SOLVERS
from equibid.errors import InputError
from equibid.markets.market import Campaigns, Market, even_ticks

WELFARE = objective_named("welfare")


def game(budget: list[float], impressions: int = 12, temperature: float = 1e-4, **more) -> Game:
    rng = np.random.default_rng(3)
    values = rng.uniform(0.2, 1.0, (impressions, len(budget)))
    campaigns = Campaigns(np.asarray(budget), np.ones(len(budget)), np.zeros(len(budget), int))
    return game_of(Market(values, even_ticks(impressions, 2), campaigns, **more), Soft(temperature))


def solved(method: str, asked: Game, objective: str = "welfare") -> SolverResult:
    return SOLVERS[method](asked, objective_named(objective), 0, None)


def said(result: SolverResult) -> tuple[float, float, float]:
    """Welfare, revenue and the largest gap in the words."""
    told = re.search(
        r"welfare ([\d.,]+) and revenue ([\d.,]+) \S+, and .* to (\S+)\.", result.notice
    )
    assert told is not None
    return float(told[1]), float(told[2]), float(told[3])


def test_first_price_pacing_is_the_equilibrium_of_the_program() -> None:
    scarce = game([1.0, 0.7, 3.0])
    result = solved("first-price-pacing", scarce)
    found = first_price_pacing(*paced(scarce.market))
    np.testing.assert_array_equal(result.factors, found.factors)
    welfare, revenue, gap = said(result)
    assert welfare == pytest.approx(found.welfare, rel=1e-5)
    assert revenue == pytest.approx(found.revenue, rel=1e-5)
    assert gap < 1e-5
    # In first price everybody spends its budget or bids its cap.
    assert revenue == pytest.approx(found.spend.sum(), rel=1e-5)


@pytest.mark.parametrize("method", ["second-price-pacing", "first-price-pacing", "pace"])
def test_with_money_enough_all_bid_their_caps(method: str) -> None:
    rich = game([1e3, 1e3, 1e3])
    result = solved(method, rich)
    np.testing.assert_allclose(result.factors, 1.0, rtol=1e-6)
    # Nobody gains in the soft auction near second price either.
    assert certify(rich, result.factors).exploitability < 1e-3


def test_second_price_pacing_is_best_by_what_is_asked_for() -> None:
    # Scarce budgets, and few impressions, so that equilibria differ.
    scarce = game([0.5, 0.4, 0.6], impressions=6)
    most_welfare = said(solved("second-price-pacing", scarce))
    most_revenue = said(solved("second-price-pacing", scarce, "revenue"))
    assert most_welfare[2] < 1e-5 and most_revenue[2] < 1e-5
    assert most_welfare[0] >= most_revenue[0] - 1e-6
    assert most_revenue[1] >= most_welfare[1] - 1e-6


def test_pace_comes_near_the_program_on_many_impressions() -> None:
    many = game([300.0, 200.0, 900.0], impressions=6_000)
    exact, learnt = (solved(name, many).factors for name in ("first-price-pacing", "pace"))
    np.testing.assert_allclose(learnt, exact, rtol=0.03)


@pytest.mark.parametrize(
    ("method", "more", "objective", "words"),
    [
        ("first-price-pacing", {"market_price": np.ones(12)}, "welfare", "knows no prices from"),
        ("pace", {"bid_cap": 0.5}, "welfare", "pace knows no highest bid"),
        ("second-price-pacing", {}, "nash-welfare", "takes --objective welfare or revenue"),
        ("second-price-pacing", {}, "mix:revenue=0.1", "takes --objective welfare or revenue"),
    ],
)
def test_what_a_program_cannot_take_is_refused(
    method: str, more: dict, objective: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        solved(method, game([1.0, 1.0], **more), objective)
