"""Runs that lie in folders: which there are, whether they are finished, and what they came to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from equibid.errors import InputError
from equibid.files import read_json, read_parquet

Rows = list[dict[str, Any]]
# What to do about a file that cannot be used.
ANEW = "let the command that made the run make it anew"


@dataclass(frozen=True)
class PastRun:
    """A run in a folder, finished or not.

    Attributes:
        folder: of the run.
        kind: the command that made it.
        market: the market or log that it is about.
        result: the file that a finished run has.
    """

    folder: Path
    kind: str
    market: str
    result: Path

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.result.exists()

    @property
    def when(self) -> datetime:
        """When it was finished, else when it was last begun; local time."""
        last = self.result if self.finished else self.folder / "config.json"
        return datetime.fromtimestamp(last.stat().st_mtime).astimezone()

    def rows(self) -> Rows:
        """The main table: a row a bidder, market, seed, measure, trial, campaign or file.

        Raises:
            InputError: the run is not finished, or its files were changed.
        """
        if not self.finished:
            raise InputError(
                f"{self.folder} is not finished, {self.result.name} is missing; give the command "
                f"equibid {self.kind} again, it goes on from there"
            )
        try:
            return [_plain(row) for row in RESULTS[self.kind][1](self.result)]
        except (LookupError, TypeError, AttributeError) as error:
            raise InputError(f"{self.result}: the file was changed; {ANEW}") from error


def runs_in(folder: Path) -> list[PastRun]:
    """The runs in a folder, and those in folders of runs over several campaigns; oldest first.

    Raises:
        InputError: there is no such folder, or the config of a run cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name a folder of runs, as runs")
    inner = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    return sorted((run for path in inner for run in _runs_of(path)), key=lambda run: run.when)


def runs_of(folder: Path) -> list[PastRun]:
    """The run in a folder; several, where it holds one for each campaign.

    Raises:
        InputError: there is none, or its config cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name a run folder, as runs/demo")
    found = list(_runs_of(folder))
    if not found:
        raise InputError(f"{folder} is no run folder; `equibid runs` lists those in runs")
    return found


def _runs_of(folder: Path) -> Iterator[PastRun]:
    for marker, own in MARKERS.items():
        if (folder / marker).is_file():
            said = read_json(folder / marker)
            kind, market = own(said) if isinstance(said, dict) else ("", "")
            if kind in RESULTS:
                yield PastRun(folder, kind, market, folder / RESULTS[kind][0])
            return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and (path / "config.json").is_file():
            yield from _runs_of(path)


def kind_of(config: Mapping[str, Any]) -> str:
    """The command that made a run, by its config; empty where it does not tell."""
    return str(config.get("command", "compare" if "seating" in config else ""))


def _of_config(config: Mapping[str, Any]) -> tuple[str, str]:
    return kind_of(config), str(config.get("market", config.get("log", "")))


def _of_import(said: Mapping[str, Any]) -> tuple[str, str]:
    return "import", str(said.get("form", ""))


def _of_values(said: Mapping[str, Any]) -> tuple[str, str]:
    campaigns = said.get("campaigns", ())
    return "values", ", ".join(map(str, campaigns))


# The files by which a run is known, with what they tell: its kind, and its market.
MARKERS: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "config.json": _of_config,
    "import.json": _of_import,
    "market.json": _of_values,
}


def _table(path: Path) -> Rows:
    return read_parquet(path, ANEW).to_dicts()


def _listed(name: str) -> Callable[[Path], Rows]:
    return lambda path: list(read_json(path)[name])


def _seeds(path: Path) -> Rows:
    said = read_json(path)
    columns = (said["seeds"], said["score"], said["best_step"])
    return [
        {"seed": seed, "eval_metric": said["eval_metric"], "score": score, "best_step": step}
        for seed, score, step in zip(*columns, strict=True)
    ]


def _campaigns(path: Path) -> Rows:
    return [{"campaign": name} | figures for name, figures in read_json(path).items()]


# By kind: the file that a finished run has, and how its main table is read from there.
RESULTS: dict[str, tuple[str, Callable[[Path], Rows]]] = {
    "compare": ("ranking.parquet", _table),
    "solve": ("certificate.json", _listed("markets")),
    "certify": ("certificate.json", _listed("markets")),
    "frontier": ("frontier.parquet", _table),
    "exploit": ("exploitability.json", _listed("bidders")),
    "train": ("result.json", _seeds),
    "sweep": ("sweep.parquet", _table),
    "fit": ("fit.json", _listed("distances")),
    "values": ("quality.json", _campaigns),
    "import": ("import.json", _listed("files")),
}


def _plain(x: Any) -> Any:
    """As JSON can say it: numbers that are none, or infinite, are null."""
    if isinstance(x, dict):
        return {str(name): _plain(inner) for name, inner in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(inner) for inner in x]
    return None if isinstance(x, float) and not isfinite(x) else x
