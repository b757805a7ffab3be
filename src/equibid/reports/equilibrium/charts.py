"""The charts of an equilibrium's report: tables in, figures out."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from equibid.reports.comparison.tables import number
from equibid.reports.equilibrium.tables import LOOKS, EquilibriumTables
from equibid.reports.html.frame import blank, name_y, plain, rows
from equibid.reports.html.palette import COLOURS, GREY

# Shares below it are rounding errors; on logarithmic axes they stand here.
FLOOR = 1e-12
NOBODY = -1
ONE_FRAME = 360


def welfare_chart(tables: EquilibriumTables) -> go.Figure:
    """Welfare and liquid welfare as shares of what nothing exceeds."""
    measures = (
        ("Welfare", "welfare", "first_best", COLOURS[0]),
        ("Liquid welfare", "liquid_welfare", "liquid_bound", COLOURS[2]),
    )
    names = tables.names if len(tables.results) > 1 else [""]
    labels = [f"{title}{name and ', '}{name}" for name in names for title, *_ in measures]
    figure = rows(labels)
    for index, result in enumerate(tables.results):
        x = result.figures()
        for line, (title, column, bound, colour) in enumerate(measures):
            share = x[column] / x[bound] if x[bound] > 0 else 0.0
            said = f"{number(x[column], 2)} of at most {number(x[bound], 2)}"
            figure.add_bar(
                x=[share],
                y=[2 * index + line],
                orientation="h",
                width=0.6,
                marker={"color": colour},
                text=[percent(share)],
                textposition="inside",
                insidetextanchor="end",
                textfont={"color": "#fff"},
                meta={"bidder": NOBODY, "role": "mark"},
                name=title,
                hovertemplate=f"<b>{title}</b> {said}<extra></extra>",
            )
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_layout(barmode="overlay")
    return figure


def gain_chart(tables: EquilibriumTables) -> go.Figure:
    """Each advertiser's gains as shares of welfare, the largest bound first."""
    figure = blank(ONE_FRAME)
    table = tables.advertisers.with_row_index("place", offset=1)
    for rank, status in enumerate(tables.statuses):
        mine, look = table.filter(status=status.value), LOOKS[status]
        said = [told(row, tables) for row in mine.to_dicts()]
        place = mine["place"].to_numpy()
        low, high = (np.maximum(mine[name].to_numpy(), FLOOR) for name in ("hindsight", "bound"))
        shared: dict[str, Any] = {"name": status.value, "opacity": 1}
        gap = np.full(len(place), np.nan)
        figure.add_scatter(
            x=np.stack([place, place, gap], axis=1).ravel(),
            y=np.stack([low, high, gap], axis=1).ravel(),
            mode="lines",
            line={"color": look.colour, "width": 2 if len(table) <= 200 else 1},
            meta={"bidder": rank, "role": "line"},
            hoverinfo="skip",
            **shared,
        )
        figure.add_scatter(
            x=place,
            y=np.maximum(mine["gain"].to_numpy(), FLOOR),
            mode="markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": dot(tables)},
            text=said,
            meta={"bidder": rank, "role": "mark"},
            hovertemplate="%{text}<extra></extra>",
            **shared,
        )
    limit(figure, tables, [1, max(len(table), 2)])
    top = max(highest(table["bound"]), tables.tolerance)
    log_shares(figure, "y", top)
    figure.update_xaxes(title_text="advertisers, the largest bound first", showgrid=False, nticks=6)
    name_y(figure, "gain, share of total welfare")
    return figure


def factor_chart(tables: EquilibriumTables) -> go.Figure:
    """Factors over caps against budgets."""
    figure = blank(ONE_FRAME)
    table = tables.advertisers.with_columns(
        level=pl.when(pl.col("cap") > 0).then(pl.col("factor") / pl.col("cap")).otherwise(0.0)
    )
    bids = table.filter(pl.col("level") > 0)
    # Who sits out stands below everybody else.
    least = lowest(bids["level"]) / 3
    poorest = lowest(table.filter(pl.col("budget") > 0)["budget"]) / 3
    for rank, status in enumerate(tables.statuses):
        mine, look = table.filter(status=status.value), LOOKS[status]
        figure.add_scatter(
            x=mine["budget"].clip(lower_bound=poorest),
            y=mine["level"].clip(lower_bound=least),
            mode="markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": dot(tables)},
            text=[told(row, tables) for row in mine.to_dicts()],
            name=status.value,
            meta={"bidder": rank, "role": "mark"},
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_hline(y=1, line={"color": GREY, "width": 1.5, "dash": "dot"}, layer="below")
    figure.update_xaxes(type="log", title_text=plain(f"budget, {tables.currency}"), dtick="D2")
    figure.update_yaxes(type="log", dtick="D2", tickformat="~g")
    figure.update_xaxes(tickformat="~s")
    name_y(figure, "factor, share of the cap")
    return figure


def start_chart(tables: EquilibriumTables) -> go.Figure:
    """Where each start led: how far from equilibrium, and how good."""
    figure = blank(ONE_FRAME)
    assert tables.starts is not None
    starts = tables.starts.with_columns(far=pl.max_horizontal("gain", "residual"))
    kinds = ((True, COLOURS[0], "circle", "holds"), (False, COLOURS[1], "x", "does not hold"))
    for holds, colour, symbol, name in kinds:
        mine = starts.filter(holds=holds)
        figure.add_scatter(
            x=np.maximum(mine["far"].to_numpy(), FLOOR),
            y=mine["objective"].to_list(),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 11, "opacity": 0.7},
            text=[start_told(row) for row in mine.to_dicts()],
            name=name,
            meta={"bidder": NOBODY, "role": "mark"},
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_vline(
        x=tables.tolerance, line={"color": GREY, "width": 1.5, "dash": "dot"}, layer="below"
    )
    low, high = (float(end(starts["objective"].to_numpy())) for end in (np.min, np.max))
    room = max(0.1 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    figure.update_yaxes(range=[low - room, high + room], tickformat=",.4~g")
    log_shares(figure, "x", max(highest(starts["far"]), tables.tolerance))
    figure.update_xaxes(title_text="gain over welfare or budget missed, the larger")
    name_y(figure, f"objective: {tables.config['objective']}")
    return figure


def day_chart(tables: EquilibriumTables) -> go.Figure:
    """Exploitability of each day or market, exact and bounded."""
    figure = rows(tables.names)
    certificates = [result.certificate for result in tables.results]
    for place, (result, one) in enumerate(zip(tables.results, certificates, strict=True)):
        exact, bound = max(one.exploitability, FLOOR), max(one.exploitability_bound, FLOOR)
        colour = COLOURS[0] if result.holds else COLOURS[3]
        said = f"{small(one.exploitability)}, any bids {small(one.exploitability_bound)}"
        figure.add_scatter(
            x=[exact, bound],
            y=[place, place],
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": ["circle", "line-ns"], "size": [11, 13], "line": {"width": 2}}
            | {"color": colour, "line_color": colour},
            name=plain(tables.names[place]),
            meta={"bidder": NOBODY, "role": "mark"},
            hovertemplate=f"<b>{plain(tables.names[place])}</b> {said}<extra></extra>",
        )
    most = max([one.exploitability_bound for one in certificates] + [tables.tolerance])
    figure.add_vline(
        x=tables.tolerance, line={"color": GREY, "width": 1.5, "dash": "dot"}, layer="below"
    )
    log_shares(figure, "x", most)
    figure.update_xaxes(title_text="largest gain, share of total welfare")
    return figure


def highest(column: pl.Series) -> float:
    """The greatest number; 0 where there is none."""
    return float(column.to_numpy().max(initial=0.0))


def lowest(column: pl.Series) -> float:
    """The least number; 1 where there is none."""
    return float(column.to_numpy().min()) if len(column) else 1.0


def limit(figure: go.Figure, tables: EquilibriumTables, across: list[float]) -> None:
    """A dotted line at the tolerance."""
    figure.add_scatter(
        x=[across[0] - 0.5, across[1] + 0.5],
        y=[tables.tolerance, tables.tolerance],
        mode="lines",
        line={"color": GREY, "width": 1.5, "dash": "dot"},
        meta={"bidder": NOBODY, "role": "guide"},
        name="tolerance",
        hoverinfo="skip",
    )


def log_shares(figure: go.Figure, axis: str, most: float) -> None:
    """A logarithmic axis from `FLOOR`, whose lowest tick is "0"."""
    decades = range(-12, max(int(np.ceil(np.log10(most))), -1) + 1, 3)
    ticks = [10.0**power for power in decades]
    names = ["0", *(small(x) for x in ticks[1:])]
    high = max(np.log10(most) + 0.4, decades[-1])
    settings = {"type": "log", "range": [-12.6, float(high)], "tickvals": ticks, "ticktext": names}
    update = figure.update_xaxes if axis == "x" else figure.update_yaxes
    update(**settings)


def dot(tables: EquilibriumTables) -> int:
    """Size of a mark: smaller where there are many."""
    count = tables.advertisers.height
    return 10 if count <= 60 else 7 if count <= 300 else 5


def told(row: dict[str, Any], tables: EquilibriumTables) -> str:
    """One advertiser as hover text."""
    money, unit = plain(tables.currency), plain(tables.value_unit)
    use = f" ({percent(row['cost'] / row['budget'])})" if row["budget"] > 0 else ""
    return "<br>".join(
        [
            f"<b>{plain(row['name'])}</b> {row['status']}",
            f"costs {number(row['cost'], 2)} of {number(row['budget'], 2)} {money}{use}",
            f"value {number(row['returns'], 2)} {unit}s",
            f"factor {number(row['factor'], 3)}, best {number(row['best_factor'], 3)}, "
            f"cap {number(row['cap'], 3)}",
            f"gains {small(row['gain'])} of welfare, {small(row['own'])} of its own",
            f"any bids gain {small(row['hindsight'])} to {small(row['bound'])} of welfare",
        ]
    )


def start_told(row: dict[str, Any]) -> str:
    """One start as hover text."""
    return "<br>".join(
        [
            f"<b>start {row['start']}</b>, {plain(row['kind'])}",
            f"objective {row['objective']:,.6g}",
            f"gain {small(row['gain'])}, residual {small(row['residual'])}",
        ]
    )


def percent(x: float) -> str:
    """A share in percent."""
    return f"{number(100 * x, 2)}\u00a0%"


def small(x: float) -> str:
    """A share that may be next to nothing."""
    if x == 0 or not np.isfinite(x):
        return "0" if x == 0 else "∞"
    if abs(x) >= 1e-4:
        return f"{100 * x:.2g}\u00a0%" if abs(x) < 1 else f"{100 * x:.0f}\u00a0%"
    power = int(np.floor(np.log10(abs(x))))
    digits = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = f"{x / 10.0**power:.1f}".removesuffix(".0")
    return f"10{digits}" if lead == "1" else f"{lead}\u00a0×\u00a010{digits}"
