"""A line a bidder over the period, its name at the end, a band for the range of replicates."""

import math

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.optimize import isotonic_regression

from equibid.reports.charts.chart import Axis, Band, Chart, Form, Line, Name
from equibid.reports.charts.text import short
from equibid.reports.comparison.looks import marks
from equibid.reports.comparison.tables import Clock, RunTables
from equibid.reports.html.numbers import number, percent

HEIGHT = 320
# Room for names at the right, and the height of one, pixels.
NAMES = 132
NAME = 16
# With more bidders than this, bands cover each other: they wait until bidders are picked.
FEW = 3


def curves(
    tables: RunTables,
    curve: pl.DataFrame,
    title: str,
    *,
    form: Form = "number",
    start: float | None = None,
    top: float = 0.0,
    fold: float = float("inf"),
) -> Chart:
    """The chart.

    Args:
        tables: of the run.
        curve: a row a `bidder` and `x` (ticks), with `mean`, `low` and `high` over replicates.
        title: of the y axis, with its unit.
        form: of the numbers.
        start: where every curve starts at tick 0, if it does.
        top: what the y axis shows at least up to.
        fold: draw a logarithmic axis where positive curves differ by more than this.
    """
    chart = Chart(HEIGHT, right=NAMES)
    looks, clock = marks(tables), tables.clock
    ends: dict[str, tuple[float, float]] = {}
    for rank, name in enumerate(tables.bidders):
        one = curve.filter(pl.col("bidder") == name)
        if one.is_empty():
            continue
        ticks, mean, low, high = (one[column].to_list() for column in ("x", "mean", "low", "high"))
        if start is not None:
            ticks, mean, low, high = [0.0, *ticks], [start, *mean], [start, *low], [start, *high]
        x = [tick * clock.length for tick in ticks]
        ends[name] = x[-1], mean[-1]
        colour = looks[name].colour
        if tables.replicates > 1:
            chart.add(
                Band(x=x, low=low, high=high, colour=colour, waits=True, name=name, rank=rank)
            )
        told = [
            f"{name}\n{said(y, form)}\n{clock.told(at, tables.ticks)}"
            for at, y in zip(ticks, mean, strict=True)
        ]
        symbol = looks[name].symbol if len(x) <= 2 else ""
        chart.add(
            Line(
                x=x,
                y=mean,
                colour=colour,
                dash=looks[name].dash,
                symbol=symbol,
                name=name,
                told=told,
                rank=rank,
            )
        )
    chart.x = time_axis(tables.ticks, clock)
    # Bands that wait may leave the chart: most of it would be empty until they are drawn.
    seen = ("low", "high") if len(looks) <= FEW else ("mean", "mean")
    chart.y = scale(curve.select(low=seen[0], high=seen[1]), top, fold)
    chart.y.title, chart.y.form = title, form
    name_ends(chart, tables, ends)
    return chart


def said(x: float, form: Form) -> str:
    """A number for people."""
    return percent(x) if form == "percent" else number(x, 2)


def time_axis(ticks: int, clock: Clock) -> Axis:
    """From the beginning of the period to its end, in hours where a tick's length is known."""
    end = ticks * clock.length
    quarters = sorted({round(end * quarter / 4) for quarter in range(5)})
    places = [(float(x), str(x)) for x in quarters]
    return Axis(title=clock.title, low=0.0, high=end, ticks=places, grid=False)


def scale(curve: pl.DataFrame, top: float, fold: float) -> Axis:
    """A y axis from zero, or logarithmic where that would flatten the small."""
    least, most = curve.select(pl.col("low").min(), pl.col("high").max()).row(0)
    if least is not None and least > 0 and most / least > fold:
        return Axis(low=least / 1.1, high=most * 1.1, log=True)
    return Axis(low=0.0, high=(max(most or 0.0, top) or 1.0) * 1.05)


def name_ends(chart: Chart, tables: RunTables, ends: dict[str, tuple[float, float]]) -> None:
    """Write each bidder's name beside the end of its curve, none over another."""
    ranks = {name: rank for rank, name in enumerate(tables.bidders)}
    looks = marks(tables)
    free = free_places(chart, [y for _, y in ends.values()])
    for (name, (x, y)), place in zip(ends.items(), free, strict=True):
        words, colour = short(name, 15), looks[name].colour
        chart.add(Name(x=x, y=y, place=place, text=words, colour=colour, rank=ranks[name]))


def free_places(chart: Chart, ends: list[float]) -> list[float]:
    """Where names of curves stand that end at these numbers of the y axis, none over another."""
    axis = chart.y
    low, high = (math.log10(x) if axis.log else x for x in (axis.low, axis.high))
    gap = (high - low) * NAME / chart.height
    places = np.array([math.log10(y) if axis.log else y for y in ends])
    free = spread(places, gap, low + gap / 2, high - gap / 2)
    return [10**place if axis.log else place for place in free.tolist()]


def spread(
    places: Float[np.ndarray, " n"], gap: float, low: float, high: float
) -> Float[np.ndarray, " n"]:
    """The nearest places (least squares) at least `gap` apart and, if there is room, in bounds.

    Less `gap` times its rank, each place must be no lower than the one before: that is isotonic
    regression, and clipping its solution solves the bounded problem.
    """
    if places.size == 0:
        return places
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(places.size)
    apart = isotonic_regression(places[order] - steps).x
    result = np.empty_like(places)
    result[order] = np.clip(apart, low, max(low, high - steps[-1])) + steps
    return result
