"""``equibid frontier``: the most of an objective at each gain that advertisers may leave."""

from pathlib import Path

import tyro
from rich.console import Console

from equibid.cli.certificates import heading, large, small
from equibid.cli.console import plain_console, plain_table, print_place
from equibid.cli.progress import progress
from equibid.reports import write_report
from equibid.runs.frontier import FrontierConfig, Traced, trace
from equibid.runs.market import MarketChoice


def frontier(
    choice: tyro.conf.OmitArgPrefixes[MarketChoice],
    settings: tyro.conf.OmitArgPrefixes[FrontierConfig],
) -> Path:
    """Find the most welfare of a market at each gain that advertisers may leave.

    Profiles of factors within budgets are searched, from which no advertiser gains more than a
    share of welfare by another factor: followed up from an equilibrium, and down from low factors.

    Example: equibid frontier demo --impressions 2000 --epsilon 0,0.01,0.05
    """
    console = plain_console()
    with progress(console) as bar:
        traced = trace(choice, settings, bar)
    report = write_report(traced.run.folder)
    show(console, traced, settings.objective)
    for sentence in traced.run.reuse():
        console.print(sentence)
    print_place(console, traced.seconds, report.parent, report)
    return report.parent


def show(console: Console, traced: Traced, objective: str) -> None:
    """Print a row an allowed gain."""
    console.print(heading(traced.results[0]))
    console.print()
    table = plain_table(f"{traced.market}: the most {objective}")
    for title in ("gain left", "welfare", "revenue", "largest gain", "any bids", "overspend"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("found", overflow="fold")
    for row in traced.table.to_dicts():
        table.add_row(
            f"{row['epsilon']:g}",
            large(row["welfare"]),
            large(row["revenue"]),
            *(small(row[name]) for name in ("gain", "gain_bound", "overspend")),
            row["found"],
        )
    console.print(table)
    console.print("Gains are shares of welfare, overspending one of a budget.", style="dim")
