"""The frontier against grids, equilibria, its own order, and what certificates say of it."""

from functools import cache

import numpy as np
import pytest
from games import game_with

from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.certificate import certify
from equibid.equilibrium.game import Game
from equibid.equilibrium.objectives import WELFARE, Mix
from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers.frontier import FrontierPoint, frontier, frontier_point
from equibid.equilibrium.solvers.select import Search, best_of, search
from equibid.errors import InputError

EPSILONS = (0.0, 0.02, 0.1, 0.3)


@cache
def two() -> Game:
    """Two advertisers whose budgets bind, fifteen impressions, soft prices."""
    random = np.random.default_rng(1)
    values = random.lognormal(0, 1, (15, 2))
    budget = 0.35 * values.mean(axis=1).sum() * random.uniform(0.3, 1, 2)
    return game_with(values, budget, 0.1, cap=2.0)


@cache
def rest() -> np.ndarray:
    """Its best equilibrium that a search finds."""
    leader = best_of(list(search(two(), WELFARE, Search(starts=8))))
    assert leader is not None and leader.holds
    return leader.rest.factors


@cache
def points() -> list[tuple[FrontierPoint, FrontierPoint]]:
    """From below and from above."""
    return list(frontier(two(), WELFARE, EPSILONS, rest()))


@cache
def grid() -> np.ndarray:
    """[x 2] gap and welfare of profiles within budgets."""
    game, rows = two(), []
    levels = np.exp(np.linspace(np.log(1e-3), np.log(2), 60))
    for factors in np.stack(np.meshgrid(levels, levels), axis=-1).reshape(-1, 2):
        response = respond(game, factors)
        if (response.cost <= game.budget).all():
            gain = best_response(game, factors).returns - response.returns
            rows.append((max(gain.max(), 0) / response.welfare, response.welfare))
    return np.asarray(rows)


def test_no_profile_of_a_grid_within_the_limits_is_better() -> None:
    # Below a gain of 0.1 the grid has no profile within the limits at all.
    for pair in points()[2:]:
        inside = grid()[grid()[:, 0] <= pair[0].epsilon]
        for point in pair:
            assert point.response.welfare >= inside[:, 1].max()
            assert point.response.welfare <= inside[:, 1].max() * 1.03


def test_both_directions_end_in_the_same_and_hold() -> None:
    for below, above in points():
        assert below.holds(1e-6) and above.holds(1e-6)
        assert below.objective == pytest.approx(above.objective, rel=1e-5)
    assert [below.epsilon for below, _ in points()] == list(EPSILONS)


def test_without_gains_it_is_the_best_equilibrium_and_more_gains_buy_more() -> None:
    welfare = [below.response.welfare for below, _ in points()]
    assert welfare[0] == pytest.approx(respond(two(), rest()).welfare, rel=1e-6)
    assert (np.diff(welfare) > 1e-3).all()
    # Where the limit binds, somebody gains just as much.
    assert [below.gap for below, _ in points()] == pytest.approx(EPSILONS, abs=1e-5)


def test_certificates_say_the_gap_that_is_claimed() -> None:
    for pair in points():
        for point in pair:
            proof = certify(two(), point.factors)
            assert proof.exploitability == pytest.approx(point.gap, abs=1e-12)
            assert proof.overspend == pytest.approx(point.overspend, abs=1e-12)


def test_without_limits_budgets_alone_are_kept() -> None:
    free = frontier_point(two(), WELFARE, np.inf, 0.05 * two().cap)
    assert free.response.welfare >= grid()[:, 1].max()
    assert free.overspend <= 1e-6
    assert free.response.welfare >= points()[-1][0].response.welfare


def test_another_order_of_advertisers_and_another_objective() -> None:
    game = two()
    turned = game_with(np.asarray(game.market.values)[:, ::-1], game.budget[::-1], 0.1, cap=2.0)
    one = points()[2][0]
    other = frontier_point(turned, WELFARE, 0.1, rest()[::-1])
    np.testing.assert_allclose(other.factors[::-1], one.factors, rtol=1e-3)
    # Who sells for money gives up some welfare for it.
    paid = frontier_point(game, Mix(0.0, 1.0), 0.1, rest())
    assert paid.holds(1e-6)
    assert paid.response.revenue > one.response.revenue
    assert paid.response.welfare < one.response.welfare


def test_who_cannot_pay_for_the_smallest_bid_sits_out() -> None:
    values = np.random.default_rng(3).lognormal(0, 1, (30, 3))
    game = game_with(values, [14.0, 5.0, 1e-9], 0.1, cap=1.0)
    leader = best_of(list(search(game, WELFARE, Search(starts=4))))
    assert leader is not None and leader.rest.factors[2] == 0
    found = frontier_point(game, WELFARE, 0.05, leader.rest.factors)
    assert found.holds(1e-6) and found.factors[2] == 0
    assert found.response.welfare > leader.rest.response.welfare - 1e-5


def test_a_budget_without_end_binds_nobody() -> None:
    game = game_with(np.asarray(two().market.values), [np.inf, two().budget[1]], 0.1, cap=2.0)
    large = game_with(np.asarray(two().market.values), [1e6, two().budget[1]], 0.1, cap=2.0)
    one, other = (frontier_point(each, WELFARE, np.inf, 0.1 * each.cap) for each in (game, large))
    assert one.overspend <= 1e-6
    assert one.response.welfare == pytest.approx(other.response.welfare, rel=1e-6)


@pytest.mark.parametrize("epsilons", [(), (-0.01, 0.1), (float("nan"),)])
def test_gains_that_cannot_be_are_refused(epsilons: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="shares of welfare from 0"):
        next(frontier(two(), WELFARE, epsilons, rest()))
