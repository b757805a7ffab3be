"""The tables of a frontier's report, as its folder has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from equibid.reports.html.numbers import number, small
from equibid.reports.sheet import Column, Sheet
from equibid.runs.reading import RunFolder

ABOUT = ("value_unit", "currency", "advertisers", "impressions", "first_best")
ROWS = (
    *("epsilon", "objective", "welfare", "revenue", "gain", "gain_bound", "overspend", "found"),
    "steps",
)
POINTS = ("point", "epsilon", "objective", "welfare", "revenue", "gain", "overspend", "steps")


@dataclass(frozen=True)
class FrontierTables:
    """A frontier, as its report shows it.

    Attributes:
        run: the folder; its config says how the run was made.
        about: sizes and units of the market.
        best: a row an allowed gain.
        points: a row an allowed gain and side from which it was followed.
    """

    run: RunFolder
    about: Mapping[str, Any]
    best: pl.DataFrame
    points: pl.DataFrame

    @property
    def kept(self) -> pl.DataFrame:
        """The points that keep their gain and all budgets."""
        tolerance = float(self.run.config["tolerance"])
        within = pl.col("gain") <= pl.col("epsilon") + tolerance
        return self.points.filter(within & (pl.col("overspend") <= tolerance))

    @property
    def objective(self) -> str:
        """What was to be most."""
        return str(self.run.config["objective"])

    @property
    def unit(self) -> str:
        """Of welfare."""
        return f"{self.about['value_unit']}s"


def read_frontier(run: RunFolder) -> FrontierTables:
    """The tables of a run of ``equibid frontier``.

    Raises:
        InputError: one is not there, or lacks a column.
    """
    return FrontierTables(
        run=run,
        about=run.json("frontier.json", ABOUT),
        best=run.table("frontier.parquet", ROWS),
        points=run.table("points.parquet", POINTS),
    )


def sheet(tables: FrontierTables) -> Sheet:
    """A row an allowed gain."""
    amount = partial(number, digits=2)
    share = lambda x: "" if x is None else small(x)  # noqa: E731
    columns = [
        Column("Welfare", tables.unit, amount),
        Column("Revenue", tables.about["currency"], amount),
        Column("Largest gain", "of welfare", share),
        Column("Any bids", "of welfare", share),
        Column("Overspending", "of a budget", share),
        Column("Found"),
    ]
    names = ("welfare", "revenue", "gain", "gain_bound", "overspend", "found")
    rows = [
        (f"{row['epsilon']:g}", [row[name] for name in names]) for row in tables.best.to_dicts()
    ]
    return Sheet("Gain left", columns, rows)
