"""Generated markets whose days are like a log."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import tyro

import equibid
from equibid.auctions.clearing import Auction
from equibid.auctions.registry import auction_named
from equibid.errors import InputError
from equibid.files import file_name
from equibid.logs import LogDataset
from equibid.markets.toml import auction_text
from equibid.runs.fitted import Fitted, fitted, write_fitted
from equibid.runs.folder import open_run
from equibid.runs.market import MarketChoice, datasets_of, default_auction, digest
from equibid.runs.options import check_numbers
from equibid.runs.places import asked_of, place_for
from equibid.runs.progress import SILENT, Progress


@dataclass(frozen=True)
class FitConfig:
    """Which log, and how to read it."""

    log: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="LOG")]
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


class FittedMarket(NamedTuple):
    """A market fitted to a dataset.

    Attributes:
        name: of the dataset.
        path: of the market's settings, in its run folder.
        found: the market, and how like the log it is.
    """

    name: str
    path: Path
    found: Fitted


@dataclass(frozen=True)
class FittedLog:
    """The markets fitted to a log.

    Attributes:
        folder: of the run, or with a folder a campaign where the log has several.
        markets: one a dataset.
        seconds: that it took.
    """

    folder: Path
    markets: list[FittedMarket]
    seconds: float


def fit(asked: FitConfig, progress: Progress = SILENT) -> FittedLog:
    """Fit a generated market to each dataset of a log, and write it with how like it is.

    Args:
        asked: which log, how to read it, and where to.
        progress: told how far it has come.

    Raises:
        InputError: something that is asked for is not there or does not go together, or the folder
            holds another run.
    """
    check_numbers(asked)
    choice = MarketChoice(
        asked.log, format=asked.format, budget_share=asked.budget_share, budget=asked.budget
    )
    if choice.generated:
        raise InputError(f"{asked.log} is a generated market already; name a log to fit one to")
    folder = asked.out
    started = time.perf_counter()
    markets: list[FittedMarket] = []
    task = progress.add_task("reading", total=None)
    datasets = datasets_of(choice)
    progress.update(task, total=len(datasets))
    for dataset in datasets:

        def told(what: str, name: str = dataset.name) -> None:
            progress.update(task, description=f"{name}: {what}")

        inner = file_name(dataset.name) if len(datasets) > 1 else ""
        auction = auction_named(asked.auction or default_auction(dataset.test))
        config = _resolved(asked, dataset, auction)
        folder = folder or place_for(Path("runs") / f"fit-{choice.stem}", config, inner)
        run = open_run(folder / inner, config, asked.force)
        name = f"{dataset.name}-fitted"
        found = fitted(dataset, auction, name, asked.day_ticks, asked.others, told)
        path = write_fitted(run, found, auction, dataset.name)
        markets.append(FittedMarket(dataset.name, path, found))
        progress.advance(task)
    assert folder is not None
    return FittedLog(folder, markets, time.perf_counter() - started)


def _resolved(asked: FitConfig, dataset: LogDataset, auction: Auction) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    return (
        {"command": "fit", "version": equibid.__version__}
        | asked_of(asked)
        | {
            "log": Path(asked.log).name,
            "dataset": dataset.name,
            "log_digest": digest((dataset.train, dataset.test)),
            "auction": auction_text(auction),
        }
    )
