"""The charts of an equilibrium's report: tables in, charts out."""

from typing import Any

import numpy as np
import polars as pl

from equibid.reports.charts.chart import Axis, Bars, Chart, Line, Marks, Rule, rows
from equibid.reports.equilibrium.tables import LOOKS, EquilibriumTables
from equibid.reports.html.numbers import number, percent, small
from equibid.reports.html.palette import GREY, LESS, MORE

# Shares below it are rounding errors; on logarithmic axes they stand here.
FLOOR = 1e-12
HEIGHT = 300
# A chart shows no more advertisers; the page says how many were left out.
MOST_DRAWN = 1500


def welfare_chart(tables: EquilibriumTables) -> Chart:
    """Welfare and liquid welfare as shares of what nothing exceeds."""
    measures = (
        ("Welfare", "welfare", "first_best"),
        ("Liquid welfare", "liquid_welfare", "liquid_bound"),
    )
    names = tables.names if len(tables.results) > 1 else [""]
    chart = rows([f"{title}{name and ', '}{name}" for name in names for title, *_ in measures], 32)
    shares, told = [], []
    for x in tables.results:
        for title, column, bound in measures:
            shares.append(x[column] / x[bound] if x[bound] > 0 else 0.0)
            told.append(f"{title}\n{number(x[column], 2)} of at most {number(x[bound], 2)}")
    text = [percent(share) for share in shares]
    places = list(range(len(shares)))
    chart.add(Bars(x=shares, y=places, colour=GREY, text=text, told=told))
    chart.x = Axis(low=0.0, high=1.0, form="percent")
    return chart


def gain_chart(tables: EquilibriumTables) -> Chart:
    """Each advertiser's gains as shares of welfare, the largest bound first."""
    chart = Chart(HEIGHT)
    table = tables.advertisers.with_row_index("place", offset=1).head(MOST_DRAWN)
    for rank, status in enumerate(tables.statuses):
        mine, look = table.filter(status=status.value), LOOKS[status]
        low, high, gain = (
            np.maximum(mine[name].to_numpy(), FLOOR) for name in ("hindsight", "bound", "gain")
        )
        chart.add(
            Marks(
                x=mine["place"].to_list(),
                y=gain.tolist(),
                low=low.tolist(),
                high=high.tolist(),
                upright=True,
                colour=look.colour,
                symbol=look.symbol,
                size=dot(tables),
                name=status.value,
                told=[advertiser_told(row, tables) for row in mine.to_dicts()],
                rank=rank,
            )
        )
    chart.add(Rule(at=tables.tolerance, axis="y"))
    chart.y = log_shares(max(highest(table["bound"]), tables.tolerance))
    chart.y.title = "gain, share of total welfare"
    chart.x = Axis("advertisers, the largest bound first", 0.5, max(table.height, 2) + 0.5)
    chart.x.grid, chart.x.whole = False, True
    return chart


def factor_chart(tables: EquilibriumTables) -> Chart:
    """Factors over caps against budgets."""
    chart = Chart(HEIGHT)
    table = tables.advertisers.head(MOST_DRAWN).with_columns(
        level=pl.when(pl.col("cap") > 0).then(pl.col("factor") / pl.col("cap")).otherwise(0.0)
    )
    bids = table.filter(pl.col("level") > 0)
    # Who sits out stands below everybody else.
    least = lowest(bids["level"]) / 3
    poorest = lowest(table.filter(pl.col("budget") > 0)["budget"]) / 3
    for rank, status in enumerate(tables.statuses):
        mine, look = table.filter(status=status.value), LOOKS[status]
        chart.add(
            Marks(
                x=mine["budget"].clip(lower_bound=poorest).to_list(),
                y=mine["level"].clip(lower_bound=least).to_list(),
                colour=look.colour,
                symbol=look.symbol,
                size=dot(tables),
                name=status.value,
                told=[advertiser_told(row, tables) for row in mine.to_dicts()],
                rank=rank,
            )
        )
    chart.add(Rule(at=1.0, axis="y"))
    seen = [x for layer in chart.of(Marks) for x in layer.x if x is not None]
    levels = [y for layer in chart.of(Marks) for y in layer.y if y is not None]
    chart.x = Axis(f"budget, {tables.currency}", min(seen) / 1.2, max(seen) * 1.2, log=True)
    chart.y = Axis("factor, share of the cap", min(levels) / 1.4, max(*levels, 1) * 1.2, log=True)
    return chart


def start_chart(tables: EquilibriumTables) -> Chart:
    """Where each start led: how far from equilibrium, and how good."""
    assert tables.starts is not None
    chart = Chart(HEIGHT)
    starts = tables.starts.with_columns(far=pl.max_horizontal("gain", "residual"))
    for holds, colour, symbol in ((True, MORE, "circle"), (False, LESS, "x")):
        mine = starts.filter(holds=holds)
        chart.add(
            Marks(
                x=np.maximum(mine["far"].to_numpy(), FLOOR).tolist(),
                y=mine["objective"].to_list(),
                colour=colour,
                symbol=symbol,
                opacity=0.7,
                name="holds" if holds else "does not hold",
                told=[start_told(row) for row in mine.to_dicts()],
            )
        )
    chart.add(Rule(at=tables.tolerance, axis="x"))
    low, high = (float(end(starts["objective"].to_numpy())) for end in (np.min, np.max))
    room = max(0.1 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    chart.y = Axis(f"objective: {tables.config['objective']}", low - room, high + room)
    chart.x = log_shares(max(highest(starts["far"]), tables.tolerance))
    chart.x.title = "gain over welfare or budget missed, the larger"
    return chart


def day_chart(tables: EquilibriumTables) -> Chart:
    """Exploitability of each day or market, exact and bounded."""
    chart = rows(tables.names)
    for place, (name, one) in enumerate(zip(tables.names, tables.results, strict=True)):
        best, any_bids = one["exploitability"], one["exploitability_bound"]
        exact, bound = max(best, FLOOR), max(any_bids, FLOOR)
        colour = MORE if one["holds"] else LESS
        said = f"{name}\n{small(best)}, any bids {small(any_bids)}"
        chart.add(
            Line(x=[exact, bound], y=[place, place], colour=colour, width=2),
            Marks(x=[bound], y=[place], colour=colour, symbol="bar", size=13, told=[said]),
            Marks(x=[exact], y=[place], colour=colour, name=name, told=[said]),
        )
    most = max([one["exploitability_bound"] for one in tables.results] + [tables.tolerance])
    chart.add(Rule(at=tables.tolerance, axis="x"))
    chart.x = log_shares(most)
    chart.x.title = "largest gain, share of total welfare"
    return chart


def highest(column: pl.Series) -> float:
    """The greatest number; 0 where there is none."""
    return float(column.to_numpy().max(initial=0.0))


def lowest(column: pl.Series) -> float:
    """The least number; 1 where there is none."""
    return float(column.to_numpy().min()) if len(column) else 1.0


def log_shares(most: float) -> Axis:
    """A logarithmic axis from `FLOOR`, whose lowest tick is "0"."""
    most = most if np.isfinite(most) else 1.0
    decades = range(-12, max(int(np.ceil(np.log10(most))), -1) + 1, 3)
    ticks = [(10.0**power, small(10.0**power)) for power in decades]
    high = max(np.log10(most) + 0.4, decades[-1])
    ticks[0] = (ticks[0][0], "0")
    return Axis(low=10**-12.6, high=float(10**high), log=True, ticks=ticks)


def dot(tables: EquilibriumTables) -> int:
    """Size of a mark: smaller where there are many."""
    count = tables.advertisers.height
    return 10 if count <= 60 else 7 if count <= 300 else 5


def advertiser_told(row: dict[str, Any], tables: EquilibriumTables) -> str:
    """One advertiser, in lines."""
    money, unit = tables.currency, tables.value_unit
    use = f" ({percent(row['cost'] / row['budget'])})" if row["budget"] > 0 else ""
    return "\n".join(
        [
            f"{row['name']}: {row['status']}",
            f"costs {number(row['cost'], 2)} of {number(row['budget'], 2)} {money}{use}",
            f"value {number(row['returns'], 2)} {unit}s",
            f"factor {number(row['factor'], 3)}, best {number(row['best_factor'], 3)}, "
            f"cap {number(row['cap'], 3)}",
            f"gains {small(row['gain'])} of welfare, {small(row['own'])} of its own",
            f"any bids gain {small(row['hindsight'])} to {small(row['bound'])} of welfare",
        ]
    )


def start_told(row: dict[str, Any]) -> str:
    """One start, in lines."""
    return "\n".join(
        [
            f"start {row['start']}, {row['kind']}",
            f"objective {number(row['objective'], 3)}",
            f"gain {small(row['gain'])}, residual {small(row['residual'])}",
        ]
    )
