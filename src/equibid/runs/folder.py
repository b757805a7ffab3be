"""A run folder: what was asked, what came out, and enough to go on after a stop.

config.json        what was asked, resolved
environment.json   when it was begun, versions and machine
parts/*.parquet    finished jobs; a run that was stopped goes on from these, if the file beside
                   each says that it is whole and of the same code, bidders and settings
*.parquet          what was found; of a comparison see `findings`
report.html        for people
"""

import hashlib
import json
import os
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import jax
import polars as pl

from equibid import files
from equibid.errors import InputError
from equibid.evaluation.arena import Job
from equibid.kept import found, write_sealed
from equibid.origin import package_digest
from equibid.runs.places import clear, config_text, refusal, text_in, whole_config

# What to do about a part that cannot be used.
ANEW = "delete it, and the same command makes it anew"

T = TypeVar("T")
LIBRARIES = ("equibid", "jax", "jaxlib", "numba", "numpy", "polars", "scipy")


@dataclass(frozen=True)
class Run:
    """A run folder that was opened for a config.

    Attributes:
        folder: where it is.
        pieces: how many finished jobs were found in which state; see `kept.Found`.
    """

    folder: Path
    pieces: Counter[str] = field(default_factory=Counter)

    @property
    def parts(self) -> Path:
        """Where finished jobs lie."""
        return self.folder / "parts"

    def part(self, name: str) -> Path:
        """Where the result of a job lies."""
        return self.parts / f"{files.file_name(name)}.parquet"

    def write_text(self, name: str, text: str) -> Path:
        """Write a file so that it is there whole or not at all."""
        return files.write_text(self.folder / name, text)

    def write_json(self, name: str, content: Any) -> Path:
        """Write a JSON file so that it is there whole or not at all."""
        return files.write_json(self.folder / name, content)

    def write_table(self, name: str, table: pl.DataFrame) -> Path:
        """Write a Parquet file so that it is there whole or not at all."""
        return files.write_parquet(self.folder / name, table)

    def piece(self, name: str, identity: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """The rows of a finished job, made anew if they are missing, damaged or of another job.

        Args:
            name: of the job.
            identity: of what it plays. What was asked for, and the code of this package, count
                too.
            make: plays it.
        """
        part = self.keep(self.part(name), identity, make, files.put_parquet)
        return files.read_parquet(part, ANEW)

    def keep(
        self, part: Path, identity: str, make: Callable[[], T], put: Callable[[BinaryIO, T], object]
    ) -> Path:
        """The file of a finished job, which is made anew as `piece` says.

        Args:
            part: the file.
            identity: as of `piece`.
            make: what is to be in it.
            put: writes that.
        """
        asked = self.folder / "config.json"
        state = hashlib.blake2b(f"{package_digest()} {identity} ".encode(), digest_size=16)
        state.update(asked.read_bytes() if asked.exists() else b"")
        whose = state.hexdigest()
        there = found(part, whose)
        self.pieces[there] += 1
        if there != "good":
            content = make()
            write_sealed(part, whose, lambda file: put(file, content))
        return part

    def reuse(self) -> list[str]:
        """Sentences on what was taken from an earlier run; none for a run that is all new."""
        total, missing = self.pieces.total(), self.pieces["missing"]
        if total == missing:
            return []
        said = [f"{self.pieces['good']} of {total} pieces reused."]
        for there, why in (
            ("other", "of other code, bidders or settings"),
            ("damaged", "damaged"),
        ):
            count = self.pieces[there]
            if count:
                one = count == 1
                said.append(
                    f"{count} piece{' was' if one else 's were'} {why}, and "
                    f"{'was' if one else 'were'} made anew."
                )
        return said


def open_run(folder: Path, config: Mapping[str, Any], force: bool = False) -> Run:
    """Start a run in `folder`, or go on with the one that is there.

    Args:
        folder: of the run.
        config: what is asked, resolved; plain JSON. The plugins that were named join it.
        force: delete the run that is there first.

    Raises:
        InputError: the folder holds a run with another config, or cannot be written.
    """
    text = config_text(config)
    run = Run(folder)
    if force:
        clear(folder)
    try:
        run.parts.mkdir(parents=True, exist_ok=True)
        there = text_in(folder / "config.json")
        if there is not None and there != text:
            raise refusal(folder, there, whole_config(config))
        run.write_text("config.json", text)
        began = {"begun": begun(folder)}
        run.write_json("environment.json", began | environment())
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror})") from error
    return run


def begun(folder: Path) -> str:
    """When the run in a folder was first begun: now, unless the folder tells."""
    try:
        return str(json.loads(text_in(folder / "environment.json") or "")["begun"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return datetime.now(UTC).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """What the numbers of a run depend on beside its config."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "device": str(jax.devices()[0]),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }


def run_jobs(run: Run, jobs: Sequence[Job], done: Callable[[Job], None]) -> pl.DataFrame:
    """Run the jobs that have no result yet, and give the rows of all, in order.

    Args:
        run: an open run.
        jobs: all jobs of the comparison.
        done: told of every job that is finished, now or earlier.
    """
    frames = []
    for job in jobs:
        frames.append(run.piece(job.name, job.identity, job.run))
        done(job)
    return pl.concat(frames)
