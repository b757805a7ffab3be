"""Tables by hand: every figure against arithmetic on a napkin."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from equibid.auctions.tally import FIELDS
from equibid.evaluation.metrics import METRICS
from equibid.evaluation.ranking import Ranking, by_advertiser, campaign_frame, in_currency, rank
from equibid.markets import Campaigns, Labels, Market, even_ticks
from equibid.reports.comparison.read import from_ranking
from equibid.reports.comparison.tables import check
from equibid.runs.reading import RunFolder
from equibid.simulation.campaign_figures import cpa_score

LABELS = Labels("hand", ("Ann", "Bob"), value_unit="click", currency="CNY")
CAMPAIGNS = pl.DataFrame(
    {
        "market": ["hand"] * 2,
        "advertiser": [0, 1],
        "name": ["Ann", "Bob"],
        "category": [0, 1],
        "budget": [100.0, 50.0],
        "target_cpa": [10.0, 5.0],
    }
)


def row(bidder: str, replicate: int, advertiser: int, tick: int = 0, **sums: float) -> dict:
    """A row of a comparison; what is not named is zero."""
    at = {"market": "hand", "replicate": replicate, "bidder": bidder, "tick": tick}
    return at | {"advertiser": advertiser} | dict.fromkeys(FIELDS, 0.0) | {"remaining": 0.0} | sums


def bought(value: float, spend: float, conversions: float) -> dict[str, float]:
    return {
        "value": float(value),
        "spend": float(spend),
        "conversions": float(conversions),
        "offered": 100.0,
        "wins": 20.0,
        "exposures": 10.0,
    }


# Bidder a: per replicate two advertisers, Ann in two ticks. b buys half as much, ref twice.
ROWS = pl.DataFrame(
    [
        row("a", 0, 0, 0, **bought(3, 30, 2)),
        row("a", 0, 0, 1, **bought(1, 20, 1)),
        row("a", 0, 1, **bought(4, 40, 2)),
        row("a", 1, 0, **bought(6, 60, 4)),
        row("a", 1, 1, **bought(6, 50, 10)),
        *(row("b", r, i, **bought(2.5, 10, 0)) for r in (0, 1) for i in (0, 1)),
        *(row("ref", r, i, **bought(10, 20, 5)) for r in (0, 1) for i in (0, 1)),
    ]
)


def ranked(rows: pl.DataFrame = ROWS, score: str = "value", **changes: Any) -> Ranking:
    given = {"campaigns": CAMPAIGNS, "references": ["ref"], "labels": LABELS} | changes
    return rank(rows, given["campaigns"], given["references"], score, given["labels"])


def figures(ranking: Ranking, bidder: str) -> dict[str, Any]:
    return ranking.table.row(by_predicate=pl.col("bidder") == bidder, named=True)


def test_score_is_relative_to_the_mean_of_the_contenders() -> None:
    ranking = ranked()
    # a bought 20, b 10; the reference's 40 is no part of the mean 15.
    assert ranking.table["bidder"].to_list() == ["ref", "a", "b"]
    assert ranking.table["reference"].to_list() == [True, False, False]
    np.testing.assert_allclose(ranking.table["score"], [40 / 15, 20 / 15, 10 / 15], rtol=1e-12)


def test_only_references_are_compared_among_themselves() -> None:
    ranking = ranked(ROWS.filter(bidder="ref"))
    assert ranking.table["score"].to_list() == [1.0]


def test_figures_of_merit_by_hand() -> None:
    a = figures(ranked(), "a")
    assert a["value"] == pytest.approx(20 / 2)
    assert a["conversions"] == pytest.approx(19 / 2)
    assert a["spend"] == pytest.approx(200 / 2)
    # 150 of budget a replicate, however many ticks there are.
    assert a["budget_use"] == pytest.approx(100 * 200 / 300)
    assert a["win_rate"] == pytest.approx(100 * 100 / 500)
    assert a["cpm"] == pytest.approx(1000 * 200 / 50)
    assert a["cost_per_value"] == pytest.approx(200 / 20)
    assert a["cpa"] == pytest.approx(200 / 19)
    # Replicate 0: Ann 50 for 3 at a target of 10, Bob 40 for 2 at 5; replicate 1: 60 for 4, and
    # 50 for 10, which is just the target.
    score = 3 * (30 / 50) ** 2 + 2 * (10 / 40) ** 2 + 4 * (40 / 60) ** 2 + 10
    assert a["cpa_score"] == pytest.approx(score / 2)
    # Beyond targets of 10 and 5 for each counted one: 20, 30, 20 and 0.
    assert a["cpa_violation"] == pytest.approx(100 * 70 / 200)
    assert a["cpa_missed"] == pytest.approx(100 * 3 / 4)
    # Worth 10 · 4, 5 · 4, 10 · 6 and 5 · 6; no budget (100 and 50) is in the way.
    assert a["liquid_welfare"] == pytest.approx(150 / 2)
    shares = [(50**2 + 40**2) / 90**2, (60**2 + 50**2) / 110**2]
    assert a["concentration"] == pytest.approx(np.mean(shares))
    assert a["gini"] == pytest.approx(np.mean([10 / (2 * 90), 10 / (2 * 110)]))


def test_interval_of_two_replicates_by_hand() -> None:
    a = figures(ranked(), "a")
    # 8 and 12: mean 10, standard error 2, Student's t of one degree of freedom.
    assert a["value_high"] - a["value"] == pytest.approx(12.706204736 * 2)
    # Nobody buys less than nothing: the lower end would be at -15.4.
    assert a["value_low"] == 0
    assert a["budget_use_high"] == 100
    assert a["score_high"] <= 2 and a["gini_high"] <= 1


def test_score_may_be_the_counted_value() -> None:
    rows = ROWS.with_columns(
        conversions=pl.when(bidder="b").then(pl.lit(1.0)).otherwise("conversions")
    )
    ranking = ranked(rows, "conversions")
    assert figures(ranking, "a")["score"] == pytest.approx(19 / 11.5)
    assert figures(ranking, "b")["score"] == pytest.approx(4 / 11.5)


def test_nothing_bought_gives_null_and_not_nan() -> None:
    idle = [row("idle", r, i, offered=5.0) for r in (0, 1) for i in (0, 1)]
    ranking = ranked(pl.concat([ROWS, pl.DataFrame(idle)]))
    b, nothing = figures(ranking, "b"), figures(ranking, "idle")
    assert b["cpa"] is None
    assert b["cpa_low"] is None
    assert b["cpm"] == pytest.approx(1000 * 40 / 40)
    assert [nothing[x] for x in ("cpm", "cpa", "cost_per_value")] == [None] * 3
    assert [nothing[x] for x in ("score", "spend", "win_rate", "cpa_score")] == [0.0] * 4
    assert not any(x.is_nan().any() for x in ranking.table.select(pl.selectors.float()))


def test_nobody_buying_leaves_no_score() -> None:
    nobody = pl.DataFrame([row(name, r, 0) for name in ("a", "b") for r in (0, 1)])
    assert ranked(nobody, references=[]).table["score"].to_list() == [None, None]


def test_one_replicate_has_figures_without_ends() -> None:
    ranking = ranked(ROWS.filter(replicate=0))
    assert figures(ranking, "a")["value"] == pytest.approx(8)
    ends = ranking.table.select(pl.selectors.ends_with("_low", "_high"))
    assert ends.null_count().row(0) == (ends.height,) * ends.width


def test_order_of_rows_does_not_matter() -> None:
    shuffled = ROWS.sample(fraction=1, shuffle=True, seed=4)
    one, other = ranked().table, ranked(shuffled).table
    assert one["bidder"].to_list() == other["bidder"].to_list()
    numbers = pl.selectors.float()
    np.testing.assert_allclose(one.select(numbers), other.select(numbers), rtol=1e-12)


def test_units_are_the_markets_own() -> None:
    units = {metric.column: metric.unit for metric in ranked().metrics}
    # Exploitability is there where gains were asked for.
    assert [*units, "exploitability"] == [metric.column for metric in METRICS]
    assert units["cpm"] == "CNY"
    assert units["cpa"] == "CNY per click"
    assert units["conversions"] == "clicks a period"


def test_no_target_no_figures_of_targets() -> None:
    ranking = ranked(campaigns=CAMPAIGNS.with_columns(target_cpa=pl.lit(float("inf"))))
    for name in ("cpa_score", "cpa_violation", "cpa_missed", "liquid_welfare"):
        assert name not in ranking.table.columns
        assert name not in [metric.column for metric in ranking.metrics]


def test_one_advertiser_has_no_concentration() -> None:
    ranking = ranked(ROWS.filter(advertiser=0), campaigns=CAMPAIGNS.head(1))
    assert not {"concentration", "gini"} & set(ranking.table.columns)


def test_replicates_without_spend_have_no_shares() -> None:
    spend = pl.when(pl.col("replicate") == 0).then(pl.col("spend")).otherwise(0.0)
    a = figures(ranked(ROWS.with_columns(spend=spend)), "a")
    assert a["concentration"] == pytest.approx((50**2 + 40**2) / 90**2)


@pytest.mark.parametrize(
    ("spend", "conversions", "target", "score"),
    [
        (100, 5, 10, 5 * 0.25),  # twice the target: a quarter is kept
        (50, 5, 10, 5.0),  # on target
        (10, 5, 10, 5.0),  # below it nothing is gained
        (10, 0, 10, 0.0),
        (0, 3, 10, 3.0),  # won for nothing
        (0, 0, 10, 0.0),
        (10, 2, np.inf, 2.0),  # no target to miss
        (10, 0, np.inf, 0.0),
    ],
)
def test_auctionnet_score(spend: float, conversions: float, target: float, score: float) -> None:
    given = (np.array([float(x)]) for x in (spend, conversions, target))
    assert cpa_score(*given).tolist() == [pytest.approx(score)]


def market(budget: list[float], target: float, labels: Labels) -> Market:
    count = len(budget)
    return Market(
        jnp.ones((4, count)),
        even_ticks(4, 2),
        Campaigns(jnp.asarray(budget), jnp.full(count, target), jnp.arange(count)),
        labels=labels,
    )


def test_money_is_shown_in_currency() -> None:
    labels = Labels("fen", per_currency=1000.0)
    campaigns = campaign_frame("fen", market([100e3, 50e3], 2e3, labels))
    assert campaigns["budget"].to_list() == [100.0, 50.0]
    assert campaigns["target_cpa"].to_list() == [2.0, 2.0]
    assert campaigns["name"].to_list() == [labels.advertiser(0), labels.advertiser(1)]
    money = ["bid", "market_price", "spend", "remaining"]
    raw = ROWS.with_columns(pl.col(money) * 1000 + 7000)
    shown = in_currency(raw, labels)
    np.testing.assert_allclose(shown.select(money), ROWS.select(money).to_numpy() + 7)
    assert shown.drop(money).equals(ROWS.drop(money))


def test_advertisers_are_summed_over_ticks() -> None:
    sums = by_advertiser(ROWS, CAMPAIGNS)
    assert sums.height == 12
    ann = sums.row(
        by_predicate=(pl.col("bidder") == "a")
        & (pl.col("replicate") == 0)
        & (pl.col("advertiser") == 0),
        named=True,
    )
    assert (ann["spend"], ann["value"], ann["conversions"]) == (50.0, 4.0, 3.0)
    assert (ann["budget"], ann["target_cpa"], ann["name"]) == (100.0, 10.0, "Ann")


def run_of(market: str) -> RunFolder:
    return RunFolder(Path("nowhere"), "compare", {"market": market})


def test_report_tables_hold_the_same_sums() -> None:
    ranking = ranked()
    tables = check(from_ranking(ranking, ROWS, CAMPAIGNS, run_of("hand"), LABELS))
    ticks = tables.delivery.filter(bidder="a").sort("seed", "tick")
    assert ticks["seed"].to_list() == [0, 0, 1]
    assert ticks["spend"].to_list() == [70.0, 20.0, 110.0]
    # The first tick holds both advertisers' budgets.
    assert ticks["budget"][0] == 150.0
    people = tables.advertisers.filter(bidder="a").sort("advertiser")
    assert people["name"].to_list() == ["Ann", "Bob"]
    assert people["spend"].to_list() == [(50 + 60) / 2, (40 + 50) / 2]
    assert people["budget"].to_list() == [100.0, 50.0]
    assert tables.currency == "CNY"


def test_report_tables_of_several_markets_keep_advertisers_apart() -> None:
    rows = pl.concat([ROWS, ROWS.with_columns(market=pl.lit("other"))])
    campaigns = pl.concat([CAMPAIGNS, CAMPAIGNS.with_columns(market=pl.lit("other"))])
    ranking = ranked(rows, campaigns=campaigns)
    tables = check(from_ranking(ranking, rows, campaigns, run_of("log"), LABELS))
    assert tables.replicates == 4
    people = tables.advertisers.filter(bidder="a").sort("advertiser")
    assert people["name"].to_list() == ["hand Ann", "hand Bob", "other Ann", "other Bob"]
    assert figures(ranking, "a")["value"] == pytest.approx(10)
