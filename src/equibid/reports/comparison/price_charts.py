"""The price landscape: what a slot costs over the period, and how often a bid wins."""

import math

import plotly.graph_objects as go
import polars as pl

from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.frame import blank, name_y, plain
from equibid.reports.html.palette import COLOURS, GREY, faint, marks

HEIGHT = 390
# Prices are told for a thousand ads shown, as CPM is.
MILLE = 1000.0
FOLD = 12.0


def price_chart(tables: RunTables) -> go.Figure:
    """Quantiles of the price of the last slot by tick, and the median of the first."""
    assert tables.prices is not None
    quantiles = ("q10", "q25", "q50", "q75", "q90")
    mean = (
        tables.prices.group_by("slot", "tick", maintain_order=True)
        .agg((pl.col(quantiles) * MILLE).mean())
        # Where a slot was not to be had at any price there is no number to draw.
        .with_columns(pl.when(pl.col(q).is_finite()).then(pl.col(q)).alias(q) for q in quantiles)
        .sort("tick")
    )
    figure = blank(HEIGHT)
    any_slot, top = (mean.filter(slot=slot) for slot in ("any", "top"))
    x = [tick + 0.5 for tick in any_slot["tick"]]
    for low, high, opacity, said in (
        ("q10", "q90", 0.16, "the middle 80 %"),
        ("q25", "q75", 0.28, "the middle half"),
    ):
        band = any_slot.drop_nulls([low, high])
        at = [tick + 0.5 for tick in band["tick"]]
        figure.add_scatter(
            x=at + at[::-1],
            y=band[high].to_list() + band[low].to_list()[::-1],
            fill="toself",
            fillcolor=faint(COLOURS[0], opacity),
            mode="none",
            meta={"bidder": -1, "role": "guide"},
            name=said,
            hoverinfo="skip",
        )
    form = "%{y:,.3~g}"
    figure.add_scatter(
        x=x,
        y=any_slot["q50"].to_list(),
        mode="lines" if len(x) > 2 else "lines+markers",
        line={"color": COLOURS[0], "width": 2.25},
        meta={"bidder": -1, "role": "guide"},
        name="median",
        customdata=any_slot.select(quantiles).rows(),
        hovertemplate=(
            f"median {form}<br>middle half %{{customdata[1]:,.3~g}} – %{{customdata[3]:,.3~g}}<br>"
            "middle 80 % %{customdata[0]:,.3~g} – %{customdata[4]:,.3~g}<extra></extra>"
        ),
    )
    if not top["q50"].equals(any_slot["q50"]):
        figure.add_scatter(
            x=[tick + 0.5 for tick in top["tick"]],
            y=top["q50"].to_list(),
            mode="lines" if top.height > 2 else "lines+markers",
            line={"color": GREY, "width": 2, "dash": "dash"},
            meta={"bidder": -1, "role": "guide"},
            name="first slot",
            hovertemplate=f"first slot, median {form}<extra></extra>",
        )
    ticks = tables.ticks
    quarters = sorted({round(ticks * quarter / 4) for quarter in range(5)})
    figure.update_xaxes(title_text="tick", range=[0, ticks], tickvals=quarters, showgrid=False)
    shown = [x for name in ("q10", "q25", "q50", "q75", "q90") for x in any_slot[name].drop_nulls()]
    shown += top["q50"].drop_nulls().to_list()
    middle = float(any_slot["q50"].median() or 0.0)  # type: ignore[arg-type]
    # A price near nothing, when everybody has spent its money, is no reason to flatten the rest.
    least = max(min(shown, default=0.0), middle / 20)
    if shown and 0 < FOLD * least < max(shown):
        ends = [math.log10(least / 1.15), math.log10(max(shown) * 1.15)]
        figure.update_yaxes(type="log", dtick="D2", tickformat=",~g", range=ends)
    else:
        figure.update_yaxes(rangemode="tozero")
    name_y(figure, f"price, {tables.currency} for a thousand ads")
    return figure


def win_curve_chart(tables: RunTables) -> go.Figure:
    """Share of slots that a bid wins, with every bidder at its mean bid and win rate."""
    assert tables.win_curve is not None
    curve = (
        tables.win_curve.group_by("bid", maintain_order=True)
        .agg(pl.col("any", "top").mean())
        .sort("bid")
    )
    figure = blank(HEIGHT)
    x = (curve["bid"] * MILLE).to_list()
    one_slot = curve["any"].equals(curve["top"])
    for slot, colour, dash, said in (
        ("top", GREY, "dash", "first slot"),
        ("any", COLOURS[0], "solid", "a slot"),
    ):
        if slot == "top" and one_slot:
            continue
        figure.add_scatter(
            x=x,
            y=curve[slot].to_list(),
            mode="lines",
            line={"color": faint(colour, 0.75), "width": 2.25, "dash": dash},
            meta={"bidder": -1, "role": "guide"},
            name=said,
            hovertemplate=f"a bid of %{{x:,.3~g}} wins {said} in %{{y:.1%}}<extra></extra>",
        )
    looks = marks(tables)
    sums = tables.delivery.group_by("bidder", maintain_order=True).agg(
        pl.col("bid", "offered", "wins").sum()
    )
    # Dots far off the bids that are drawn stay at its edge, and tell their numbers.
    for rank, name in reversed(list(enumerate(tables.bidders))):
        mine = sums.filter(bidder=name)
        if mine.is_empty() or not mine["offered"][0] > 0:
            continue
        bid, rate = (mine[c][0] / mine["offered"][0] for c in ("bid", "wins"))
        look = looks[name]
        figure.add_scatter(
            x=[min(max(MILLE * bid, x[0]), x[-1]) if x else MILLE * bid],
            y=[rate],
            mode="markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": 11},
            meta={"bidder": rank, "role": "mark"},
            name=plain(name),
            hovertemplate=(
                f"<b>{plain(name)}</b> bids {MILLE * bid:,.4g} on average<br>"
                f"and wins %{{y:.1%}}<extra></extra>"
            ),
        )
    figure.update_xaxes(
        type="log",
        title_text=plain(f"bid, {tables.currency} for a thousand ads"),
        tickformat=",~g",
        dtick=1,
    )
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    name_y(figure, "wins, share of bids")
    return figure
