"""Where a run in progress is written."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from equibid.errors import InputError
from equibid.learning.training.loggers import MetricLogger
from equibid.learning.training.results import write_tables
from equibid.learning.training.state import Numbers, TrainState, keep

CHECKPOINT = "checkpoint.eqx"


class RunWriter(NamedTuple):
    """The folder and the loggers of a run in progress.

    Attributes:
        folder: of the run.
        run: what makes two runs the same run.
        logger: to look at.
        first: step at which this process began.
        began: when it did, seconds of the process's clock.
    """

    folder: Path
    run: Mapping[str, Any]
    logger: MetricLogger
    first: int
    began: float

    def show(self, train_state: TrainState, numbers: Numbers) -> None:
        """Numbers by seed, in the loggers."""
        for i, seed in enumerate(train_state.metrics.seeds):
            self.logger.write(
                train_state.step, seed, {name: float(x[i]) for name, x in numbers.items()}
            )

    def keep(self, train_state: TrainState) -> None:
        """A checkpoint, the tables so far, and how long it took."""
        keep(self.folder / CHECKPOINT, train_state, self.run)
        write_tables(self.folder, train_state)
        self.logger.flush()
        line = {
            "step": train_state.step,
            "steps_since_start": train_state.step - self.first,
            "seconds_since_start": round(time.perf_counter() - self.began, 3),
        }
        with (self.folder / "timing.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def make_folder(folder: Path) -> None:
    """Make the folder of a run.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror})") from error
