"""``equibid fit``: a generated market whose days are like a log."""

from pathlib import Path

import polars as pl
import tyro
from rich.console import Console

from equibid.cli.console import plain_console, plain_table, print_place
from equibid.cli.progress import progress
from equibid.reports import write_report
from equibid.reports.fitting.page import columns, short
from equibid.runs import fit as fitting
from equibid.runs.fit import FitConfig
from equibid.runs.fitted import Fitted

# Quantiles in the terminal, of those of the report.
SHOWN = ((0, "5 %"), (2, "50 %"), (4, "95 %"))


def fit(settings: tyro.conf.OmitArgPrefixes[FitConfig]) -> Path:
    """Fit a generated market to a log, and show how like it is.

    Example: equibid fit logs/auctionnet.csv --out runs/fit-auctionnet

    Example: equibid compare runs/fit-auctionnet/market.toml --bidders lin,pacing
    """
    console = plain_console()
    with progress(console) as bar:
        made = fitting.fit(settings, bar)
    reports = [write_report(market.path.parent) for market in made.markets]
    for market in made.markets:
        show(console, market.found, market.name, market.path)
    print_place(console, made.seconds, made.folder, reports[0])
    return made.folder


def show(console: Console, found: Fitted, log: str, path: Path) -> None:
    """Print the log and the generated day side by side."""
    table = plain_table(
        f"{log} and a day of {path}",
        f"quantiles; money in {found.currency}; distance: Kolmogorov-Smirnov, of traffic total "
        "variation, of single numbers their (relative) difference; chance: distance of two "
        "generated markets",
    )
    table.add_column("")
    table.add_column("", style="dim", no_wrap=True)
    for _, title in SHOWN:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("distance", justify="right", no_wrap=True)
    table.add_column("chance", justify="right", no_wrap=True)
    for row in found.distances.to_dicts():
        pairs = columns(found.quantiles.filter(pl.col("measure") == row["measure"]), row["kind"])
        first, second = ([short(pairs[at][side]) for at, _ in SHOWN] for side in (0, 1))
        chance = "–" if row["chance"] is None else f"{row['chance']:.3f}"
        table.add_row(row["title"], "log", *first, f"{row['distance']:.3f}", chance)
        table.add_row("", "generated", *second)
    console.print(table)
    if found.fit.kept:
        kept = ", ".join(found.fit.kept)
        console.print(f"the log cannot tell, so defaults are kept: {kept}")
    for said in found.fit.notes:
        console.print(said, style="yellow")
