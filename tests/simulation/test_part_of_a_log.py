"""A part of a log has its part of the money and time, wherever it is tuned on or played."""

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from equibid.auctions import first_price, second_price
from equibid.auctions.clearing import Auction
from equibid.evaluation.arena import enter, jobs
from equibid.logs.dataset import LogDataset, split_for_tuning
from equibid.markets.market import Campaigns, Market, even_ticks
from equibid.simulation.scenario import recorded_scenario

IMPRESSIONS, TICKS = 20_000, 40


def stationary(seed: int = 0) -> LogDataset:
    """A log of one delivery period, all of it alike, with money for an eighth of it."""
    luck = np.random.default_rng(seed)
    prices = luck.lognormal(0, 0.6, IMPRESSIONS)
    budget = jnp.asarray([prices.sum() / 8])
    market = Market(
        values=jnp.asarray(luck.lognormal(-6, 1, (IMPRESSIONS, 1))),
        tick_start=even_ticks(IMPRESSIONS, TICKS),
        campaigns=Campaigns(budget, jnp.full(1, 200.0), jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(prices),
    )
    return LogDataset("stationary", market)


def test_parts_share_the_money() -> None:
    whole = stationary()
    parts = split_for_tuning(whole)
    assert parts.train is not None
    money = [float(part.campaigns.budget[0]) for part in (parts.train, parts.test)]
    budget = float(whole.test.campaigns.budget[0])
    np.testing.assert_allclose(money, [0.2 * budget, 0.8 * budget])


def test_a_bidder_is_told_of_the_period_that_it_will_be_played_in() -> None:
    scenario = recorded_scenario(stationary(), second_price(), "tick")
    played = scenario.market(0)
    assert scenario.train.period == played.impressions == 16_000
    assert scenario.train.ticks == played.ticks == 32
    np.testing.assert_array_equal(scenario.train.campaigns.budget, played.campaigns.budget)
    assert scenario.train.periods == 0.25


def test_a_thinned_log_keeps_the_proportions() -> None:
    dataset = split_for_tuning(stationary())
    assert dataset.train is not None
    scenario = recorded_scenario(dataset, second_price(), "tick")
    log = scenario.train
    half = type(log)(
        log.values[::2], log.prices[::2], log.campaigns, log.period, log.ticks, log.history
    )
    told = half.tuning_for(dataset.test.campaigns, 16_000, 32, dataset.train.impressions)
    assert told.period == 8000 and told.periods == log.periods
    np.testing.assert_allclose(told.campaigns.budget, np.asarray(log.campaigns.budget) / 2)


@pytest.mark.parametrize("auction", [second_price(), first_price()], ids=["second", "first"])
def test_on_a_stationary_log_tuned_bidders_come_near_hindsight(auction: Auction) -> None:
    scenario = recorded_scenario(stationary(), auction, "tick")
    names = ["fixed", "lin", "pacing", "pacing-ratio", "online-lp", "hindsight"]
    [job] = jobs(scenario, enter(scenario, names), 1, "mixed")
    sums = job.run().group_by("bidder").agg(pl.col("value", "spend").sum())
    value = dict(zip(sums["bidder"], sums["value"], strict=True))
    spend = dict(zip(sums["bidder"], sums["spend"], strict=True))
    for name in ("fixed", "lin", "pacing", "pacing-ratio", "online-lp"):
        assert 0.95 * value["hindsight"] < value[name] < 1.02 * value["hindsight"], name
    budget = float(scenario.market(0).campaigns.budget[0])
    for name in ("pacing", "pacing-ratio", "online-lp"):
        assert spend[name] > 0.97 * budget, name
