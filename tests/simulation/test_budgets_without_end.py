"""Budgets from nothing to no limit: none of them costs anybody else a digit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import gsp, init_budgets, second_price
from equibid.auctions.soft import Soft
from equibid.bidders.population import Population
from equibid.equilibrium.game import game_of
from equibid.evaluation.arena import enter, jobs
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Market, even_ticks, validate
from equibid.simulation import simulate
from equibid.simulation.scenario import generated_scenario
from worlds import Steady

IMPRESSIONS = 1000
ABSURD = [5.0, 1e9, 1e12, 1e15, 1e30, 1e300, np.inf]
ENGINES = pytest.mark.parametrize("engine", ["xla", "fused"])


def market(budgets: list[float], target: float = 50.0) -> Market:
    """Two advertisers who value everything alike."""
    return Market(
        values=jnp.full((IMPRESSIONS, 2), 0.01),
        tick_start=even_ticks(IMPRESSIONS, 4),
        campaigns=Campaigns(jnp.asarray(budgets), jnp.full(2, target), jnp.zeros(2, jnp.int32)),
    )


def played(budgets: list[float], engine: str, factors: tuple[float, float], target: float = 50.0):
    bidders = Population((Steady(jnp.asarray(factors)),), jnp.zeros(2, jnp.int32))
    delivery = simulate(
        market(budgets, target),
        second_price(),
        bidders,
        jax.random.key(0),
        sampled=False,
        engine=engine,  # type: ignore[arg-type]
    )
    return delivery.total()


@ENGINES
@pytest.mark.parametrize("big", ABSURD)
def test_a_huge_budget_costs_nobody_a_digit(engine: str, big: float) -> None:
    """Bids of 0.009 and 0.01: the second advertiser wins at 0.009, as long as its money lasts."""
    total = played([big, 5.0], engine, (0.9, 1.0))
    wins = 5.0 // 0.009
    assert float(total.wins[1]) == wins
    assert float(total.spend[1]) == pytest.approx(wins * 0.009, rel=1e-13)
    # Then the other is alone and pays nothing.
    assert float(total.wins[0]) == IMPRESSIONS - wins and float(total.spend[0]) == 0


@ENGINES
@pytest.mark.parametrize("big", ABSURD[1:])
def test_who_has_no_limit_pays_what_things_cost(engine: str, big: float) -> None:
    total = played([5.0, big], engine, (0.9, 1.0))
    assert float(total.wins[1]) == IMPRESSIONS
    assert float(total.spend[1]) == pytest.approx(9.0, rel=1e-12)
    both = played([big, big], engine, (0.9, 1.0))
    assert float(both.spend[1]) == pytest.approx(9.0, rel=1e-12)


@ENGINES
@pytest.mark.parametrize("tiny", [0.0, 5e-324, 1e-310, 1e-200, 1e-18])
def test_a_tiny_budget_buys_nothing_and_is_a_number(engine: str, tiny: float) -> None:
    total = played([5.0, tiny], engine, (0.9, 1.0))
    assert all(np.isfinite(np.asarray(x)).all() for x in jax.tree.leaves(total))
    assert float(total.wins[1]) == 0 and float(total.wins[0]) == IMPRESSIONS


@ENGINES
def test_a_budget_is_kept_where_the_target_says_little(engine: str) -> None:
    """A target of a millionth makes any budget look endless; it still ends."""
    total = played([5.0, 5.0], engine, (0.9, 1.0), target=1e-6)
    assert float(total.spend[1]) <= 5.0 and float(total.wins[1]) == 5.0 // 0.009


def test_quanta_are_each_advertisers_own() -> None:
    small = init_budgets(np.array([3.0, 5.0]))
    beside = init_budgets(np.array([3.0, 1e15]))
    assert small.quantum[0] == beside.quantum[0] == 2.0**-50
    assert beside.remaining[1] == 1e15


def test_a_market_takes_no_limit_and_refuses_what_is_no_number() -> None:
    validate(market([np.inf, 1.0]))
    for wrong in (-1.0, np.nan):
        with pytest.raises(ValueError, match="budgets"):
            validate(market([wrong, 1.0]))


@pytest.mark.parametrize("name", ["pacing", "pacing-ratio", "online-lp", "fixed", "lin"])
def test_bidders_without_a_limit_bid_numbers(name: str) -> None:
    made = MARKETS["demo"](jax.random.key(0), impressions=400)
    budget = np.array(made.campaigns.budget, np.float64)
    budget[::5] = np.inf
    free = made.with_budget(jnp.asarray(budget))
    scenario = generated_scenario("free", lambda day: free, gsp())
    [job] = jobs(scenario, enter(scenario, [name]), 1, "mixed")
    rows = job.run()
    assert rows["value"].is_finite().all() and rows["bid"].is_finite().all()
    assert rows["spend"].is_finite().all() and rows["wins"].sum() > 0


def test_a_game_with_an_unlimited_player_has_numbers() -> None:
    game = game_of(market([np.inf, 5.0]), Soft(0.001))
    assert np.isfinite(game.budget).all() and game.budget[0] > 1e9
