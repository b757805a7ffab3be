"""A log of days: each a delivery period of as many impressions as came, with full budgets."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from equibid.auctions import second_price
from equibid.bidders.replay import replay, spend_factor
from equibid.bidders.training import training_log
from equibid.envs.periods import recorded_setup
from equibid.envs.rewards import reward_named
from equibid.errors import InputError
from equibid.evaluation.arena import enter, jobs
from equibid.logs import LogDataset, split_for_tuning, with_budget_share
from equibid.logs.dataset import whole
from equibid.markets.market import Campaigns, Labels, Market, joined, parted
from equibid.simulation.scenario import recorded_scenario

# Impressions of each tick of each day: days of 10, 3, 8, 5 and 7, some hours empty.
COUNTS = [[4, 0, 6], [0, 3, 0], [2, 3, 3], [5, 0, 0], [1, 1, 5]]
LENGTHS = [sum(day) for day in COUNTS]


def log_of_days(budget: float = 30.0) -> LogDataset:
    """A campaign with whole prices and outcomes."""
    draw = np.random.default_rng(5)
    count = sum(LENGTHS)
    market = Market(
        values=jnp.asarray(draw.lognormal(-2, 1, (count, 1))),
        tick_start=jnp.asarray(np.concatenate([[0], np.ravel(COUNTS).cumsum()]), jnp.int32),
        campaigns=Campaigns(jnp.full(1, budget), jnp.ones(1), jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(draw.integers(1, 20, count).astype(float)),
        outcomes=jnp.asarray(draw.random((count, 1)) < 0.3),
        labels=Labels("days", ("a",)),
    )
    return LogDataset("days", market, day_ticks=3)


def test_a_market_is_parted_into_days_and_joined_again() -> None:
    market = log_of_days().test
    days = parted(market, 3)
    assert [day.impressions for day in days] == LENGTHS
    assert [np.diff(day.tick_start).tolist() for day in days] == COUNTS
    again = joined(days)
    for name in ("values", "tick_start", "market_price", "outcomes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(market, name))


def test_the_first_days_are_for_tuning() -> None:
    log = log_of_days()
    halves = split_for_tuning(log, 0.4)
    assert halves.train is not None
    assert [day.impressions for day in parted(halves.train, 3)] == LENGTHS[:2]
    assert [day.impressions for day in parted(halves.test, 3)] == LENGTHS[2:]
    assert (halves.periods_in(halves.train), halves.periods_in(halves.test)) == (2, 3)
    assert halves.mean_period == log.mean_period == sum(LENGTHS) / 5
    # All five days' money.
    assert whole(halves)[0].campaigns.budget.tolist() == [150.0]
    one = replace(log, test=parted(log.test, 3)[0])
    with pytest.raises(InputError, match="nothing to test on"):
        split_for_tuning(one)


def test_every_day_has_the_share_of_an_average_day() -> None:
    log = with_budget_share(log_of_days(), 0.25)
    cost = float(np.asarray(log.test.market_price).sum())
    assert log.test.campaigns.budget.tolist() == [int(cost / 5 * 0.25)]


def bought(log: LogDataset, bid: np.ndarray, budget: float) -> tuple[float, float]:
    """Value and money of bids on the whole log, day by day."""
    assert log.test.market_price is not None
    value, price = (np.asarray(x).ravel() for x in (log.test.values, log.test.market_price))
    got, paid, k = 0.0, 0.0, 0
    for length in LENGTHS:
        left = budget
        for _ in range(length):
            if bid[k] >= price[k] and left >= price[k]:
                left -= price[k]
                got += value[k]
                paid += price[k]
            k += 1
    return got, paid


def test_budgets_are_filled_at_the_start_of_each_day() -> None:
    log = log_of_days()
    told = training_log(log.test, second_price(), day_ticks=3)
    assert told.period_start.tolist() == [0, 10, 13, 21, 26]
    assert (told.periods, told.ticks, told.period) == (5, 3, 7)
    bids = np.full((33, 1), 15.0)
    got = replay(told, jnp.asarray(bids))
    assert (got.value[0], got.spend[0]) == pytest.approx(bought(log, bids[:, 0], 30.0), rel=1e-12)
    # The money of five days, spent at one factor.
    factor = spend_factor(told)
    assert log.test.market_price is not None
    value, price = (np.asarray(x).ravel() for x in (log.test.values, log.test.market_price))
    assert price[factor[0] * value >= price * (1 - 1e-12)].sum() <= 150


def test_a_thinned_log_keeps_its_days() -> None:
    told = training_log(log_of_days().test, second_price(), most=11, day_ticks=3)
    # Impressions 1, 4, 7, …, 31: those of each day, a third of its money.
    assert told.period_start.tolist() == [0, 3, 4, 7, 9]
    assert told.campaigns.budget.tolist() == [10.0]


def test_days_are_played_each_with_its_own_money() -> None:
    scenario = recorded_scenario(log_of_days(), second_price(), "tick")
    assert (scenario.replicates(10), scenario.train.period_start.tolist()) == (4, [0])
    assert [scenario.market(day).impressions for day in range(4)] == LENGTHS[1:]
    work = list(jobs(scenario, enter(scenario, ["constant", "pacing"]), 10, "mixed"))
    assert [job.name for job in work] == [f"days-{day}" for day in range(4)]
    for number, job in enumerate(work):
        rows = job.run()
        assert (rows["replicate"] == number).all()
        assert rows.height == 2 * 3
        paid = rows.group_by("bidder").agg(pl.col("spend").sum(), pl.col("remaining").min())
        np.testing.assert_allclose(paid["spend"] + paid["remaining"], 30.0, rtol=1e-12)
        offered = rows.group_by("bidder").agg(pl.col("offered").sum())
        assert (offered["offered"] == LENGTHS[1 + number]).all()


def test_learners_practise_on_the_training_days() -> None:
    log = split_for_tuning(log_of_days(), 0.6)
    setup = recorded_setup(log, second_price(), "tick")
    assert [market.impressions for market in setup.train] == LENGTHS[:2]
    assert [market.impressions for market in setup.held_out] == LENGTHS[2:3]
    for world in ("market", "log"):
        game = setup.task(reward_named("value"), observer="pace", env_mode=world).game
        assert (game.ticks, game.steps) == (3, 3)
        assert game.periods == 2
    with pytest.raises(InputError, match="holds 1 days"):
        recorded_setup(log_of_days(), second_price(), "tick")
