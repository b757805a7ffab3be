"""A metric of several comparisons: a row a bidder, a dot a run."""

from collections.abc import Sequence

import plotly.graph_objects as go

from equibid.evaluation.metrics import Metric
from equibid.reports.comparison.tables import known, number
from equibid.reports.html.frame import plain, rows
from equibid.reports.html.palette import Mark
from equibid.runs.across import Past

SCORE = Metric(
    "score",
    "Score",
    "× mean of the run",
    "higher",
    3,
    "Value bought, relative to the mean of the contenders of the same run.",
    lambda sums: sums["score"],
)


def bidders_of(runs: Sequence[Past]) -> list[str]:
    """All bidders, in the order of the first run they are in."""
    return list(dict.fromkeys(name for run in runs for name in run.findings.ranking["bidder"]))


def metric_chart(runs: Sequence[Past], metric: Metric, looks: Sequence[Mark]) -> go.Figure:
    """A row a bidder, a dot a run."""
    names = bidders_of(runs)
    chart = rows(names)
    # Dots of one bidder lie a little apart, so that intervals do not cover each other.
    for place, (run, look) in enumerate(zip(runs, looks, strict=True)):
        shift = 0.5 * ((place + 0.5) / len(runs) - 0.5)
        ranked = {row["bidder"]: row for row in run.findings.ranking.iter_rows(named=True)}
        mine = [(i, ranked[n]) for i, n in enumerate(names) if n in ranked]
        mine = [(i, row) for i, row in mine if known(row[metric.column])]
        values = [row[metric.column] for _, row in mine]
        ends = [(row[f"{metric.column}_low"], row[f"{metric.column}_high"]) for _, row in mine]
        # Where there is no interval the line has no length, and nothing is said of it.
        there = [known(a) and known(b) for a, b in ends]
        reach = [
            (b - x, x - a) if has else (0.0, 0.0)
            for x, (a, b), has in zip(values, ends, there, strict=True)
        ]
        digits = metric.digits
        between = [
            f" ({number(a, digits)} to {number(b, digits)})" if has else ""
            for (a, b), has in zip(ends, there, strict=True)
        ]
        chart.add_scatter(
            x=values,
            y=[i + shift for i, _ in mine],
            error_x={
                "symmetric": False,
                "array": [up for up, _ in reach],
                "arrayminus": [down for _, down in reach],
                "thickness": 2,
                "width": 0,
                "color": look.colour,
            },
            mode="markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": 8},
            meta={"bidder": place, "role": "mark"},
            name=plain(run.name),
            text=[
                f"<b>{plain(run.name)}</b> {plain(row['bidder'])}<br>{number(x, digits)}{said}"
                for (_, row), x, said in zip(mine, values, between, strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    chart.update_xaxes(title_text=plain(metric.unit))
    return chart
