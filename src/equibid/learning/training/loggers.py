"""Where the numbers of a run are watched: TensorBoard always, MLflow or Weights & Biases on demand.

A logger is for watching. It is not part of what resumes to the same bits (that is metrics.parquet):
it knows the time of day.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from equibid.errors import InputError
from equibid.files import read_text, write_text

Logger = Literal["none", "mlflow", "wandb"]
PROJECT = "equibid"


class MetricLogger(Protocol):
    """Takes numbers of one seed at one step."""

    def write(self, step: int, seed: int, numbers: Mapping[str, float]) -> None:
        """Show them."""
        ...

    def flush(self) -> None:
        """Let them be seen now."""
        ...


@dataclass(frozen=True)
class MetricLoggers:
    """Several loggers as one."""

    loggers: Sequence[MetricLogger]

    def write(self, step: int, seed: int, numbers: Mapping[str, float]) -> None:
        """Show them on all."""
        for logger in self.loggers:
            logger.write(step, seed, numbers)

    def flush(self) -> None:
        """Let them be seen now."""
        for logger in self.loggers:
            logger.flush()


@contextmanager
def opened(
    folder: Path, seeds: Sequence[int], step: int, logger: Logger, config: Mapping[str, Any]
) -> Iterator[MetricLoggers]:
    """The loggers of a run, closed at the end.

    Args:
        folder: of the run; loggers keep their files in its ``loggers``.
        seeds: of the run; TensorBoard shows each as a run of its own.
        step: the run stands at; TensorBoard forgets what was written of later ones.
        logger: beside TensorBoard.
        config: of the run.

    Raises:
        InputError: the package of `logger` is not installed.
    """
    place = folder / "loggers"
    with ExitStack() as stack:
        loggers: list[MetricLogger] = [stack.enter_context(_tensorboard(place, seeds, step))]
        if logger == "mlflow":
            loggers.append(stack.enter_context(_mlflow(place, folder.name, config)))
        elif logger == "wandb":
            loggers.append(stack.enter_context(_wandb(place, folder.name, config)))
        yield MetricLoggers(loggers)


@dataclass(frozen=True)
class TensorBoard:
    """Event files, in a folder a seed."""

    writers: Mapping[int, Any]

    def write(self, step: int, seed: int, numbers: Mapping[str, float]) -> None:
        """One point a curve."""
        for name, number in numbers.items():
            self.writers[seed].add_scalar(name, number, step)

    def flush(self) -> None:
        """To disk."""
        for writer in self.writers.values():
            writer.flush()


@contextmanager
def _tensorboard(place: Path, seeds: Sequence[int], step: int) -> Iterator[TensorBoard]:
    writer = import_module("tensorboardX").SummaryWriter
    purge = step + 1 if step else None
    # Files are named by the second: the step tells two of one second apart.
    writers = {
        seed: writer(str(place / f"seed-{seed}"), purge_step=purge, filename_suffix=f".{step}")
        for seed in seeds
    }
    try:
        yield TensorBoard(writers)
    finally:
        for each in writers.values():
            each.close()


@dataclass(frozen=True)
class MLflow:
    """A run of MLflow, where its own settings say (MLFLOW_TRACKING_URI)."""

    package: Any

    def write(self, step: int, seed: int, numbers: Mapping[str, float]) -> None:
        """Curves are named by seed."""
        self.package.log_metrics({f"seed-{seed}/{k}": x for k, x in numbers.items()}, step=step)

    def flush(self) -> None:
        """They are sent at once."""


@contextmanager
def _mlflow(place: Path, name: str, config: Mapping[str, Any]) -> Iterator[MLflow]:
    package = _needed("mlflow", "MLflow")
    known = place / "mlflow.txt"
    run_id = read_text(known) if known.exists() else None
    package.set_experiment(PROJECT)
    with package.start_run(run_id=run_id, run_name=None if run_id else name) as run:
        if run_id is None:
            write_text(known, run.info.run_id)
            package.log_params({key: str(value)[:500] for key, value in config.items()})
        yield MLflow(package)


@dataclass(frozen=True)
class Wandb:
    """A run of Weights & Biases, where its own settings say (WANDB_MODE)."""

    run: Any

    def write(self, step: int, seed: int, numbers: Mapping[str, float]) -> None:
        """Curves are named by seed, over the step of the run and not over calls."""
        self.run.log({"step": step} | {f"seed-{seed}/{k}": x for k, x in numbers.items()})

    def flush(self) -> None:
        """They are sent by its own process."""


@contextmanager
def _wandb(place: Path, name: str, config: Mapping[str, Any]) -> Iterator[Wandb]:
    package = _needed("wandb", "Weights & Biases")
    known = place / "wandb.txt"
    run_id = read_text(known) if known.exists() else None
    with package.init(
        project=PROJECT, name=name, id=run_id, resume="allow", dir=str(place), config=dict(config)
    ) as run:
        write_text(known, run.id)
        run.define_metric("*", step_metric="step")
        yield Wandb(run)


def _needed(package: str, name: str) -> Any:
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise InputError(
            f"--logger {package}: {name} is not installed; pip install 'equibid[{package}]'"
        ) from error
