"""How alike two days are: quantiles side by side, and a distance for each thing that is compared.

Distances lie in 0 … 1 and are 0 for equal days. Kolmogorov-Smirnov is the largest difference of the
shares of two samples that lie below a number; total variation is half the summed difference of two
sets of shares; a difference is that of two numbers.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.markets.estimators import WINDOWS, has_clock
from equibid.markets.market import Market
from equibid.markets.moments import Moments
from equibid.markets.traffic import window

Floats = npt.NDArray[np.float64]
Kind = Literal["quantiles", "shares", "number", "amount"]

# Of each sample, evenly spread.
QUANTILES = np.linspace(0, 1, 101)
# Values of a day, about; a longer day is thinned.
MOST = 200_000
# A distance below this, or below this multiple of chance, is called alike.
NEAR, TIMES = 0.1, 2.0
DISTANCES: dict[Kind, str] = {
    "quantiles": "Kolmogorov-Smirnov",
    "shares": "total variation",
    "number": "difference",
    "amount": "relative difference",
}


class Measure(NamedTuple):
    """One thing that is compared.

    Attributes:
        name: of it, in tables.
        title: for people.
        kind: "quantiles" of a sample, "shares" of a whole, a "number" between -1 and 1, or an
            "amount" above 0.
        unit: "value", "money" or "" for a pure number.
    """

    name: str
    title: str
    kind: Kind
    unit: str = ""


MEASURES = (
    Measure("value", "value", "quantiles", "value"),
    Measure("advertiser_value", "mean by advertiser", "quantiles", "value"),
    Measure("market_price", "market price", "quantiles", "money"),
    Measure("price_at_rest", "price at rest", "quantiles", "money"),
    Measure("logged_price", "logged price", "quantiles", "money"),
    Measure("budget_over_spend", "budget over spend", "quantiles"),
    Measure("traffic", "traffic by time of day", "shares"),
    Measure("within", "correlation within", "number"),
    Measure("across", "correlation across", "number"),
    Measure("eligible", "share with a value", "number"),
)

# What was measured of a day: samples, shares or a number by the names of `MEASURES`.
Facts = dict[str, Floats]


def facts(
    market: Market, sums: Moments, at_cap: Floats, prices: Facts, day_ticks: int | None = None
) -> Facts:
    """What is compared of a day, as far as it has it.

    Args:
        market: the day, or a log of several.
        sums: of it.
        at_cap: [N] what each advertiser would spend, if money were no object.
        prices: samples by the names of `MEASURES`, in any order, currency per impression.
        day_ticks: ticks of a day; None takes the market as one day.
    """
    # Whole impressions: every so manieth value may be that of the same advertisers each time.
    every = max(-(-int(sums.offered.sum()) // MOST), 1)
    values = np.asarray(market.values)[::every]
    offered = sums.offered
    budget = np.asarray(market.campaigns.budget, np.float64)
    buys = (at_cap > 0) & (budget > 0)
    measured = {
        "value": values[values > 0].astype(np.float64),
        "advertiser_value": sums.total[offered > 0] / offered[offered > 0],
        "budget_over_spend": budget[buys] / at_cap[buys],
        "eligible": np.array([offered.sum() / (sums.impressions * len(offered))]),
    }
    if has_clock(market):
        measured["traffic"] = traffic(market, day_ticks or market.ticks)
    for name, pairs in (("within", sums.same), ("across", sums.other)):
        correlation = sums.correlation(pairs)
        if correlation is not None:
            measured[name] = np.array([correlation])
    measured |= {name: np.asarray(price, np.float64) for name, price in prices.items()}
    return {name: sample for name, sample in measured.items() if sample.size}


def traffic(market: Market, day_ticks: int) -> Floats:
    """Shares of impressions by twelfths of the day, or by ticks that are longer.

    A span that the market has no tick in is NaN.
    """
    counts = np.diff(np.asarray(market.tick_start))
    windows = min(WINDOWS, day_ticks)
    of_tick = window(day_ticks, windows)[np.arange(len(counts)) % day_ticks]
    share = np.bincount(of_tick, counts, windows) / counts.sum()
    return np.where(np.bincount(of_tick, minlength=windows) > 0, share, np.nan)


def distance(kind: Kind, one: Floats, other: Floats) -> float:
    """The distance of two samples, numbers, or sets of shares of what both know."""
    if kind == "shares":
        known = np.isfinite(one) & np.isfinite(other)
        one, other = (x[known] / x[known].sum() for x in (one, other))
        return float(np.abs(one - other).sum() / 2)
    if kind == "number":
        return float(np.abs(one - other)[0])
    if kind == "amount":
        return float((np.abs(one - other) / np.maximum(one, other))[0])
    return kolmogorov_smirnov(one, other)


def kolmogorov_smirnov(one: Floats, other: Floats) -> float:
    """Largest difference of the distribution functions of two samples."""
    both = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(x), both, side="right") / len(x) for x in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def distances(log: Facts, made: Facts, others: Sequence[Facts] = ()) -> pl.DataFrame:
    """A row a measure that both days have.

    Args:
        log: the facts of a log.
        made: the facts of a generated day.
        others: the facts of days of the same settings from other chance.

    Returns:
        `measure`, `title`, `kind`, `unit`; `distance` of both days, and `chance`: the mean distance
        of `made` from `others`, null without them. What is not far above it may be chance.
    """
    rows = []
    for name, title, kind, unit in shared(log, made):
        apart = [distance(kind, made[name], x[name]) for x in others if name in x]
        rows.append(
            {
                "measure": name,
                "title": title,
                "kind": kind,
                "unit": unit,
                "distance": distance(kind, log[name], made[name]),
                "chance": float(np.mean(apart)) if apart else None,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"chance": pl.Float64})


def quantiles(log: Facts, made: Facts) -> pl.DataFrame:
    """Both days in numbers.

    Returns:
        `measure`, `kind`, `at`, `log` and `generated`, a row a quantile, a share or a number. `at`
        is the quantile (0 … 1), or counts the twelfths of the day.
    """
    frames = []
    for name, _, kind, _ in shared(log, made):
        at = QUANTILES if kind == "quantiles" else np.arange(len(log[name]), dtype=np.float64)
        sides = (
            [np.quantile(x[name], QUANTILES) for x in (log, made)]
            if kind == "quantiles"
            else [log[name], made[name]]
        )
        frames.append(
            pl.DataFrame(
                {"at": at, "log": sides[0], "generated": sides[1]}, nan_to_null=True
            ).select(pl.lit(name).alias("measure"), pl.lit(kind).alias("kind"), pl.all())
        )
    return pl.concat(frames)


def shared(log: Facts, made: Facts) -> list[Measure]:
    """What both days have, in order; a sample of one number is an amount."""
    both = [measure for measure in MEASURES if measure.name in log and measure.name in made]
    return [
        measure._replace(kind="amount")
        if measure.kind == "quantiles" and len(log[measure.name]) == len(made[measure.name]) == 1
        else measure
        for measure in both
    ]


def alike(distances: pl.DataFrame) -> pl.Series:
    """Whether each measure is alike: a distance below `NEAR`, or not far above chance.

    Args:
        distances: see `distances`.
    """
    bound = pl.max_horizontal(pl.lit(NEAR), TIMES * pl.col("chance").fill_null(0))
    return distances.select(alike=pl.col("distance") <= bound)["alike"]
