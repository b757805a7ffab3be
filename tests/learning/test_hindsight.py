"""Targets: the whole day's equilibrium at the start, every remainder's later."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np

from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers.profile import residual
from equibid.learning.ncb.hindsight import Solver, cold_start, reference_of, remainder, targets
from equibid.markets import dense
from learning.small_days import games

EXACT = Solver(tolerance=1e-9, polishing=40)


def test_with_all_the_money_the_first_target_is_the_day_s_equilibrium() -> None:
    game = games()[0]
    whole = EXACT.solve(game, cold_start(game))
    assert whole.residual < 1e-9
    money = np.tile(game.budget, (game.market.ticks, 1))
    factors, left = targets(game, money, [0], whole.factors * 1.1, EXACT)
    np.testing.assert_allclose(factors[0], whole.factors, rtol=1e-6)
    np.testing.assert_allclose(left[0], 1)


def test_every_target_is_an_equilibrium_of_what_was_left() -> None:
    game = games()[1]
    T = game.market.ticks
    money = game.budget * np.linspace(1, 0.3, T)[:, None]
    money[3:, 2] = 0.0
    factors, left = targets(game, money, [0, 2, 4], cold_start(game), EXACT)
    assert (np.diff(left, axis=0) < 0).all() and (left > 0).all()
    for tick, alpha in zip([0, 2, 4], factors, strict=True):
        rest = remainder(game, tick, money[tick])
        got = respond(rest, alpha)
        assert residual(rest, alpha, got) < 1e-8
        gain = best_response(rest, alpha).returns - got.returns
        assert gain.max() < 1e-6 * got.welfare
    assert factors[2, 2] == 0 and (np.delete(factors, 2, axis=1) > 0).all()


def test_a_remainder_has_the_impressions_from_its_tick_on() -> None:
    game = games()[0]
    market = game.market
    rest = remainder(game, 2, 0.5 * game.budget)
    first = int(market.tick_start[2])
    np.testing.assert_array_equal(rest.market.values, market.values[first:])
    np.testing.assert_array_equal(rest.budget, 0.5 * game.budget)
    assert rest.market.ticks == market.ticks - 2
    np.testing.assert_array_equal(rest.cap, game.cap)


def test_the_reference_counts_the_day_before() -> None:
    game = games()[0]
    seen = reference_of(game, solver=EXACT)
    values = np.asarray(dense(game.market), np.float64)
    count = (values > 0).sum(axis=0)
    np.testing.assert_allclose(seen.offered, count / game.market.ticks)
    np.testing.assert_allclose(seen.mean_value, values.sum(axis=0) / count)
    np.testing.assert_allclose(seen.factor, EXACT.solve(game, cold_start(game)).factors)
    flat = replace(game, market=replace(game.market, values=dense(game.market), candidates=None))
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-6), seen, reference_of(flat, solver=EXACT)
    )


def test_who_sat_out_yesterday_starts_at_its_cap() -> None:
    game = games()[0]
    poor = game.budget.copy()
    poor[1] = 0
    seen = reference_of(replace(game, market=game.market.with_budget(poor)))
    assert seen.factor[1] == game.cap[1]
