"""The functions, each the command of its name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl

from equibid.api.results import (
    Certificates,
    Compared,
    Exploited,
    Fitted,
    Frontier,
    Imported,
    Solved,
    Trained,
)
from equibid.errors import InputError, near
from equibid.reports.report import write_report
from equibid.runs import certify as certifying
from equibid.runs import compare as comparing
from equibid.runs import exploit as exploiting
from equibid.runs import fit as fitting
from equibid.runs import frontier as tracing
from equibid.runs import import_log as importing
from equibid.runs import solve as solving
from equibid.runs import train as training
from equibid.runs.certify import CertifyConfig
from equibid.runs.compare import CompareConfig
from equibid.runs.exploit import ExploitOptions
from equibid.runs.fit import FitConfig
from equibid.runs.frontier import FrontierConfig
from equibid.runs.import_log import ImportConfig
from equibid.runs.market import MarketChoice
from equibid.runs.solve import SolveConfig
from equibid.runs.train import TrainRuns
from equibid.runs.training import TrainConfig
from equibid.settings import as_text

# Options that are paths.
PATHS = ("out", "columns")
Words = Mapping[str, Any]


def compare(
    market: str | Path, bidders: Sequence[str] | str | None = None, **options: Any
) -> Compared:
    """Rank bidders on a market, as ``equibid compare`` does.

    A comparison that was made before is read again, piece by piece.

    Args:
        market: the name of a generated market, or the path of its settings, of a log or of a
            folder of logs.
        bidders: by name with their settings, or folders of training runs; default the classic ones.
        options: of the command: ``seeds=5``, ``auction="gsp:reserve=0.01"``, ``seating="pairs"``,
            ``out="runs/mine"``; see ``equibid compare --help``.

    Raises:
        InputError: there is no such market, bidder or option, or they do not go together.
    """
    if bidders is not None:
        options["bidders"] = bidders if isinstance(bidders, str) else ",".join(bidders)
    (settings,) = _sorted("compare", {"market": str(market)} | options, CompareConfig)
    made = comparing.compare(CompareConfig(**settings))
    write_report(made.run.folder)
    return Compared(made.run.folder)


def solve(market: str | Path, **options: Any) -> Solved:
    """Find an equilibrium of a market with its certificate, as ``equibid solve`` does.

    A search that was stopped goes on from where it was.

    Args:
        market: as `compare` takes it; each campaign of a log is a market of its own.
        options: of the command: ``method="tatonnement"``, ``starts=20``, ``out="runs/mine"``; see
            ``equibid solve --help``.

    Raises:
        InputError: there is no such market, method or option, or they do not go together.
    """
    choice, settings = _sorted(
        "solve", {"market": str(market)} | options, MarketChoice, SolveConfig
    )
    made = solving.solve(MarketChoice(**choice), SolveConfig(**settings))
    write_report(made.run.folder)
    return Solved(made.run.folder)


def frontier(
    market: str | Path, epsilon: Sequence[float] | str | None = None, **options: Any
) -> Frontier:
    """Find the most of an objective at each gain left, as ``equibid frontier`` does.

    A run that was stopped goes on from where it was.

    Args:
        market: the name of a generated market, or the path of its settings.
        epsilon: gains that an advertiser may leave, shares of welfare.
        options: of the command: ``objective="revenue"``, ``out="runs/mine"``; see
            ``equibid frontier --help``.

    Raises:
        InputError: there is no such market or option, or they do not go together.
    """
    if epsilon is not None:
        text = epsilon if isinstance(epsilon, str) else ",".join(map(str, epsilon))
        options["epsilon"] = text
    choice, settings = _sorted(
        "frontier", {"market": str(market)} | options, MarketChoice, FrontierConfig
    )
    made = tracing.trace(MarketChoice(**choice), FrontierConfig(**settings))
    write_report(made.run.folder)
    return Frontier(made.run.folder)


def certify(market: str | Path, factors: str | Path, **options: Any) -> Certificates:
    """Prove how much any advertiser could gain by leaving factors, as ``equibid certify`` does.

    The pure function behind it is `equibid.equilibrium.certify`.

    Args:
        market: as `compare` takes it; each campaign of a log is a market of its own.
        factors: a file of factors (CSV or Parquet), the folder of a solved run, or a bidder by
            name.
        options: of the command: ``days=10``, ``tolerance=1e-3``, ``out="runs/mine"``; see
            ``equibid certify --help``.

    Raises:
        InputError: there is no such market, file, bidder or option, or they do not go together.
    """
    words = {"market": str(market), "factors": str(factors)} | options
    if isinstance(words.get("days"), int):
        words["days"] = str(words["days"])
    choice, settings = _sorted("certify", words, MarketChoice, CertifyConfig)
    made = certifying.certify(MarketChoice(**choice), CertifyConfig(**settings))
    write_report(made.run.folder)
    return Certificates(made.run.folder)


def exploit(
    market: str | Path, bidder: str | Path, settings: Words | None = None, **options: Any
) -> Exploited:
    """Find how much leaving a bidder that all use gains, as ``equibid exploit`` does.

    A search that was stopped goes on from where it was.

    Args:
        market: the name of a generated market, or the path of its settings.
        bidder: by name with its settings, or the folder of a training run.
        settings: of the search, as ``{"steps": 100}``.
        options: of the command: ``all_seeds=True``, ``tolerance=1e-3``, ``out="runs/mine"``; see
            ``equibid exploit --help``.

    Raises:
        InputError: there is no such market, bidder, setting or option, or they do not go together.
    """
    said = _assignments(settings)
    words = {"market": str(market), "bidder": str(bidder), "set": said} | options
    choice, asked = _sorted("exploit", words, MarketChoice, ExploitOptions)
    made = exploiting.exploit(MarketChoice(**choice), ExploitOptions(**asked))
    write_report(made.run.folder)
    return Exploited(made.run.folder)


def train(
    market: str | Path, algorithm: str, settings: Words | None = None, **options: Any
) -> Trained:
    """Let an algorithm learn to bid on a market, as ``equibid train`` does.

    Runs that were stopped go on from their last checkpoint, to the same bits.

    Args:
        market: as `compare` takes it; each campaign of a log is learnt by itself.
        algorithm: by name, see ``equibid list algorithms``.
        settings: of the algorithm, as ``{"actor_learning_rate": 1e-4}``.
        options: of the command: ``seeds=4``, ``steps=50``, ``opponents="pacing"``,
            ``out="runs/mine"``; see ``equibid train --help``.

    Raises:
        InputError: there is no such market, algorithm, setting or option, or they do not go
            together.
    """
    said = _assignments(settings)
    words = {"market": str(market), "algorithm": algorithm, "set": said} | options
    choice, learnt, runs = _sorted("train", words, MarketChoice, TrainConfig, TrainRuns)
    made = training.train(MarketChoice(**choice), TrainConfig(**learnt), TrainRuns(**runs))
    for each in made.markets:
        write_report(each.run.folder)
    return Trained(made.folder)


def fit(log: str | Path, **options: Any) -> Fitted:
    """Fit a generated market to each campaign of a log, as ``equibid fit`` does.

    Args:
        log: the path of a log or of a folder of logs.
        options: of the command: ``day_ticks=24``, ``others=3``, ``out="runs/mine"``; see
            ``equibid fit --help``.

    Raises:
        InputError: there is no such log or option, or they do not go together.
    """
    (settings,) = _sorted("fit", {"log": str(log)} | options, FitConfig)
    made = fitting.fit(FitConfig(**settings))
    for each in made.markets:
        write_report(each.path.parent)
    return Fitted(made.folder)


def import_log(
    logs: Sequence[str | Path] | str | Path, out: str | Path, **options: Any
) -> Imported:
    """Import a log: good rows to Parquet, bad ones to quarantine, as ``equibid import`` does.

    Args:
        logs: files of one format.
        out: folder to write; it must not be there yet.
        options: of the command: ``columns="mine.toml"``, ``max_bad=0.1``, ``time_zone="UTC"``; see
            ``equibid import --help``.

    Raises:
        InputError: a file cannot be read or is of another format, too many rows are bad, or there
            is no such option.
    """
    paths = [logs] if isinstance(logs, str | Path) else logs
    words = {"logs": tuple(map(Path, paths)), "out": out} | options
    (settings,) = _sorted("import_log", words, ImportConfig)
    made = importing.import_log(ImportConfig(**settings))
    files = pl.DataFrame(
        {
            "file": [file.name for file in made.files],
            "read": [file.read for file in made.files],
            "kept": [file.kept for file in made.files],
            "quarantined": [file.read - file.kept for file in made.files],
        }
    )
    return Imported(made.folder, files, dict(made.totals), made.notes)


def _assignments(settings: Words | None) -> tuple[str, ...]:
    """Settings as ``--set`` takes them."""
    return tuple(f"{name}={as_text(x)}" for name, x in (settings or {}).items())


def _sorted(name: str, words: Words, *kinds: type) -> Iterable[dict[str, Any]]:
    """The words of each of several dataclasses.

    Raises:
        InputError: there is a word of none of them.
    """
    known = [{field.name for field in fields(kind)} for kind in kinds]
    every = sorted(set().union(*known) - {"market", "log", "logs", "set", "bidder"})
    for word in words:
        if not any(word in names for names in known):
            others = near(word, every) or every
            raise InputError(f"{name} has no option {word!r}; try {', '.join(others)}")
    words = {word: Path(x) if word in PATHS and x is not None else x for word, x in words.items()}
    return [{word: x for word, x in words.items() if word in names} for names in known]
