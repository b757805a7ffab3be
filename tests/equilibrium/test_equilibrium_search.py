"""Equilibrium search: the published example, where everything is known, and small markets."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_response import plain_response

from equibid.auctions import Soft
from equibid.equilibrium.game import Game, game_of
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers.ascent import Ascent
from equibid.equilibrium.solvers.candidates import (
    KEPT,
    Candidate,
    CandidateSettings,
    propose,
    within_budget,
)
from equibid.equilibrium.solvers.equilibrium_search import (
    best_gain,
    equilibrium_search,
    least_exploitable,
    quick_gain,
    share,
)
from equibid.errors import InputError
from equibid.markets import MARKETS, Campaigns, Labels, Market

TAU = 0.0845
EXAMPLE = game_of(MARKETS["example-3.2"](jax.random.key(0)), Soft(TAU, "hard"), 10.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def proposed() -> list[Candidate]:
    return propose(EXAMPLE, rng(), CandidateSettings())


def small_game(seed: int) -> Game:
    """Four advertisers of random values and budgets."""
    draws = rng(seed)
    values = draws.lognormal(0, 1, (30, 4)) * (draws.random((30, 4)) < 0.8)
    campaigns = Campaigns(
        jnp.asarray(draws.uniform(0.5, 8, 4)), jnp.ones(4), jnp.zeros(4, jnp.int32)
    )
    market = Market(jnp.asarray(values), jnp.array([0, 30]), campaigns, labels=Labels("small"))
    return game_of(market, Soft(0.05), 3.0)


@pytest.mark.parametrize("source", ["tatonnement", "best-response"])
def test_rest_points_of_the_example_are_equilibria(source: Any) -> None:
    """The better of the two stable ones has welfare 38.363 (arXiv 2503.10304, table 3: 38.368)."""
    found = equilibrium_search(EXAMPLE, rng(), 1e-6, CandidateSettings(sources=(source,), starts=8))
    assert found.accepted and found.exploitability <= 1e-6
    welfare = {"tatonnement": (38.363,), "best-response": (36.455, 38.363)}[source]
    assert round(found.candidate.value, 3) in welfare
    np.testing.assert_allclose(found.candidate.response.cost, EXAMPLE.budget, rtol=1e-8)


def test_a_small_epsilon_finds_the_best_equilibrium_among_better_profiles() -> None:
    found = equilibrium_search(EXAMPLE, rng(), 1e-6)
    assert found.accepted and found.candidate.source == "tatonnement"
    assert found.candidate.value == pytest.approx(38.363, abs=1e-3)
    assert found.verified > 1


def test_a_loose_epsilon_takes_the_team_point() -> None:
    """Nothing of two thousand random profiles within budgets is better."""
    found = equilibrium_search(EXAMPLE, rng(), 10.0, CandidateSettings(sources=("ascent",)))
    assert found.accepted and found.verified == 1 and found.exploitability > 0.1
    draws = np.exp(rng(1).uniform(np.log(0.05), np.log(10), (1000, 3)))
    near = found.candidate.factors * np.exp(rng(2).normal(0, 0.2, (1000, 3)))
    best = 0.0
    for factors in np.concatenate([draws, near]):
        response = respond(EXAMPLE, factors)
        if (response.cost <= EXAMPLE.budget).all():
            best = max(best, response.welfare)
    assert 39.7 < best <= found.candidate.value + 0.02


def test_nothing_acceptable_returns_the_least_exploitable(proposed: list[Candidate]) -> None:
    """Ascents alone: no profile that the team likes best is an equilibrium."""
    found = equilibrium_search(EXAMPLE, rng(), 1e-4, CandidateSettings(sources=("ascent",)))
    team = [candidate for candidate in proposed if candidate.source == "ascent"]
    all_shares = [share(candidate, best_gain(EXAMPLE, candidate)) for candidate in team]
    assert not found.accepted and found.verified == len(team)
    assert found.exploitability == min(all_shares) > 1e-4
    np.testing.assert_array_equal(found.gain, best_gain(EXAMPLE, found.candidate))


def test_bounds_may_leave_candidates_unsolved(proposed: list[Candidate]) -> None:
    shares = [share(c, best_gain(EXAMPLE, c)) for c in proposed]
    quick = [(share(c, quick_gain(EXAMPLE, c)), c) for c in proposed]
    assert all(low <= true + 1e-12 for (low, _), true in zip(quick, shares, strict=True))
    assert sum(low > 0.01 for low, _ in quick) > len(quick) / 4
    candidate, gain = least_exploitable(EXAMPLE, quick)
    assert share(candidate, gain) == min(shares)


def test_candidates_are_ordered_distinct_and_within_budgets(proposed: list[Candidate]) -> None:
    values = [candidate.value for candidate in proposed]
    assert values == sorted(values, reverse=True)
    assert {candidate.source for candidate in proposed} == set(CandidateSettings().sources)
    for candidate in proposed:
        returns, cost = plain_response(EXAMPLE.market.values, candidate.factors, TAU, "hard")
        assert (cost <= EXAMPLE.budget * (1 + 2 * KEPT)).all()
        assert candidate.value == pytest.approx(returns.sum(), rel=1e-12)
    again = propose(EXAMPLE, rng(), CandidateSettings())
    assert [candidate.value for candidate in again] == values


@settings(max_examples=5)
@given(
    seed=st.integers(0, 1000),
    epsilons=st.lists(st.floats(0, 0.3), min_size=2, max_size=2),
)
def test_a_smaller_epsilon_never_leads_to_more(seed: int, epsilons: list[float]) -> None:
    game = small_game(seed)
    candidate_settings = CandidateSettings(
        starts=2, penalties=(10.0,), ascent=Ascent(steps=25), fractions=(0.3, 0.7), rest_steps=100
    )
    found = [equilibrium_search(game, rng(seed), e, candidate_settings) for e in sorted(epsilons)]
    values = [each.candidate.value for each in found]
    assert values == sorted(values)
    for each, epsilon in zip(found, sorted(epsilons), strict=True):
        assert each.accepted == (each.exploitability <= epsilon)


@given(seed=st.integers(0, 1000))
def test_cutting_down_to_the_budgets(seed: int) -> None:
    """Costs fit, no factor rises, and somebody who was cut down still spends most of its money."""
    game = small_game(seed)
    start = game.cap * rng(seed).uniform(0.05, 1, 4)
    factors, response = within_budget(game, start)
    assert (response.cost <= game.budget * (1 + 2 * KEPT)).all()
    assert (factors <= start).all()
    cut = (factors < start) & (factors > 0)
    assert not cut.any() or (response.cost / game.budget)[cut].max() > 0.7
    again, _ = within_budget(game, factors)
    np.testing.assert_array_equal(again, factors)


def test_who_cannot_pay_the_entry_sits_out() -> None:
    """At τ = 1 the example's third advertiser is charged more than its budget for a bid of zero."""
    game = game_of(EXAMPLE.market, Soft(1.0, "hard"), 10.0)
    factors, response = within_budget(game, np.ones(3))
    assert factors[2] == 0 and (factors[:2] > 0).all()
    assert (response.cost <= game.budget * (1 + KEPT)).all()


def test_who_values_nothing_or_has_no_money_is_no_candidate() -> None:
    values = np.zeros((10, 5))
    values[:, :3] = np.asarray(EXAMPLE.market.values)
    values[:, 4] = 1
    campaigns = Campaigns(
        jnp.array([*EXAMPLE.budget, 2.0, 0.0]), jnp.full(5, np.inf), jnp.zeros(5, jnp.int32)
    )
    market = Market(jnp.asarray(values), jnp.array([0, 10]), campaigns, labels=Labels("idle"))
    game = game_of(market, Soft(TAU, "hard"))
    assert not game.players[3:].any()
    found = equilibrium_search(game, rng(), 1e-6, CandidateSettings(starts=2, penalties=(10.0,)))
    assert found.accepted and (found.candidate.factors[3:] == 0).all()
    assert round(found.candidate.value, 3) in (36.455, 38.363)


def test_the_objective_orders_the_candidates() -> None:
    """For the seller it is the money that counts: equilibria spend all of it."""
    candidate_settings = CandidateSettings(
        sources=("ascent", "tatonnement"), objective=objective_named("revenue")
    )
    found = equilibrium_search(EXAMPLE, rng(), 1e-6, candidate_settings)
    assert found.accepted
    assert found.candidate.value == pytest.approx(EXAMPLE.budget.sum(), rel=1e-8)


def test_a_generated_market() -> None:
    market = MARKETS["demo"](
        jax.random.key(2), impressions=600, advertisers=8, ticks=3, form="sparse"
    )
    game, callback = game_of(market, Soft(0.5)), []
    candidate_settings = CandidateSettings(
        starts=2, penalties=(100.0,), fractions=(0.5,), ascent=Ascent(steps=30)
    )
    found = equilibrium_search(
        game,
        rng(),
        1e-3,
        candidate_settings,
        callback=lambda count, gap: callback.append((count, gap)),
    )
    assert found.accepted and (found.gain <= 1e-3 * found.candidate.response.welfare).all()
    assert [count for count, _ in callback] == [*range(1, found.verified + 1)]
    assert callback[-1][1] == found.exploitability


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sources": ("magic",)}, "sources"),
        ({"sources": ()}, "sources"),
        ({"starts": 0}, "starts"),
        ({"lowest_start": 2.0}, "lowest_start"),
        ({"penalties": (-1.0,)}, "penalties"),
        ({"fractions": (1.5,)}, "fractions"),
    ],
)
def test_bad_roads(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        CandidateSettings(**changes)


def test_bad_search() -> None:
    for epsilon, most in ((-1.0, 3), (float("nan"), 3), (0.1, 0)):
        with pytest.raises(InputError, match="epsilon"):
            equilibrium_search(EXAMPLE, rng(), epsilon, most=most)
