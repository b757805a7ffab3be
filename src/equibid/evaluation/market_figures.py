"""Figures of whole markets: what all advertisers got and paid together.

Who drives whom makes a market: contenders together (mixed seating), one bidder in all seats, or
two bidders half and half (pairs).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.evaluation.ranking import by_advertiser
from equibid.evaluation.statistics import Interval, jackknife, leave_one_out, merged, units
from equibid.simulation.campaign_figures import gini, herfindahl

KEYS = ["market", "replicate", "population"]
FIGURES = ("welfare", "liquid_welfare", "revenue", "budget_use", "concentration", "gini")
SHARES = ("budget_use", "concentration", "gini")
TOGETHER = "all together"


def by_population(
    rows: pl.DataFrame, campaigns: pl.DataFrame, references: Sequence[str], mixed: bool
) -> pl.DataFrame:
    """Figures of each market that was played, the mean of its rounds.

    Args:
        rows: of a comparison, money in currency.
        campaigns: see `campaign_frame`.
        references: bidders that are no contenders; they take the place of one in a mixed market,
            so there is none of their own.
        mixed: whether contenders shared the market.

    Returns:
        A row a `market`, `replicate` and `population`: `welfare` (expected value bought, value
        units), `liquid_welfare` (currency; null without targets), `revenue` and `budget`
        (currency), `concentration` (Herfindahl) and `gini` of what advertisers spend in the mean
        of the rounds (null for one advertiser, or where nobody spends).
    """
    sums = by_advertiser(rows, campaigns)
    bidders = sums["bidder"].unique().to_list()
    if "against" in sums.columns:
        one, other = pl.col("bidder"), pl.col("against")
        names = pl.min_horizontal(one, other), pl.max_horizontal(one, other)
        pair = pl.concat_str(*names, separator=" + ")
        # Two bidders change seats once; one alone fills them in a single round.
        sums = sums.with_columns(
            population=pl.when(one == other).then(one).otherwise(pair),
            rounds=pl.when(one == other).then(1.0).otherwise(2.0),
        )
    elif mixed:
        # References by themselves are each other's contenders.
        playing = [name for name in bidders if name not in references] or bidders
        sums = sums.filter(pl.col("bidder").is_in(playing))
        sums = sums.with_columns(population=pl.lit(TOGETHER), rounds=pl.lit(float(len(playing))))
    else:
        sums = sums.with_columns(population=pl.col("bidder"), rounds=pl.lit(1.0))
    columns = ("spend", "value", "liquid", "budget")
    each = sums.group_by(*KEYS, "advertiser", maintain_order=True).agg(
        (pl.col(name) / pl.col("rounds")).sum() for name in columns
    )
    whole = each.group_by(KEYS, maintain_order=True).agg(
        pl.col("value").sum().alias("welfare"),
        pl.col("liquid").sum().alias("liquid_welfare"),
        pl.col("spend").sum().alias("revenue"),
        pl.col("budget").sum(),
        pl.col("spend").alias("spends"),
    )
    spends = [np.asarray(one) for one in whole["spends"]]
    alone = campaigns["advertiser"].n_unique() == 1
    targets = campaigns["target_cpa"].is_finite().all()
    return whole.select(
        *KEYS,
        "welfare",
        pl.when(targets).then("liquid_welfare").alias("liquid_welfare"),
        "revenue",
        "budget",
        concentration=pl.Series(
            [None if alone else herfindahl(x) for x in spends], dtype=pl.Float64
        ),
        gini=pl.Series([None if alone else gini(x) for x in spends], dtype=pl.Float64),
    ).fill_nan(None)


def market_figures(populations: pl.DataFrame) -> pl.DataFrame:
    """Figures with 95 % intervals, a row a population, highest welfare first.

    Means over replicates, but `budget_use`: all revenue over all budgets, a share.

    Args:
        populations: see `by_population`.
    """
    found = []
    for one in populations.partition_by("population", maintain_order=True):
        row = {"population": one["population"][0]}
        for name in FIGURES:
            interval = _used(one) if name == "budget_use" else _mean(one.drop_nulls(name), name)
            interval = interval.within(0, 1.0 if name in SHARES else np.inf)
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
        found.append(row)
    ends = [name + end for name in FIGURES for end in ("", "_low", "_high")]
    table = pl.DataFrame(found, schema={"population": pl.String} | dict.fromkeys(ends, pl.Float64))
    return table.fill_nan(None).sort("welfare", descending=True, maintain_order=True)


def _mean(one: pl.DataFrame, name: str) -> Interval:
    if one.is_empty():
        return Interval(np.nan, np.nan, np.nan)
    x = one[name].to_numpy()
    value = float(x.mean())
    x = merged(x, units((x,), _strata(one)))
    return jackknife(value, leave_one_out(x) / max(len(x) - 1, 1))


def _used(one: pl.DataFrame) -> Interval:
    revenue, budget = one["revenue"].to_numpy(), one["budget"].to_numpy()
    if not budget.sum() > 0:
        return Interval(np.nan, np.nan, np.nan)
    value = float(revenue.sum() / budget.sum())
    unit = units((revenue, budget), _strata(one))
    revenue, budget = merged(revenue, unit), merged(budget, unit)
    others = leave_one_out(budget)
    return jackknife(value, leave_one_out(revenue) / np.where(others > 0, others, np.nan))


def _strata(one: pl.DataFrame) -> npt.NDArray[np.integer]:
    return one["market"].rank("dense").to_numpy()
