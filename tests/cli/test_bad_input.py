"""Whatever is asked wrongly ends with exit code 2 and one sentence that helps."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from equibid.cli.declared import options_of
from equibid.cli.main import PLACES

Command = Callable[..., int]

SHORT_ROW = "1 20 0.01\n0 30\n0 10 0.02\n"
INFO = json.dumps(
    {"imp_train": 301, "cost_train": 45150, "clk_train": 9, "price_counter_train": [1] * 301}
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An RLB campaign whose second line lacks a field."""
    (tmp_path / "7.info.json").write_text(INFO)
    path = tmp_path / "7.test.theta.txt"
    path.write_text(SHORT_ROW)
    return path


def refused(capsys: pytest.CaptureFixture[str], code: int) -> str:
    """The sentence on stderr."""
    err = capsys.readouterr().err
    assert code == 2
    assert "Traceback" not in err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--bidders", "lin,pacin"], ["bidder 'pacin'", "pacing"]),
        (["demo", "--bidders", "lin,pacing,lin"], ["lin more than once"]),
        (["demo", "--bidders", ","], ["--bidders names nobody"]),
        (["demoo"], ["demoo", "demo", "equibid list"]),
        (["no/such/log.csv"], ["no/such/log.csv is neither a file", "equibid list"]),
        (["demo", "--seeds", "0"], ["--seeds 0", "at least 1"]),
        (["demo", "--seeds", "-3"], ["--seeds -3"]),
        (["demo", "--auction", "vickrey"], ["auction 'vickrey'", "second-price"]),
        (["demo", "--impressions", "0"], ["--impressions 0", "at least 1"]),
        (["demo", "--ticks", "9", "--impressions", "5"], ["9 ticks", "5 impressions"]),
        (["example-3.2", "--ticks", "2"], ["example-3.2", "ticks"]),
    ],
)
def test_a_wrong_question_is_answered_in_one_sentence(
    equibid: Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    said: list[str],
) -> None:
    err = refused(capsys, equibid("compare", *arguments))
    assert all(word in err for word in said), err
    assert not (tmp_path / "runs").exists()


def test_a_broken_line_is_named(
    equibid: Command, capsys: pytest.CaptureFixture[str], log: Path
) -> None:
    err = refused(capsys, equibid("compare", log))
    assert f"{log}, line 2:" in err


def test_a_log_is_not_resized(
    equibid: Command, capsys: pytest.CaptureFixture[str], log: Path
) -> None:
    err = refused(capsys, equibid("compare", log, "--impressions", 1000))
    assert "--impressions" in err
    assert "log" in err


def test_an_unknown_format_is_refused(
    equibid: Command, capsys: pytest.CaptureFixture[str], log: Path
) -> None:
    err = refused(capsys, equibid("compare", log, "--format", "rbl"))
    assert "'rbl'" in err
    assert "rlb" in err


def test_a_run_folder_that_is_a_file_is_refused(
    equibid: Command, capsys: pytest.CaptureFixture[str], log: Path
) -> None:
    small = ("demo", "--impressions", 600, "--advertisers", 4, "--ticks", 4)
    err = refused(capsys, equibid("compare", *small, "--out", log))
    assert str(log) in err
    assert log.read_text() == SHORT_ROW


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["comprae", "demo"], "there is no command 'comprae'; try compare"),
        (["solv"], "try solve"),
        (["zzz"], "try demo, import, compare"),
        (["compare", "demo", "--seed", "3"], "compare has no option --seed; try --seeds"),
        (["compare", "demo", "--seed=3"], "no option --seed; try --seeds"),
        (["compare", "demo", "--exploitabilty"], "try --exploitability"),
        (["train", "demo", "--algoritm", "mappo"], "no option --algoritm; try --algorithm"),
        (["demo", "--opne"], "no option --opne; try --open"),
        (["compare", "demo", "--zzz"], "no option --zzz; see equibid compare --help"),
        (["compare", "demp"], "try demo"),
        (["train", "demo", "--algorithm", "mapo"], "no algorithm 'mapo'; try mappo"),
        (["solve", "demo", "--method", "ncb"], "try ncb"),
    ],
)
def test_near_names_are_suggested(
    equibid: Command, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert said in refused(capsys, equibid(*arguments))


def test_every_option_of_a_command_is_known(
    equibid: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, place in PLACES.items():
        assert equibid(name, "--help") == 0
        out = capsys.readouterr().out
        rows = re.findall(r"^[ │] ? ?((?:-h, )?--.*?)(?:  |$)", out, re.MULTILINE)
        shown = {word for row in rows for word in re.findall(r"--[a-z][a-z-]*", row)}
        assert shown - options_of(place) == {"--help", "--plugin"}, name


@pytest.mark.parametrize(
    "arguments", [[], ["compare"], ["--seeds", "1"], ["compare", "demo", "more"]]
)
def test_unknown_words_are_refused(
    equibid: Command, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert equibid(*arguments) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert (told.err if arguments else told.out).strip()
