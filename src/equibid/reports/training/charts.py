"""The charts of a training run's report: tables in, charts out."""

import math

import numpy as np
import polars as pl

from equibid.evaluation.statistics import Interval, jackknife, leave_one_out
from equibid.reports.charts.chart import (
    Axis,
    Band,
    Cells,
    Chart,
    Line,
    Marks,
    Name,
    Numbers,
    Rule,
    fitted,
)
from equibid.reports.comparison.curves import NAMES, free_places
from equibid.reports.html.numbers import number, percent
from equibid.reports.html.palette import GREY, LESS, MORE, look
from equibid.reports.training.tables import LearningTables

HEIGHT = 300
# Points and rows that a reader can tell apart; the page says how many were left out.
MOST_PAIRS, MOST_ROWS = 1500, 60


def learning_chart(tables: LearningTables) -> Chart:
    """What held-out periods gave, step by step, beside what others reach."""
    chart = Chart(HEIGHT, right=NAMES)
    add_seeds(chart, tables.judgements, tables.eval_metric, tables.seeds)
    seen = [y for line in chart.of(Line) for y in line.y] + list(tables.marks.values())
    steps = [x for line in chart.of(Line) for x in line.x if x is not None]
    chart.x = step_axis(steps)
    chart.y = fitted(seen)
    chart.y.title = f"{tables.eval_metric} of a held-out period, {tables.value_unit}s"
    places = free_places(chart, list(tables.marks.values()))
    for (name, height), place in zip(tables.marks.items(), places, strict=True):
        end = chart.x.high
        chart.add(Rule(at=height, axis="y"))
        chart.add(Name(x=end, y=height, place=place, text=name, colour=GREY))
    return chart


def metric_chart(tables: LearningTables, metric: str) -> Chart:
    """What the algorithm told of its steps: the mean of the seeds, with its interval."""
    chart = Chart(160)
    add_seeds(chart, tables.metrics, metric, tables.seeds)
    chart.x = step_axis([x for line in chart.of(Line) for x in line.x])
    chart.y = fitted([y for line in chart.of(Line) for y in line.y])
    return chart


def step_axis(steps: Numbers) -> Axis:
    """From the first step to the last."""
    axis = fitted(steps, room=0.02)
    axis.title, axis.whole = "step", True
    return axis


def add_seeds(chart: Chart, table: pl.DataFrame, column: str, seeds: list[int]) -> None:
    """A line a seed; of several also their mean with its 95 % interval, in grey."""
    table = table.with_columns(pl.col(column).cast(pl.Float64).fill_nan(None))
    if len(seeds) > 1:
        mean = seed_means(table, column)
        x = mean["step"].to_list()
        told = [
            f"mean of {len(seeds)} seeds, step {row['step']}\n{number(row['mean'], 3)} "
            f"({number(row['low'], 3)} to {number(row['high'], 3)})"
            for row in mean.iter_rows(named=True)
        ]
        low, high, middle = (mean[name].to_list() for name in ("low", "high", "mean"))
        chart.add(
            Band(x=x, low=low, high=high, colour=GREY, name="95 % interval"),
            Line(x=x, y=middle, colour=GREY, width=3, name="mean", told=told),
        )
    for rank, seed in enumerate(seeds):
        mine = table.filter(seed=seed)
        steps, y = mine["step"].to_list(), mine[column].to_list()
        told = [
            f"seed {seed}, step {step}\n{number(height, 3)}"
            for step, height in zip(steps, y, strict=True)
        ]
        chart.add(
            Line(
                x=steps,
                y=y,
                colour=look(rank).colour,
                dash=look(rank).dash,
                width=1.75,
                symbol="circle" if len(steps) <= 30 else "",
                name=f"seed {seed}",
                told=told,
                rank=rank,
            )
        )


def seed_means(table: pl.DataFrame, column: str) -> pl.DataFrame:
    """A row a `step`: the `mean` over seeds, with the ends of its 95 % interval.

    They are null where fewer than two seeds have a number.
    """
    rows = []
    for (step,), one in table.drop_nulls(column).group_by("step", maintain_order=True):
        y = one[column].to_numpy()
        left_out = leave_one_out(y) / max(len(y) - 1, 1)
        found: Interval = jackknife(float(y.mean()), left_out)
        rows.append((step, *(x if math.isfinite(x) else None for x in found)))
    names = {"step": pl.Int64, "mean": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=names, orient="row").sort("step")


def attention_chart(tables: LearningTables) -> Chart:
    """Every pair of agents: attention against overlap of targeting, with means by tenth."""
    assert tables.attention is not None
    overlap, weight = tables.attention.select("overlap", "attention").to_numpy().T
    chart = Chart(HEIGHT)
    shown = np.linspace(0, len(overlap) - 1, min(len(overlap), MOST_PAIRS)).astype(int)
    told = [
        f"overlap {number(x, 2)}\nattention {number(y, 3)}"
        for x, y in zip(overlap[shown], weight[shown], strict=True)
    ]
    x, y = overlap[shown].tolist(), weight[shown].tolist()
    chart.add(Marks(x=x, y=y, colour=GREY, size=5, opacity=0.45, told=told))
    edges = np.unique(np.quantile(overlap, np.linspace(0, 1, 11)))
    if len(edges) > 2:
        tenth = np.clip(np.searchsorted(edges, overlap, side="right") - 1, 0, len(edges) - 2)
        count = np.maximum(np.bincount(tenth, minlength=len(edges) - 1), 1)
        x, y = (
            (np.bincount(tenth, one, len(edges) - 1) / count).tolist() for one in (overlap, weight)
        )
        told = [f"mean of a tenth of the pairs\nattention {number(mean, 3)}" for mean in y]
        chart.add(Line(x=x, y=y, colour=GREY, width=3, symbol="square", told=told))
    chart.x = fitted(overlap.tolist(), zero=True)
    chart.x.title = "overlap of targeting (cosine of values)"
    chart.y = fitted(weight.tolist(), zero=True)
    chart.y.title = "mean attention"
    return chart


def specialisation_chart(tables: LearningTables) -> Chart:
    """Who wins what, as shares of each advertiser's wins."""
    who = tables.learned.sort("category", maintain_order=True)
    order = who["advertiser"].to_list()
    mine = tables.wins.filter(bidder="learned").sort("advertiser", "segment")
    wins = mine["wins"].to_numpy().reshape(who.height, -1)[order][:MOST_ROWS]
    share = wins / np.maximum(wins.sum(axis=1, keepdims=True), 1e-300)
    names = who["name"].to_list()[:MOST_ROWS]
    columns = [f"type {g}" for g in range(share.shape[1])]
    chart = Chart(max(20 * len(names), 60))
    chart.x = Axis(low=-0.5, high=len(columns) - 0.5, names=columns, grid=False)
    chart.y = Axis(low=len(names) - 0.5, high=-0.5, names=names, grid=False)
    chart.add(
        Cells(
            values=share.tolist(),
            text=[[f"{100 * x:.0f}" for x in row] for row in share],
            told=[
                [f"{name}\n{columns[g]}: {percent(x)} of its wins" for g, x in enumerate(row)]
                for name, row in zip(names, share.tolist(), strict=True)
            ],
            reach=1.0,
            more=MORE,
            less=LESS,
        )
    )
    return chart


def aggressiveness_chart(tables: LearningTables) -> Chart:
    """Factors against the day before's, by time of day and money left, most money on top."""
    cells = tables.aggressiveness.sort("money", "time")
    rows = cells["money"].n_unique()
    level, weight = (
        cells[name].cast(float).to_numpy().reshape(rows, -1)[::-1] for name in ("level", "weight")
    )
    columns = level.shape[1]
    money = [f"{row / rows:.0%} – {(row + 1) / rows:.0%}" for row in reversed(range(rows))]
    time = [f"{column / columns:.0%}" for column in range(columns)]
    chart = Chart(36 * rows)
    chart.x = Axis(low=-0.5, high=columns - 0.5, names=time, grid=False)
    chart.y = Axis(low=rows - 0.5, high=-0.5, names=money, grid=False)
    chart.add(
        Cells(
            values=[[None if np.isnan(x) else float(x) for x in row] for row in level],
            text=[["" if np.isnan(x) else signed(x) for x in row] for row in level],
            told=[
                [
                    f"from {time[j]} of the period, {money[i]} of the money left\n"
                    f"{number(level[i, j], 2)} ({number(weight[i, j], 0)} advertiser-ticks)"
                    for j in range(columns)
                ]
                for i in range(rows)
            ],
            reach=2.0,
            more=MORE,
            less=LESS,
        )
    )
    return chart


def signed(x: float) -> str:
    """A number with its sign and one decimal."""
    text = f"{x:+.1f}".replace("-", "−")
    return "0.0" if text in ("−0.0", "+0.0") else text
