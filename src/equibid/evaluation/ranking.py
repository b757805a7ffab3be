"""From the rows of a comparison to a ranked table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.evaluation.metrics import METRICS, Metric, Sums, cpa_score
from equibid.evaluation.statistics import jackknife, leave_one_out
from equibid.markets.market import Labels, Market

SUMMED = ("spend", "budget", "value", "conversions", "wins", "exposures", "offered", "cpa_score")


@dataclass(frozen=True)
class Ranking:
    """Bidders in order of score.

    Attributes:
        table: a row a bidder: `bidder`, `reference`, `score` with `score_low` and `score_high`
            (95 %), and every metric with its interval; null where there is none.
        metrics: the metric columns.
        score: which sum the score compares, "value" or "conversions".
    """

    table: pl.DataFrame
    metrics: tuple[Metric, ...]
    score: str


def campaign_frame(name: str, market: Market) -> pl.DataFrame:
    """The advertisers of a case: budget (in currency), target CPA, category and name."""
    campaigns, labels = market.campaigns, market.labels
    first = 0 if campaigns.budget.ndim > 1 else slice(None)
    budget = np.asarray(campaigns.budget[first], np.float64) / labels.per_currency
    return pl.DataFrame(
        {
            "market": [name] * len(budget),
            "advertiser": np.arange(len(budget)),
            "name": [labels.advertiser(i) for i in range(len(budget))],
            "category": np.asarray(campaigns.category[first], np.int64),
            "budget": budget,
            "target_cpa": np.asarray(campaigns.target_cpa[first], np.float64) / labels.per_currency,
        }
    )


def in_currency(rows: pl.DataFrame, labels: Labels) -> pl.DataFrame:
    """Money columns in currency, as people count it."""
    money = ["bid", "market_price", "spend", "remaining"]
    return rows.with_columns(pl.col(money) / labels.per_currency)


def by_advertiser(rows: pl.DataFrame, campaigns: pl.DataFrame) -> pl.DataFrame:
    """Sums over ticks: a row a market, replicate, bidder and advertiser, with its campaign.

    Where bidders met in pairs, a row for each of them it met.
    """
    keys = ["market", "replicate", "bidder", "advertiser"]
    keys += ["against"] if "against" in rows.columns else []
    sums = rows.group_by(keys, maintain_order=True).agg(
        pl.exclude(*keys, "tick", "remaining").sum()
    )
    sums = sums.join(campaigns, on=["market", "advertiser"], how="left", maintain_order="left")
    score = cpa_score(
        sums["spend"].to_numpy(), sums["conversions"].to_numpy(), sums["target_cpa"].to_numpy()
    )
    return sums.with_columns(cpa_score=pl.Series(score))


def rank(
    rows: pl.DataFrame,
    campaigns: pl.DataFrame,
    references: Sequence[str],
    score: str,
    labels: Labels,
) -> Ranking:
    """Rank bidders by what they bought, relative to the mean of all contenders.

    Args:
        rows: a row a market, replicate, bidder, tick and advertiser, money in currency.
        campaigns: see `campaign_frame`.
        references: bidders that are no contenders.
        score: the sum to compare, "value" or "conversions".
        labels: units.
    """
    keys = ["market", "replicate"]
    sums = by_advertiser(rows, campaigns).group_by(*keys, "bidder", maintain_order=True)
    largest = [pl.col("gain").max().alias("max_gain")] if "gain" in rows.columns else []
    table = sums.agg(pl.col(SUMMED).sum(), *largest).sort(*keys)
    replicates = table.select(keys).unique(maintain_order=True)
    names = table["bidder"].unique(maintain_order=True).to_list()
    contenders = [name for name in names if name not in references] or names
    # A replicate a row, a bidder a column, for every summed quantity.
    grid = {
        column: np.stack(
            [table.filter(bidder=name).sort(*keys)[column].to_numpy() for name in names], axis=1
        )
        for column in table.columns
        if column not in (*keys, "bidder")
    }
    grid["periods"] = np.ones((len(replicates), len(names)))
    whole: Sums = {column: x.sum(axis=0) for column, x in grid.items()}
    without: Sums = {column: leave_one_out(x) for column, x in grid.items()}
    peers = [names.index(name) for name in contenders]

    def relative(sums: Sums) -> npt.NDArray[np.float64]:
        mean = sums[score][..., peers].mean(axis=-1, keepdims=True)
        return sums[score] / np.where(mean > 0, mean, np.nan)

    metrics = tuple(
        metric.named(labels)
        for metric in METRICS
        if metric.column != "cpa_score" or campaigns["target_cpa"].is_finite().all()
        if metric.column != "exploitability" or largest
    )
    figures = {"score": relative} | {metric.column: metric.of for metric in metrics}
    columns: dict[str, list[float]] = {}
    for column, figure in figures.items():
        values, left_out = figure(whole), figure(without)
        intervals = [jackknife(values[b], left_out[:, b]) for b in range(len(names))]
        columns[column] = [interval.value for interval in intervals]
        columns[f"{column}_low"] = [interval.low for interval in intervals]
        columns[f"{column}_high"] = [interval.high for interval in intervals]
    ranked = pl.DataFrame(
        {"bidder": names, "reference": [name in references for name in names], **columns}
    )
    ranked = ranked.with_columns(pl.selectors.float().fill_nan(None))
    return Ranking(
        ranked.sort("score", descending=True, nulls_last=True, maintain_order=True), metrics, score
    )
