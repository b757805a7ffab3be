"""From the folder of a comparison to the tables of its report."""

from dataclasses import replace

import polars as pl

from equibid.evaluation.ranking import Ranking, by_advertiser
from equibid.markets.market import Labels
from equibid.reports.comparison.tables import MORE, Clock, RunTables, check
from equibid.runs.comparison_result import read_result
from equibid.runs.reading import RunFolder

SUMS = (
    *("spend", "value", "conversions", "wins", "exposures"),
    *("offered", "bid", "value_offered", "market_price"),
)


def read_comparison(run: RunFolder) -> RunTables:
    """The report's tables, with all that a comparison found.

    Raises:
        InputError: a table is not there, lacks a column, or contradicts another.
    """
    result = read_result(run)
    tables = from_ranking(
        result.ranked,
        result.delivery,
        result.campaigns,
        run,
        result.info.labels,
    )
    more = {name: getattr(result, name) for name in MORE}
    clock = Clock(result.info.tick_hours)
    return check(replace(tables, clock=clock, notices=result.info.notices, **more))


def from_ranking(
    ranking: Ranking,
    rows: pl.DataFrame,
    campaigns: pl.DataFrame,
    run: RunFolder,
    labels: Labels,
) -> RunTables:
    """The report's tables.

    Args:
        ranking: of the bidders.
        rows: a row a market, replicate, bidder, tick and advertiser, money in currency.
        campaigns: see `campaign_frame`.
        run: the folder.
        labels: units.
    """
    at = ["market", "replicate", "bidder"]
    rows = rows.join(campaigns, on=["market", "advertiser"], maintain_order="left")
    delivery = (
        rows.group_by(*at, "tick", maintain_order=True)
        .agg(pl.col(*SUMS, "budget").sum())
        # Replicates of several markets are one series of seeds.
        .with_columns(seed=pl.struct("market", "replicate").rank("dense").cast(pl.Int64) - 1)
        .drop("market", "replicate")
    )
    several = campaigns["market"].n_unique() > 1
    who = pl.format("{} {}", "market", "name") if several else pl.col("name")
    totals = by_advertiser(rows.drop(campaigns.columns[2:]), campaigns)
    advertisers = (
        totals.with_columns(name=who)
        .group_by("bidder", "market", "advertiser", maintain_order=True)
        .agg(
            pl.col("name", "category", "target_cpa").first(),
            pl.col("budget", "spend", "value", "conversions").mean(),
        )
        .with_columns(
            pl.col("target_cpa").replace({float("inf"): None}),
            advertiser=pl.struct("market", "advertiser").rank("dense").cast(pl.Int64) - 1,
        )
        .drop("market")
    )
    what = "Expected" if ranking.score == "value" else "Counted"
    return RunTables(
        run=run,
        ranking=ranking.table,
        metrics=ranking.metrics,
        score_title=f"{what} value bought, relative to the mean of all contenders",
        score_unit="× mean",
        delivery=delivery,
        advertisers=advertisers,
        title=f"Bidders on {run.config['market']}",
        value_unit=labels.value_unit,
        currency=labels.currency,
    )
