"""The charts of a training run's report: tables in, figures out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from equibid.evaluation.insight import Boldness, Specialisation
from equibid.reports.html.frame import blank, name_y, plain
from equibid.reports.html.palette import COLOURS, GREY, faint

NOBODY = -1
HEIGHT = 380
# A diverging scale around the day before's factor: below it, at it, above it.
BELOW_ABOVE = [[0.0, COLOURS[0]], [0.5, faint(GREY, 0.25)], [1.0, COLOURS[1]]]
SHARES = [[0.0, faint(COLOURS[0], 0.0)], [1.0, COLOURS[0]]]


@dataclass(frozen=True)
class LearningTables:
    """A training run, as its report shows it.

    Attributes:
        config: how the run was made, resolved.
        algorithm: its name.
        metrics: a row a `step` and `seed`, a column a metric.
        judgements: a row a `step` and `seed`: what held-out periods gave.
        judged_by: the column of `judgements` that counts.
        marks: what other bidders reach by the same judge, by name.
        names: of the advertisers.
        category: [N] of them.
        specialisation: by name of the bidder, the learned one first.
        boldness: of the learned bidder.
        attention: pairs of (overlap, attention), if the algorithm attends.
        value_unit: what one unit of value is.
    """

    config: Mapping[str, Any]
    algorithm: str
    metrics: pl.DataFrame
    judgements: pl.DataFrame
    eval_metric: str
    marks: Mapping[str, float]
    names: tuple[str, ...]
    category: np.ndarray
    specialisation: Mapping[str, Specialisation]
    boldness: Boldness
    attention: np.ndarray | None = None
    value_unit: str = "conversion"


def learning_chart(tables: LearningTables) -> go.Figure:
    """What held-out periods gave, step by step, beside what others reach."""
    figure = blank(HEIGHT, right=120)
    for rank, (seed,) in enumerate(tables.judgements.select("seed").unique().sort("seed").rows()):
        mine = tables.judgements.filter(seed=seed)
        figure.add_scatter(
            x=mine["step"],
            y=mine[tables.eval_metric],
            mode="lines+markers",
            line={"color": COLOURS[rank % len(COLOURS)], "width": 2},
            name=f"seed {seed}",
            meta={"bidder": rank, "role": "line"},
            hovertemplate=f"<b>seed {seed}</b> step %{{x}}: %{{y:.4g}}<extra></extra>",
        )
    for name, height in tables.marks.items():
        figure.add_hline(
            y=height,
            line={"color": GREY, "width": 1.5, "dash": "dot"},
            annotation={"text": plain(name), "x": 1, "xanchor": "left", "font_size": 12},
        )
    figure.update_xaxes(title_text="step")
    name_y(figure, f"{tables.eval_metric} of a held-out period, {tables.value_unit}s")
    return figure


def attention_chart(tables: LearningTables) -> go.Figure:
    """Every pair of agents: attention against overlap of targeting, with means by tenth."""
    assert tables.attention is not None
    overlap, weight = tables.attention.T
    figure = blank(HEIGHT)
    shown = np.linspace(0, len(overlap) - 1, min(len(overlap), 4000)).astype(int)
    figure.add_scattergl(
        x=overlap[shown],
        y=weight[shown],
        mode="markers",
        marker={"color": faint(COLOURS[0], 0.35), "size": 4},
        meta={"bidder": NOBODY, "role": "mark"},
        hovertemplate="overlap %{x:.2f}, attention %{y:.3f}<extra></extra>",
    )
    edges = np.unique(np.quantile(overlap, np.linspace(0, 1, 11)))
    if len(edges) > 2:
        tenth = np.clip(np.searchsorted(edges, overlap, side="right") - 1, 0, len(edges) - 2)
        count = np.maximum(np.bincount(tenth, minlength=len(edges) - 1), 1)
        means = [np.bincount(tenth, x, len(edges) - 1) / count for x in (overlap, weight)]
        figure.add_scatter(
            x=means[0],
            y=means[1],
            mode="lines+markers",
            line={"color": COLOURS[1], "width": 3},
            meta={"bidder": NOBODY, "role": "line"},
            hovertemplate="mean of a tenth of the pairs: %{y:.3f}<extra></extra>",
        )
    figure.update_xaxes(title_text="overlap of targeting (cosine of values)")
    figure.update_yaxes(rangemode="tozero")
    name_y(figure, "mean attention")
    return figure


def specialisation_chart(tables: LearningTables) -> go.Figure:
    """Who wins what, as shares of each advertiser's wins."""
    found = next(iter(tables.specialisation.values()))
    order = np.argsort(tables.category, kind="stable")
    wins = found.wins[order]
    share = wins / np.maximum(wins.sum(axis=1, keepdims=True), 1e-300)
    names = [plain(tables.names[i]) for i in order]
    figure = blank(min(max(300, 18 * len(names)), 900), left=64)
    figure.add_heatmap(
        z=share,
        x=[f"type {g}" for g in range(share.shape[1])],
        y=names,
        colorscale=SHARES,
        zmin=0,
        showscale=False,
        meta={"bidder": NOBODY, "role": "mark"},
        hovertemplate="advertiser %{y}, %{x}: %{z:.0%} of its wins<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", type="category", nticks=min(len(names), 40))
    figure.update_xaxes(title_text="category that values them most")
    name_y(figure, "advertisers, by category")
    return figure


def boldness_chart(tables: LearningTables) -> go.Figure:
    """Factors against the day before's, by time of day and money left."""
    level = tables.boldness.level
    rows, columns = level.shape
    figure = blank(300, left=78)
    figure.add_heatmap(
        z=level,
        x=[f"{column / columns:.0%}" for column in range(columns)],
        y=[f"{row / rows:.0%}–{(row + 1) / rows:.0%}" for row in range(rows)],
        colorscale=BELOW_ABOVE,
        zmid=0,
        zmin=-2,
        zmax=2,
        customdata=tables.boldness.weight,
        colorbar={"title": {"text": "log2"}, "thickness": 10, "outlinewidth": 0},
        meta={"bidder": NOBODY, "role": "mark"},
        hovertemplate=(
            "from %{x} of the day, %{y} of the money left: %{z:+.2f} "
            "(%{customdata:.0f} advertiser-ticks)<extra></extra>"
        ),
    )
    figure.update_xaxes(title_text="time of day", type="category", nticks=6, showgrid=False)
    figure.update_yaxes(showgrid=False)
    name_y(figure, "money left")
    return figure
