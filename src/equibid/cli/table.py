"""Tables in the terminal, the ranked one first of all."""

import polars as pl
from rich.console import Console
from rich.table import Table

from equibid.evaluation.metrics import Metric
from equibid.evaluation.ranking import Ranking

# Columns of the terminal: a title and decimals that fit 80 characters.
SHOWN = {
    "conversions": ("counted", 1),
    "budget_use": ("budget", 1),
    "win_rate": ("wins", 1),
    "cpm": ("CPM", 1),
    "cpa": ("CPA", 1),
    "exploitability": ("exploit", 2),
}


def plain_table(title: str, caption: str | None = None) -> Table:
    """An empty table without lines, titled above and explained below."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        caption=caption,
        caption_justify="left",
    )


def print_ranking(console: Console, ranking: Ranking, market: str) -> None:
    """Print bidders in rank order with 95 % intervals."""
    what = "expected value" if ranking.score == "value" else "counted value"
    units = {metric.column: metric.unit for metric in ranking.metrics}
    table = plain_table(
        f"{market}: {what} bought, relative to the mean of all contenders",
        "± half of the 95 % interval; * a reference, not a contender; counted: "
        f"{units['conversions']}; budget: share spent; wins: share of bids; "
        f"CPM: {units['cpm']}; CPA: {units['cpa']}",
    )
    metrics = [metric for metric in ranking.metrics if metric.column in SHOWN]
    table.add_column("", justify="right", style="dim")
    table.add_column("bidder", style="cyan", no_wrap=True)
    table.add_column("score ± 95 %", justify="right", no_wrap=True)
    for metric in metrics:
        table.add_column(SHOWN[metric.column][0], justify="right", no_wrap=True)
    place = 0
    for row in ranking.table.iter_rows(named=True):
        place += not row["reference"]
        table.add_row(
            "*" if row["reference"] else str(place),
            row["bidder"],
            _with_reach(row["score"], row["score_high"], 3),
            *(_number(row[metric.column], metric) for metric in metrics),
            style="dim" if row["reference"] else "",
        )
    console.print(table)


def print_head_to_head(console: Console, shares: pl.DataFrame) -> None:
    """Print who loses when the others deviate: rows are bidders, columns whom they meet."""
    table = plain_table("value bought against each other, relative to a market of its own kind")
    names = shares["bidder"].unique(maintain_order=True).to_list()
    table.add_column("bidder", style="cyan", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    cells = {(row["bidder"], row["against"]): row["share"] for row in shares.iter_rows(named=True)}
    for name in names:
        shares_of = (cells[name, other] for other in names)
        table.add_row(name, *("–" if share is None else f"{share:.3f}" for share in shares_of))
    console.print(table)


def _number(value: float | None, metric: Metric) -> str:
    if value is None:
        return "–"
    sign = "%" if metric.unit == "%" else ""
    return f"{value:,.{SHOWN[metric.column][1]}f}{sign}"


def _with_reach(value: float | None, high: float | None, digits: int) -> str:
    if value is None:
        return "–"
    reach = "" if high is None else f" ± {high - value:.{digits}f}"
    return f"{value:.{digits}f}{reach}"
