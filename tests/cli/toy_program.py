"""The command ``equibid`` with a toy algorithm and a toy task, for trials in processes."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from equibid.cli import main
from equibid.cli import train as command
from equibid.learning.algorithm import ALGORITHMS
from equibid.runs import train
from equibid.runs.training import TrainingJob
from learning.toy import TASK, Toy, judge


def training_setups(*_: object) -> list[str]:
    """One, whatever the market."""
    return ["point"]


def training_job(name: str, *_: object) -> TrainingJob:
    """The point to be found."""
    return TrainingJob(name, TASK, judge, {"target": TASK.target.tolist()})


def nothing(*_: object) -> None:
    """There is nothing to see in a point."""


def places() -> list[tuple[Any, str, Callable[..., Any]]]:
    """What stands where for it: module, name and what it is there."""
    return [
        (train, "training_setups", training_setups),
        (train, "training_job", training_job),
        (train, "write_policy_analysis", nothing),
        (command, "write_report", nothing),
    ]


if __name__ == "__main__":
    ALGORITHMS.add("toy", "Looks for a point.")(Toy)
    for module, name, made in places():
        setattr(module, name, made)
    main.main(sys.argv[1:])
