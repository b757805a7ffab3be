"""The distribution of prices: what a slot costs over the period, and how often a bid wins."""

import polars as pl

from equibid.reports.charts.chart import Axis, Band, Chart, Line, Marks
from equibid.reports.comparison.curves import time_axis
from equibid.reports.comparison.looks import marks
from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.numbers import number, percent
from equibid.reports.html.palette import GREY

HEIGHT = 300
# Prices are told for a thousand ads shown, as CPM is.
MILLE = 1000.0
FOLD = 12.0
QUANTILES = ("q10", "q25", "q50", "q75", "q90")


def price_chart(tables: RunTables) -> Chart:
    """Quantiles of the price of the last slot by tick, and the median of the first."""
    mean = mean_prices(tables)
    chart = Chart(HEIGHT)
    any_slot, top = (mean.filter(slot=slot) for slot in ("any", "top"))
    for low, high, opacity, said in (
        ("q10", "q90", 0.18, "the middle 80 %"),
        ("q25", "q75", 0.3, "the middle half"),
    ):
        band = any_slot.drop_nulls([low, high])
        chart.add(
            Band(
                x=middles(band, tables),
                low=band[low].to_list(),
                high=band[high].to_list(),
                colour=GREY,
                opacity=opacity,
                name=said,
            )
        )
    chart.add(
        Line(
            x=middles(any_slot, tables),
            y=any_slot["q50"].to_list(),
            colour=GREY,
            symbol="circle" if any_slot.height <= 2 else "",
            name="median",
            told=[prices_told(row) for row in any_slot.select(QUANTILES).rows()],
        )
    )
    if not top["q50"].equals(any_slot["q50"]):
        chart.add(
            Line(
                x=middles(top, tables),
                y=top["q50"].to_list(),
                colour=GREY,
                dash="dash",
                symbol="square" if top.height <= 2 else "",
                name="first slot",
                told=[f"first slot\nmedian {number(x, 2)}" for x in top["q50"]],
            )
        )
    chart.x = time_axis(tables.ticks, tables.clock)
    shown = [x for name in QUANTILES for x in any_slot[name].drop_nulls()]
    shown += top["q50"].drop_nulls().to_list()
    middle = float(any_slot["q50"].median() or 0.0)  # type: ignore[arg-type]
    # A price near nothing, when everybody has spent its money, is no reason to flatten the rest.
    least, most = max(min(shown, default=0.0), middle / 20), max(shown, default=1.0)
    if 0 < FOLD * least < most:
        chart.y = Axis(low=least / 1.15, high=most * 1.15, log=True)
    else:
        chart.y = Axis(low=0.0, high=(most or 1.0) * 1.05)
    chart.y.title = f"price, {tables.currency} for a thousand ads"
    return chart


def mean_prices(tables: RunTables) -> pl.DataFrame:
    """A row a `slot` and `tick`: quantiles for a thousand ads, the mean of all markets.

    Where a slot was not to be had at any price there is null.
    """
    assert tables.prices is not None
    return (
        tables.prices.group_by("slot", "tick", maintain_order=True)
        .agg((pl.col(QUANTILES) * MILLE).mean())
        .with_columns(pl.when(pl.col(q).is_finite()).then(pl.col(q)).alias(q) for q in QUANTILES)
        .sort("tick")
    )


def middles(table: pl.DataFrame, tables: RunTables) -> list[float]:
    """The middles of the ticks of a table, on the time axis."""
    return [(tick + 0.5) * tables.clock.length for tick in table["tick"]]


def prices_told(row: tuple[float | None, ...]) -> str:
    """The quantiles of a tick, in lines."""
    low, quarter, median, upper, high = (number(x, 2) for x in row)
    return f"median {median}\nmiddle half {quarter} – {upper}\nmiddle 80\u00a0% {low} – {high}"


def win_curve_chart(tables: RunTables) -> Chart:
    """Share of slots that a bid wins, with every bidder at its mean bid and win rate."""
    assert tables.win_curve is not None
    curve = (
        tables.win_curve.group_by("bid", maintain_order=True)
        .agg(pl.col("any", "top").mean())
        .sort("bid")
    )
    chart = Chart(HEIGHT)
    x = (curve["bid"] * MILLE).to_list()
    one_slot = curve["any"].equals(curve["top"])
    for slot, dash, said in (("top", "dash", "first slot"), ("any", "solid", "a slot")):
        if slot == "top" and one_slot:
            continue
        told = [
            f"{said}\na bid of {number(at, 2)} wins it in {percent(share)}"
            for at, share in zip(x, curve[slot], strict=True)
        ]
        shares = curve[slot].to_list()
        chart.add(Line(x=x, y=shares, colour=GREY, dash=dash, name=said, told=told))
    chart.add(*mean_bids(tables, x))
    there = [at for at in x if at > 0]
    chart.x = Axis(low=min(there, default=1.0), high=max(there, default=10.0), log=True)
    chart.x.title = f"bid, {tables.currency} for a thousand ads"
    chart.y = Axis("wins, share of bids", 0.0, 1.02, form="percent")
    return chart


def mean_bids(tables: RunTables, x: list[float]) -> list[Marks]:
    """Each bidder at its mean bid and win rate, the leader last.

    Dots far off the bids that are drawn stay at its edge, and tell their numbers.
    """
    looks = marks(tables)
    sums = tables.delivery.group_by("bidder", maintain_order=True).agg(
        pl.col("bid", "offered", "wins").sum()
    )
    found = []
    for rank, name in reversed(list(enumerate(tables.bidders))):
        mine = sums.filter(bidder=name)
        if mine.is_empty() or not mine["offered"][0] > 0:
            continue
        bid, rate = (mine[c][0] / mine["offered"][0] for c in ("bid", "wins"))
        found.append(
            Marks(
                x=[min(max(MILLE * bid, x[0]), x[-1]) if x else MILLE * bid],
                y=[rate],
                colour=looks[name].colour,
                symbol=looks[name].symbol,
                name=name,
                told=[
                    f"{name}\nbids {number(MILLE * bid, 2)} on average\nand wins {percent(rate)}"
                ],
                rank=rank,
            )
        )
    return found
