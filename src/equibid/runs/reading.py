"""A run folder read for people: what was asked, and what was found, each file by its name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import check_parquet, read_json, read_parquet
from equibid.runs.command import command_of
from equibid.runs.past import kind_of

# The commands whose runs have a report.
KINDS = ("compare", "solve", "certify", "frontier", "exploit", "train", "fit")


@dataclass(frozen=True)
class RunFolder:
    """A run that was made.

    Attributes:
        path: of the folder.
        kind: the command that made it, one of `KINDS`.
        config: what was asked, resolved.
    """

    path: Path
    kind: str
    config: Mapping[str, Any]

    @property
    def command(self) -> str:
        """The command that makes this run; a log stands there by its name, without its path."""
        return command_of(self.kind, self.config)

    @property
    def mend(self) -> str:
        """What to do about a file that is missing or cannot be used."""
        return f"run this command again: {self.command} --out {quote(str(self.path))}"

    @property
    def environment(self) -> Mapping[str, Any]:
        """When and where it was made; empty where the folder does not tell."""
        return self.json("environment.json") if self.has("environment.json") else {}

    def has(self, name: str) -> bool:
        """Whether there is a file."""
        return (self.path / name).exists()

    def json(self, name: str, keys: Collection[str] = ()) -> dict[str, Any]:
        """The object in a JSON file.

        Args:
            name: of the file.
            keys: it must have.

        Raises:
            InputError: it is not there, is no JSON object, or lacks a key.
        """
        found = read_json(self._there(name))
        if not isinstance(found, dict):
            raise input_error(self.path / name, f"it was changed; {self.mend}")
        self._complete(name, keys, found)
        return found

    def entries(self, name: str, under: str, keys: Collection[str]) -> list[dict[str, Any]]:
        """The objects of a list in a JSON file, at least one; arguments and errors as of `json`."""
        found = self.json(name, (under,))[under]
        if not isinstance(found, list) or not found or not all(isinstance(x, dict) for x in found):
            raise input_error(self.path / name, f"it was changed; {self.mend}")
        for one in found:
            self._complete(name, keys, one)
        return found

    def table(self, name: str, columns: Collection[str] = ()) -> pl.DataFrame:
        """The table in a Parquet file; arguments and errors as of `json`."""
        path = self._there(name)
        # All at once: each check is a process. A file that was checked is not checked again.
        check_parquet(sorted(self.path.glob("*.parquet")), self.mend)
        found = read_parquet(path, self.mend)
        self._complete(name, columns, found.columns)
        return found

    def _there(self, name: str) -> Path:
        if not self.has(name):
            raise InputError(f"{self.path}: {name} is missing; {self.mend}")
        return self.path / name

    def _complete(self, name: str, wanted: Collection[str], there: Collection[str]) -> None:
        missing = [word for word in wanted if word not in there]
        if missing:
            raise InputError(
                f"{self.path}: {name} is of another version of Equibid, it lacks "
                f"{', '.join(missing)}; {self.mend}"
            )


def read_run(path: Path) -> RunFolder:
    """The run in a folder.

    Raises:
        InputError: it is no folder of a run, or of one that has no report.
    """
    if not path.is_dir():
        raise InputError(f"{path} is no folder; name a run folder, as runs/demo")
    asked = path / "config.json"
    if not asked.exists():
        inner = [one.parent.name for one in sorted(path.glob("*/config.json"))]
        hint = f"; name one of its folders, as {path / inner[0]}" if inner else ""
        raise InputError(f"{path} is no run folder, config.json is missing{hint}")
    config = read_json(asked)
    if not isinstance(config, dict):
        raise InputError(f"{path}: config.json cannot be read; make the run anew")
    kind = kind_of(config)
    if kind not in KINDS:
        raise InputError(f"{path} has no report to make; name a run of {', '.join(KINDS)}")
    return RunFolder(path, kind, config)
