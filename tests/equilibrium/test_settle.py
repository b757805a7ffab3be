"""Dynamics, polishing and the search: where they come to rest."""

from dataclasses import replace

import numpy as np
import pytest
from games import PRICINGS, Pricing, example, game_with, generated, lognormal
from hypothesis import given
from hypothesis import strategies as st

from equibid.auctions import Soft, gsp
from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.game import default_temperature, game_of
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.solvers import newton
from equibid.equilibrium.solvers.dynamics import best_response_dynamics, tatonnement
from equibid.equilibrium.solvers.newton import polish
from equibid.equilibrium.solvers.profile import excess
from equibid.equilibrium.solvers.select import Search, best_of, between, search
from equibid.equilibrium.solvers.settle import settle
from equibid.errors import InputError

WELFARE = objective_named("welfare")


def largest_gain(game, rest) -> float:
    answer = best_response(game, rest.factors)
    return max(float((answer.returns - rest.response.returns).max()), 0) / rest.response.welfare


def test_all_roads_lead_to_the_only_equilibrium() -> None:
    """Nearly disjoint interests: each has impressions of its own, at prices from outside."""
    random = np.random.default_rng(0)
    values = np.zeros((60, 3))
    for k in range(60):
        values[k, k % 3] = random.uniform(0.5, 1)
        values[k, (k + 1) % 3] = random.uniform(0, 0.2)
    outside = random.uniform(0.2, 0.6, 60)
    game = game_with(values, [2.0, 3.0, 4.0], 0.05, outside=outside, cap=3.0)
    ends = [
        tatonnement(game, game.cap, rate=0.2, tolerance=1e-9),
        tatonnement(game, 0.1 * game.cap, rate=0.5, tolerance=1e-9, elastic=True),
        best_response_dynamics(game, 0.5 * game.cap, groups=3),
        polish(game, 0.5 * game.cap),
        best_response_dynamics(game, 0.5 * game.cap, damping=0.5),
        settle(game, 0.02 * game.cap),
    ]
    for rest in ends:
        assert rest.residual <= 1e-6
        np.testing.assert_allclose(rest.factors, ends[0].factors, rtol=1e-6)
        assert largest_gain(game, rest) <= 1e-6


def test_tatonnement_divides_the_example_as_published() -> None:
    """Of uniform starts only the low one leads to the worse equilibrium."""
    game = example(0.0845)
    ends = {c: tatonnement(game, np.full(3, c), 0.05).response.welfare for c in (0.1, 0.3, 1, 5)}
    assert ends == pytest.approx({0.1: 36.455, 0.3: 38.363, 1: 38.363, 5: 38.363}, abs=1e-3)
    assert tatonnement(game, np.full(3, 1.0), 0.3, 500).residual > 0.01


def test_deflation_leads_away_from_what_is_known() -> None:
    game = example()
    known = [settle(game, np.full(3, level)).factors for level in (0.1, 1.0)]
    middle = np.sqrt(known[0] * known[1])
    rest = polish(game, middle, avoid=known)
    assert rest.residual <= 1e-10
    assert rest.response.welfare == pytest.approx(38.255, abs=1e-3)


def test_without_a_matrix_newton_goes_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    game = generated(3, 30, 1200)
    start = tatonnement(game, 0.5 * game.cap, 0.5, 30, elastic=True).factors
    dense = polish(game, start)
    monkeypatch.setattr(newton, "DENSE", 0)
    krylov = polish(game, start)
    assert dense.residual <= 1e-10 and krylov.residual <= 1e-10
    np.testing.assert_allclose(krylov.factors, dense.factors, rtol=1e-8)


@given(st.integers(0, 200), st.integers(3, 14), st.sampled_from(PRICINGS))
def test_almost_every_start_ends_in_an_equilibrium(
    seed: int, advertisers: int, pricing: Pricing
) -> None:
    """The figure itself is measured by `benchmarks/equilibria.py`, on larger markets too."""
    game = generated(seed, advertisers, 240, 0.05, pricing)
    start = game.cap * np.random.default_rng(seed).uniform(0.02, 1, advertisers)
    rest = settle(game, start)
    assert largest_gain(game, rest) <= 1e-6
    assert (rest.response.cost <= game.budget * (1 + 1e-6)).all()
    assert np.abs(excess(game, rest.factors, rest.response)).max() == rest.residual


def test_a_search_goes_on_where_it_was_stopped() -> None:
    game, settings = example(), Search(starts=6, deflated=4, seed=3)
    whole = list(search(game, WELFARE, settings))
    for cut in (1, 5, 8):
        rest = list(search(game, WELFARE, settings, whole[:cut]))
        assert [outcome.index for outcome in rest] == list(range(cut, 10))
        for one, other in zip(whole[cut:], rest, strict=True):
            np.testing.assert_array_equal(one.rest.factors, other.rest.factors)
    leader = best_of(whole)
    assert leader is not None and leader.holds
    assert leader.objective == max(outcome.objective for outcome in whole if outcome.holds)


def test_of_no_equilibrium_the_nearest_is_kept() -> None:
    game = example()
    outcomes = list(search(game, WELFARE, Search(starts=3, tolerance=0.0)))
    leader = best_of(outcomes)
    assert leader is not None and not leader.holds
    assert leader.rest.residual == min(outcome.rest.residual for outcome in outcomes)
    assert best_of([]) is None


def test_sharpness_follows_the_scale_of_money() -> None:
    market = generated(4, 8, 400).market
    campaigns = replace(market.campaigns, target_cpa=3 * market.campaigns.target_cpa)
    dear = replace(market, campaigns=campaigns)
    assert default_temperature(dear) == pytest.approx(3 * default_temperature(market))
    assert default_temperature(market, 0.1) == pytest.approx(2 * default_temperature(market, 0.05))
    # By hand: second-highest bids 3 and 1, as the last impression has one bidder.
    values = np.array([[5.0, 3.0, 1.0], [1.0, 0.5, 7.0], [2.0, 0.0, 0.0]])
    assert default_temperature(game_with(values).market, 0.5) == pytest.approx(0.5 * 2)


def test_a_game_refuses_what_it_cannot_compute() -> None:
    market = example().market
    with pytest.raises(InputError, match="under soft auctions"):
        game_of(market, gsp())  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="without reserve"):
        game_of(market, Soft(0.1, reserve=1.0))
    with pytest.raises(InputError, match="positive number"):
        game_of(market, Soft(0.1), 0.0)
    single = game_with(np.ones((4, 1))).market
    with pytest.raises(InputError, match="no impression has two bidders"):
        default_temperature(single)


def test_a_start_between_equilibria_is_between_where_both_bid() -> None:
    """One sits out in the first and one in the second: there the start is the one that bids."""
    game = game_with(lognormal(1, 10, 4), cap=3.0)
    known = [np.asarray([1.0, 0.0, 2.0, 0.5]), np.asarray([0.25, 1.0, 0.0, 2.0])]
    for seed in range(5):
        start = between(game, np.random.default_rng(seed), known, np.ones(4))
        np.testing.assert_allclose(start[1:3], [1.0, 2.0])
        assert 0.2 < start[0] < 1.25 and 0.4 < start[3] < 2.5
    np.testing.assert_array_equal(
        between(game, np.random.default_rng(0), known[:1], known[1]), known[1]
    )
