"""The compiled response against the formulas, complex steps, XLA, and its own symmetries."""

import itertools

import numpy as np
import pytest
from games import PRICINGS, Pricing, game_with, lognormal
from hypothesis import given
from hypothesis import strategies as st
from plain_response import alone, plain_response

from equibid.equilibrium.best_response import best_response, best_response_vjp
from equibid.equilibrium.game import Game
from equibid.equilibrium.response.response import (
    BLOCK,
    Engine,
    cost_jacobian,
    deviate,
    deviation_vjp,
    jvp,
    respond,
    vjp,
)
from equibid.markets.market import dense

STEP = 1e-30
TEMPERATURES = (0.02, 0.0845, 0.5, 20.0)


def plain(game: Game, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    market = game.market
    return plain_response(
        np.asarray(dense(market), np.float64),
        factors,
        game.auction.temperature,
        game.auction.pricing,
        None if market.market_price is None else np.asarray(market.market_price),
        market.bid_cap,
    )


def jacobians(game: Game, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dR_i/dα_j and dC_i/dα_j by complex steps; zero columns for who sits out."""
    columns = []
    for j in range(len(factors)):
        moved = factors.astype(complex)
        if factors[j] > 0:
            moved[j] += STEP * 1j
        columns.append([np.imag(part) / STEP for part in plain(game, moved)])
    returns, cost = np.moveaxis(np.asarray(columns), 0, 2)
    return returns, cost


def games(pricing: Pricing, temperature: float) -> list[tuple[Game, np.ndarray]]:
    """Dense, sparse, with an outside, with a cap on bids, of one bidder, and wider than a block."""
    random = np.random.default_rng(3)
    outside = random.lognormal(0, 0.5, 40)
    made = [
        game_with(lognormal(0, 40, 12), temperature=temperature, pricing=pricing),
        game_with(lognormal(1, 40, 12, 0.9), temperature=temperature, pricing=pricing, lists=True),
        game_with(
            lognormal(2, 40, 9, 0.8),
            temperature=temperature,
            pricing=pricing,
            outside=outside,
            bid_cap=2.0,
        ),
        game_with(
            lognormal(2, 40, 9, 0.8),
            temperature=temperature,
            pricing=pricing,
            outside=outside,
            bid_cap=2.0,
            lists=True,
        ),
        game_with(lognormal(4, 20, 1), temperature=temperature, pricing=pricing),
        game_with(lognormal(5, 20, 130, 0.2), temperature=temperature, pricing=pricing),
    ]
    profiles = []
    for game in made:
        factors = random.uniform(0.2, 2, game.market.advertisers)
        factors[3:4] = 0
        profiles.append((game, factors))
    return profiles


@pytest.mark.parametrize("pricing", PRICINGS)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_values_and_derivatives_are_those_of_the_formulas(
    pricing: Pricing, temperature: float
) -> None:
    random = np.random.default_rng(0)
    for game, factors in games(pricing, temperature):
        count = len(factors)
        response = respond(game, factors)
        returns, cost = plain(game, factors)
        np.testing.assert_allclose(response.returns, returns, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(response.cost, cost, rtol=1e-12, atol=1e-12)

        by_returns, by_cost = jacobians(game, factors)
        scale = 1 + np.abs(by_cost).max() + np.abs(by_returns).max()
        weight, toll, turn = random.normal(size=(3, count))
        turn *= factors > 0
        again, gradient = vjp(game, factors, weight, toll)
        along, change = jvp(game, factors, turn)
        np.testing.assert_array_equal(again.cost, response.cost)
        np.testing.assert_array_equal(along.returns, response.returns)
        close = {"rtol": 0, "atol": 1e-8 * scale * count**0.5}
        np.testing.assert_allclose(gradient, weight @ by_returns + toll @ by_cost, **close)
        np.testing.assert_allclose(change.returns, by_returns @ turn, **close)
        np.testing.assert_allclose(change.cost, by_cost @ turn, **close)
        np.testing.assert_allclose(cost_jacobian(game, factors), by_cost, **close)


@pytest.mark.parametrize("pricing", PRICINGS)
@pytest.mark.parametrize("temperature", TEMPERATURES[:3])
def test_a_deviation_is_the_response_to_the_profile_with_one_factor_changed(
    pricing: Pricing, temperature: float
) -> None:
    random = np.random.default_rng(1)
    for game, factors in games(pricing, temperature)[:5]:
        trial = random.uniform(0.1, 3, len(factors))
        trial[1:2] = 0
        deviation = deviate(game, factors, trial)
        for i in range(len(factors)):
            moved = alone(factors, trial, i)
            returns, cost = plain(game, moved)
            assert deviation.returns[i] == pytest.approx(returns[i], rel=1e-12, abs=1e-12)
            assert deviation.cost[i] == pytest.approx(cost[i], rel=1e-12, abs=1e-12)
            if trial[i] > 0:
                nudged = moved.astype(complex)
                nudged[i] += STEP * 1j
                gain, slope = (part[i].imag / STEP for part in plain(game, nudged))
                assert deviation.slope[i] == pytest.approx(slope, rel=1e-8, abs=1e-8)
                assert deviation.returns_slope[i] == pytest.approx(gain, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("pricing", PRICINGS)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_what_others_do_to_deviations_is_the_gradient_of_the_formulas(
    pricing: Pricing, temperature: float
) -> None:
    random = np.random.default_rng(6)
    for game, factors in games(pricing, temperature)[:5]:
        count = len(factors)
        trial = random.uniform(0.1, 3, count)
        trial[1:2] = 0
        weight, toll = random.normal(size=(2, count))
        expected = np.zeros(count)
        for i, j in itertools.permutations(range(count), 2):
            if trial[i] > 0 and factors[j] > 0:
                moved = alone(factors, trial, i).astype(complex)
                moved[j] += STEP * 1j
                won, paid = (part[i].imag / STEP for part in plain(game, moved))
                expected[j] += weight[i] * won + toll[i] * paid
        scale = 1 + np.abs(expected).max()
        for engine in ("compiled", "xla"):
            gradient = deviation_vjp(game, factors, trial, weight, toll, engine)
            np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize("pricing", PRICINGS)
@pytest.mark.parametrize("lists", [False, True])
def test_the_gradient_of_best_responses_is_that_of_differences(
    pricing: Pricing, lists: bool
) -> None:
    random = np.random.default_rng(7)
    values = lognormal(9, 60, 6)
    # Two are held by their budgets, two by their caps; one cannot pay for the smallest bid.
    budget = np.asarray([3.0, 2.0, 1e3, 1e3, 1e-9, 4.0])
    game = game_with(values, budget, 0.3, pricing, lists=lists, cap=2.0)
    factors = random.uniform(0.4, 1.5, 6)
    answer = best_response(game, factors)
    assert answer.factor[4] == 0
    assert (answer.factor[2:4] == 2).all() and (answer.factor[:2] < 2).all()
    weight = random.uniform(0.5, 2, 6)
    gradient = best_response_vjp(game, factors, answer, weight)
    for j in range(6):
        step = 1e-4 * np.eye(6)[j]
        ends = [best_response(game, factors + turn * step).returns @ weight for turn in (1, -1)]
        assert gradient[j] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-5, abs=1e-6)


@given(st.integers(0, 10_000), st.sampled_from(PRICINGS), st.floats(1e-9, 10))
def test_deviations_meet_the_same_at_any_temperature_in_any_order(
    seed: int, pricing: Pricing, temperature: float
) -> None:
    random = np.random.default_rng(seed)
    values, order = lognormal(seed, 12, 6), random.permutation(6)
    factors, trial, weight, toll = random.uniform(0, 2, (4, 6))
    one = deviation_vjp(
        game_with(values, temperature=temperature, pricing=pricing), factors, trial, weight, toll
    )
    moved = (factors[order], trial[order], weight[order], toll[order])
    other = deviation_vjp(
        game_with(values[:, order], temperature=temperature, pricing=pricing), *moved
    )
    assert np.isfinite(one).all()
    scale = 1 + np.abs(one).max()
    np.testing.assert_allclose(other / scale, one[order] / scale, rtol=0, atol=1e-11)
    wide = deviation_vjp(
        game_with(values, temperature=temperature, pricing=pricing),
        *(factors, trial, weight, toll, "xla"),
    )
    np.testing.assert_allclose(wide / scale, one / scale, rtol=0, atol=1e-10)


@pytest.mark.parametrize("pricing", PRICINGS)
def test_who_deviates_where_nobody_bids_gets_all_of_it_for_nothing(pricing: Pricing) -> None:
    game = game_with(np.array([[1.0, 2.0], [3.0, 0.0]]), temperature=0.1, pricing=pricing)
    alone = deviate(game, np.zeros(2), np.array([0.5, 0.5]))
    np.testing.assert_allclose(alone.returns, [4.0, 2.0])
    np.testing.assert_allclose(alone.cost, [0.0, 0.0], atol=1e-12)


def test_bidding_below_a_worth_buys_what_is_cheaper_and_nothing_else() -> None:
    game, factors = games("soft", 0.0845)[0]
    values, count = np.asarray(game.market.values), len(factors)
    worth = np.linspace(0.2, 2, count)
    bought = deviate(game, factors, np.full(count, 50.0), worth)
    for i in range(count):
        value = cost = 0.0
        for k in range(len(values)):
            row = values[k : k + 1]
            others = alone(factors, np.full(count, 50.0), i)
            won, paid = plain_response(row, others, 0.0845, "soft")
            price = paid[i] / won[i] * values[k, i] if won[i] > 0 else np.inf
            if price < worth[i] * values[k, i]:
                value, cost = value + won[i], cost + paid[i]
        assert bought.returns[i] == pytest.approx(value, rel=1e-9)
        assert bought.cost[i] == pytest.approx(cost, rel=1e-9)


def test_a_row_a_tick_is_every_tick_on_its_own() -> None:
    values = lognormal(6, 40, 5)
    paths = np.random.default_rng(2).uniform(0, 2, (4, 5))
    whole = respond(game_with(values, ticks=4), paths)
    parts = [respond(game_with(values[10 * t : 10 * t + 10]), paths[t]) for t in range(4)]
    np.testing.assert_allclose(whole.returns, sum(p.returns for p in parts), rtol=1e-12)
    np.testing.assert_allclose(whole.cost, sum(p.cost for p in parts), rtol=1e-12)


@given(st.integers(0, 10_000), st.sampled_from(PRICINGS), st.floats(1e-3, 10))
def test_permuting_advertisers_permutes_everything(
    seed: int, pricing: Pricing, temperature: float
) -> None:
    random = np.random.default_rng(seed)
    values, factors, order = lognormal(seed, 12, 6), random.uniform(0, 2, 6), random.permutation(6)
    one = respond(game_with(values, temperature=temperature, pricing=pricing), factors)
    other = respond(
        game_with(values[:, order], temperature=temperature, pricing=pricing), factors[order]
    )
    np.testing.assert_allclose(other.returns, one.returns[order], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(other.cost, one.cost[order], rtol=1e-12, atol=1e-14)


@given(st.integers(0, 10_000), st.floats(1e-3, 10))
def test_the_more_one_bids_the_more_one_gets_and_pays(seed: int, temperature: float) -> None:
    game = game_with(lognormal(seed, 15, 4), temperature=temperature)
    factors = np.random.default_rng(seed).uniform(0, 2, 4)
    top_bids = [deviate(game, factors, level) for level in (0.0, 0.1, 0.5, 1.0, 3.0)]
    for less, more in itertools.pairwise(top_bids):
        assert (more.returns >= less.returns - 1e-12).all()
        assert (more.cost >= less.cost - 1e-12).all()


def test_probabilities_that_leave_no_doubt_leave_no_nan() -> None:
    values = np.array([[1e6, 1.0, 1e-6], [1e-6, 0, 0], [0, 0, 0], [5, 5, 5]])
    for temperature in (1e-9, 1e-3, 1e9):
        for pricing in PRICINGS:
            game = game_with(values, temperature=temperature, pricing=pricing)
            response, gradient = vjp(game, np.ones(3), 1.0, 1.0)
            assert np.isfinite(response.cost).all() and np.isfinite(gradient).all()
            assert response.cost[0] >= 1.0 - 1e-6


@pytest.mark.parametrize("pricing", PRICINGS)
def test_float32_values_are_as_good_as_float64(pricing: Pricing) -> None:
    values = lognormal(7, 2000, 60, 0.0)
    factors = np.random.default_rng(4).uniform(0.5, 1.5, 60)
    for share in (1e-3, 1e-2, 0.1):
        temperature = share * values.mean()
        one = vjp(game_with(values, 1.0, temperature, pricing), factors, 1.0, 0.3)
        game = game_with(values.astype(np.float32), 1.0, temperature, pricing)
        other = vjp(game, factors, 1.0, 0.3)
        for name in ("returns", "cost"):
            exact = getattr(one[0], name)
            np.testing.assert_allclose(getattr(other[0], name), exact, rtol=1e-4)
        assert np.abs(other[1] - one[1]).max() <= 1e-4 * np.abs(one[1]).max()


def test_blocks_and_engines_do_not_change_the_sums() -> None:
    values = lognormal(8, 2 * BLOCK + 100, 6, 0.5)
    factors = np.random.default_rng(5).uniform(0.1, 2, 6)
    for lists in (False, True):
        game = game_with(values, lists=lists)
        weight, toll = np.linspace(0, 1, 6), np.linspace(1, -1, 6)
        one, slope = vjp(game, factors, weight, toll, "compiled")
        other, also = vjp(game, factors, weight, toll, "xla")
        np.testing.assert_allclose(also, slope, rtol=1e-9)
        pairs = [(one, other)]
        for call in (jvp, deviate):
            turned = [call(game, factors, 1.3 * factors, engine=e) for e in ("compiled", "xla")]
            if call is deviate:
                turned = [(deviation,) for deviation in turned]
            pairs += zip(*turned, strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(other.returns, one.returns, rtol=1e-9)
            np.testing.assert_allclose(other.cost, one.cost, rtol=1e-9)
        np.testing.assert_array_equal(respond(game, factors).cost, pairs[0][0].cost)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compiled", "xla"])
@pytest.mark.parametrize("shape", [(70_000, 100), (7_000, 1000)])
def test_float32_is_as_good_at_the_size_of_a_platform(
    shape: tuple[int, int], engine: Engine
) -> None:
    """70,000 impressions, or 1,000 advertisers; temperatures down to 1e-3 of the mean bid."""
    values = np.random.default_rng(0).lognormal(0, 0.7, shape).astype(np.float32)
    factors = np.random.default_rng(1).uniform(0.5, 1.5, shape[1])
    mean = float(values.mean())
    for share in (1e-3, 1e-2):
        for pricing in PRICINGS:
            short, long = (
                vjp(
                    game_with(values.astype(dtype), 1.0, share * mean, pricing),
                    factors,
                    1.0,
                    0.3,
                    engine,
                )
                for dtype in (np.float32, np.float64)
            )
            for one, other in (
                (short[0].returns, long[0].returns),
                (short[0].cost, long[0].cost),
                (short[1], long[1]),
            ):
                assert np.abs(one - other).max() <= 1e-4 * np.abs(other).max()
