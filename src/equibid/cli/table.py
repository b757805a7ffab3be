"""The ranked table in the terminal."""

import math

from rich.console import Console
from rich.table import Table

from equibid.evaluation.ranking import Ranking

SHOWN = ("conversions", "spend", "budget_use", "win_rate", "cpm", "cpa")


def print_ranking(console: Console, ranking: Ranking, market: str) -> None:
    """Print bidders in rank order with 95 % intervals."""
    what = "expected value" if ranking.score == "value" else "counted value"
    table = Table(
        title=f"{market}: {what} bought, relative to the mean of all contenders",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        caption="± half of the 95 % interval; a reference (*) is a bound, not a contender",
        caption_justify="left",
    )
    metrics = [metric for metric in ranking.metrics if metric.column in SHOWN]
    table.add_column("", justify="right", style="dim")
    table.add_column("bidder", style="cyan", no_wrap=True)
    table.add_column("score ± 95 %", justify="right", no_wrap=True)
    for metric in metrics:
        table.add_column(f"{metric.title}\n[dim]{metric.unit}[/dim]", justify="right")
    place = 0
    for row in ranking.table.iter_rows(named=True):
        place += not row["reference"]
        table.add_row(
            "*" if row["reference"] else str(place),
            row["bidder"],
            _with_reach(row["score"], row["score_high"], 3),
            *(_number(row[metric.column], metric.digits) for metric in metrics),
            style="dim" if row["reference"] else "",
        )
    console.print(table)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def _with_reach(value: float | None, high: float | None, digits: int) -> str:
    if value is None:
        return "–"
    reach = "" if high is None else f" ± {high - value:.{digits}f}"
    return f"{value:.{digits}f}{reach}"
