"""A run folder: what was asked, what came out, and enough to go on after a stop.

config.json        what was asked, resolved
environment.json   versions and machine
parts/*.parquet    finished jobs; a run that was stopped goes on from these
*.parquet          what was found; of a comparison see `findings`
report.html        for people
"""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import polars as pl

from equibid import files
from equibid.errors import InputError, input_error
from equibid.evaluation.arena import Job
from equibid.evaluation.places import clear, config_text, refusal, text_in, whole_config

# What to do about a part that cannot be used.
ANEW = "delete it, and the same command makes it anew"

LIBRARIES = ("equibid", "jax", "jaxlib", "numba", "numpy", "polars", "scipy")


@dataclass(frozen=True)
class Run:
    """A run folder that was opened for a config."""

    folder: Path

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
        run.write_json("environment.json", environment())
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
    parts = [run.part(job.name) for job in jobs]
    files.check_parquet([part for part in parts if part.exists()], ANEW)
    frames = []
    for job, part in zip(jobs, parts, strict=True):
        if not part.exists():
            files.write_parquet(part, job.run())
        frames.append(files.read_parquet(part, ANEW))
        if frames[-1].schema != frames[0].schema:
            raise input_error(part, f"it has other columns than the parts before it; {ANEW}")
        done(job)
    return pl.concat(frames)
