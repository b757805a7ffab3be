"""What is written to loggers can be read there."""

import struct
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from equibid.errors import InputError
from equibid.learning.training import loggers
from equibid.learning.training.loggers import opened
from learning.toy import run

# Its fields are made when it is imported, so types do not know them.
Event: Any = import_module("tensorboardX.proto.event_pb2").Event


def events(folder: Path) -> list[Any]:
    """The events of a folder's files, in order of writing.

    A record is its length (uint64), a checksum of that (uint32), the message, and its checksum.
    """
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            event = Event()
            event.ParseFromString(content[12 : 12 + length])
            found.append(event)
            content = content[16 + length :]
    return found


def curves(folder: Path) -> dict[str, dict[int, float]]:
    """The points of every curve, without those that a later start purged, as TensorBoard shows."""
    shown: dict[str, dict[int, float]] = {}
    for event in events(folder):
        if event.HasField("session_log") and event.step:
            shown = {
                tag: {step: x for step, x in points.items() if step < event.step}
                for tag, points in shown.items()
            }
        for value in event.summary.value:
            shown.setdefault(value.tag, {})[event.step] = value.simple_value
    return shown


def test_tensorboard_has_every_number_once(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(now: Any) -> None:
        if now.step == 20:
            raise StopError

    with pytest.raises(StopError):
        run(tmp_path, callback=stop)
    # It stood at 14 when it was kept, and goes on from there.
    result = run(tmp_path)
    for table, prefix in ((result.metrics, ""), (result.judgements, "judged/")):
        for seed in (3, 4):
            rows = table.filter(pl.col("seed") == seed)
            shown = curves(tmp_path / "loggers" / f"seed-{seed}")
            for name in rows.columns[2:]:
                assert list(shown[prefix + name]) == rows["step"].to_list()
                assert list(shown[prefix + name].values()) == pytest.approx(
                    rows[name].to_list(), rel=1e-6
                )


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_logger_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: Any
) -> None:
    def missing(package: str) -> ModuleType:
        if package == name:
            raise ModuleNotFoundError(package)
        return import_module(package)

    monkeypatch.setattr(loggers, "import_module", missing)
    with pytest.raises(InputError, match=rf"pip install 'equibid\[{name}\]'"):
        run(tmp_path, logger=name)
    assert not (tmp_path / "checkpoint.eqx").exists()


class Recorder:
    """Stands for the package of a logger: notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.id = "run-7"
        self.info = self
        self.run_id = "run-7"

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.append(("closed",))

    def __getattr__(self, name: str) -> Callable[..., "Recorder"]:
        def note(*words: Any, **named: Any) -> Recorder:
            self.asked.append((name, words, named))
            return self

        return note


@pytest.mark.parametrize(
    ("log", "begin", "again", "point"),
    [
        (
            "mlflow",
            ("start_run", (), {"run_id": None, "run_name": "lesson"}),
            ("start_run", (), {"run_id": "run-7", "run_name": None}),
            ("log_metrics", ({"seed-4/loss": 0.5},), {"step": 3}),
        ),
        (
            "wandb",
            ("init", (), {"id": None}),
            ("init", (), {"id": "run-7"}),
            ("log", ({"step": 3, "seed-4/loss": 0.5},), {}),
        ),
    ],
)
def test_a_resumed_run_goes_on_with_the_same_run_of_the_logger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Any, begin: Any, again: Any, point: Any
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(
        loggers, "import_module", lambda name: recorder if name == log else import_module(name)
    )
    for step, start in ((0, begin), (3, again)):
        recorder.asked.clear()
        with opened(tmp_path / "lesson", [4], step, log, {"rate": 0.1}) as shown:
            shown.write(3, 4, {"loss": 0.5})
            shown.flush()
        _, words, named = next(x for x in recorder.asked if x[0] == start[0])
        assert words == start[1]
        assert named.items() >= start[2].items()
        assert point in recorder.asked
        assert recorder.asked[-1] == ("closed",)


@pytest.mark.skipif(not find_spec("mlflow"), reason="mlflow is an extra and not installed here")
@pytest.mark.filterwarnings("default")
def test_mlflow_has_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    result = run(tmp_path / "lesson", logger="mlflow")
    client = import_module("mlflow").MlflowClient(store)
    run_id = (tmp_path / "lesson" / "loggers" / "mlflow.txt").read_text()
    points = client.get_metric_history(run_id, "seed-3/loss")
    losses = result.metrics.filter(pl.col("seed") == 3)["loss"].to_list()
    assert [point.value for point in sorted(points, key=lambda point: point.step)] == losses
    assert client.get_run(run_id).data.params["setting learning_rate"] == "0.05"


@pytest.mark.skipif(not find_spec("wandb"), reason="wandb is an extra and not installed here")
@pytest.mark.filterwarnings("default")
def test_wandb_runs_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run(tmp_path / "lesson", logger="wandb")
    run_id = (tmp_path / "lesson" / "loggers" / "wandb.txt").read_text()
    assert list((tmp_path / "lesson" / "loggers" / "wandb").glob(f"offline-run-*-{run_id}"))
