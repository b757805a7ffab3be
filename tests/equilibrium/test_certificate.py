"""Best responses and certificates against brute force, analytic cases and bounds."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from games import PRICINGS, Pricing, example, game_with, generated, lognormal
from hypothesis import given
from hypothesis import strategies as st
from plain_response import alone, plain_response
from scipy.optimize import linprog

from equibid.equilibrium.best_response import best_response, ceiling, entry_cost
from equibid.equilibrium.bounds import first_best, liquid_bound, liquid_welfare
from equibid.equilibrium.certificate import Status, certify, compliance
from equibid.equilibrium.game import Game
from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers.settle import settle


def on_a_grid(game: Game, factors: np.ndarray, i: int) -> float:
    """The best return of advertiser i over a fine grid of factors that fit its budget."""
    best = 0.0
    for level in np.concatenate([[0.0], np.geomspace(1e-6, 1, 600)]) * game.cap[i]:
        returns, cost = plain_response(
            np.asarray(game.market.values),
            alone(factors, np.full(len(factors), level), i),
            game.auction.temperature,
            game.auction.pricing,
        )
        if cost[i] <= game.budget[i]:
            best = max(best, float(returns[i]))
    return best


@given(st.integers(0, 10_000), st.sampled_from(PRICINGS), st.floats(0.01, 1), st.floats(0.1, 5))
def test_a_best_response_beats_a_grid_and_keeps_its_budget(
    seed: int, pricing: Pricing, temperature: float, money: float
) -> None:
    random = np.random.default_rng(seed)
    budget = money * random.uniform(0.2, 1, 3)
    game = game_with(lognormal(seed, 8, 3), budget, temperature, pricing, cap=3.0)
    factors = game.cap * random.uniform(0, 1, 3)
    answer = best_response(game, factors)
    assert (answer.cost <= budget * (1 + 1e-12)).all()
    for i in range(3):
        moved = respond(game, alone(factors, answer.factor, i))
        assert moved.returns[i] == pytest.approx(answer.returns[i], rel=1e-9, abs=1e-12)
        assert answer.returns[i] >= on_a_grid(game, factors, i) - 1e-9
        content = answer.factor[i] in (0.0, game.cap[i])
        assert content or answer.cost[i] == pytest.approx(budget[i], rel=1e-9)
    # From the answers to any other profile the same is found, whoever is at which end there.
    far = best_response(game, game.cap * random.uniform(0, 1, 3))
    again = best_response(game, factors, start=far)
    np.testing.assert_allclose(again.factor, answer.factor, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(again.returns, answer.returns, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 10_000), st.sampled_from(PRICINGS))
def test_the_ceiling_holds_the_knapsack_optimum(seed: int, pricing: Pricing) -> None:
    """Against fixed opponents the best bids solve a linear programme over impressions."""
    random = np.random.default_rng(seed)
    values = lognormal(seed, 12, 4)
    game = game_with(values, random.uniform(0.3, 3, 4), 0.1, pricing, cap=2.0)
    factors = game.cap * random.uniform(0.1, 1, 4)
    limits = ceiling(game, factors)
    for i in range(4):
        most = alone(factors, game.cap, i)
        chance, price = np.zeros(12), np.zeros(12)
        for k in np.flatnonzero(values[:, i]):
            won, paid = plain_response(values[k : k + 1], most, 0.1, pricing)
            chance[k] = won[i] / values[k, i]
            price[k] = paid[i] / chance[k] if chance[k] > 0 else 0.0
        best = linprog(
            -values[:, i], A_ub=price[None], b_ub=game.budget[i], bounds=[(0, x) for x in chance]
        )
        assert limits.reached[i] <= -best.fun + 1e-9
        assert limits.bound[i] >= -best.fun - 1e-9
        assert limits.bound[i] <= -best.fun * (1 + 1e-6) + 1e-9


def test_at_an_equilibrium_nobody_gains_and_off_it_somebody_does() -> None:
    game = generated(1, 12, 600)
    rest = settle(game, 0.5 * game.cap, 1e-10)
    certificate = certify(game, rest.factors)
    assert certificate.exploitability <= 1e-9 and certificate.relative.max() <= 1e-6
    assert certificate.holds(1e-8)
    assert set(certificate.status) <= {Status.SPENDS, Status.CAPPED}
    spends = certificate.status.index(Status.SPENDS)
    lower = rest.factors.copy()
    lower[spends] *= 0.99
    moved = certify(game, lower)
    assert moved.gain[spends] > 0 and moved.status[spends] == Status.UNDER
    assert not moved.holds(1e-8)
    higher = rest.factors.copy()
    higher[spends] *= 1.01
    moved = certify(game, higher)
    assert moved.overspend > 0 and moved.status[spends] == Status.OVER
    assert compliance([certificate, moved], 1e-8) == 0.5


def test_gains_come_in_the_order_of_what_is_allowed() -> None:
    game = generated(2, 10, 500, pricing="hard")
    factors = 0.4 * game.cap
    certificate = certify(game, factors)
    assert (certificate.best_returns <= certificate.hindsight + 1e-12).all()
    assert (certificate.hindsight <= certificate.bound + 1e-12).all()
    assert certificate.exploitability <= certificate.exploitability_bound
    frame = certificate.frame()
    assert frame.height == 10 and (frame["gain"] > 0).any()
    summary = certificate.summary()
    assert summary["welfare"] <= summary["first_best"]
    assert summary["liquid_welfare"] <= summary["liquid_bound"]


def test_a_path_of_factors_is_certified_tick_by_tick() -> None:
    game = game_with(lognormal(3, 40, 4), 2.0, ticks=4)
    path = np.random.default_rng(1).uniform(0.2, 1, (4, 4))
    certificate = certify(game, path)
    constant = certify(game, np.tile(path[0], (4, 1)))
    np.testing.assert_allclose(constant.gain, certify(game, path[0]).gain, atol=1e-9)
    # Against the path of the others, the best factor of each beats what its own path brings,
    # wherever that path keeps the budget.
    kept = certificate.response.cost <= game.budget
    assert (certificate.bound[kept] >= certificate.response.returns[kept] - 1e-12).all()


def test_who_cannot_play_is_told_why() -> None:
    base = example()
    market = replace(
        base.market,
        values=base.market.values.at[:, 1].set(0),
        campaigns=replace(base.market.campaigns, budget=jnp.asarray([0.0, 9.561, 0.731])),
    )
    game = replace(base, market=market)
    rest = settle(game, 0.5 * game.cap)
    certificate = certify(game, rest.factors)
    assert certificate.status == (Status.NO_BUDGET, Status.NO_VALUE, Status.CAPPED)
    assert certificate.exploitability == 0 and certificate.response.cost[0] == 0
    nobody = replace(game, market=game.market.with_budget(jnp.zeros(3)))
    empty = certify(nobody, settle(nobody, nobody.cap).factors)
    assert empty.response.welfare == 0 and empty.exploitability == 0 and empty.holds()


@pytest.mark.parametrize("pricing", PRICINGS)
def test_who_is_charged_too_much_for_bidding_nothing_sits_out(pricing: Pricing) -> None:
    """At τ = 1 the third advertiser would pay more than its budget for a bid of zero."""
    game = example(1.0, pricing)
    entry = entry_cost(game, np.array([1.0, 1.0, 1.0]))[2]
    assert entry == pytest.approx({"hard": 0.907, "soft": 0.809}[pricing], abs=1e-3)
    rest = settle(game, np.full(3, 0.5))
    certificate = certify(game, rest.factors)
    assert rest.factors[2] == 0 and certificate.status[2] == Status.PRICED_OUT
    assert certificate.holds(1e-8)


@given(st.integers(0, 10_000))
def test_bounds_on_welfare_hold_and_are_those_of_linear_programmes(seed: int) -> None:
    random = np.random.default_rng(seed)
    values, budget = lognormal(seed, 6, 3), random.uniform(0.2, 3, 3)
    game = game_with(values, budget, 0.05, cap=2.0)
    assert first_best(game) == pytest.approx(values.max(axis=1).sum(), rel=1e-9)
    # Variables x [6, 3] and the part of each budget that is not used.
    money = 2.0 * values
    spend = np.zeros((3, 18))
    once = np.zeros((6, 18))
    for k in range(6):
        for i in range(3):
            spend[i, 3 * k + i] = money[k, i]
            once[k, 3 * k + i] = 1
    best = linprog(
        -money.ravel(), A_ub=np.vstack([spend, once]), b_ub=np.concatenate([budget, np.ones(6)])
    )
    bound = liquid_bound(game, 400)
    assert bound >= -best.fun - 1e-9
    assert bound <= -best.fun * 1.1 + 1e-9
    returns = respond(game, random.uniform(0, 2, 3)).returns
    assert liquid_welfare(game, returns) <= bound + 1e-9
