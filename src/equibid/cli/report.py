"""``equibid report``: a run's report made anew, or several runs side by side."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, cast

import tyro
from rich.console import Console

from equibid.auctions.registry import AUCTIONS, auction_named
from equibid.bidders import BIDDERS
from equibid.cli.certify import Settings as CertifySettings
from equibid.cli.certify import rule_text, run_certify
from equibid.cli.lesson import Lesson
from equibid.cli.market import MarketChoice
from equibid.cli.solve import Settings as SolveSettings
from equibid.cli.solve import run_solve
from equibid.cli.train import Settings as TrainSettings
from equibid.cli.train import run_train
from equibid.errors import InputError
from equibid.evaluation.across import Past
from equibid.evaluation.findings import read_findings
from equibid.learning.settings import as_text
from equibid.reports import from_findings, write_report
from equibid.reports.side_by_side import write_side_by_side

Config = Mapping[str, Any]


def report(
    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(help="Run folders: one of any kind, or several of comparisons."),
    ],
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Where to write it; default report.html in the run's folder, or "
            "runs/side-by-side.html for several."
        ),
    ] = None,
    log: Annotated[
        str | None,
        tyro.conf.arg(help="Where the log lies that a run of solve, certify or train was about."),
    ] = None,
) -> None:
    """Make the report of a run anew, or one of several comparisons side by side.

    Example: equibid report runs/demo

    Example: equibid report runs/gsp runs/first-price --out auctions.html
    """
    console = Console()
    if not runs:
        raise InputError("name a run folder, as in equibid report runs/demo")
    folders = list(dict.fromkeys(path.resolve() for path in runs))
    if len(folders) == 1:
        path = remake(runs[0], out, log)
    else:
        path = side_by_side([folder for folder in runs if folder.resolve() in folders], out)
    console.print(f"[dim]open {path} in a browser[/dim]")


def remake(folder: Path, out: Path | None, log: str | None) -> Path:
    """The report of one run; gives its path."""
    config = config_of(folder)
    kind = kind_of(folder, config)
    path = folder / "report.html"
    if kind == "compare":
        path = place(out or path)
        write_report(from_findings(read_findings(folder), config), path)
        return path
    # These commands find their jobs done, and end with the report.
    again: dict[str, Callable[[Path, Config, str], object]] = {
        "solve": solve_again,
        "certify": certify_again,
        "train": train_again,
    }
    again[kind](folder, config, market_of(folder, config, log))
    if out is None:
        return path
    return Path(shutil.copyfile(path, place(out)))


def side_by_side(folders: list[Path], out: Path | None) -> Path:
    """The report of several comparisons; gives its path."""
    names = distinct(list(dict.fromkeys(folder.resolve() for folder in folders)))
    past = []
    for folder, name in names.items():
        config = config_of(folder)
        kind = kind_of(folder, config)
        if kind != "compare":
            raise InputError(
                f"{folder} is a run of `equibid {kind}`; only comparisons stand side by side, name "
                "it alone for its own report"
            )
        past.append(Past(name, config, read_findings(folder)))
    path = place(out or Path("runs") / "side-by-side.html")
    write_side_by_side(past, path)
    return path


def distinct(folders: list[Path]) -> dict[Path, str]:
    """As much of each path as tells it from the others."""
    for parts in range(1, 64):
        names = ["/".join(folder.parts[-parts:]) for folder in folders]
        if len(set(names)) == len(names):
            return dict(zip(folders, names, strict=True))
    return {folder: str(folder) for folder in folders}


def config_of(folder: Path) -> dict[str, Any]:
    """What a run was asked.

    Raises:
        InputError: the folder is none of a run.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name a run folder, as runs/demo")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        inner = [path.parent.name for path in sorted(folder.glob("*/config.json"))]
        hint = f"; name one of its folders, as {folder / inner[0]}" if inner else ""
        raise InputError(f"{folder} is no run folder, config.json is missing{hint}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: config.json cannot be read; make the run anew") from error
    if not isinstance(config, dict):
        raise InputError(f"{folder}: config.json cannot be read; make the run anew")
    return config


def kind_of(folder: Path, config: Config) -> str:
    """The command that made a run.

    Raises:
        InputError: it has no report.
    """
    kind = config.get("command", "compare" if "seating" in config else None)
    if kind not in ("compare", "solve", "certify", "train"):
        raise InputError(
            f"{folder} has no report to make; name a run of compare, solve, certify or train"
        )
    return kind


def market_of(folder: Path, config: Config, log: str | None) -> str:
    """The market of a run: a generated one, or the log that was named.

    Raises:
        InputError: it was a log, and none is named.
    """
    if log is not None:
        return log
    if not choice_of(config, config["market"]).generated:
        raise InputError(
            f"{folder} is about the log {config['market']}, whose place is not kept; name it with "
            "--log"
        )
    return config["market"]


def choice_of(config: Config, market: str) -> MarketChoice:
    """The market as it was asked for."""
    asked = {field.name: config[field.name] for field in fields(MarketChoice)}
    return replace(MarketChoice(**asked), market=market)


def named(kind: type, config: Config, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The settings of a command that stand in a config under their own names."""
    names = [field.name for field in fields(kind) if field.name not in left_out]
    return {name: config[name] for name in names if name in config}


def solve_again(folder: Path, config: Config, market: str) -> None:
    """The same search; its starts are read from their parts."""
    game = config["games"][0]
    auctions = {rule_text(one) for one in config["games"]}
    if len(auctions) > 1:
        raise InputError(
            f"{folder}: each market has an auction of its own; run `equibid solve` there again, it "
            "goes on from its parts"
        )
    settings = named(SolveSettings, config, ("auction", "starts", "deflated", "out"))
    starts = {"starts": game["starts"], "deflated": game["deflated"]}
    run_solve(
        choice_of(config, market),
        SolveSettings(**settings, **starts, auction=auctions.pop(), out=folder),
    )


def certify_again(folder: Path, config: Config, market: str) -> None:
    """The same certificates, of a bidder."""
    if config["factors"] not in BIDDERS:
        raise InputError(
            f"{folder} is about the factors {config['factors']}, whose place is not kept; run "
            "`equibid certify` there again"
        )
    settings = named(CertifySettings, config, ("days", "out"))
    generated = choice_of(config, market).generated
    days = ",".join(map(str, config["days"])) + "," if generated else None
    run_certify(choice_of(config, market), CertifySettings(**settings, days=days, out=folder))


def train_again(folder: Path, config: Config, market: str) -> None:
    """The same training run, which finds itself finished."""
    if not (folder / "policy.eqx").exists():
        raise InputError(f"{folder} is not finished; let `equibid train` go on first")
    changed = tuple(f"{key}={as_text(value)}" for key, value in config["settings"].items())
    lesson = named(Lesson, config, ("set", "log", "keep_every", "auction", "play"))
    seeds = config["seeds"]
    run_train(
        choice_of(config, market),
        Lesson(**lesson, **asked_rule(config), set=changed),
        TrainSettings(seeds=len(seeds), seed=seeds[0], out=folder),
    )


def asked_rule(config: Config) -> dict[str, Any]:
    """The rule of a training run as it can be asked for, and its play."""
    return {"auction": rule_named(config["auction"]), "play": config["play"]}


def rule_named(rule: Config) -> str:
    """A resolved rule as `auction_named` takes it.

    Raises:
        InputError: no rule has these settings.
    """
    wanted = json.dumps(rule, sort_keys=True)
    for name in AUCTIONS:
        known = [key for key in signature(AUCTIONS[name]).parameters if key in rule]
        text = f"{name}:{','.join(f'{key}={rule[key]!r}' for key in known)}"
        try:
            auction = auction_named(text)
        except InputError:
            continue
        found = {"rule": type(auction).__name__} | asdict(cast(Any, auction))
        if json.dumps(found, sort_keys=True) == wanted:
            return text
    raise InputError(f"there is no auction with the settings {wanted}")


def place(path: Path) -> Path:
    """A file that can be written.

    Raises:
        InputError: its folder cannot be made, or it is a folder.
    """
    if path.is_dir():
        raise InputError(f"--out {path} is a folder; name a file, as {path / 'report.html'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {path}: cannot write there ({error.strerror})") from error
    return path
