"""The charts of scores and advertisers: tables in, charts out."""

from dataclasses import replace
from typing import Any

import polars as pl

from equibid.reports.charts.chart import Axis, Chart, Line, Marks, Span, fitted, rows
from equibid.reports.comparison import series
from equibid.reports.comparison.curves import curves
from equibid.reports.comparison.looks import marks
from equibid.reports.comparison.tables import RunTables
from equibid.reports.comparison.verdict import has_interval
from equibid.reports.html.numbers import known, number
from equibid.reports.html.palette import GREY

# As many rows as a reader looks through; the page says how many were left out.
MOST_ADVERTISERS = 40
# Prices that differ by more are drawn on a logarithmic axis.
FOLD = 30.0


def ranking_chart(tables: RunTables) -> Chart:
    """Scores with intervals, best on top; the leader's interval runs down as a shaded band."""
    chart = rows([name + " (reference)" * (name in tables.references) for name in tables.bidders])
    looks, digits = marks(tables), tables.score_digits
    ranked = tables.ranking.to_dicts()
    leader = next((row for row in ranked if not row["reference"]), None)
    if leader and has_interval(leader, tables):
        colour = looks[leader["bidder"]].colour
        chart.add(Span(low=leader["score_low"], high=leader["score_high"], colour=colour))
    seen: list[float | None] = []
    for place, row in enumerate(ranked):
        name, x = row["bidder"], row["score"]
        if not known(x):
            continue
        said, low, high = "no interval", None, None
        if has_interval(row, tables):
            low, high = row["score_low"], row["score_high"]
            said = f"95\u00a0% interval {number(low, digits)} to {number(high, digits)}"
        seen += [x, low, high]
        chart.add(
            Marks(
                x=[x],
                y=[place],
                low=[low],
                high=[high],
                colour=looks[name].colour,
                symbol=looks[name].symbol,
                name=name,
                told=[f"{name}\n{number(x, digits)} {tables.score_unit}\n{said}"],
                rank=place,
            )
        )
    chart.x = fitted(seen)
    chart.x.title = f"score, {tables.score_unit}".rstrip(", ")
    return chart


def pacing_chart(tables: RunTables) -> Chart:
    """Share of the budget spent by each tick, against even spending."""
    curve = series.pacing(tables.delivery)
    title = "spent, share of budget"
    chart = curves(tables, curve, title, form="percent", start=0.0, top=1.0)
    end = tables.ticks * tables.clock.length
    chart.add(Line(x=[0, end], y=[0, 1], colour=GREY, dash="dot", width=1.5, name="even spending"))
    return chart


def factor_chart(tables: RunTables) -> Chart:
    """Money bid for one unit of value; logarithmic where bids differ thirtyfold."""
    title = f"bid factor, {tables.currency} per {tables.value_unit}"
    return curves(tables, series.factor(tables.delivery), title, fold=FOLD)


def win_rate_chart(tables: RunTables) -> Chart:
    """Slots won for each impression bid on."""
    return curves(tables, series.win_rate(tables.delivery), "wins, share of bids", form="percent")


def spend_chart(tables: RunTables) -> Chart:
    """Money spent for each advertiser, with a bar where its budget ends."""
    chart = strips(tables, "spend", "budget")
    chart.x.title = f"spend, {tables.currency}"
    return chart


def value_chart(tables: RunTables) -> Chart:
    """Value bought for each advertiser."""
    chart = strips(tables, "value")
    chart.x.title = f"value, {tables.value_unit}s"
    return chart


def cpa_chart(tables: RunTables) -> Chart:
    """Money paid for a unit of expected value, with a bar at the target of each advertiser."""
    price = series.ratio("spend", "value").alias("cpa")
    advertisers = tables.advertisers.with_columns(price)
    chart = strips(replace(tables, advertisers=advertisers), "cpa", "target_cpa")
    seen = [x for layer in chart.of(Marks) for x in layer.x if x is not None and x > 0]
    if seen and max(seen) > FOLD * min(seen):
        chart.x = Axis(low=min(seen) / 1.1, high=max(seen) * 1.1, log=True)
    chart.x.title = f"{tables.currency} per {tables.value_unit}"
    return chart


def strips(tables: RunTables, column: str, limit: str = "") -> Chart:
    """A dot a bidder on a row an advertiser; a row a bidder where there is one advertiser.

    Args:
        tables: of the run.
        column: of `advertisers`, what is drawn.
        limit: a column that a grey bar stands at, where it is above 0.
    """
    table = shown_advertisers(tables)
    lines = table.unique("row", keep="first", maintain_order=True).sort("row")
    chart = rows(lines["label"].to_list())
    if limit:
        aims = lines.filter(pl.col(limit).is_finite(), pl.col(limit) > 0)
        told = [f"{limit.replace('_', ' ')} {number(x, 2)}" for x in aims[limit]]
        chart.add(
            Marks(
                x=aims[limit].to_list(),
                y=aims["row"].to_list(),
                colour=GREY,
                symbol="bar",
                size=15,
                name=limit,
                told=told,
            )
        )
    looks = marks(tables)
    # The leader is drawn last, on top.
    for rank, name in reversed(list(enumerate(tables.bidders))):
        mine = table.filter(pl.col("bidder") == name)
        chart.add(
            Marks(
                x=mine[column].to_list(),
                y=mine["row"].to_list(),
                colour=looks[name].colour,
                symbol=looks[name].symbol,
                size=9,
                name=name,
                told=[advertiser_told(row, column, tables) for row in mine.to_dicts()],
                rank=rank,
            )
        )
    chart.x = fitted([x for layer in chart.of(Marks) for x in layer.x], zero=True)
    return chart


def shown_advertisers(tables: RunTables) -> pl.DataFrame:
    """The advertisers table with `row` and `label`, largest budgets first, as many as are shown."""
    table = tables.advertisers
    if table["advertiser"].n_unique() == 1:
        places = tables.ranking.select("bidder", label="bidder").with_row_index("row")
        return table.join(places, on="bidder", maintain_order="left").sort(
            "row", maintain_order=True
        )
    largest = (
        table.group_by("advertiser", maintain_order=True)
        .agg(size=pl.col("budget").mean(), label=pl.col("name").first())
        .sort(["size", "advertiser"], descending=[True, False])
        .head(MOST_ADVERTISERS)
        .with_row_index("row")
    )
    return table.join(largest, on="advertiser", maintain_order="left").sort(
        "row", maintain_order=True
    )


def advertiser_told(row: dict[str, Any], column: str, tables: RunTables) -> str:
    """What one advertiser spent, bought or paid for a unit under one bidder, in lines."""
    money, unit = tables.currency, tables.value_unit
    spend, budget, value, target = (row[k] for k in ("spend", "budget", "value", "target_cpa"))
    use = f" ({number(100 * spend / budget, 1)}\u00a0%)" if budget > 0 else ""
    aim = f", target {number(target, 2)}" if known(target) and target > 0 else ""
    said = {
        "spend": f"spent {number(spend, 2)} of {number(budget, 2)} {money}{use}",
        "value": f"{number(value, 2)} {unit}s, counted {number(row['conversions'], 2)}",
        "cpa": f"{number(spend / value if value > 0 else None, 2)} {money} per {unit}{aim}",
    }
    return f"{row['bidder']} for {row['name']}\n{said[column]}"
