"""From the rows of a comparison to a ranked table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from equibid.evaluation.metrics import METRICS, Figure, Metric, Need, Sums
from equibid.evaluation.statistics import (
    ROUNDING,
    Floats,
    jackknife,
    leave_one_out,
    merged,
    units,
)
from equibid.markets.market import Labels, Market
from equibid.simulation.campaign_figures import (
    cpa_score,
    gini,
    herfindahl,
    liquid_value,
    overpaid,
)

SUMMED = (
    *("spend", "budget", "value", "conversions", "wins", "exposures", "offered"),
    *("cpa_score", "overpaid", "missed", "liquid", "advertisers"),
)


@dataclass(frozen=True)
class Ranking:
    """Bidders in order of score.

    Attributes:
        table: a row a bidder: `bidder`, `reference`, `score` with `score_low` and `score_high`
            (95 %), and every metric with its interval; null where there is none. There is no
            interval where nothing was drawn: see `statistics.units`.
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
    columns = ("spend", "value", "conversions", "budget", "target_cpa")
    spend, value, counted, budget, target = (sums[name].to_numpy() for name in columns)
    beyond = overpaid(spend, counted, target)
    return sums.with_columns(
        cpa_score=pl.Series(cpa_score(spend, counted, target)),
        overpaid=pl.Series(beyond),
        missed=pl.Series((beyond > 0).astype(float)),
        liquid=pl.Series(liquid_value(value, budget, target)),
        advertisers=pl.lit(1.0),
    )


def spread_of_spend(sums: pl.DataFrame) -> pl.DataFrame:
    """How unequal advertisers spend, summed over the fields a bidder bid in.

    A field is a replicate, or in pairs a replicate against one other. Fields where nobody spends
    have no shares, and do not count.
    """
    field = ["market", "replicate", "bidder"]
    keys = [*field, "against"] if "against" in sums.columns else field
    spent = sums.group_by(keys, maintain_order=True).agg("spend")
    amounts = [np.asarray(one) for one in spent["spend"]]
    figures = spent.select(keys).with_columns(
        herfindahl=pl.Series([herfindahl(one) for one in amounts], dtype=pl.Float64),
        gini=pl.Series([gini(one) for one in amounts], dtype=pl.Float64),
    )
    figures = figures.with_columns(fields=pl.col("gini").is_not_nan().cast(pl.Float64))
    counted = pl.col("herfindahl", "gini", "fields").fill_nan(0.0).sum()
    return figures.group_by(field, maintain_order=True).agg(counted)


def met(rows: pl.DataFrame, campaigns: pl.DataFrame) -> set[Need]:
    """What metrics may need that these markets have."""
    there: set[Need] = {""}
    if campaigns["target_cpa"].is_finite().all():
        there.add("targets")
    if campaigns["advertiser"].n_unique() > 1:
        there.add("advertisers")
    if "gain" in rows.columns:
        there.add("gains")
    return there


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
    apart = by_advertiser(rows, campaigns)
    sums = apart.group_by(*keys, "bidder", maintain_order=True)
    largest = [pl.col("gain").max().alias("max_gain")] if "gain" in rows.columns else []
    table = sums.agg(pl.col(SUMMED).sum(), *largest)
    table = table.join(spread_of_spend(apart), on=[*keys, "bidder"], maintain_order="left").sort(
        *keys, maintain_order=True
    )
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
    strata = replicates["market"].rank("dense").to_numpy()
    several = len(strata) > len(np.unique(strata))

    def relative(sums: Sums) -> Floats:
        mean = sums[score][..., peers].mean(axis=-1, keepdims=True)
        return sums[score] / np.where(mean > 0, mean, np.nan)

    def left_out(figure: Figure, read: Sequence[str], b: int) -> Floats:
        """[U] the figure of bidder b without one unit each of what it is made from."""
        unit = units([grid[column][:, b] for column in read], strata)
        if several and unit.max() + 1 < len(unit):
            return figure({c: leave_one_out(merged(x, unit)) for c, x in grid.items()})[:, b]
        return figure(without)[:, b]

    there = met(rows, campaigns)
    metrics = tuple(metric.named(labels) for metric in METRICS if metric.needs in there)
    # Nobody buys less than nothing, nor more than all contenders together.
    most = {name: len(peers) if name in contenders else np.inf for name in names}
    columns: dict[str, list[float]] = {}
    for column, figure in {"score": relative, **{m.column: m.of for m in metrics}}.items():
        top = next((m.most for m in metrics if m.column == column), np.inf)
        noted = Noted(whole)
        values = figure(noted)
        intervals = [
            jackknife(values[b], left_out(figure, noted.read, b)).within(
                0, most[name] if column == "score" else top
            )
            for b, name in enumerate(names)
        ]
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


class Noted(dict[str, Floats]):
    """Sums that note which of them were read."""

    def __init__(self, sums: Sums) -> None:
        super().__init__(sums)
        self.read: list[str] = []

    def __getitem__(self, column: str) -> Floats:
        """The sum, noted."""
        self.read.append(column)
        return super().__getitem__(column)


def places(ranking: pl.DataFrame) -> list[str]:
    """The place of each row: contenders whose scores differ by rounding at most share one.

    Returns:
        "1", "2=" where several are tied, and "" for a reference.
    """
    scores = [
        row["score"]
        for row in ranking.select("reference", "score").iter_rows(named=True)
        if not row["reference"]
    ]
    place: list[int] = []
    for rank, (x, before) in enumerate(zip(scores, [None, *scores], strict=False), start=1):
        place.append(place[-1] if rank > 1 and tied(x, before) else rank)
    shown = iter(f"{n}{'=' * (place.count(n) > 1)}" for n in place)
    return ["" if reference else next(shown) for reference in ranking["reference"]]


def tied(one: float | None, other: float | None) -> bool:
    """Whether two scores are equal to the bit, or to rounding; none is tied with none."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=ROUNDING)
