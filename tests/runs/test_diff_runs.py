"""Runs side by side: what differs, which days are common, and differences by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from equibid.auctions.tally import FIELDS
from equibid.evaluation.price_distribution import Prices
from equibid.runs.comparison_result import ComparisonInfo, ComparisonResult, summarise
from equibid.runs.diff_runs import PastComparison, comparable, differences, differing

CAMPAIGNS = pl.DataFrame(
    {
        "market": "m",
        "advertiser": [0],
        "name": ["Ann"],
        "category": [0],
        "budget": [9.0],
        "target_cpa": [1.0],
    }
)
CONFIG: dict[str, Any] = {
    **{"market": "m", "markets": ["m"], "market_seed": 0, "seating": "mixed"},
    **{"bidders": ["a", "b"], "auction": {"rule": "Ranked", "reserve": 0.1}, "seeds": 6},
}


def result(values: dict[str, list[float]]) -> ComparisonResult:
    rows = [
        {"market": "m", "replicate": r, "bidder": name, "tick": 0, "advertiser": 0}
        | dict.fromkeys(FIELDS, 1.0)
        | {"value": value, "remaining": 0.0}
        for name, one in values.items()
        for r, value in enumerate(one)
    ]
    prices = {"m": Prices(np.zeros(3, int), np.ones(3), np.ones(3))}
    info = ComparisonInfo("value", (), "click", "CNY")
    return summarise(pl.DataFrame(rows), CAMPAIGNS, info, prices, mixed=False)


def past(name: str, values: dict[str, list[float]], **changes: Any) -> PastComparison:
    return PastComparison(name, CONFIG | changes, result(values))


FIRST = past("first", {"a": [1.0, 2, 3, 4, 5, 6], "b": [5.0] * 6})
SECOND_A = [2.0, 4, 6, 8, 10, 12]
SECOND = past("second", {"a": SECOND_A, "b": [5.0] * 6}, auction={"rule": "Soft"})


def test_settings_that_differ_are_named_with_dots() -> None:
    assert differing([CONFIG, CONFIG | {"out": "x"}]) == {}
    changed = differing([FIRST.config, SECOND.config])
    assert changed == {"auction.rule": ["Ranked", "Soft"], "auction.reserve": [0.1, None]}


def test_differences_of_common_days_by_hand() -> None:
    table = differences([FIRST, SECOND])
    a, b = table.sort("bidder").iter_rows(named=True)
    assert (a["run"], a["replicates"], a["first"], a["value"]) == ("second", 6, 3.5, 7.0)
    assert a["difference"] == pytest.approx(1.0)
    # All six signs alike: 2 of 64 patterns; b is the same in both on all days, and is no test.
    assert a["p"] == a["p_holm"] == pytest.approx(2 / 64)
    assert (b["difference"], b["same"], b["p_holm"]) == (0.0, True, None)
    assert (a["separable"], b["separable"]) == (True, None)


def test_only_rows_that_are_alike_to_the_bit_are_no_test() -> None:
    # b's mean is the same, but its days are not: it could have differed.
    other = past("x", {"a": SECOND_A, "b": [4.0, 6] * 3})
    a, b = differences([FIRST, other]).sort("bidder").iter_rows(named=True)
    assert (b["difference"], b["same"]) == (0.0, False)
    assert a["p_holm"] == pytest.approx(2 * a["p"])


def test_from_nothing_to_something_has_no_percentage_but_a_test() -> None:
    idle = past("idle", {"a": [0.0] * 6, "b": [5.0] * 6})
    a, _ = differences([idle, FIRST]).sort("bidder").iter_rows(named=True)
    assert (a["difference"], a["same"]) == (None, False)
    assert a["p_holm"] == pytest.approx(2 / 64)


def test_only_days_of_both_count() -> None:
    short = past("short", {"a": [2.0, 2], "c": [1.0, 1]}, seeds=2)
    (a,) = differences([FIRST, short]).iter_rows(named=True)
    assert (a["bidder"], a["replicates"], a["first"]) == ("a", 2, 1.5)


def test_other_days_and_other_seats_are_not_compared() -> None:
    values = {"a": [1.0, 2], "b": [1.0, 2]}
    assert comparable(FIRST, past("x", values, seating="uniform"))
    for changes in ({"market_seed": 1}, {"ticks": 9}, {"seating": "pairs"}):
        other = past("other", values, **changes)
        assert not comparable(FIRST, other)
        assert differences([FIRST, other]).is_empty()
    clicks = past("clicks", values)
    info = replace(clicks.result.info, score="conversions")
    clicks = replace(clicks, result=replace(clicks.result, info=info))
    assert not comparable(past("values", values), clicks)
    pairs = past("p", values, seating="pairs")
    assert comparable(pairs, past("q", values, seating="pairs", bidders=["b", "a"]))
    assert not comparable(pairs, past("q", values, seating="pairs", bidders=["a"]))
