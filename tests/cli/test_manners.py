"""What is printed for people, for scripts and for shells, and runs that are shown from folders."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from equibid.cli import importing, main, train
from equibid.files import write_json, write_parquet
from equibid.runs.past import runs_in, runs_of
from equibid.runs.train import Trained

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

TINY = ("--impressions", 300, "--advertisers", 4, "--ticks", 4)
COMPARE = ("compare", "demo", *TINY, "--seeds", 2, "--bidders", "lin,fixed")
SOLVE = ("solve", "demo", *TINY, "--starts", 1, "--deflated", 0)


def printed(capsys: Captured) -> str:
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_a_comparison_in_four_voices(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    assert equibid(*COMPARE, "--quiet") == 0
    assert printed(capsys) == "runs/compare-demo\n"
    assert equibid(*COMPARE, "--json") == 0
    said = json.loads(printed(capsys))
    table = pl.read_parquet(tmp_path / "runs" / "compare-demo" / "ranking.parquet")
    assert said["folder"] == "runs/compare-demo"
    assert (said["command"], said["market"]) == ("compare", "demo")
    assert [row["bidder"] for row in said["table"]] == table["bidder"].to_list()
    assert [row["score"] for row in said["table"]] == table["score"].to_list()
    # The consoles of later commands print again.
    assert equibid("show", "runs/compare-demo") == 0
    shown = printed(capsys)
    assert "relative to the mean" in shown and "fixed" in shown
    assert equibid(*COMPARE) == 0
    assert printed(capsys).split("tied for first")[0].endswith(shown[-40:] + "lin and fixed are ")


def test_a_search_and_its_certificates(equibid: Command, capsys: Captured) -> None:
    assert equibid(*SOLVE, "--json") == 0
    said = json.loads(printed(capsys))
    assert said["folder"] == "runs/solve-demo"
    assert [row["holds"] for row in said["table"]] == [True]
    certify = ("certify", "demo", "runs/solve-demo", "--days", 2)
    assert equibid(*certify, "--quiet") == 0
    assert printed(capsys) == "runs/certify-demo\n"
    assert equibid("show", "runs/certify-demo", "--json") == 0
    said = json.loads(printed(capsys))
    assert [row["day"] for row in said["table"]] == [0, 1]
    for folder in ("runs/solve-demo", "runs/certify-demo"):
        assert equibid("show", folder) == 0
        out = printed(capsys)
        assert folder in out and "welfare" in out and "yes" in out


def test_an_import_and_a_fit(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    lines = ["tick,who,value,price"]
    lines += [f"{k // 25},a,0.0{k % 9 + 1},{k % 7 + 1}" for k in range(200)]
    (tmp_path / "log.csv").write_text("\n".join([*lines, "bad"]) + "\n")
    columns = 'tick = "tick"\nadvertiser = "who"\nvalue = "value"\nprice = "price"\n'
    (tmp_path / "map.toml").write_text(f'name = "own"\n[columns]\n{columns}')
    words = ("import", "log.csv", "--columns", "map.toml", "--max-bad", 0.1)
    assert equibid(*words, "--out", "logs/own", "--json") == 0
    said = json.loads(printed(capsys))
    assert (said["folder"], said["command"]) == ("logs/own", "import")
    assert [(row["read"], row["kept"]) for row in said["table"]] == [(201, 200)]
    assert equibid(*words, "--out", "logs/too", "--quiet") == 0
    assert printed(capsys) == "logs/too\n"
    assert equibid("import", "log.csv", "--suggest-columns", "new.toml", "--json") == 0
    assert json.loads(printed(capsys)) == {"file": "new.toml"}
    assert equibid("fit", "logs/own", "--others", 1, "--json") == 0
    said = json.loads(printed(capsys))
    assert said["command"] == "fit"
    assert {"measure", "distance"} <= set(said["table"][0])


def test_a_training_prints_its_folder(
    equibid: Command, capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = trained(tmp_path / "runs" / "train-demo", score=2.5)

    def learn(*_: object) -> Trained:
        train.plain_console().print("for people")
        return Trained(folder, [], [0], 1.0)

    monkeypatch.setattr(train.training_runs, "train", learn)
    words = ("train", "demo", "--algorithm", "mappo")
    assert equibid(*words, "--quiet") == 0
    assert printed(capsys) == f"{folder}\n"
    assert equibid(*words, "--json") == 0
    (row,) = json.loads(printed(capsys))["table"]
    assert row == {"seed": 0, "eval_metric": "seated", "score": 2.5, "best_step": 3}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*COMPARE, "--quiet", "--json"), "--quiet and --json say what to print; name one"),
        (("train", "demo", "--algorithm", "mappo", "--show-settings", "--json"), "no run folder"),
        (("list", "--json"), "equibid list has no option --json"),
        (("show", "none"), "none is no folder; name a run folder"),
        (("show", "empty"), "empty is no run folder; `equibid runs` lists"),
        (("show", "begun"), "begun is not finished, certificate.json is missing"),
        (("show", "changed"), "certificate.json: the file was changed"),
        (("runs", "none"), "none is no folder; name a folder of runs"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    equibid: Command, capsys: Captured, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("begun", "changed"):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "config.json", {"command": "solve", "market": "demo"})
    write_json(tmp_path / "changed" / "certificate.json", {"markets": 3})
    assert equibid(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("equibid: ") and err.count("\n") == 1 and said in err, err


def trained(folder: Path, score: float) -> Path:
    """The folder of a training run that is finished, as far as it is read."""
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {"command": "train", "market": "demo"})
    result = {"seeds": [0], "eval_metric": "seated", "score": [score], "best_step": [3]}
    write_json(folder / "result.json", result)
    return folder


def test_runs_of_all_kinds_are_listed(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    trained(runs / "log" / "1458", score=1.0)
    trained(runs / "log" / "3358", score=float("inf"))
    for name, config in (
        ("ranked", {"seating": "mixed", "market": "demo"}),
        ("fitted", {"command": "fit", "log": "day.csv"}),
        ("other", {"command": "of somebody"}),
    ):
        (runs / name).mkdir()
        write_json(runs / name / "config.json", config)
    (runs / "notes").mkdir()
    write_parquet(runs / "ranked" / "ranking.parquet", pl.DataFrame({"bidder": ["lin"]}))
    found = {run.folder.name: (run.kind, run.market, run.finished) for run in runs_in(runs)}
    assert found == {
        "1458": ("train", "demo", True),
        "3358": ("train", "demo", True),
        "ranked": ("compare", "demo", True),
        "fitted": ("fit", "day.csv", False),
    }
    # Several campaigns in one folder are one run for its command; infinite is null in JSON.
    assert [run.rows()[0]["score"] for run in runs_of(runs / "log")] == [1.0, None]
    assert equibid("runs") == 0
    lines = [line.split() for line in printed(capsys).splitlines()]
    said = {line[0]: line[1:3] + line[5:] for line in lines if len(line) > 5}
    assert said["ranked"] == ["compare", "demo", "finished"]
    assert said["fitted"] == ["fit", "day.csv", "not", "finished"]
    shutil.rmtree(runs)
    # Nobody has made one yet.
    for again in (False, True):
        runs.mkdir() if again else None
        assert equibid("runs") == 0
        assert printed(capsys) == "runs holds no runs.\n"


def test_errors_are_said_whatever_is_to_be_printed(
    equibid: Command, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "import_log", fail)
    assert equibid("import", "a.csv", "--out", "b", "--quiet") == 130
    out, err = capsys.readouterr()
    assert (out, err) == ("", "equibid: stopped; nothing was imported\n")


@pytest.mark.slow
@pytest.mark.usefixtures("equibid")
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_commands_and_options(capsys: Captured, shell: str) -> None:
    with pytest.raises(SystemExit) as end:
        main.main(["--tyro-print-completion", shell])
    assert not end.value.code
    script = printed(capsys)
    assert all(name in script for name in main.COMMANDS)
    assert "--exploitability" in script and "--json" in script
