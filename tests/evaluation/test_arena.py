"""Who sits where: everybody has every seat once, on the same day, and no money appears."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import worlds
from equibid.auctions import gsp, second_price
from equibid.bidders import BIDDERS
from equibid.bidders.bidder import Bidder
from equibid.errors import InputError
from equibid.evaluation.arena import Entry, Seating, enter, jobs
from equibid.logs import LogDataset
from equibid.markets import MARKETS
from equibid.simulation import Delivery, Population, everybody, simulate
from equibid.simulation.scenario import Scenario, generated_scenario, recorded_scenario
from equibid.simulation.training_day import counterfactual_log

NAMES = ["lin", "pacing", "constant"]
AUCTION = gsp()
KEYS = ["market", "replicate", "bidder", "advertiser"]


def generated(**sizes: int) -> Scenario:
    make = MARKETS["demo"]
    sizes = {"impressions": 600, "advertisers": 8, "ticks": 6} | sizes
    return generated_scenario(
        "demo", lambda day: make(jax.random.key(5), day=day, **sizes), AUCTION
    )


def rows(scenario: Scenario, entries: list[Entry], seeds: int = 2, seating: Seating = "mixed"):
    return pl.concat([job.run() for job in jobs(scenario, entries, seeds, seating)])


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return generated()


@pytest.fixture(scope="module")
def mixed(scenario: Scenario) -> pl.DataFrame:
    return rows(scenario, enter(scenario, NAMES))


def test_every_contender_has_every_seat_once(scenario: Scenario, mixed: pl.DataFrame) -> None:
    market = scenario.market(0)
    expected = {
        ("demo", seed, name, tick, seat)
        for seed in range(2)
        for name in NAMES
        for tick in range(market.ticks)
        for seat in range(market.advertisers)
    }
    cells = mixed.select("market", "replicate", "bidder", "tick", "advertiser").rows()
    assert len(cells) == len(expected)
    assert set(cells) == expected


def test_money_is_conserved(scenario: Scenario, mixed: pl.DataFrame) -> None:
    ends = mixed.group_by(KEYS).agg(
        pl.col("spend").sum(), pl.col("remaining").sort_by("tick").last()
    )
    for (seed,), part in ends.group_by("replicate"):
        budget = np.asarray(scenario.market(int(str(seed))).campaigns.budget)[part["advertiser"]]
        assert (part["spend"].to_numpy() <= budget * (1 + 1e-12)).all()
        np.testing.assert_allclose(part["spend"] + part["remaining"], budget, rtol=1e-9)
    assert (ends["spend"] >= 0).all()
    assert (ends["remaining"] >= 0).all()


def test_a_turn_sells_no_slot_twice(scenario: Scenario, mixed: pl.DataFrame) -> None:
    # In turn r advertiser i is driven by contender (i + r) mod B.
    index = pl.col("bidder").replace_strict({name: i for i, name in enumerate(NAMES)})
    turns = mixed.with_columns(turn=(index - pl.col("advertiser")) % len(NAMES))
    sold = turns.group_by("replicate", "tick", "turn").agg(pl.col("wins").sum())
    assert sold.height == 2 * 6 * len(NAMES)
    for seed, tick, _, wins in sold.rows():
        start = np.asarray(scenario.market(seed).tick_start)
        assert 0 < wins <= 3 * (start[tick + 1] - start[tick])


def test_a_reference_does_not_disturb_the_contenders(
    scenario: Scenario, mixed: pl.DataFrame
) -> None:
    watched = rows(scenario, enter(scenario, [*NAMES, "hindsight"]))
    bound = watched.filter(bidder="hindsight")
    assert bound.height == mixed.height / len(NAMES)
    assert bound.select("replicate", "tick", "advertiser").is_unique().all()
    assert_frame_equal(watched.filter(pl.col("bidder") != "hindsight"), mixed, check_exact=True)


def test_the_same_bidder_under_two_names_has_the_same_luck(scenario: Scenario) -> None:
    (entry,) = enter(scenario, ["pacing"])
    twins = rows(scenario, [replace(entry, name="one"), replace(entry, name="other")])
    one, other = (
        twins.filter(bidder=name).drop("bidder").sort("replicate", "advertiser", "tick")
        for name in ("one", "other")
    )
    assert one["spend"].sum() > 0
    assert_frame_equal(one, other, check_exact=True)


def test_a_reference_takes_the_seats_of_the_first_contender_alone(scenario: Scenario) -> None:
    entries = enter(scenario, [*NAMES, "hindsight"])
    watched = rows(scenario, entries, seeds=1).filter(bidder="hindsight")
    market = scenario.market(0)
    bidders = [entry.bidder for entry in entries[:3]]

    def play(first: Bidder, seat: np.ndarray) -> Delivery:
        population = Population((first, *bidders[1:]), jnp.asarray(seat, jnp.int32))
        return simulate(market, scenario.auction, population, jax.random.key(0))

    seats = np.arange(market.advertisers)
    met = play(bidders[0], seats % 3)
    day = counterfactual_log(market, scenario.auction, jnp.asarray(met.factors()))
    knows = BIDDERS["hindsight"](day)
    for turn in range(3):
        seat = (seats + turn) % 3
        played = play(knows, seat).frame().filter(pl.col("advertiser").is_in(seats[seat == 0]))
        mine = watched.filter(pl.col("advertiser").is_in(seats[seat == 0]))
        assert_frame_equal(mine.drop("market", "replicate", "bidder"), played, check_exact=True)


def alone(scenario: Scenario, entry: Entry, seed: int) -> pl.DataFrame:
    """A market of its own, straight from the simulation."""
    market = scenario.market(seed)
    population = everybody(entry.bidder, market.advertisers)
    return simulate(market, scenario.auction, population, jax.random.key(seed)).frame()


def test_uniform_seating_is_a_market_of_its_own(scenario: Scenario) -> None:
    entries = enter(scenario, NAMES[:2])
    uniform = rows(scenario, entries, seeds=1, seating="uniform")
    for entry in entries:
        mine = uniform.filter(bidder=entry.name).drop("market", "replicate", "bidder")
        assert_frame_equal(mine, alone(scenario, entry, 0), check_exact=True)


def test_one_advertiser_has_one_seat() -> None:
    day = partial(worlds.market, advertisers=1, outside=True)
    scenario = generated_scenario("one", day, second_price())
    entries = enter(scenario, [*NAMES, "hindsight"])
    mixed = rows(scenario, entries, seating="mixed")
    assert_frame_equal(mixed, rows(scenario, entries, seating="uniform"), check_exact=True)
    mine = mixed.filter(bidder="pacing", replicate=1).drop("market", "replicate", "bidder")
    assert_frame_equal(mine, alone(scenario, entries[1], 1), check_exact=True)
    # A day's prices are given where there are no opponents: nobody who keeps to a factor beats it.
    value = dict(mixed.group_by("bidder").agg(pl.col("value").sum()).rows())
    assert value["hindsight"] > 0.98 * value["lin"]


def test_only_references_play_among_themselves(scenario: Scenario) -> None:
    frame = rows(scenario, enter(scenario, ["hindsight"]), seeds=1)
    assert frame["bidder"].unique().to_list() == ["hindsight"]
    assert frame["spend"].sum() > 0


def campaign(impressions: int = 400, period: int | None = 50) -> LogDataset:
    train, test = (
        worlds.market(seed, impressions, 1, 4, outside=True, outcomes=True) for seed in (0, 1)
    )
    return LogDataset("log", test, train, period=period)


def test_a_log_in_periods_gives_a_replicate_a_period() -> None:
    scenario = recorded_scenario(campaign(), second_price(), "impression", rounds=5)
    assert scenario.replicates(seeds=3) == 8
    frame = rows(scenario, enter(scenario, ["lin", "hindsight"]))
    cells = frame.select("bidder", "replicate", "tick")
    assert cells.is_unique().all()
    assert cells.height == 2 * 8 * 5
    assert (frame["remaining"] >= 0).all()
    value = dict(frame.group_by("bidder").agg(pl.col("value").sum()).rows())
    assert value["hindsight"] > value["lin"]


def test_jobs_are_named_after_what_they_play(scenario: Scenario) -> None:
    entries = enter(scenario, NAMES[:2])
    assert [job.name for job in jobs(scenario, entries, 3, "mixed")] == [
        "demo-0",
        "demo-1",
        "demo-2",
    ]
    periods = recorded_scenario(campaign(), second_price(), "impression", rounds=5)
    names = [job.name for job in jobs(periods, entries, 3, "mixed")]
    assert names == ["log-lin", "log-pacing"]


def test_a_log_without_periods_is_one_day_with_draws() -> None:
    scenario = recorded_scenario(campaign(period=None), second_price(), "tick")
    assert scenario.replicates(seeds=3) == 3
    assert scenario.market(0) is scenario.market(2)


def test_a_log_without_a_training_part_gives_its_first_fifth() -> None:
    scenario = recorded_scenario(replace(campaign(), train=None), second_price(), "impression", 5)
    # 2 of 8 periods, as 1.6 is rounded.
    assert scenario.periods == 6
    assert len(scenario.train.values) == 100


def test_unknown_bidders_are_refused(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="pacing"):
        enter(scenario, ["pacin"])
    assert "pacing" in BIDDERS
