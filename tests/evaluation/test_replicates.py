"""Copies are no replicates, and intervals hold the truth as often as they say."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy import stats

import worlds
from equibid.auctions import gsp, second_price
from equibid.auctions.tally import FIELDS
from equibid.errors import InputError
from equibid.evaluation.arena import enter, jobs
from equibid.evaluation.pairs import of_difference, paired_tests
from equibid.evaluation.ranking import campaign_frame, rank
from equibid.evaluation.reliability import relative_scores, reliability
from equibid.evaluation.replicates import counted_once, nothing_drawn
from equibid.evaluation.statistics import (
    enough_for,
    holm,
    jackknife,
    leave_one_out,
    merged,
    separable,
    sign_flip,
    units,
)
from equibid.logs import LogDataset
from equibid.logs.dataset import in_periods
from equibid.markets import Labels
from equibid.simulation.scenario import Scenario, recorded_scenario


def log(period: int | None = None, advertisers: int = 1, impressions: int = 400) -> LogDataset:
    """A log in which every outcome is known, against logged prices."""
    train, test = (
        worlds.market(seed, impressions, advertisers, 4, outside=True, outcomes=True)
        for seed in (0, 1)
    )
    return LogDataset("log", test, train, period=period)


def played(scenario: Scenario, names: list[str], seeds: int = 4) -> pl.DataFrame:
    return pl.concat([job.run() for job in jobs(scenario, enter(scenario, names), seeds, "mixed")])


def ranked(rows: pl.DataFrame, scenario: Scenario, score: str = "value") -> dict[str, dict]:
    campaigns = campaign_frame(scenario.name, scenario.market(0))
    table = rank(rows, campaigns, (), score, Labels()).table
    return {row["bidder"]: row for row in table.iter_rows(named=True)}


def test_a_log_that_draws_nothing_is_one_replicate() -> None:
    scenario = recorded_scenario(log(), second_price(), "tick")
    assert not scenario.drawn
    rows = played(scenario, ["lin", "pacing"])
    assert rows["replicate"].n_unique() == 4 and nothing_drawn(rows)
    once, said = counted_once(rows, [scenario])
    assert once["replicate"].unique().to_list() == [0]
    (sentence,) = said
    assert "all 4 seeds came out alike" in sentence and "--period" in sentence
    (pair,) = paired_tests(once, "value").iter_rows(named=True)
    assert [pair[x] for x in ("low", "high", "p", "p_holm", "separable")] == [None] * 5
    assert ranked(once, scenario)["lin"]["score_low"] is None


def test_copies_beside_a_random_bidder_tell_no_more_than_one() -> None:
    scenario = recorded_scenario(log(), second_price(), "tick")
    rows, said = counted_once(played(scenario, ["lin", "pacing", "random"], 6), [scenario])
    assert not said and rows["replicate"].n_unique() == 6
    table = ranked(rows, scenario)
    for name in ("lin", "pacing"):
        assert table[name]["value_low"] is None and table[name]["score_low"] is None
    assert table["random"]["value_low"] < table["random"]["value_high"]
    pairs = {(r["bidder"], r["other"]): r for r in paired_tests(rows, "value").to_dicts()}
    assert pairs["lin", "pacing"]["p"] is None and pairs["lin", "pacing"]["low"] is None
    assert pairs["lin", "pacing"]["separable"] is None
    assert pairs["lin", "random"]["p"] < 1
    found = reliability(relative_scores(rows, (), "value"), resamples=50).rows_by_key("bidder")
    assert found["lin"][0][1] is None and found["random"][0][1] is not None


def test_where_outcomes_alone_are_drawn_the_expected_value_is_one_replicate() -> None:
    dataset = log()
    dataset = replace(dataset, test=replace(dataset.test, outcomes=None))
    scenario = recorded_scenario(dataset, second_price(), "tick")
    assert scenario.drawn
    rows, said = counted_once(played(scenario, ["lin", "pacing"], 8), [scenario])
    assert not said
    row = ranked(rows, scenario)["lin"]
    assert row["value_low"] is None and row["conversions_low"] is not None
    (pair,) = paired_tests(rows, "value").iter_rows(named=True)
    assert pair["p"] is None and pair["separable"] is None


def sums(values: dict[str, dict[str, list[float]]]) -> pl.DataFrame:
    """Rows of markets, bidders and replicates."""
    return pl.DataFrame(
        [
            {"market": market, "replicate": r, "bidder": name, "tick": 0, "advertiser": 0}
            | dict.fromkeys(FIELDS, 1.0)
            | {"value": x, "remaining": 0.0}
            for market, bidders in values.items()
            for name, each in bidders.items()
            for r, x in enumerate(each)
        ]
    )


def test_copies_of_several_markets_are_a_replicate_a_market() -> None:
    once = {"x": [1.0, 2.0, 4.0], "y": [2.0, 2.5, 3.0]}
    many = sums({f"m{i}": {n: [each[i]] * 5 for n, each in once.items()} for i in range(3)})
    few = sums({f"m{i}": {n: [each[i]] for n, each in once.items()} for i in range(3)})
    for column in ("difference", "low", "high", "p", "needed", "detectable"):
        a, b = (paired_tests(rows, "value")[column][0] for rows in (many, few))
        assert a == pytest.approx(b, rel=1e-12)
    campaigns = pl.DataFrame(
        {"market": ["m0", "m1", "m2"], "advertiser": 0, "name": "", "category": 0, "budget": 9.0}
    ).with_columns(target_cpa=pl.lit(float("inf")))
    a, b = (rank(rows, campaigns, (), "value", Labels()).table for rows in (many, few))
    for column in ("score", "score_low", "score_high", "value_low", "value_high"):
        np.testing.assert_allclose(a[column], b[column], rtol=1e-12)


def test_draws_that_chance_made_alike_are_several() -> None:
    # A rare conversion: nine draws without one and one with it have mean 0.1, not 0.5.
    seen = np.array([0.0] * 9 + [1.0])
    unit = units((seen,), np.zeros(10, int))
    assert unit.tolist() == list(range(10))
    assert merged(seen, unit).mean() == pytest.approx(0.1)
    scenario = recorded_scenario(log(), second_price(), "tick")
    rows = sums({"log": {"x": seen.tolist(), "y": [1.0] * 10}})
    assert counted_once(rows, [scenario])[0].height == 20


def test_a_period_that_is_there_twice_counts_once() -> None:
    dataset = log(50)
    test = dataset.test
    again = replace(
        test,
        values=jnp.concatenate([test.values, test.values]),
        market_price=jnp.concatenate([test.market_price, test.market_price]),
        outcomes=jnp.concatenate([test.outcomes, test.outcomes]),
        tick_start=jnp.asarray([0, 2 * test.impressions]),
    )
    scenario = recorded_scenario(
        replace(dataset, test=again), second_price(), "impression", rounds=5
    )
    rows, said = counted_once(played(scenario, ["lin"]), [scenario])
    assert scenario.periods == 16 and rows["replicate"].n_unique() == 8
    assert said == [
        "8 of 16 periods of log equal an earlier one in every number; they are left out."
    ]


@pytest.mark.parametrize("period", [None, 100])
def test_a_cut_log_has_its_share_of_the_money_in_each_period(period: int | None) -> None:
    dataset = log(period, impressions=430)
    cut = in_periods(dataset, 60)
    assert cut.period == 60 and cut.test.impressions == 420 and cut.train is not None
    whole = np.asarray(dataset.test.campaigns.budget) / (period or 430)
    np.testing.assert_allclose(cut.test.campaigns.budget, whole * 60)
    train = np.asarray(dataset.train.campaigns.budget) / (period or 430)  # type: ignore[union-attr]
    np.testing.assert_allclose(cut.train.campaigns.budget, train * 60)
    scenario = recorded_scenario(cut, second_price(), "impression", rounds=5)
    assert scenario.replicates(3) == 7
    assert counted_once(played(scenario, ["lin"]), [scenario])[0]["replicate"].n_unique() == 7


def test_advertisers_that_meet_meet_in_every_period() -> None:
    dataset = log(advertisers=4)
    known = np.random.default_rng(0).random((400, 4)) < 0.5
    scenario = recorded_scenario(
        in_periods(replace(dataset, known=known), 90), gsp(), "tick", rounds=6
    )
    assert scenario.replicates(3) == scenario.days == 4
    rows = played(scenario, ["lin", "pacing"])
    assert rows["replicate"].n_unique() == 4 and rows["tick"].max() == 5
    values = np.asarray(dataset.test.values)
    for day in range(4):
        np.testing.assert_array_equal(scenario.market(day).values, values[day * 90 : day * 90 + 90])


def test_a_log_too_short_for_its_periods_is_refused() -> None:
    with pytest.raises(InputError, match="400 impressions make less than 1 period of 401"):
        in_periods(log(), 401)
    with pytest.raises(InputError, match="less than 2 periods of 201"):
        in_periods(replace(log(), train=None), 201)


def test_a_test_that_cannot_fire_is_no_test() -> None:
    # Five signs alike: p = 2 / 32, and the least there is.
    assert sign_flip(np.ones(5)) == 2 / 32
    assert separable(np.array([2 / 32]), np.array([5])) == [None]
    assert separable(np.array([2 / 64, 0.5]), np.array([6, 6])) == [None, None]
    assert separable(holm(np.array([2 / 128, 0.5])), np.array([7, 7])) == [True, False]
    assert separable(np.array([1.0, np.nan]), np.array([0, 0])) == [False, None]
    assert [enough_for(n) for n in (1, 2, 45, 105, 819, 820)] == [6, 7, 11, 13, 15, None]


@pytest.mark.parametrize("count", [3, 4, 6, 10, 20])
def test_intervals_of_all_kinds_hold_the_truth_as_often_as_they_say(count: int) -> None:
    # Days differ in size, bidders in what they make of a day; the first buys a fifth more.
    trials, truth = 2000, 1.2
    rng = np.random.default_rng(8)
    size = rng.gamma(20, 5, (trials, count))
    one, two, three = (x * size * rng.gamma(30, 1 / 30, size.shape) for x in (truth, 1.0, 1.0))
    seen = {"mean": 0, "ratio": 0, "score": 0, "pair": 0}
    for a, b, c in zip(one, two, three, strict=True):
        mean = jackknife(a.mean(), leave_one_out(a) / (count - 1))
        ratio = jackknife(a.sum() / b.sum(), leave_one_out(a) / leave_one_out(b))
        all_of = np.stack([a, b, c], axis=1)
        of = leave_one_out(all_of)
        score = jackknife(a.sum() / all_of.sum() * 3, of[:, 0] / of.mean(axis=1))
        pair = of_difference(a - b, b)
        seen["mean"] += mean.low <= 120 <= mean.high
        seen["ratio"] += ratio.low <= truth <= ratio.high
        seen["score"] += score.low <= 3 * 1.2 / 3.2 <= score.high
        seen["pair"] += pair.low <= truth - 1 <= pair.high
    # What chance allows of so many trials, and one per cent for what is not normal.
    low, high = stats.binom.ppf([0.0005, 0.9995], trials, 0.95) / trials
    for kind, hits in seen.items():
        assert low - 0.01 < hits / trials < high + 0.01, kind


@pytest.mark.parametrize("count", [6, 9, 14, 20])
def test_p_values_of_no_difference_are_not_too_small(count: int) -> None:
    rng = np.random.default_rng(count)
    trials = 400
    p = np.array([sign_flip(rng.standard_t(3, count)) for _ in range(trials)])
    for level in (0.05, 0.1, 0.5):
        assert np.sum(p <= level) <= stats.binom.ppf(0.9995, trials, level)


def test_families_are_told_apart_by_chance_as_rarely_as_they_say() -> None:
    rng = np.random.default_rng(5)
    wrong, trials = 0, 300
    for _ in range(trials):
        p = np.array([sign_flip(x) for x in rng.normal(size=(6, 11))])
        wrong += any(separable(holm(p), np.full(6, 11)))
    assert wrong <= stats.binom.ppf(0.9995, trials, 0.05)
