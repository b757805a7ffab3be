"""From a comparison to the tables of its report."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from equibid.evaluation.ranking import Ranking, by_advertiser
from equibid.markets.market import Labels
from equibid.reports.comparison.tables import MORE, RunTables
from equibid.runs.findings import Findings

SUMS = (
    *("spend", "value", "conversions", "wins", "exposures"),
    *("offered", "bid", "value_offered", "market_price"),
)


def from_findings(findings: Findings, config: Mapping[str, Any]) -> RunTables:
    """The report's tables, with all that a comparison found.

    Args:
        findings: of the comparison.
        config: how the run was made; shown in the order of its file, so that a report made from
            the folder is the same to the last bit.
    """
    filed = json.loads(json.dumps(config, sort_keys=True))
    tables = from_ranking(
        findings.ranked,
        findings.delivery,
        findings.campaigns,
        filed,
        findings.settled.labels,
    )
    more = {name: getattr(findings, name) for name in MORE}
    return replace(tables, notices=findings.settled.notices, **more)


def from_ranking(
    ranking: Ranking,
    rows: pl.DataFrame,
    campaigns: pl.DataFrame,
    config: Mapping[str, Any],
    labels: Labels,
) -> RunTables:
    """The report's tables.

    Args:
        ranking: of the bidders.
        rows: a row a market, replicate, bidder, tick and advertiser, money in currency.
        campaigns: see `campaign_frame`.
        config: how the run was made.
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
        config=config,
        ranking=ranking.table,
        metrics=ranking.metrics,
        score_title=f"{what} value bought, relative to the mean of all contenders",
        score_unit="× mean",
        delivery=delivery,
        advertisers=advertisers,
        title=f"Bidders on {config['market']}",
        value_unit=labels.value_unit,
        currency=labels.currency,
    )
