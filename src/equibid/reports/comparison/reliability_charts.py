"""How often a bidder scores how much: performance profiles."""

import polars as pl

from equibid.reports.charts.chart import Axis, Band, Chart, Line, fitted
from equibid.reports.comparison.looks import marks
from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.numbers import number, percent

HEIGHT = 320


def profile_chart(tables: RunTables) -> Chart:
    """Share of replicates above each score; a line further right is better."""
    assert tables.profile is not None
    chart = Chart(HEIGHT)
    looks = marks(tables)
    for rank, name in enumerate(tables.bidders):
        one = tables.profile.filter(pl.col("bidder") == name)
        if one.is_empty():
            continue
        look, x, share = looks[name], one["threshold"].to_list(), one["share"].to_list()
        ends = one.drop_nulls(["low", "high"])
        if ends.height:
            at, low, high = (ends[column].to_list() for column in ("threshold", "low", "high"))
            chart.add(
                Band(x=at, low=low, high=high, colour=look.colour, waits=True, name=name, rank=rank)
            )
        told = [
            f"{name}\nabove {number(mark, 3)} on {percent(y)} of the replicates"
            for mark, y in zip(x, share, strict=True)
        ]
        chart.add(
            Line(
                x=x,
                y=share,
                colour=look.colour,
                dash=look.dash,
                steps=True,
                name=name,
                told=told,
                rank=rank,
            )
        )
    chart.x = fitted([x for line in chart.of(Line) for x in line.x], room=0.01)
    chart.x.title = f"score, {tables.score_unit}".strip(", ")
    chart.y = Axis("replicates that score more", 0.0, 1.03, form="percent")
    return chart
