"""The tables of an equilibrium's report, as the folder of the run has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import polars as pl

from equibid.equilibrium.certificate import Status
from equibid.reports.html.numbers import number, small
from equibid.reports.html.palette import COLOURS, GREY, Mark
from equibid.reports.sheet import Column, Sheet
from equibid.runs.reading import RunFolder

# Blue and green are well, orange and red are off, grey has nothing to do.
LOOKS = {
    Status.SPENDS: Mark(COLOURS[0], "solid", "circle"),
    Status.CAPPED: Mark(COLOURS[2], "solid", "square"),
    Status.UNDER: Mark(COLOURS[1], "dash", "triangle-down"),
    Status.OVER: Mark(COLOURS[3], "dash", "triangle-up"),
    Status.PRICED_OUT: Mark(COLOURS[5], "dot", "x"),
    Status.OUT: Mark(COLOURS[4], "dot", "diamond"),
    Status.NO_BUDGET: Mark(GREY, "dot", "circle-open"),
    Status.NO_VALUE: Mark(GREY, "dot", "square-open"),
}

# Over several days an advertiser counts as what it was on its worst.
WORST = (Status.OVER, Status.UNDER, Status.OUT, Status.PRICED_OUT)
AMOUNTS = ("factor", "cap", "best_factor", "budget", "cost", "returns")
GAINS = ("gain", "gain_hindsight", "gain_bound", "gain_share")
ROWS = ("market", "day", "advertiser", "name", "status", *AMOUNTS, *GAINS)
FIGURES = (
    *("welfare", "first_best", "liquid_welfare", "liquid_bound", "revenue", "exploitability"),
    *("exploitability_bound", "largest_gain_share", "overspend", "residual"),
)
GAME = (
    *("market", "day", "pricing", "temperature", "impressions", "advertisers", "value_unit"),
    *("currency", "holds"),
)
STARTS = ("start", "kind", "equilibrium", "objective", "gain", "residual", "holds")


@dataclass(frozen=True)
class EquilibriumTables:
    """One run of ``equibid solve`` or ``equibid certify``.

    Attributes:
        run: the folder; its config says how the run was made.
        results: a market and day each: its figures and the game they are about, as
            certificate.json has them; infinite is a gain over nothing.
        advertisers: a row a market and advertiser. Over several days amounts are means, gains the
            largest and `status` the worst; gains are shares: `gain`, `hindsight` and `bound` of
            total welfare, `own` of the own return.
        starts: a row a start; None where nothing was searched.
        tolerance: up to which a certificate holds.
        notices: what is out of the ordinary.
    """

    run: RunFolder
    results: Sequence[Mapping[str, Any]]
    advertisers: pl.DataFrame
    starts: pl.DataFrame | None
    tolerance: float
    notices: Sequence[str]

    @property
    def config(self) -> Mapping[str, Any]:
        """How the run was made, resolved."""
        return self.run.config

    @property
    def title(self) -> str:
        """Of the page."""
        found = self.run.kind == "solve" and all(one["holds"] for one in self.results)
        return f"{'Equilibrium' if found else 'Certificate'} of {self.config['market']}"

    @property
    def value_unit(self) -> str:
        """What one unit of value is."""
        return self.results[0]["value_unit"]

    @property
    def currency(self) -> str:
        """What one unit of money is."""
        return self.results[0]["currency"]

    @property
    def days(self) -> int:
        """Number of days."""
        return len({one["day"] for one in self.results})

    @property
    def names(self) -> list[str]:
        """A name a result: its day, or its market."""
        return [f"day {one['day']}" if self.days > 1 else one["market"] for one in self.results]

    @property
    def statuses(self) -> list[Status]:
        """Those that somebody has, in the order of `LOOKS`."""
        there = set(self.advertisers["status"])
        return [status for status in LOOKS if status.value in there]


def read_equilibrium(run: RunFolder) -> EquilibriumTables:
    """The tables of a run of ``equibid solve`` or ``equibid certify``.

    Raises:
        InputError: one is not there, or lacks a column.
    """
    told = run.json("certificate.json", ("tolerance", "notices", "markets"))
    results = [
        {**one, **{name: inf if one[name] is None else one[name] for name in FIGURES}}
        for one in run.entries("certificate.json", "markets", (*GAME, *FIGURES))
    ]
    searched = run.kind == "solve"
    return EquilibriumTables(
        run=run,
        results=results,
        advertisers=by_advertiser(run.table("certificate.parquet", ROWS), results),
        starts=run.table("starts.parquet", STARTS) if searched else None,
        tolerance=told["tolerance"],
        notices=told["notices"],
    )


def by_advertiser(rows: pl.DataFrame, results: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """A row a market and advertiser, the largest bound on a gain first.

    Args:
        rows: a row a market, day and advertiser, as certificate.parquet has them.
        results: a market and day each, with its `welfare`.
    """
    order = [*WORST, *(status for status in LOOKS if status not in WORST)]
    places = {status.value: place for place, status in enumerate(order)}
    worst = pl.col("status").replace_strict(places, return_dtype=pl.Int64)
    welfare = pl.DataFrame(
        [(one["market"], one["day"], one["welfare"] or 1.0) for one in results],
        schema={"market": pl.String, "day": rows.schema["day"], "welfare": pl.Float64},
        orient="row",
    )
    return (
        rows.join(welfare, on=["market", "day"], maintain_order="left")
        .with_columns(
            gain=pl.col("gain") / pl.col("welfare"),
            hindsight=pl.col("gain_hindsight") / pl.col("welfare"),
            bound=pl.col("gain_bound") / pl.col("welfare"),
            own=pl.col("gain_share"),
        )
        .group_by("market", "advertiser", maintain_order=True)
        .agg(
            pl.col("name").first(),
            pl.col(AMOUNTS).mean(),
            pl.col("gain", "hindsight", "bound", "own").max(),
            pl.col("status").sort_by(worst).first(),
        )
        .sort("bound", "gain", descending=True, maintain_order=True)
    )


def sheet(tables: EquilibriumTables) -> Sheet:
    """A row a market or day: what is bought, paid, and to be gained by leaving."""
    unit, money = f"{tables.value_unit}s", tables.currency
    columns = {
        "welfare": Column("Welfare", unit, partial(number, digits=2)),
        "liquid_welfare": Column("Liquid welfare", money, partial(number, digits=2)),
        "revenue": Column("Revenue", money, partial(number, digits=2)),
        "exploitability": Column("Exploitability", "of welfare", share),
        "exploitability_bound": Column("Any bids", "of welfare", share),
        "largest_gain_share": Column("Largest gain", "of its own value", share),
        "overspend": Column("Overspending", "of a budget", share),
    }
    rows = [
        (name, [*(one[column] for column in columns), "yes" if one["holds"] else "no"])
        for name, one in zip(tables.names, tables.results, strict=True)
    ]
    first = "Day" if tables.days > 1 else "Market"
    return Sheet(first, [*columns.values(), Column("Holds")], rows)


def share(x: float | None) -> str:
    """A share that may be next to nothing."""
    return "–" if x is None else small(x)
