"""Whole markets and segments by hand."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from equibid.auctions.tally import FIELDS
from equibid.evaluation.market_figures import FIGURES, TOGETHER, by_population, market_figures
from equibid.evaluation.segment_table import segment_table

CAMPAIGNS = pl.DataFrame(
    {
        "market": "m",
        "advertiser": [0, 1],
        "name": ["Ann", "Bob"],
        "category": [3, 8],
        "budget": [100.0, 50.0],
        "target_cpa": [10.0, 5.0],
    }
)


def row(bidder: str, replicate: int, seat: int, value: float, spend: float, tick: int = 0) -> dict:
    sums = dict.fromkeys(FIELDS, 0.0) | {"value": value, "spend": spend, "remaining": 0.0}
    return {
        "market": "m",
        "replicate": replicate,
        "bidder": bidder,
        "tick": tick,
        "advertiser": seat,
    } | sums


# Ann worth 10, Bob 5 a unit; every bidder has had both seats.
ROWS = pl.DataFrame(
    [
        *(row("a", r, 0, 4.0, 30.0 + 10 * r) for r in (0, 1)),
        *(row("a", r, 1, 20.0, 40.0) for r in (0, 1)),
        *(row("b", r, i, 2.0, 10.0, tick=1) for r in (0, 1) for i in (0, 1)),
        *(row("ref", r, i, 9.0, 50.0) for r in (0, 1) for i in (0, 1)),
    ]
)


def test_a_mixed_market_is_the_mean_of_its_rounds() -> None:
    table = by_population(ROWS, CAMPAIGNS, ["ref"], mixed=True).sort("replicate")
    assert table["population"].to_list() == [TOGETHER] * 2
    np.testing.assert_allclose(table["welfare"], 28 / 2)
    # Bob's 20 are worth 100, more than its budget of 50.
    np.testing.assert_allclose(table["liquid_welfare"], (40 + 50 + 20 + 10) / 2)
    np.testing.assert_allclose(table["revenue"], [45, 50])
    np.testing.assert_allclose(table["budget"], 150)
    np.testing.assert_allclose(table["concentration"], [(20**2 + 25**2) / 45**2, 0.5])
    np.testing.assert_allclose(table["gini"], [5 / 90, 0], atol=1e-12)


def test_references_by_themselves_make_the_market() -> None:
    table = by_population(ROWS.filter(bidder="ref"), CAMPAIGNS, ["ref"], mixed=True)
    assert table["population"].to_list() == [TOGETHER] * 2
    np.testing.assert_allclose(table["welfare"], 18)


def test_a_market_of_ones_own_is_its_bidders() -> None:
    table = by_population(ROWS, CAMPAIGNS, ["ref"], mixed=False)
    assert set(table["population"]) == {"a", "b", "ref"}
    welfare = dict(table.filter(replicate=0).select("population", "welfare").rows())
    assert welfare == {"a": 24.0, "b": 4.0, "ref": 18.0}


def test_a_pair_is_one_market_whoever_is_named_first() -> None:
    rows = pl.concat(
        [
            ROWS.filter(bidder="a").with_columns(against=pl.lit("b")),
            ROWS.filter(bidder="b").with_columns(against=pl.lit("a")),
            ROWS.filter(bidder="a").with_columns(against=pl.lit("a")),
        ]
    )
    table = by_population(rows, CAMPAIGNS, [], mixed=False).filter(replicate=0)
    assert dict(table.select("population", "welfare").rows()) == {"a + b": 14.0, "a": 24.0}


def test_intervals_are_students() -> None:
    table = market_figures(by_population(ROWS, CAMPAIGNS, ["ref"], mixed=True))
    (found,) = table.iter_rows(named=True)
    assert found["revenue"] == pytest.approx(47.5)
    assert found["revenue_high"] - 47.5 == pytest.approx(12.706204736 * 2.5)
    # The same on both replicates to the bit: as good as one.
    assert found["welfare"] == pytest.approx(14) and found["welfare_low"] is None
    assert found["budget_use"] == pytest.approx(95 / 300)


def test_the_interval_of_budget_use_is_the_jackknife_of_a_ratio_of_sums() -> None:
    revenue, budget = np.array([10.0, 30, 25, 8]), np.array([40.0, 50, 90, 10])
    played = pl.DataFrame({"population": "a", "market": "m", "revenue": revenue, "budget": budget})
    rest = [pl.lit(1.0).alias(name) for name in FIGURES if name not in ("revenue", "budget_use")]
    found = market_figures(played.with_columns(rest)).row(0, named=True)
    kept = [[s for s in range(4) if s != r] for r in range(4)]
    without = np.array([revenue[rows].sum() / budget[rows].sum() for rows in kept])
    error = (3 / 4 * ((without - without.mean()) ** 2).sum()) ** 0.5
    whole = revenue.sum() / budget.sum()
    assert found["budget_use"] == pytest.approx(whole)
    assert found["budget_use_high"] - whole == pytest.approx(stats.t.ppf(0.975, 3) * error)
    low = max(whole - stats.t.ppf(0.975, 3) * error, 0)
    assert found["budget_use_low"] == pytest.approx(low)


def test_without_targets_or_company_figures_are_left_out() -> None:
    free = CAMPAIGNS.with_columns(target_cpa=pl.lit(float("inf"))).head(1)
    table = market_figures(by_population(ROWS.filter(advertiser=0), free, [], mixed=False))
    assert table["liquid_welfare"].null_count() == table["gini"].null_count() == 3


def test_one_replicate_has_figures_and_no_intervals() -> None:
    table = by_population(ROWS.filter(replicate=0), CAMPAIGNS, [], mixed=False)
    found = market_figures(table)
    assert dict(found.select("population", "welfare").rows()) == {"a": 24.0, "ref": 18.0, "b": 4.0}
    assert found["welfare_low"].null_count() == 3


def test_strength_is_relative_to_the_contenders_of_the_segment() -> None:
    table = segment_table(ROWS, CAMPAIGNS, ["ref"], "value")

    def relative(kind: str) -> dict:
        one = table.filter(kind=kind)
        return {(b, s): x for b, s, x in one.select("bidder", "segment", "relative").rows()}

    found = relative("category")
    assert found == {
        **{("a", 3): 8 / 6, ("a", 8): 40 / 22, ("b", 3): 4 / 6, ("b", 8): 4 / 22},
        **{("ref", 3): 18 / 6, ("ref", 8): 18 / 22},
    }
    # a buys all in the first tick, b in the second.
    assert relative("time")[("a", 0)] == 2.0 and relative("time")[("b", 1)] == 2.0
    assert relative("budget")[("b", 0)] == found[("b", 8)]


def test_one_campaign_has_no_categories() -> None:
    table = segment_table(ROWS.filter(advertiser=0), CAMPAIGNS.head(1), [], "value")
    assert set(table["kind"]) == {"time"}
