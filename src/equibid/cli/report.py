"""``equibid report``: a run's report made anew, or several runs side by side.

A comparison's report is drawn from the tables in its folder, and nothing in the folder is carried
out: its plugins are not imported, and its states of learning are not loaded. The reports of other
commands need their markets, so they are computed again, and only where that is asked for.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import tyro
from polars.exceptions import PolarsError

from equibid.cli.console import plain_console
from equibid.cli.remake import Config, ask_again
from equibid.errors import InputError
from equibid.files import atomic, opening, read_json
from equibid.plugins import plugins_in, recall
from equibid.reports import from_findings, write_report
from equibid.reports.comparison.side_by_side import write_side_by_side
from equibid.runs.across import Past
from equibid.runs.findings import read_findings


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
        tyro.conf.arg(
            help="With --again: where the log, or the TOML file, lies that the run was about."
        ),
    ] = None,
    again: Annotated[
        bool,
        tyro.conf.arg(
            help="Compute what a run of solve, certify or train does not keep: its market, and "
            "what was found in it."
        ),
    ] = False,
) -> None:
    """Make the report of a run anew, or one of several comparisons side by side.

    Example: equibid report runs/demo

    Example: equibid report runs/gsp runs/first-price --out auctions.html

    Example: equibid report runs/solve-demo --again
    """
    console = plain_console()
    if not runs:
        raise InputError("name a run folder, as in equibid report runs/demo")
    folders = list(dict.fromkeys(path.resolve() for path in runs))
    path = remake(runs[0], out, log, again) if len(folders) == 1 else side_by_side(folders, out)
    console.print(f"open {path} in a browser", style="dim")


def remake(folder: Path, out: Path | None, log: str | None, again: bool) -> Path:
    """The report of one run; gives its path.

    Raises:
        InputError: the folder does not hold all that its report shows.
    """
    config = config_of(folder)
    kind = kind_of(folder, config)
    path = folder / "report.html"
    if kind == "compare":
        if log is not None:
            raise InputError(f"--log {log}: the report of a comparison needs no log; leave it out")
        path = place(out or path)
        with as_it_was_left(folder):
            write_report(from_findings(read_findings(folder), config), path)
        return path
    if not again:
        words = f"equibid report {quote(str(folder))} --again"
        raise InputError(
            f"{folder} does not hold all that the report of equibid {kind} shows; compute the "
            f"rest again with: {words}"
        )
    recall(folder, plugins_in(config))
    ask_again(folder, kind, config, log)
    if out is None or out.resolve() == path.resolve():
        return path
    with opening(path), path.open("rb") as made, atomic(place(out)) as copy:
        shutil.copyfileobj(made, copy)
    return out


def side_by_side(folders: list[Path], out: Path | None) -> Path:
    """The report of several comparisons, of whole paths, no two alike; gives its path."""
    past = []
    for folder, name in distinct(folders).items():
        config = config_of(folder)
        kind = kind_of(folder, config)
        if kind != "compare":
            raise InputError(
                f"{folder} is a run of `equibid {kind}`; only comparisons stand side by side, name "
                "it alone for its own report"
            )
        past.append(Past(name, config, read_findings(folder)))
    path = place(out or Path("runs") / "side-by-side.html")
    with as_it_was_left(*folders):
        write_side_by_side(past, path)
    return path


@contextmanager
def as_it_was_left(*folders: Path) -> Iterator[None]:
    """Blame the folders for what only tables can cause that were changed since they were written.

    Raises:
        InputError: no report can be made of them; tells which error it came to.
    """
    try:
        yield
    except InputError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        PolarsError,
    ) as error:
        names = " or ".join(map(str, folders))
        raise InputError(
            f"{names}: no report can be made of its files ({type(error).__name__}: {error}); let "
            "the command that made it run again"
        ) from error


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
    path = folder / "config.json"
    if not path.exists():
        inner = [path.parent.name for path in sorted(folder.glob("*/config.json"))]
        hint = f"; name one of its folders, as {folder / inner[0]}" if inner else ""
        raise InputError(f"{folder} is no run folder, config.json is missing{hint}")
    config = read_json(path)
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
