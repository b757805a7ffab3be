"""Trials of a sweep: training runs as processes, on this machine or on Ray."""

import os
import subprocess
import warnings
from collections import deque
from collections.abc import Generator, Mapping, MutableSet, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import chdir
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from equibid.cli.caller import WATCH
from equibid.errors import InputError

Process = subprocess.Popen[bytes]


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
    alive: set[Process] = set()
    try:
        running = {
            pool.submit(call, trial.command, str(trial.log), None, alive): trial for trial in trials
        }
        while running:
            for end in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(end), end.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        # A trial that is stopped goes on from its last checkpoint.
        for process in list(alive):
            process.kill()
        pool.shutdown()


def on_ray(trials: Sequence[Trial], jobs: int, address: str | None, gpus: float) -> Ends:
    """Each trial a task of Ray with one core, which waits for a process of its own.

    Args:
        trials: to run.
        jobs: at a time.
        address: of a cluster; None starts Ray on this machine, where only this machine reaches it.
        gpus: of a trial.

    Raises:
        InputError: Ray is not installed.
    """
    if address is None:
        # Ray then takes the loopback address for its own, as it does on other systems than Linux.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        ray: Any = import_module("ray")
    except ModuleNotFoundError as error:
        raise InputError(
            "Ray is not installed: pip install 'equibid[sweep]', or let the trials be plain "
            "processes with --no-ray"
        ) from error
    make_folders(trials)
    here = str(Path.cwd())
    where = {"address": address} if address else {"address": "local", "num_cpus": jobs}
    with warnings.catch_warnings(), TemporaryDirectory() as empty, chdir(empty):
        # JAX warns of forks; Ray's run another program at once.
        warnings.filterwarnings("ignore", message=r"os\.fork")
        # Ray's workers look for modules in the folder that it is started in.
        ray.init(**where, include_dashboard=None if address else False, log_to_driver=False)
    try:
        remote = ray.remote(num_cpus=1, num_gpus=gpus)(call)
        waiting, running = deque(trials), {}
        while waiting or running:
            while waiting and len(running) < jobs:
                trial = waiting.popleft()
                task = remote.remote(trial.command, str(trial.log), here)
                running[task] = trial
            (end,), _ = ray.wait(list(running))
            yield running.pop(end), ray.get(end)
    finally:
        ray.shutdown()


def call(
    command: Sequence[str],
    log: str,
    folder: str | None = None,
    alive: MutableSet[Process] | None = None,
) -> int:
    """Run a command, its words to a file; gives its exit code.

    It ends when this process does, however that ends: see `caller`.

    Args:
        command: to run.
        log: the file.
        folder: to run it in; None is this one.
        alive: processes that run; this one is among them while it does.
    """
    alive = set() if alive is None else alive
    env = os.environ | {WATCH: "1", "PYTHONIOENCODING": "utf-8"}
    # The pipe is never written to: it closes when this process is gone.
    with (
        Path(log).open("w", encoding="utf-8") as out,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=folder, env=env
        ) as process,
    ):
        alive.add(process)
        try:
            return process.wait()
        finally:
            alive.discard(process)


def make_folders(trials: Sequence[Trial]) -> None:
    """What is printed lies there before the run makes its folder."""
    for trial in trials:
        trial.folder.mkdir(parents=True, exist_ok=True)


def last_line(log: Path) -> str:
    """Of what a trial printed."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "nothing printed"
