"""Bidders in rows, others or segments in columns, colour for what is more or less than even."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from equibid.evaluation.pairs import turned
from equibid.reports.charts.chart import Axis, Cells, Chart
from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.numbers import number
from equibid.reports.html.palette import LESS, MORE

ROW = 34
# The least range of colours: differences below it look even, as they are.
LEAST = 0.02


def heat_map(
    values: Float[np.ndarray, "B G"],
    rows: Sequence[str],
    columns: Sequence[str],
    told: Sequence[Sequence[str]],
    signs: Sequence[Sequence[str]] | None = None,
) -> Chart:
    """A chart of differences from even (0).

    Args:
        values: relative differences, NaN where there is none.
        rows: names, the first on top.
        columns: names.
        told: of each cell.
        signs: what follows the number in a cell, as a star.
    """
    marks = signs or [[""] * len(columns)] * len(rows)
    text = [
        ["" if np.isnan(x) else f"{percent(x)}{mark}" for x, mark in zip(*one, strict=True)]
        for one in zip(values, marks, strict=True)
    ]
    chart = Chart(ROW * len(rows))
    chart.x = Axis(low=-0.5, high=len(columns) - 0.5, names=columns, grid=False)
    chart.y = Axis(low=len(rows) - 0.5, high=-0.5, names=rows, grid=False)
    chart.add(
        Cells(
            values=[[None if np.isnan(x) else float(x) for x in row] for row in values],
            text=text,
            told=told,
            reach=max(float(np.nanmax(np.abs(values), initial=0.0)), LEAST),
            more=MORE,
            less=LESS,
        )
    )
    return chart


def percent(x: float) -> str:
    """A signed share, in whole percents where it is large."""
    shown = round(100 * x, 0 if abs(x) >= 0.0995 else 1)
    # Zero has no sign.
    return ("+" if shown > 0 else "") + number(shown + 0.0, 0 if abs(x) >= 0.0995 else 1)


def segment_chart(tables: RunTables, kind: str) -> Chart:
    """What each bidder buys of a segment, beside the contenders' mean and its own score.

    The colour is what is special about the segment: its relative value there over that of the
    whole period, so that a bidder that is good everywhere is even.
    """
    assert tables.segments is not None
    mine = tables.segments.filter(kind=kind)
    segments = mine["segment"].unique().sort().to_list()
    found = {(b, s): x for b, s, x in mine.select("bidder", "segment", "relative").rows()}
    whole = overall(mine)
    values = np.full((len(tables.bidders), len(segments)), np.nan)
    told = [[""] * len(segments) for _ in tables.bidders]
    for i, bidder in enumerate(tables.bidders):
        for j, segment in enumerate(segments):
            x, mean = found.get((bidder, segment)), whole.get(bidder)
            if x is None or not mean:
                continue
            values[i, j] = x / mean - 1
            told[i][j] = (
                f"{bidder}, {named(kind, segment)}\n{number(x, 3)} × the "
                f"contenders' mean there\n{percent(x / mean - 1)} % beside {number(mean, 3)} "
                "overall"
            )
    columns = [str(segment) for segment in segments]
    if kind == "budget":
        # Of less than four advertisers some quarters are empty.
        names = dict(enumerate(["smallest", "2nd", "3rd", "largest"]))
        columns = [names[segment] for segment in segments[:-1]] + ["largest"]
    return heat_map(values, tables.bidders, columns, told)


def overall(segments: pl.DataFrame) -> dict[str, float]:
    """Each bidder's value over the contenders' mean, all segments together."""
    implied = pl.col("bought") / pl.col("relative")
    sums = (
        segments.filter(pl.col("relative") > 0)
        .with_columns(mean=implied)
        .group_by("segment", maintain_order=True)
        .agg(pl.col("mean").first())["mean"]
        .sum()
    )
    bought = segments.group_by("bidder", maintain_order=True).agg(pl.col("bought").sum())
    return {name: x / sums for name, x in bought.rows()} if sums else {}


def named(kind: str, segment: int) -> str:
    """A segment in words."""
    words = {"category": "category", "time": "time span", "budget": "budget quarter"}
    return f"{words[kind]} {segment + (kind == 'budget')}"


def head_to_head_chart(tables: RunTables) -> Chart:
    """What a bidder buys against another, beside a market of its own kind."""
    assert tables.head_to_head is not None
    cells = {
        (a, b): x for a, b, x in tables.head_to_head.select("bidder", "against", "share").rows()
    }
    names = [name for name in tables.bidders if (name, name) in cells]
    values = np.full((len(names), len(names)), np.nan)
    told = [[""] * len(names) for _ in names]
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            share = cells.get((one, other))
            if share is None:
                continue
            values[i, j] = share - 1
            told[i][j] = (
                f"{one} against {other}\nbuys {number(share, 3)} × what it buys among its own kind"
            )
    return heat_map(values, names, names, told)


def paired_chart(tables: RunTables) -> Chart:
    """Differences of all pairs on common replicates, with a star where they are no chance.

    A dash follows where the test could not give a star, however large the difference.
    """
    assert tables.paired is not None
    names = tables.bidders
    values = np.full((len(names), len(names)), np.nan)
    told = [[""] * len(names) for _ in names]
    signs = [[""] * len(names) for _ in names]
    for row in tables.paired.iter_rows(named=True):
        gap = row["difference"]
        if gap is None or row["bidder"] not in names or row["other"] not in names:
            continue
        i, j = names.index(row["bidder"]), names.index(row["other"])
        star = {True: "*", False: "", None: " –"}[row["separable"]]
        sure = f"p {number(row['p_holm'], 4)}, corrected for all pairs"
        if row["separable"] is None:
            sure = "no difference could be shown by a test"
        # The other way round the mean of the first is the measure.
        back = turned(gap)
        for a, b, x in ((i, j, gap), (j, i, np.nan if back is None else back)):
            values[a, b], signs[a][b] = x, star
            word = "more" if x > 0 else "less"
            told[a][b] = (
                f"{names[a]} buys {number(100 * abs(x), 2)} % {word} than {names[b]}\n{sure}"
            )
    return heat_map(values, names, names, told, signs)
