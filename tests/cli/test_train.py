"""What `equibid train` prints and leaves behind."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cli.toy_program import places
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.training.results import load_policy, saved_algorithm
from equibid.runs import train
from learning.toy import TASK, Toy, judge

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SMALL = ("train", "demo", "--algorithm", "toy", "--steps", 12, "--checkpoint-every", 5)
FILES = {
    *("config.json", "environment.json", "parts", "checkpoint.eqx", "policy.eqx", "result.json"),
    *("metrics.parquet", "judgements.parquet", "timing.jsonl", "board"),
}


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALGORITHMS.entries, "toy", Toy)
    monkeypatch.setitem(ALGORITHMS.summaries, "toy", "Looks for a point.")
    for module, name, made in places():
        monkeypatch.setattr(module, name, made)


def test_train_leaves_a_whole_run(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    words = (*SMALL, "--seeds", 2, "--seed", 6, "--eval-every", 4)
    words = (*words, "--set", "learning_rate=0.2", "--set", "net.layers=3,2")
    assert equibid(*words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "12 steps, all steps made" in out
    folder = tmp_path / "runs" / "train-demo-toy"
    assert {path.name for path in folder.iterdir()} == FILES
    text = (folder / "config.json").read_text()
    assert str(tmp_path) not in text
    config = json.loads(text)
    assert config["seeds"] == [6, 7]
    assert config["target"] == TASK.target.tolist()
    assert config["settings"]["net.layers"] == [3, 2]
    assert pl.read_parquet(folder / "metrics.parquet").height == 24
    # What it learnt is a bidder, as good as it was judged.
    algorithm, _ = saved_algorithm(folder)
    assert isinstance(algorithm, Toy)
    assert algorithm.learning_rate == 0.2
    judgements = pl.read_parquet(folder / "judgements.parquet")
    bidder = load_policy(folder, lambda _: TASK)
    assert judge(bidder)["value"] == judgements["value"].max()
    assert f"{judgements['value'].max():,.6g}" in out
    assert equibid("show", "runs/train-demo-toy", "--json") == 0
    shown = json.loads(capsys.readouterr().out)["table"]
    assert [(row["seed"], row["eval_metric"]) for row in shown] == [(6, "seated"), (7, "seated")]
    assert max(row["score"] for row in shown) == judgements["seated"].max()

    # The same words again find it finished; where it is shown and kept is not what it is.
    before = (folder / "metrics.parquet").read_bytes()
    assert equibid(*words, "--checkpoint-every", 3) == 0
    assert (folder / "metrics.parquet").read_bytes() == before
    capsys.readouterr()
    assert equibid(*words, "--set", "noise=0", "--out", "runs/train-demo-toy") == 2
    assert "other settings" in capsys.readouterr().err


def test_train_stops_early(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    early = ("--eval-every", 2, "--patience", 1, "--tolerance", 1000, "--out", "here")
    assert equibid(*SMALL, *early) == 0
    assert "4 steps, no seed improved any more" in capsys.readouterr().out
    assert json.loads((tmp_path / "here" / "result.json").read_text())["stopped"]


def test_every_campaign_of_a_log_has_its_run(
    equibid: Command, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "training_setups", lambda *_: ["1458", "3358"])
    assert equibid(*SMALL, "--seeds", 2, "--out", "here") == 0
    assert "toy on 1458" in capsys.readouterr().out
    results = [
        json.loads((tmp_path / "here" / name / "result.json").read_text())
        for name in ("1458", "3358", "")
    ]
    assert results[2]["score"] == [2 * score for score in results[0]["score"]]
    assert results[2]["seeds"] == [0, 1]


def test_settings_are_listed(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    assert equibid(*SMALL, "--set", "noise=0.125", "--show-settings") == 0
    out = capsys.readouterr().out
    assert "Looks for a point." in out
    assert "0.125" in out
    assert "Of Adam, at every step." in out
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "learning_rte=1"), ["no setting 'learning_rte'", "learning_rate"]),
        (("--set", "learning_rate=x"), ["learning_rate must be a number, not 'x'"]),
        (("--algorithm", "toyy"), ["no algorithm 'toyy'", "toy"]),
        (("--steps", 0), ["--steps 0", "at least 1"]),
        (("--seeds", 0), ["--seeds 0", "at least 1"]),
        (("--eval-metric", "vlue"), ["nothing is judged by 'vlue'; try value"]),
    ],
)
def test_a_wrong_question_is_answered_in_one_sentence(
    equibid: Command, capsys: Captured, words: tuple[object, ...], said: list[str]
) -> None:
    assert equibid(*SMALL, *words) == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    assert all(word in err for word in said), err
