"""The tables of a fit's report, as its folder has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from equibid.markets.toml import setting_text
from equibid.reports.html.numbers import number
from equibid.reports.sheet import Column, Sheet
from equibid.runs.reading import RunFolder

FIT = ("settings", "how", "kept", "notes", "currency", "value_unit", "distances")
DISTANCES = {
    **dict.fromkeys(("measure", "title", "kind", "unit"), pl.String),
    **dict.fromkeys(("distance", "chance"), pl.Float64),
    "like": pl.Boolean,
}


@dataclass(frozen=True)
class FitTables:
    """A fitted market, as its report shows it.

    Attributes:
        run: the folder; its config says how the run was made.
        name: of the log.
        settings: a row a setting: its name, its value and how it was found.
        kept: settings left at their defaults.
        notes: what of the log the generator cannot show.
        distances: see `equibid.markets.likeness.distances`, and whether each is `like` the log.
        quantiles: see `equibid.markets.likeness.quantiles`.
        value_unit: what one unit of value is.
        currency: what one unit of money is.
    """

    run: RunFolder
    name: str
    settings: Sequence[tuple[str, str, str]]
    kept: Sequence[str]
    notes: Sequence[str]
    distances: pl.DataFrame
    quantiles: pl.DataFrame
    value_unit: str = "conversion"
    currency: str = "unit"

    @property
    def config(self) -> Mapping[str, Any]:
        """How the run was made, resolved."""
        return self.run.config

    def of(self, measure: str) -> pl.DataFrame:
        """The quantiles or shares of a measure."""
        return self.quantiles.filter(measure=measure)

    def unit(self, unit: str) -> str:
        """A measure's unit in words."""
        names = {"value": f"{self.value_unit}s", "money": f"{self.currency} an impression"}
        return names.get(unit, "")

    @property
    def samples(self) -> list[dict[str, Any]]:
        """The measures that are samples."""
        return self.distances.filter(kind="quantiles").to_dicts()


def read_fit(run: RunFolder) -> FitTables:
    """The tables of a run of ``equibid fit``.

    Raises:
        InputError: one is not there, or lacks a column.
    """
    told = run.json("fit.json", FIT)
    values = {name: tuple(x) if isinstance(x, list) else x for name, x in told["settings"].items()}
    return FitTables(
        run=run,
        name=str(run.config["dataset"]),
        settings=[(name, setting_text(values[name]), how) for name, how in told["how"].items()],
        kept=told["kept"],
        notes=told["notes"],
        distances=pl.DataFrame(told["distances"], schema=DISTANCES),
        quantiles=run.table("quantiles.parquet", ("measure", "at", "log", "generated")),
        value_unit=told["value_unit"],
        currency=told["currency"],
    )


def sheet(tables: FitTables) -> Sheet:
    """A row a measure: how far the generated day is from the log."""
    columns = [Column("Distance", "", three), Column("By chance", "", three), Column("Alike")]
    rows = [
        (row["title"], [row["distance"], row["chance"], "yes" if row["like"] else "no"])
        for row in tables.distances.iter_rows(named=True)
    ]
    return Sheet("Measure", columns, rows)


def three(x: float | None) -> str:
    """A distance with three decimals."""
    return number(x, 3)
