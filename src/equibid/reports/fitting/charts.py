"""The charts of a fit's report: tables in, figures out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from equibid.markets.estimators import WINDOWS
from equibid.reports.html.frame import blank, name_y, plain, rows
from equibid.reports.html.palette import COLOURS, GREY, Mark

NOBODY = -1
HEIGHT = 340
SIDES = (
    ("log", Mark(COLOURS[0], "solid", "circle")),
    ("generated", Mark(COLOURS[1], "dash", "square")),
)


@dataclass(frozen=True)
class FitTables:
    """A fitted market, as its report shows it.

    Attributes:
        config: how the run was made, resolved.
        name: of the log.
        settings: a row a setting: its name, its value and how it was found.
        kept: settings left at their defaults.
        notes: what of the log the generator cannot show.
        distances: see `equibid.markets.likeness.distances`.
        quantiles: see `equibid.markets.likeness.quantiles`.
        value_unit: what one unit of value is.
        currency: what one unit of money is.
    """

    config: Mapping[str, Any]
    name: str
    settings: Sequence[tuple[str, str, str]]
    kept: Sequence[str]
    notes: Sequence[str]
    distances: pl.DataFrame
    quantiles: pl.DataFrame
    value_unit: str = "conversion"
    currency: str = "unit"

    def of(self, measure: str) -> pl.DataFrame:
        """The quantiles or shares of a measure."""
        return self.quantiles.filter(measure=measure)

    def unit(self, unit: str) -> str:
        """A measure's unit in words."""
        names = {"value": f"{self.value_unit}s", "money": f"{self.currency} an impression"}
        return names.get(unit, "")

    @property
    def samples(self) -> list[dict[str, Any]]:
        """The measures that are samples."""
        return self.distances.filter(kind="quantiles").to_dicts()


def distance_chart(tables: FitTables) -> go.Figure:
    """The distance of each measure, and what two generated markets differ by."""
    figure = rows(tables.distances["title"].to_list())
    for place, row in enumerate(tables.distances.to_dicts()):
        chance = row["chance"]
        said = "" if chance is None else f"<br>two generated markets: {chance:.3f}"
        if chance is not None:
            figure.add_scatter(
                x=[chance],
                y=[place],
                mode="markers",
                marker={"symbol": "line-ns", "size": 15, "line": {"width": 2.5, "color": GREY}},
                meta={"bidder": NOBODY, "role": "guide"},
                hoverinfo="skip",
            )
        figure.add_scatter(
            x=[row["distance"]],
            y=[place],
            mode="markers",
            marker={"color": COLOURS[0], "size": 11},
            meta={"bidder": NOBODY, "role": "mark"},
            name=plain(row["title"]),
            hovertemplate=f"<b>{plain(row['title'])}</b> %{{x:.3f}}{said}<extra></extra>",
        )
    farthest = tables.distances.select(pl.max_horizontal("distance", "chance").max()).item()
    most = max(float(farthest), 0.2)
    figure.update_xaxes(title_text="distance", range=[-0.02 * most, 1.05 * most])
    return figure


def sample_chart(tables: FitTables, measure: str, unit: str) -> go.Figure:
    """Shares of both samples that lie below a number."""
    figure = blank(HEIGHT)
    table = tables.of(measure)
    positive = [x for side, _ in SIDES for x in table[side].to_list() if x > 0]
    log = bool(positive) and max(positive) / min(positive) > 30
    for rank, (side, look) in enumerate(SIDES):
        x = np.maximum(table[side].to_numpy(), min(positive)) if log else table[side].to_numpy()
        figure.add_scatter(
            x=x,
            y=table["at"].to_list(),
            mode="lines",
            line={"color": look.colour, "dash": look.dash, "width": 2.25},
            name=side,
            meta={"bidder": rank, "role": "line"},
            hovertemplate=f"<b>{side}</b> %{{y:.0%}} below %{{x:.4~g}}<extra></extra>",
        )
    figure.update_xaxes(title_text=plain(tables.unit(unit)), nticks=6)
    if log:
        # Ends that hold one value in a hundred would leave the middle no room.
        inner = table.filter(pl.col("at").is_between(0.01, 0.99))
        ends = [x for side, _ in SIDES for x in inner[side].to_list() if x > 0] or positive
        figure.update_xaxes(
            type="log",
            range=[np.log10(min(ends) / 1.3), np.log10(max(ends) * 1.3)],
            dtick=1,
            tickformat="~g",
        )
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    name_y(figure, "share below")
    return figure


def traffic_chart(tables: FitTables) -> go.Figure:
    """Shares of impressions over the day, by twelfths or by ticks that are longer."""
    figure = blank(HEIGHT)
    table = tables.of("traffic")
    hourly = table.height == WINDOWS
    x = table["at"] + 0.5 if hourly else table["at"]
    for rank, (side, look) in enumerate(SIDES):
        figure.add_scatter(
            x=(x * 24 / WINDOWS if hourly else x).to_list(),
            y=table[side].to_list(),
            mode="lines+markers",
            line={"color": look.colour, "dash": look.dash, "width": 2.25},
            marker={"symbol": look.symbol, "size": 8},
            name=side,
            meta={"bidder": rank, "role": "line"},
            hovertemplate=f"<b>{side}</b> %{{y:.1%}}<extra></extra>",
        )
    if hourly:
        figure.update_xaxes(title_text="hour", range=[0, 24], tickvals=list(range(0, 25, 4)))
    else:
        figure.update_xaxes(title_text="tick", tickvals=table["at"].to_list())
    figure.update_yaxes(rangemode="tozero", tickformat=".0%")
    name_y(figure, "share of impressions")
    return figure
