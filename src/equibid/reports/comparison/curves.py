"""A line a bidder over the ticks, its name at the end, a band for the range of replicates."""

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import polars as pl
from jaxtyping import Float
from scipy.optimize import isotonic_regression

from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.frame import BOTTOM, TOP, blank, name_y, plain, short
from equibid.reports.html.palette import faint, marks

HEIGHT = 390
# Room for names at the right, and the height of one, pixels.
NAMES = 116
NAME = 16
# With more bidders than this, bands cover each other: they wait until bidders are picked.
FEW = 3


def curves(
    tables: RunTables,
    curve: pl.DataFrame,
    title: str,
    *,
    form: str,
    start: float | None = None,
    top: float = 0.0,
    fold: float = float("inf"),
) -> go.Figure:
    """The chart.

    Args:
        tables: of the run.
        curve: a row a `bidder` and `x` (ticks), with `mean`, `low` and `high` over replicates.
        title: of the y axis, with its unit.
        form: d3 format of the numbers.
        start: where every curve starts at tick 0, if it does.
        top: what the y axis shows at least up to.
        fold: draw a logarithmic axis where positive curves differ by more than this.
    """
    figure = blank(HEIGHT, right=NAMES)
    looks = marks(tables)
    ends: dict[str, tuple[float, float]] = {}
    when = f"after %{{x}} of {tables.ticks} ticks"
    for rank, name in enumerate(tables.bidders):
        one = curve.filter(pl.col("bidder") == name)
        if one.is_empty():
            continue
        look, shared = looks[name], {"name": plain(name), "hoverinfo": "skip"}
        x, mean, low, high = (one[column].to_list() for column in ("x", "mean", "low", "high"))
        if start is not None:
            x, mean, low, high = [0.0, *x], [start, *mean], [start, *low], [start, *high]
        ends[name] = x[-1], mean[-1]
        if tables.replicates > 1:
            figure.add_scatter(
                x=x + x[::-1],
                y=high + low[::-1],
                fill="toself",
                fillcolor=faint(look.colour, 0.2),
                mode="none",
                visible=len(looks) <= FEW,
                meta={"bidder": rank, "role": "band"},
                **shared,
            )
        figure.add_scatter(
            x=x,
            y=mean,
            mode="lines" if len(x) > 2 else "lines+markers",
            line={"color": look.colour, "dash": look.dash, "width": 2.25},
            marker={"symbol": look.symbol, "size": 8},
            meta={"bidder": rank, "role": "line"},
            name=plain(name),
            hovertemplate=f"<b>{plain(name)}</b> %{{y:{form}}}<br>{when}<extra></extra>",
        )
    ticks = tables.ticks
    quarters = sorted({round(ticks * quarter / 4) for quarter in range(5)})
    figure.update_xaxes(
        title_text="tick", range=[0, ticks * 1.05], tickvals=quarters, showgrid=False
    )
    axis = scale(figure, curve, top, fold)
    name_y(figure, title)
    name_ends(figure, tables, ends, axis)
    return figure


class Axis(NamedTuple):
    """A y axis: its ends are powers of ten where it is logarithmic."""

    low: float
    high: float
    log: bool


def scale(figure: go.Figure, curve: pl.DataFrame, top: float, fold: float) -> Axis:
    """Fit the y axis: from zero, or logarithmic where that would flatten the small."""
    least, most = curve.select(pl.col("low").min(), pl.col("high").max()).row(0)
    if least is not None and least > 0 and most / least > fold:
        axis = Axis(math.log10(least / 1.1), math.log10(most * 1.1), log=True)
        figure.update_yaxes(type="log", dtick="D2", tickformat=",~g")
    else:
        axis = Axis(0.0, (max(most or 0.0, top) or 1.0) * 1.05, log=False)
    figure.update_yaxes(range=[axis.low, axis.high], ticklabelstandoff=6)
    return axis


def name_ends(
    figure: go.Figure, tables: RunTables, ends: dict[str, tuple[float, float]], axis: Axis
) -> None:
    """Write each bidder's name beside the end of its curve, none over another."""
    low, high, log = axis
    gap = (high - low) * NAME / (HEIGHT - TOP - BOTTOM)
    places = np.array([np.log10(y) if log else y for _, y in ends.values()])
    ranks = {name: rank for rank, name in enumerate(tables.bidders)}
    looks = marks(tables)
    free = spread(places, gap, low + gap / 2, high - gap / 2)
    for (name, (x, y)), place in zip(ends.items(), free.tolist(), strict=True):
        colour = looks[name].colour
        figure.add_scatter(
            x=[x, tables.ticks * 1.045],
            y=[y, 10**place if log else place],
            mode="lines+text",
            line={"color": faint(colour, 0.6), "width": 1},
            text=["", plain(short(name, 15))],
            textposition="middle right",
            textfont={"color": colour, "size": 12.5},
            cliponaxis=False,
            meta={"bidder": ranks[name], "role": "label"},
            name=plain(name),
            hoverinfo="skip",
        )


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
