"""What all charts share: an empty figure, axes, short names.

The page recolours text for light and dark and fades bidders that are not chosen, so figures leave
text colours alone, and every trace says in `meta` which bidder (its rank, -1 for none) it draws
and as what: a mark, line, band, label or guide.
"""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from equibid.reports.html.palette import GREY, faint

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
GRID = faint(GREY, 0.18)
TOP, BOTTOM = 30, 42
# A row of a chart with one row a bidder or advertiser, pixels.
ROW = 26


def blank(height: int, left: int = 44, right: int = 18) -> go.Figure:
    """An empty chart: no legend, no zoom (a finger must scroll the page), transparent."""
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": left, "r": right, "t": TOP, "b": BOTTOM},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13},
        hoverlabel={"align": "left", "font": {"family": FONT, "size": 13}},
    )
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, gridcolor=GRID, zeroline=False, ticks="", title_font_size=13)
    return figure


def rows(names: Sequence[str]) -> go.Figure:
    """A chart of one named row each, the first on top, numbers to the right."""
    figure = blank(ROW * len(names) + TOP + BOTTOM, left=8)
    figure.update_layout(margin_t=8)
    name_rows(figure, names)
    figure.update_xaxes(nticks=6)
    return figure


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Name the rows of a chart, the first on top."""
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[plain(short(name, 22)) for name in names],
        range=[len(names) - 0.5, -0.5],
        ticklabelstandoff=8,
        automargin=True,
    )


def name_y(figure: go.Figure, title: str) -> None:
    """Name the y axis where it is read without turning the head: above it."""
    figure.add_annotation(
        text=plain(title),
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        xshift=-45,
        yshift=8,
        showarrow=False,
        font_size=13,
    )


def plain(text: str) -> str:
    """Text that Plotly shows as it is, free of its tags, entities and templates."""
    return escape(text).replace("%{", "%&#123;")


def short(name: str, length: int) -> str:
    """A name that fits."""
    return name if len(name) <= length else name[: length - 1] + "…"
