"""A metric of several comparisons: a row a bidder, a dot a run."""

from collections.abc import Sequence

from equibid.evaluation.metrics import Metric
from equibid.reports.charts.chart import Chart, Marks, fitted, rows
from equibid.reports.html.numbers import known, number
from equibid.reports.html.palette import Mark
from equibid.runs.diff_runs import PastComparison

SCORE = Metric(
    "score",
    "Score",
    "× mean of the run",
    "higher",
    3,
    "Value bought, relative to the mean of the contenders of the same run.",
    lambda sums: sums["score"],
)


def bidders_of(runs: Sequence[PastComparison]) -> list[str]:
    """All bidders, in the order of the first run they are in."""
    return list(dict.fromkeys(name for run in runs for name in run.result.ranking["bidder"]))


def metric_chart(runs: Sequence[PastComparison], metric: Metric, looks: Sequence[Mark]) -> Chart:
    """A row a bidder, a dot a run."""
    names, digits = bidders_of(runs), metric.digits
    chart = rows(names)
    seen: list[float | None] = []
    # Dots of one bidder lie a little apart, so that intervals do not cover each other.
    for place, (run, look) in enumerate(zip(runs, looks, strict=True)):
        shift = 0.5 * ((place + 0.5) / len(runs) - 0.5)
        ranked = {row["bidder"]: row for row in run.result.ranking.iter_rows(named=True)}
        mine = [(i, ranked[n]) for i, n in enumerate(names) if n in ranked]
        mine = [(i, row) for i, row in mine if known(row[metric.column])]
        x, low, high = (
            [row[metric.column + end] for _, row in mine] for end in ("", "_low", "_high")
        )
        seen += [*x, *low, *high]
        chart.add(
            Marks(
                x=x,
                y=[i + shift for i, _ in mine],
                low=low,
                high=high,
                colour=look.colour,
                symbol=look.symbol,
                size=8,
                name=run.name,
                told=[
                    f"{run.name}\n{row['bidder']}: {number(one, digits)}{between(a, b, digits)}"
                    for (_, row), one, a, b in zip(mine, x, low, high, strict=True)
                ],
                rank=place,
            )
        )
    chart.x = fitted(seen)
    chart.x.title = metric.unit
    return chart


def between(low: float | None, high: float | None, digits: int) -> str:
    """An interval in words, if there is one."""
    if not known(low) or not known(high):
        return ""
    return f" ({number(low, digits)} to {number(high, digits)})"
