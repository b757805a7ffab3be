"""``equibid fit``: a generated market whose days are like a log."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import tyro
from rich.console import Console

import equibid
from equibid.auctions.clearing import Auction
from equibid.auctions.registry import auction_named
from equibid.cli.console import plain_console, plain_table
from equibid.cli.progress import progress
from equibid.errors import InputError
from equibid.files import file_name
from equibid.logs import LogDataset
from equibid.markets.toml import auction_text
from equibid.reports import write_report
from equibid.reports.fitting.page import columns, short
from equibid.runs.fitted import Fitted, fitted, write_fitted
from equibid.runs.folder import open_run
from equibid.runs.market import MarketChoice, datasets_of, default_auction, digest
from equibid.runs.options import check_numbers
from equibid.runs.places import asked_of, place_for

# Quantiles in the terminal, of those of the report.
SHOWN = ((0, "5 %"), (2, "50 %"), (4, "95 %"))


@dataclass(frozen=True)
class Settings:
    """Which log, and how to read it."""

    log: Annotated[str, tyro.conf.Positional]
    """The path of a log or a folder of logs."""

    auction: str | None = None
    """Pricing rule, with settings as in gsp:reserve=0.01; default gsp, or second-price against a
    logged market price."""

    day_ticks: int | None = None
    """Ticks of a day, the log's first at midnight: 24 for a log of hours. By default the log is one
    day, whatever it holds."""

    others: int = 3
    """Further generated markets, to know what is chance."""

    budget_share: float | None = None
    """Budget of a campaign log: this share of what all its impressions cost (c0); default the
    log's own budget, or 0.125."""

    budget: float | None = None
    """Budget of each advertiser of a log for a delivery period, in the log's currency."""

    format: str | None = None
    """Format of the log, if it is not recognised (see `equibid list`)."""

    out: Path | None = None
    """Run folder; default runs/fit-LOG, or one beside it where that holds a run with other
    settings. Each campaign of a log of several has a folder in it."""

    force: bool = False
    """Replace the run that is in the folder."""


def fit(settings: tyro.conf.OmitArgPrefixes[Settings]) -> Path:
    """Fit a generated market to a log, and show how like it is.

    Example: equibid fit logs/auctionnet.csv --out runs/fit-auctionnet

    Example: equibid compare runs/fit-auctionnet/market.toml --bidders lin,pacing
    """
    first, *others = (path.parent for path in run_fit(settings))
    return first.parent if others else first


def run_fit(settings: Settings) -> list[Path]:
    """Carry out the fits; gives the paths of the settings that were written."""
    check_numbers(settings)
    console = plain_console()
    choice = MarketChoice(
        settings.log,
        format=settings.format,
        budget_share=settings.budget_share,
        budget=settings.budget,
    )
    if choice.generated:
        raise InputError(f"{settings.log} is a generated market already; name a log to fit one to")
    folder = settings.out
    started = time.perf_counter()
    written = []
    with progress(console) as bar:
        task = bar.add_task("reading", total=None)
        datasets = datasets_of(choice)
        bar.update(task, total=len(datasets))
        for dataset in datasets:

            def told(what: str, name: str = dataset.name) -> None:
                bar.update(task, description=f"{name}: {what}")

            inner = file_name(dataset.name) if len(datasets) > 1 else ""
            auction = auction_named(settings.auction or default_auction(dataset.test))
            config = resolved(settings, dataset, auction)
            folder = folder or place_for(Path("runs") / f"fit-{choice.stem}", config, inner)
            run = open_run(folder / inner, config, settings.force)
            name = f"{dataset.name}-fitted"
            found = fitted(dataset, auction, name, settings.day_ticks, settings.others, told)
            written.append(write_fitted(run, found, auction, dataset.name))
            write_report(run.folder)
            show(console, found, dataset.name, written[-1])
            bar.advance(task)
    elapsed = time.perf_counter() - started
    console.print(
        f"{elapsed:.0f} s; tables in {folder}, open {written[0].parent / 'report.html'} in a "
        "browser",
        style="dim",
    )
    return written


def resolved(settings: Settings, dataset: LogDataset, auction: Auction) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    return (
        {"command": "fit", "version": equibid.__version__}
        | asked_of(settings)
        | {
            "log": Path(settings.log).name,
            "dataset": dataset.name,
            "log_digest": digest((dataset.train, dataset.test)),
            "auction": auction_text(auction),
        }
    )


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
