"""A run folder: what was asked, what came out, and enough to go on after a stop.

config.json        what was asked, resolved
environment.json   versions and machine
parts/*.parquet    finished jobs; a run that was stopped goes on from these
*.parquet          what was found; of a comparison see `findings`
report.html        for people
"""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import polars as pl

from equibid.errors import InputError
from equibid.evaluation.arena import Job
from equibid.evaluation.places import clear, config_text, refusal, text_in, whole_config

LIBRARIES = ("equibid", "jax", "jaxlib", "numba", "numpy", "polars", "scipy")


@dataclass(frozen=True)
class Run:
    """A run folder that was opened for a config."""

    folder: Path

    @property
    def parts(self) -> Path:
        """Where finished jobs lie."""
        return self.folder / "parts"

    def write_text(self, name: str, text: str) -> Path:
        """Write a file so that it is there whole or not at all."""
        return _whole(self.folder / name, lambda path: path.write_text(text, encoding="utf-8"))

    def write_table(self, name: str, table: pl.DataFrame) -> Path:
        """Write a Parquet file so that it is there whole or not at all."""
        return _whole(self.folder / name, table.write_parquet)


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
        run.write_text("environment.json", json.dumps(environment(), indent=2) + "\n")
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror})") from error
    return run


def environment() -> dict[str, Any]:
    """What the numbers of a run depend on beside its config."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "device": str(jax.devices()[0]),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }


def carry_out(run: Run, jobs: Sequence[Job], done: Callable[[Job], None]) -> pl.DataFrame:
    """Run the jobs that have no result yet, and give the rows of all, in order.

    Args:
        run: an open run.
        jobs: all jobs of the comparison.
        done: told of every job that is finished, now or earlier.
    """
    frames = []
    for job in jobs:
        part = run.parts / f"{job.name.replace('/', '%2F')}.parquet"
        if not part.exists():
            _whole(part, job.run().write_parquet)
        frames.append(pl.read_parquet(part))
        done(job)
    return pl.concat(frames)


def _whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Write beside the place first, then move there in one step."""
    beside = path.with_name(path.name + ".part")
    write(beside)
    beside.replace(path)
    return path
