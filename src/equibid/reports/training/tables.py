"""The tables of a training run's report, as its folder has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from equibid.reports.html.numbers import number
from equibid.reports.sheet import Column, Sheet
from equibid.runs.reading import RunFolder


@dataclass(frozen=True)
class LearningTables:
    """A training run, as its report shows it.

    Attributes:
        run: the folder; its config says how the run was made.
        metrics: a row a `step` and `seed`, a column a metric.
        judgements: a row a `step` and `seed`: what held-out periods gave.
        eval_metric: the column of `judgements` that counts.
        marks: what other bidders reach by the same judge, by name.
        specialisation: see `equibid.runs.policy_analysis.specialisation_frame`.
        wins: see `wins_frame` there.
        aggressiveness: see `aggressiveness_frame` there.
        attention: pairs of `overlap` and `attention`, if the algorithm attends.
        value_unit: what one unit of value is.
    """

    run: RunFolder
    metrics: pl.DataFrame
    judgements: pl.DataFrame
    eval_metric: str
    marks: Mapping[str, float]
    specialisation: pl.DataFrame
    wins: pl.DataFrame
    aggressiveness: pl.DataFrame
    attention: pl.DataFrame | None = None
    value_unit: str = "conversion"

    @property
    def config(self) -> Mapping[str, Any]:
        """How the run was made, resolved."""
        return self.run.config

    @property
    def algorithm(self) -> str:
        """Who learned."""
        return str(self.config["algorithm"])

    @property
    def seeds(self) -> list[int]:
        """Of the run, in order."""
        return self.judgements["seed"].unique().sort().to_list()

    @property
    def steps(self) -> int:
        """How many were made."""
        return int(self.metrics["step"].to_numpy().max(initial=0))

    @property
    def reported(self) -> list[str]:
        """The columns of `metrics` that have numbers."""
        return [
            name
            for name in self.metrics.columns
            if name not in ("step", "seed") and self.metrics[name].fill_nan(None).count() > 0
        ]

    @property
    def learned(self) -> pl.DataFrame:
        """The rows of `specialisation` of the learned bidder, a row an advertiser."""
        return self.specialisation.filter(bidder="learned")


def read_learning(run: RunFolder) -> LearningTables:
    """The tables of a run of ``equibid train``.

    Raises:
        InputError: one is not there, or lacks a column.
    """
    told = run.json("training.json", ("value_unit", "eval_metric", "marks"))
    eval_metric = told["eval_metric"]
    return LearningTables(
        run=run,
        metrics=run.table("metrics.parquet", ("step", "seed")),
        judgements=run.table("judgements.parquet", ("step", "seed", eval_metric)),
        eval_metric=eval_metric,
        marks=told["marks"],
        specialisation=run.table(
            "specialisation.parquet", ("bidder", "advertiser", "name", "category", "distance")
        ),
        wins=run.table("wins.parquet", ("bidder", "advertiser", "segment", "wins")),
        aggressiveness=run.table("aggressiveness.parquet", ("money", "time", "level", "weight")),
        attention=run.table("attention.parquet", ("overlap", "attention"))
        if run.has("attention.parquet")
        else None,
        value_unit=told["value_unit"],
    )


def sheet(tables: LearningTables) -> Sheet:
    """A row a seed at its best judgement, and one a classic bidder on the same periods."""
    what = Column(
        f"Judged by {tables.eval_metric}", f"{tables.value_unit}s", partial(number, digits=2)
    )
    best = (
        tables.judgements.drop_nans(tables.eval_metric)
        .sort(tables.eval_metric, descending=True, maintain_order=True)
        .unique("seed", keep="first", maintain_order=True)
        .sort("seed")
    )
    rows: list[tuple[str, list[float | str]]] = [
        (f"{tables.algorithm}, seed {row['seed']}", [row[tables.eval_metric], str(row["step"])])
        for row in best.iter_rows(named=True)
    ]
    rows += [(name, [x, "–"]) for name, x in tables.marks.items()]
    return Sheet("Bidder", [what, Column("At step")], rows)
