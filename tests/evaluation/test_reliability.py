"""Interquartile mean and profiles by hand and by brute force."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from equibid.evaluation.reliability import (
    interquartile_mean,
    profile,
    profiles,
    relative_scores,
    reliability,
)

SCORES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30)


@given(SCORES)
def test_interquartile_mean_of_four_copies_is_the_trimmed_mean(scores: list[float]) -> None:
    # Four copies of each leave no replicate to be cut in part.
    x = np.array(scores)
    trimmed = stats.trim_mean(np.repeat(x, 4), 0.25)
    assert interquartile_mean(x) == pytest.approx(trimmed, rel=1e-9, abs=1e-9)


def test_interquartile_mean_by_hand() -> None:
    assert interquartile_mean(np.array([100.0, 1, 3, -50])) == pytest.approx(2)
    # Of five, the second and fourth count three quarters: (0.75 · 1 + 2 + 0.75 · 9) / 2.5.
    assert interquartile_mean(np.array([0.0, 1, 2, 9, 70])) == pytest.approx(9.5 / 2.5)
    assert interquartile_mean(np.array([7.0])) == 7.0


@given(SCORES, st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5))
def test_a_profile_counts_what_is_above(scores: list[float], thresholds: list[float]) -> None:
    counted = [sum(x > t for x in scores) / len(scores) for t in thresholds]
    np.testing.assert_allclose(profile(np.array(scores), np.array(thresholds)), counted)


def days() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    frames = [
        pl.DataFrame(
            {
                "market": market,
                "replicate": range(8),
                "bidder": name,
                "value": level * scale * rng.uniform(0.9, 1.1, 8),
            }
        )
        for market, scale in (("m", 1.0), ("n", 50.0))
        for name, level in (("good", 2.0), ("bad", 1.0), ("oracle", 9.0))
    ]
    return pl.concat(frames)


def test_scores_are_relative_to_the_contenders_of_the_same_day() -> None:
    scores = relative_scores(days(), ["oracle"], "value")
    peers = scores.filter(pl.col("bidder") != "oracle")
    mean = peers.group_by("market", "replicate").agg(pl.col("score").mean())["score"]
    np.testing.assert_allclose(mean, 1.0)
    idle = relative_scores(days().with_columns(value=pl.lit(0.0)), [], "value")
    assert idle["score"].null_count() == idle.height
    assert profiles(idle).is_empty() and reliability(idle).is_empty()


def test_tables_hold_what_the_functions_give() -> None:
    scores = relative_scores(days(), ["oracle"], "value")
    table = reliability(scores, resamples=200)
    assert table["bidder"].to_list() == ["good", "bad", "oracle"]
    for row in table.iter_rows(named=True):
        mine = scores.filter(bidder=row["bidder"])["score"].to_numpy()
        assert row["iqm"] == pytest.approx(interquartile_mean(mine))
        assert row["iqm_low"] < row["iqm"] < row["iqm_high"]
        assert (row["worst"], row["replicates"]) == (mine.min(), 16)
    curves = profiles(scores, resamples=200)
    assert curves["bidder"].unique(maintain_order=True).to_list() == ["good", "bad", "oracle"]
    for (name,), one in curves.group_by("bidder"):
        mine = scores.filter(bidder=name)["score"].to_numpy()
        assert one["share"].to_list() == [(mine > x).mean() for x in one["threshold"]]
        assert (one["low"] <= one["share"]).all() and (one["share"] <= one["high"]).all()
    good = curves.filter(bidder="good")
    assert good["share"][0] == 1.0
    assert curves.filter(bidder="oracle")["share"][-1] == 0.0


def test_bands_of_a_profile_are_those_of_a_share() -> None:
    draws = np.random.default_rng(3).uniform(size=400)
    scores = pl.DataFrame({"market": "m", "replicate": range(400), "bidder": "a", "score": draws})
    scores = scores.with_columns(bought="score")
    half = profiles(scores, resamples=2000).filter(pl.col("share").is_between(0.4, 0.6))
    expected = 2 * 1.96 * np.sqrt(half["share"] * (1 - half["share"]) / 400)
    np.testing.assert_allclose(half["high"] - half["low"], expected, rtol=0.1)


def test_markets_of_different_levels_leave_no_width() -> None:
    # Scores differ between the markets and not within: strata keep their shares.
    scores = pl.DataFrame(
        {
            "market": ["m"] * 4 + ["n"] * 4,
            "replicate": [*range(4)] * 2,
            "bidder": "a",
            "score": [1.0] * 4 + [2.0] * 4,
            "bought": [1.0, 2.0, 3.0, 4.0] * 2,
        }
    )
    (row,) = reliability(scores, resamples=100).iter_rows(named=True)
    assert row["iqm_low"] == row["iqm"] == row["iqm_high"] == 1.5
    curve = profiles(scores, resamples=100)
    assert curve["low"].equals(curve["share"].alias("low"))


def test_one_replicate_has_no_ends() -> None:
    one = relative_scores(days().filter(replicate=0, market="m"), [], "value")
    table = reliability(one, resamples=50)
    assert table["iqm_low"].null_count() == table.height
    assert profiles(one, resamples=50)["low"].null_count() == 3 * 101
    # One of each market: nothing is drawn anew, and that is no certainty.
    two = relative_scores(days().filter(replicate=0), [], "value")
    assert reliability(two, resamples=50)["iqm_low"].null_count() == 3
    assert profiles(two, resamples=50)["low"].null_count() == 3 * 101
