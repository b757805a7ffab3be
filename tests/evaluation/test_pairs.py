"""Pairs of bidders: the randomisation test by enumeration, Holm by hand, seats in pairs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from equibid.auctions import gsp
from equibid.bidders.fixed import Fixed
from equibid.errors import InputError
from equibid.evaluation.arena import enter, jobs
from equibid.evaluation.deviation import gains
from equibid.evaluation.pairs import head_to_head, of_difference, paired, paired_tests, turned
from equibid.evaluation.power import power, replicates_needed
from equibid.evaluation.statistics import holm, sign_flip
from equibid.markets import MARKETS
from equibid.simulation import everybody, simulate
from equibid.simulation.scenario import Scenario, generated_scenario

NAMES = ["lin", "pacing", "constant"]


def scenario() -> Scenario:
    make = MARKETS["demo"]
    sizes = {"impressions": 600, "advertisers": 8, "ticks": 6}
    return generated_scenario("demo", lambda day: make(jax.random.key(5), day=day, **sizes), gsp())


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8))
def test_sign_flip_is_the_share_of_patterns_as_extreme(gaps: list[int]) -> None:
    observed = abs(sum(gaps))
    patterns = itertools.product((1, -1), repeat=len(gaps))
    extreme = [abs(sum(s * x for s, x in zip(p, gaps, strict=True))) >= observed for p in patterns]
    assert sign_flip(np.asarray(gaps, float)) == np.mean(extreme)


def test_sign_flip_of_many_replicates_is_near_the_normal_test() -> None:
    gaps = np.random.default_rng(3).normal(0.3, 1.0, 40)
    _, p_value = stats.ttest_1samp(gaps, 0)
    assert sign_flip(gaps) == pytest.approx(p_value, abs=0.01)


def test_holm_by_hand() -> None:
    corrected = holm(np.array([0.04, 0.01, 0.03, 0.5]))
    np.testing.assert_allclose(corrected, [0.09, 0.04, 0.09, 0.5])


def test_paired_tests_see_what_means_hide() -> None:
    days = np.arange(10.0)
    frames = [
        pl.DataFrame(
            {"market": "m", "replicate": range(10), "bidder": name, "value": 100 * days + extra}
        )
        for name, extra in (("a", 1.0), ("b", 0.0))
    ]
    table = paired_tests(pl.concat(frames), "value")
    (row,) = table.iter_rows(named=True)
    assert row["p"] == pytest.approx(2 / 2**10)
    assert row["difference"] == pytest.approx(1 / 450)
    assert 0 < row["low"] < 1 / 450 < row["high"]


def test_the_interval_of_a_difference_covers_a_ratio_of_two_uncertain_means() -> None:
    rng = np.random.default_rng(6)
    sizes = 100 * rng.gamma(20, 1 / 20, (2000, 8))
    # Ten more whatever the day, or a tenth more of it: the mean is a tenth more than the other's.
    for gaps in (10 + rng.normal(0, 1, sizes.shape), 0.1 * sizes * rng.normal(1, 0.1, sizes.shape)):
        found = [of_difference(gap, size) for gap, size in zip(gaps, sizes, strict=True)]
        covered = np.mean([x.low <= 0.1 <= x.high for x in found])
        assert 0.93 < covered < 0.97
        # That is the interval of a pair; its tests and plans take much longer.
        for gap, size, interval in zip(gaps[:5], sizes, found, strict=False):
            np.testing.assert_allclose(paired(size + gap, size)[:3], interval, rtol=1e-9)


@given(
    st.lists(st.floats(1, 100), min_size=3, max_size=9),
    st.lists(st.floats(1, 100), min_size=9, max_size=9),
)
def test_a_difference_turned_round_is_that_of_the_other_pair(
    one: list[float], other: list[float]
) -> None:
    a, b = np.array(one), np.array(other[: len(one)])
    back = turned(paired(a, b).difference)
    assert back == pytest.approx(paired(b, a).difference, abs=1e-9)
    assert turned(-1.0) is None and turned(None) is None


@pytest.mark.parametrize("count", [3, 6, 7, 13])
@pytest.mark.parametrize("score", [0.7, 1.3, 1.7])
def test_replicates_that_came_out_alike_are_no_test(count: int, score: float) -> None:
    found = paired(np.full(count, score), np.ones(count))
    assert found.difference == pytest.approx(score - 1)
    assert np.isnan([found.low, found.high, found.p, found.deviation]).all()
    assert found.needed is None


@pytest.mark.parametrize("count", [3, 6, 7, 13])
def test_a_difference_that_never_changes_is_planned_as_few_as_the_test_takes(count: int) -> None:
    # The mean of equal numbers may differ from them in the last bit.
    other = np.arange(1.0, count + 1)
    found = paired(other + 0.7, other)
    assert found.needed == 6 and found.detectable < 1e-12
    assert paired(other, other).needed is None


def test_who_buys_nothing_among_its_own_kind_has_no_share() -> None:
    bought = {("a", "a"): 0.0, ("a", "b"): 3.0, ("b", "b"): 2.0, ("b", "a"): 1.0}
    rows = pl.DataFrame(
        [(*pair, x) for pair, x in bought.items()],
        schema=["bidder", "against", "value"],
        orient="row",
    )
    shares = {(a, b): x for a, b, x in head_to_head(rows, "value").rows()}
    assert shares == {("a", "a"): None, ("a", "b"): None, ("b", "b"): 1.0, ("b", "a"): 0.5}


def test_a_bidder_that_buys_nothing_has_no_scale_but_a_test() -> None:
    days = {"market": "m", "replicate": range(6)}
    bought = {"a": [1.0, 2, 3, 1, 2, 3], "b": [0.0] * 6}
    frames = [
        pl.DataFrame(days | {"value": x}).with_columns(bidder=pl.lit(b)) for b, x in bought.items()
    ]
    (row,) = paired_tests(pl.concat(frames), "value").iter_rows(named=True)
    assert row["difference"] is None and row["needed"] is None
    assert row["p"] == pytest.approx(2 / 2**6)


def test_replicates_are_planned_for_all_pairs() -> None:
    rng = np.random.default_rng(4)
    frames = [
        pl.DataFrame(
            {"market": "m", "replicate": range(9), "bidder": b, "value": rng.normal(m, 1, 9)}
        )
        for b, m in (("a", 10.0), ("b", 11.0), ("c", 12.0))
    ]
    table = paired_tests(pl.concat(frames), "value")
    for row in table.iter_rows(named=True):
        effect = row["difference"] / row["deviation"]
        # Seven signs have 64 patterns up to a turn: too few for 0.05 / 3 below.
        assert row["needed"] == max(replicates_needed(effect, level=0.05 / 3), 7)
        assert power(9, row["detectable"] / row["deviation"], 0.05 / 3) == pytest.approx(0.8)


def test_in_pairs_each_meets_each_in_every_seat() -> None:
    rows = pl.concat([job.run() for job in jobs(scenario(), enter(scenario(), NAMES), 2, "pairs")])
    seats = rows.filter(tick=0).group_by("replicate", "bidder", "against").agg(pl.len())
    assert len(seats) == 2 * 3 * 3 and (seats["len"] == 8).all()
    shares = head_to_head(rows, "value")
    assert (shares.filter(pl.col("bidder") == pl.col("against"))["share"] == 1).all()
    assert len(shares) == 9


def test_pairs_need_two_seats() -> None:
    lonely = generated_scenario(
        "demo",
        lambda day: MARKETS["demo"](jax.random.key(5), day=day, impressions=60, advertisers=1),
        gsp(),
    )
    with pytest.raises(InputError, match="at least two"):
        list(jobs(lonely, enter(lonely, ["lin"]), 1, "pairs"))


def test_gain_is_what_another_factor_buys_in_the_same_market() -> None:
    market = MARKETS["demo"](jax.random.key(2), impressions=800, advertisers=6, ticks=4)
    # Nobody's budget ends, so that the others' bids do stand.
    market = market.with_budget(market.campaigns.budget * 50)
    rule = gsp()
    level = market.campaigns.target_cpa / 3
    found = gains(market, rule, jnp.broadcast_to(level, (4, 6)))

    def value(factors):
        population = everybody(Fixed(jnp.asarray(factors)), 6)
        return np.asarray(
            simulate(market, rule, population, jax.random.key(0), sampled=False).total().value
        )

    before = value(level)
    for i in range(6):
        alone = np.asarray(level).copy()
        alone[i] *= 1e6
        # With money for everything the best factor wins everything.
        assert found[i] == pytest.approx(value(alone)[i] - before[i], rel=1e-5)
