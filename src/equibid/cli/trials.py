"""Trials of a sweep: training runs as processes, on this machine or on Ray."""

import os
import subprocess
import warnings
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from equibid.errors import InputError


@dataclass(frozen=True)
class Trial:
    """One training run.

    Attributes:
        point: the settings that are tried, as typed.
        seed: of the run.
        folder: of the run.
        command: that carries it out.
    """

    point: Mapping[str, str]
    seed: int
    folder: Path
    command: Sequence[str]

    @property
    def finished(self) -> bool:
        """Whether it need not be run."""
        return (self.folder / "result.json").exists()

    @property
    def log(self) -> Path:
        """What the run printed."""
        return self.folder / "log.txt"


# Each trial with its exit code, as it ends.
Ends = Generator[tuple[Trial, int], None, None]


def on_this_machine(trials: Sequence[Trial], jobs: int) -> Ends:
    """Each trial a process of this machine.

    Args:
        trials: to run.
        jobs: at a time.
    """
    make_folders(trials)
    pool = ThreadPoolExecutor(jobs)
    try:
        running = {pool.submit(call, trial.command, str(trial.log)): trial for trial in trials}
        while running:
            for end in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(end), end.result()
    finally:
        pool.shutdown(cancel_futures=True)


def on_ray(trials: Sequence[Trial], jobs: int, address: str | None, gpus: float) -> Ends:
    """Each trial a task of Ray with one core, which waits for a process of its own.

    Args:
        trials: to run.
        jobs: at a time.
        address: of a cluster; None starts Ray on this machine.
        gpus: of a trial.

    Raises:
        InputError: Ray is not installed.
    """
    try:
        ray: Any = import_module("ray")
    except ModuleNotFoundError as error:
        raise InputError(
            "Ray is not installed: pip install 'equibid[sweep]', or let the trials be plain "
            "processes with --no-ray"
        ) from error
    make_folders(trials)
    where = {"address": address} if address else {"address": "local", "num_cpus": jobs}
    with warnings.catch_warnings():
        # JAX warns of forks; Ray's run another program at once.
        warnings.filterwarnings("ignore", message=r"os\.fork")
        ray.init(**where, include_dashboard=None if address else False, log_to_driver=False)
    try:
        remote = ray.remote(num_cpus=1, num_gpus=gpus)(call)
        waiting, running = deque(trials), {}
        while waiting or running:
            while waiting and len(running) < jobs:
                trial = waiting.popleft()
                task = remote.remote(trial.command, str(trial.log), str(Path.cwd()))
                running[task] = trial
            (end,), _ = ray.wait(list(running))
            yield running.pop(end), ray.get(end)
    finally:
        ray.shutdown()


def call(command: Sequence[str], log: str, folder: str | None = None) -> int:
    """Run a command, its words to a file; gives its exit code."""
    with Path(log).open("w", encoding="utf-8") as out:
        ended = subprocess.run(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            check=False,
        )
    return ended.returncode


def make_folders(trials: Sequence[Trial]) -> None:
    """What is printed lies there before the run makes its folder."""
    for trial in trials:
        trial.folder.mkdir(parents=True, exist_ok=True)


def last_line(log: Path) -> str:
    """Of what a trial printed."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "nothing printed"
