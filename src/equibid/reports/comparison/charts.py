"""The charts of a report: tables in, figures out."""

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import polars as pl

from equibid.reports.comparison import series
from equibid.reports.comparison.curves import curves
from equibid.reports.comparison.tables import RunTables, known, number
from equibid.reports.comparison.verdict import has_interval
from equibid.reports.html.frame import plain, rows
from equibid.reports.html.palette import GREY, faint, marks

# As many rows as a reader looks through; the page says how many were left out.
MOST_ADVERTISERS = 40
# Prices that differ by more are drawn on a logarithmic axis.
FOLD = 30.0


def ranking_chart(tables: RunTables) -> go.Figure:
    """Scores with intervals, best on top; the leader's interval runs down as a shaded band."""
    names = [name + " (reference)" * (name in tables.references) for name in tables.bidders]
    figure = rows(names)
    looks = marks(tables)
    unit, digits = plain(tables.score_unit), tables.score_digits
    leader = next((row for row in tables.ranking.to_dicts() if not row["reference"]), None)
    if leader and has_interval(leader, tables):
        figure.add_vrect(
            x0=leader["score_low"],
            x1=leader["score_high"],
            fillcolor=faint(looks[leader["bidder"]].colour, 0.12),
            line_width=0,
            layer="below",
        )
    for place, row in enumerate(tables.ranking.to_dicts()):
        name, look, x = plain(row["bidder"]), looks[row["bidder"]], row["score"]
        if not known(x):
            continue
        said, error = "no interval", None
        if has_interval(row, tables):
            low, high = row["score_low"], row["score_high"]
            said = f"95\u00a0% interval {number(low, digits)} to {number(high, digits)}"
            error = {
                "symmetric": False,
                "array": [high - x],
                "arrayminus": [x - low],
                "thickness": 2.5,
                "width": 0,
                "color": look.colour,
            }
        figure.add_scatter(
            x=[x],
            y=[place],
            error_x=error,
            mode="markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": 11},
            meta={"bidder": place, "role": "mark"},
            name=name,
            hovertemplate=f"<b>{name}</b> {number(x, digits)} {unit}<br>{said}<extra></extra>",
        )
    figure.update_xaxes(title_text=f"score, {unit}" if unit else "score")
    return figure


def pacing_chart(tables: RunTables) -> go.Figure:
    """Share of the budget spent by each tick, against even spending."""
    curve = series.pacing(tables.delivery)
    title = "spent, share of budget"
    figure = curves(tables, curve, title, form=".1%", start=0.0, top=1.0)
    figure.add_scatter(
        x=[0, tables.ticks],
        y=[0, 1],
        mode="lines",
        line={"color": GREY, "width": 1.5, "dash": "dot"},
        meta={"bidder": -1, "role": "guide"},
        name="even spending",
        hoverinfo="skip",
    )
    figure.update_yaxes(tickformat=".0%")
    return figure


def factor_chart(tables: RunTables) -> go.Figure:
    """Money bid for one unit of value; logarithmic where bids differ thirtyfold."""
    title = f"bid factor, {tables.currency} per {tables.value_unit}"
    return curves(tables, series.factor(tables.delivery), title, form=",.4~g", fold=30.0)


def win_rate_chart(tables: RunTables) -> go.Figure:
    """Slots won for each impression bid on."""
    figure = curves(tables, series.win_rate(tables.delivery), "wins, share of bids", form=".1%")
    figure.update_yaxes(tickformat=".0~%")
    return figure


def spend_chart(tables: RunTables) -> go.Figure:
    """Money spent for each advertiser, with a bar where its budget ends."""
    figure = strips(tables, "spend")
    bars(figure, tables, "budget", "budget")
    figure.update_xaxes(title_text=plain(f"spend, {tables.currency}"))
    return figure


def value_chart(tables: RunTables) -> go.Figure:
    """Value bought for each advertiser."""
    figure = strips(tables, "value")
    figure.update_xaxes(title_text=plain(f"value, {tables.value_unit}s"))
    return figure


def cpa_chart(tables: RunTables) -> go.Figure:
    """Money paid for a unit of expected value, with a bar at the target of each advertiser."""
    price = series.ratio("spend", "value").alias("cpa")
    advertisers = tables.advertisers.with_columns(price)
    figure = strips(replace(tables, advertisers=advertisers), "cpa")
    aims = bars(figure, tables, "target_cpa", "target CPA")
    found = pl.concat([advertisers["cpa"], aims]).drop_nulls()
    positive = found.filter(found > 0)
    if len(positive) and positive.max() > FOLD * positive.min():  # type: ignore[operator]
        figure.update_xaxes(type="log", dtick="D2", tickformat=",~g", rangemode="normal")
    figure.update_xaxes(title_text=plain(f"{tables.currency} per {tables.value_unit}"))
    return figure


def bars(figure: go.Figure, tables: RunTables, column: str, name: str) -> pl.Series:
    """A grey bar on each row, where it has a number above 0; gives these numbers."""
    table = shown_advertisers(tables).unique("row", keep="first", maintain_order=True)
    table = table.filter(pl.col(column).is_finite(), pl.col(column) > 0)
    figure.add_scatter(
        x=table[column].to_list(),
        y=table["row"].to_list(),
        mode="markers",
        marker={"symbol": "line-ns", "size": 15, "line": {"width": 2.5, "color": GREY}},
        meta={"bidder": -1, "role": "guide"},
        name=name,
        hovertemplate=f"{name} %{{x:,.4~g}}<extra></extra>",
    )
    return table[column]


def strips(tables: RunTables, column: str) -> go.Figure:
    """A dot a bidder on a row an advertiser; a row a bidder where there is one advertiser."""
    table = shown_advertisers(tables)
    figure = rows(
        table.unique("row", keep="first", maintain_order=True).sort("row")["label"].to_list()
    )
    looks = marks(tables)
    # The leader is drawn last, on top.
    for rank, name in reversed(list(enumerate(tables.bidders))):
        mine = table.filter(pl.col("bidder") == name)
        look = looks[name]
        figure.add_scatter(
            x=mine[column].to_list(),
            y=mine["row"].to_list(),
            mode="markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": 9},
            text=[told(row, tables) for row in mine.to_dicts()],
            meta={"bidder": rank, "role": "mark"},
            name=plain(name),
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_xaxes(rangemode="tozero")
    return figure


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


def told(row: dict[str, Any], tables: RunTables) -> str:
    """One advertiser under one bidder, as hover text."""
    money, unit = plain(tables.currency), plain(tables.value_unit)
    spend, budget, value, target = (row[k] for k in ("spend", "budget", "value", "target_cpa"))
    use = f" ({number(100 * spend / budget, 1)} %)" if budget > 0 else ""
    lines = [
        f"<b>{plain(row['bidder'])}</b> for {plain(row['name'])}, category {row['category']}",
        f"spent {number(spend, 2)} of {number(budget, 2)} {money}{use}",
        f"value {number(value, 2)} {unit}s, counted {number(row['conversions'], 2)}",
    ]
    if value > 0:
        aim = f", target {number(target, 2)}" if known(target) and target > 0 else ""
        lines.append(f"{number(spend / value, 2)} {money} per {unit}{aim}")
    return "<br>".join(lines)
