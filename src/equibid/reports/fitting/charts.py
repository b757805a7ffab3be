"""The charts of a fit's report: tables in, charts out."""

import math

import polars as pl

from equibid.markets.estimators import WINDOWS
from equibid.reports.charts.chart import Axis, Chart, Line, Marks, fitted, rows
from equibid.reports.fitting.tables import FitTables
from equibid.reports.html.numbers import number, percent
from equibid.reports.html.palette import GREY, LESS, MORE, look

HEIGHT = 260
SIDES = (("log", look(0)), ("generated", look(1)))
# Numbers that differ by more are drawn on a logarithmic axis.
FOLD = 30


def distance_chart(tables: FitTables) -> Chart:
    """The distance of each measure, and what two generated markets differ by."""
    chart = rows(tables.distances["title"].to_list())
    for place, row in enumerate(tables.distances.to_dicts()):
        chance = row["chance"]
        said = f"{row['title']}\n{number(row['distance'], 3)}"
        if chance is not None:
            said += f"\ntwo generated markets: {number(chance, 3)}"
            chart.add(Marks(x=[chance], y=[place], colour=GREY, symbol="bar", size=15))
        colour = MORE if row["like"] else LESS
        chart.add(Marks(x=[row["distance"]], y=[place], colour=colour, told=[said]))
    farthest = tables.distances.select(pl.max_horizontal("distance", "chance").max()).item()
    most = max(float(farthest), 0.2)
    chart.x = Axis("distance", -0.02 * most, 1.05 * most)
    return chart


def sample_chart(tables: FitTables, measure: str, unit: str) -> Chart:
    """Shares of both samples that lie below a number."""
    chart = Chart(HEIGHT)
    table = tables.of(measure)
    positive = [x for side, _ in SIDES for x in table[side].to_list() if x > 0]
    log = bool(positive) and max(positive) / min(positive) > FOLD
    for rank, (side, mark) in enumerate(SIDES):
        x = [max(at, min(positive)) if log else at for at in table[side].to_list()]
        told = [
            f"{side}\n{percent(share)} below {number(at, 3)}"
            for at, share in zip(x, table["at"], strict=True)
        ]
        y = table["at"].to_list()
        chart.add(
            Line(x=x, y=y, colour=mark.colour, dash=mark.dash, name=side, told=told, rank=rank)
        )
    if log:
        # Ends that hold one value in a hundred would leave the middle no room.
        inner = table.filter(pl.col("at").is_between(0.01, 0.99))
        ends = [x for side, _ in SIDES for x in inner[side].to_list() if x > 0] or positive
        chart.x = Axis(low=min(ends) / 1.3, high=max(ends) * 1.3, log=True)
    else:
        chart.x = fitted([x for line in chart.of(Line) for x in line.x])
    chart.x.title = tables.unit(unit)
    chart.y = Axis("share below", 0.0, 1.02, form="percent")
    return chart


def traffic_chart(tables: FitTables) -> Chart:
    """Shares of impressions over the day, by twelfths or by ticks that are longer."""
    chart = Chart(HEIGHT)
    table = tables.of("traffic")
    hourly = table.height == WINDOWS
    x = [(at + 0.5) * 24 / WINDOWS if hourly else at for at in table["at"]]
    for rank, (side, mark) in enumerate(SIDES):
        y = [None if math.isnan(share) else share for share in table[side].to_list()]
        chart.add(
            Line(
                x=x,
                y=y,
                colour=mark.colour,
                dash=mark.dash,
                symbol=mark.symbol,
                name=side,
                told=[f"{side}\n{'' if share is None else percent(share)}" for share in y],
                rank=rank,
            )
        )
    if hourly:
        hours = [(float(hour), str(hour)) for hour in range(0, 25, 4)]
        chart.x = Axis("hour", 0.0, 24.0, ticks=hours, grid=False)
    else:
        ticks = [(float(at), f"{at:g}") for at in table["at"]]
        chart.x = Axis("tick", -0.5, table.height - 0.5, ticks=ticks, grid=False)
    most = max((y for line in chart.of(Line) for y in line.y if y is not None), default=1.0)
    chart.y = Axis("share of impressions", 0.0, 1.05 * most, form="percent")
    return chart
