"""Tables in the terminal, the ranked one first of all."""

import math

import polars as pl
from rich.console import Console
from rich.text import Text

from equibid.cli.console import plain_table
from equibid.evaluation.metrics import Metric
from equibid.evaluation.ranking import Ranking, places
from equibid.reports.comparison.verdict import Verdict
from equibid.reports.html.numbers import decimals, number

# Decimals of a score.
DIGITS = 3
# Columns of the terminal: a title and decimals that fit 80 characters.
SHOWN = {
    "conversions": ("counted", 1),
    "budget_use": ("budget", 1),
    "win_rate": ("wins", 1),
    "cpm": ("CPM", 1),
    "cpa": ("CPA", 1),
    "exploitability": ("exploit", 2),
}


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
    order = places(ranking.table)
    if any(place.endswith("=") for place in order):
        table.caption = f"{table.caption}; = tied"
    for place, row in zip(order, ranking.table.iter_rows(named=True), strict=True):
        table.add_row(
            place or "*",
            row["bidder"],
            _with_reach(row["score"], row["score_low"], row["score_high"]),
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


def print_verdict(console: Console, said: Verdict) -> None:
    """Print who leads and how sure that is, as the report says it."""
    console.print(Text(f"{said.headline}.", style="bold"))
    console.print(Text(said.detail))


def _number(value: float | None, metric: Metric) -> str:
    sign = "%" if metric.unit == "%" and value is not None else ""
    return f"{number(value, SHOWN[metric.column][1])}{sign}"


def _with_reach(value: float | None, low: float | None, high: float | None) -> str:
    """A score with half of its interval, or with its ends where these are not even."""
    text = number(value, DIGITS)
    if value is None or low is None or high is None:
        return text
    if math.isclose(value - low, high - value, rel_tol=1e-6, abs_tol=1e-12):
        return f"{text} ± {high - value:.{decimals(value, DIGITS)}f}"
    return f"{text} ({number(low, DIGITS)} to {number(high, DIGITS)})"
