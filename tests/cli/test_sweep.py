"""What `equibid sweep` runs, ranks and runs no more."""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cli.toy_program
from equibid.cli import sweep
from equibid.cli.sweep import Settings, grid_points, run_sweep, seeds_of, trial_of
from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS
from equibid.runs.market import MarketChoice
from equibid.runs.training import TrainConfig
from learning.toy import Toy

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

PROGRAM = (sys.executable, cli.toy_program.__file__)
LESSON = TrainConfig("toy", ("momentum=false",), steps=40, eval_every=15)
GRID = ("learning_rate=1e-4,0.1",)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALGORITHMS.entries, "toy", Toy)
    monkeypatch.setitem(ALGORITHMS.summaries, "toy", "Looks for a point.")
    monkeypatch.setattr(sweep, "PROGRAM", PROGRAM)


def imitated(trial: Any) -> None:
    """What a trial leaves, without running it: the faster it learns the better."""
    score = float(trial.point["learning_rate"]) + trial.seed / 1000
    result = {"score": [score], "best_step": [40], "steps": 40, "stopped": False}
    trial.folder.mkdir(parents=True, exist_ok=True)
    (trial.folder / "result.json").write_text(json.dumps(result))


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Trials that were run, by folder; they are only imitated."""
    names = []

    def ends(trials: Any, _: Settings) -> Any:
        for trial in trials:
            names.append(trial.folder.name)
            imitated(trial)
            yield trial, 0

    monkeypatch.setattr(sweep, "ends_of", ends)
    return names


def test_every_combination_is_run_once_and_ranked(
    equibid: Command, capsys: Captured, tmp_path: Path, ran: list[str]
) -> None:
    words = ("sweep", "demo", "--algorithm", "toy", "--steps", 40, "--seeds", "0..1")
    words = (*words, "--grid", "learning_rate=1e-4,0.1,0.0001", "--grid", "net.layers=4,4;8,8")
    assert equibid(*words) == 0
    assert len(ran) == len(set(ran)) == 8
    assert ran[0] == "learning_rate=0.0001_net.layers=4,4_seed=0"
    table = pl.read_parquet(tmp_path / "runs" / "sweep-demo-toy" / "sweep.parquet")
    assert table.columns == [
        *("rank", "learning_rate", "net.layers", "mean_score", "seed", "score"),
        *("best_step", "steps", "stopped", "folder"),
    ]
    assert table["rank"].to_list() == [1] * 4 + [2] * 4
    assert table["learning_rate"].to_list() == ["0.1"] * 4 + ["0.0001"] * 4
    assert table["mean_score"][0] == pytest.approx(0.1005)
    assert "0.1005" in capsys.readouterr().out

    # What is finished is not run again; a wider grid adds to it.
    ran.clear()
    assert equibid(*words) == 0
    assert ran == []
    assert equibid(*words[:-3], "learning_rate=0.1,0.3", *words[-2:], "--jobs", 2) == 0
    assert len(ran) == 4
    assert all("0.3" in name for name in ran)
    capsys.readouterr()
    assert equibid(*words, "--steps", 50, "--out", "runs/sweep-demo-toy") == 2
    assert "other settings" in capsys.readouterr().err


def test_a_changed_log_is_another_sweep(tmp_path: Path) -> None:
    log = tmp_path / "log" / "day.csv"
    log.parent.mkdir()
    asked = []
    for text in ("a,1\n", "a,1\n", "a,2\n"):
        log.write_text(text)
        asked.append(sweep.resolved(MarketChoice(str(log.parent)), LESSON))
    assert asked[0] == asked[1] != asked[2]


def test_a_trial_is_what_a_person_would_type(tmp_path: Path) -> None:
    choice = MarketChoice("demo", ticks=4)
    trial = trial_of({"noise": "0.1"}, 3, choice, LESSON, tmp_path, ("equibid",))
    assert list(trial.command) == [
        *("equibid", "train", "demo", "--ticks", "4", "--algorithm", "toy"),
        *("--set", "momentum=false", "--steps", "40", "--eval-every", "15"),
        *("--set", "noise=0.1", "--seed", "3", "--out", str(tmp_path / "noise=0.1_seed=3")),
    ]
    assert grid_points(LESSON, ()) == [{}]
    long = trial_of({"a/b": "x" * 300}, 3, choice, LESSON, tmp_path, ["equibid"])
    assert long.folder.parent == tmp_path
    assert len(long.folder.name) < 150


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--grid", "learning_rte=1"), ["no setting 'learning_rte'", "learning_rate"]),
        (("--grid", "noise=0.1,x"), ["noise must be a number, not 'x'"]),
        (("--grid", "noise"), ["--grid noise: write each setting once"]),
        (("--grid", "noise=1", "--grid", "noise=2"), ["--grid noise=2: write each setting once"]),
        (("--seeds", "4..0"), ["--seeds 4..0: write 0..4, or 0,3,8"]),
        (("--seeds", "1,1"), ["--seeds 1,1"]),
        (("--seeds", "one"), ["--seeds one"]),
        (("--jobs", 0), ["--jobs 0", "at least 1"]),
        (("--eval-every", 0), ["--eval-every 0", "at least 1"]),
    ],
)
def test_a_wrong_question_is_answered_before_anything_is_run(
    equibid: Command,
    capsys: Captured,
    tmp_path: Path,
    ran: list[str],
    words: tuple[object, ...],
    said: list[str],
) -> None:
    assert equibid("sweep", "demo", "--algorithm", "toy", *words) == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    assert all(word in err for word in said), err
    assert not (tmp_path / "runs").exists()
    assert ran == []


def test_seeds_are_read_both_ways() -> None:
    assert seeds_of("0..4") == [0, 1, 2, 3, 4]
    assert seeds_of("7") == [7]
    assert seeds_of("0, 3,8") == [0, 3, 8]


def test_ray_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"equibid\[sweep\].* --no-ray"):
        run_sweep(MarketChoice("demo"), LESSON, Settings(GRID, out=tmp_path / "sweep"))


def ranking(settings: Settings) -> pl.DataFrame:
    return run_sweep(MarketChoice("demo"), LESSON, settings)


@pytest.mark.slow
def test_trials_run_in_processes(tmp_path: Path) -> None:
    settings = Settings(GRID, "0..1", jobs=2, ray=False, out=tmp_path)
    table = ranking(settings)
    assert table["rank"].to_list() == [1, 1, 2, 2]
    assert table["learning_rate"].to_list() == ["0.1", "0.1", "0.0001", "0.0001"]
    folders = sorted((tmp_path / "parts").iterdir())
    assert [folder.name for folder in folders] == sorted(table["folder"])
    metrics = [(folder / "metrics.parquet").read_bytes() for folder in folders]
    assert len(set(metrics)) == 4
    # A trial that was lost is run again, to the same bytes; the others are not.
    for name in ("result.json", "checkpoint.eqx", "metrics.parquet"):
        (folders[0] / name).unlink()
    written = (folders[1] / "result.json").stat().st_mtime_ns
    assert ranking(settings).equals(table)
    assert (folders[0] / "metrics.parquet").read_bytes() == metrics[0]
    assert (folders[1] / "result.json").stat().st_mtime_ns == written


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("ray"), reason="ray is an extra and not installed here")
@pytest.mark.filterwarnings("default")
def test_trials_run_on_ray(tmp_path: Path) -> None:
    table = ranking(Settings(GRID, jobs=2, out=tmp_path))
    assert table["learning_rate"].to_list() == ["0.1", "0.0001"]
    assert table["score"][0] > table["score"][1]
    assert not import_module("ray").is_initialized()


@pytest.mark.slow
def test_a_trial_that_fails_is_shown_and_the_others_are_ranked(tmp_path: Path) -> None:
    lesson = TrainConfig("toy", steps=40, eval_every=20, eval_metric="valu")
    settings = Settings((), "0", ray=False, out=tmp_path / "sweep")
    with pytest.raises(InputError, match=r"1 of 1 trials failed.* judged by 'valu'; try value"):
        run_sweep(MarketChoice("demo"), lesson, settings)
