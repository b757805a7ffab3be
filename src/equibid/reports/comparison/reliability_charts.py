"""How often a bidder scores how much: performance profiles."""

import plotly.graph_objects as go
import polars as pl

from equibid.reports.comparison.curves import FEW
from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.frame import blank, name_y, plain
from equibid.reports.html.palette import faint, marks

HEIGHT = 390


def profile_chart(tables: RunTables) -> go.Figure:
    """Share of replicates above each score; a line further right is better."""
    assert tables.profile is not None
    figure = blank(HEIGHT)
    looks = marks(tables)
    for rank, name in enumerate(tables.bidders):
        one = tables.profile.filter(pl.col("bidder") == name)
        if one.is_empty():
            continue
        look, x = looks[name], one["threshold"].to_list()
        ends = one.drop_nulls(["low", "high"])
        if ends.height:
            at = ends["threshold"].to_list()
            figure.add_scatter(
                x=at + at[::-1],
                y=ends["high"].to_list() + ends["low"].to_list()[::-1],
                fill="toself",
                fillcolor=faint(look.colour, 0.2),
                mode="none",
                visible=len(looks) <= FEW,
                meta={"bidder": rank, "role": "band"},
                name=plain(name),
                hoverinfo="skip",
            )
        figure.add_scatter(
            x=x,
            y=one["share"].to_list(),
            mode="lines",
            line={"color": look.colour, "dash": look.dash, "width": 2.25, "shape": "hv"},
            meta={"bidder": rank, "role": "line"},
            name=plain(name),
            hovertemplate=(
                f"<b>{plain(name)}</b> scores more than %{{x:.3f}}<br>on %{{y:.0%}} of the "
                "replicates<extra></extra>"
            ),
        )
    figure.update_xaxes(title_text=plain(f"score, {tables.score_unit}".strip(", ")))
    figure.update_yaxes(range=[0, 1.03], tickformat=".0%")
    name_y(figure, "replicates that score more")
    return figure
