"""The command ``equibid`` with a toy algorithm and a toy task, for trials in processes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from equibid.cli import main, train
from equibid.cli.lesson import Prepared
from equibid.learning.algorithm import ALGORITHMS
from learning.toy import TASK, Toy, judge


def practices_of(*_: object) -> list[str]:
    """One, whatever the market."""
    return ["point"]


def prepared(name: str, *_: object) -> Prepared:
    """The point to be found."""
    return Prepared(name, TASK, judge, {"target": TASK.target.tolist()})


def write_report(*_: object) -> None:
    """A point has none."""


if __name__ == "__main__":
    ALGORITHMS.add("toy", "Looks for a point.")(Toy)
    train.practices_of, train.prepared = practices_of, prepared  # pyright: ignore
    train.write_report = write_report
    main.main(sys.argv[1:])
