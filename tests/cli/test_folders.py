"""A second command finds room for its run, or is told what is different."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from equibid.errors import InputError
from equibid.runs.compare import CompareConfig
from equibid.runs.folder import open_run
from equibid.runs.places import clear, differences, place_for

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SMALL = ("--impressions", 200, "--advertisers", 3, "--ticks", 2, "--bidders", "lin,fixed")
CONFIG = {"market": "demo", "seeds": 5, "auction": {"rule": "Ranked", "reserve": 0.1}}


def runs(folder: Path) -> dict[str, int]:
    """The seeds of each run folder."""
    return {
        path.parent.name: json.loads(path.read_text())["seeds"]
        for path in (folder / "runs").glob("*/config.json")
    }


def test_the_second_command_does_not_collide(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    words = ("compare", "demo", *SMALL)
    assert equibid(*words, "--seeds", 1) == 0
    assert runs(tmp_path) == {"compare-demo": 1}
    assert equibid(*words, "--seeds", 2) == 0
    (other,) = set(runs(tmp_path)) - {"compare-demo"}
    assert other.startswith("compare-demo-") and other in capsys.readouterr().out
    # Each command finds its own folder again.
    for seeds in (1, 2):
        assert equibid(*words, "--seeds", seeds) == 0
    assert runs(tmp_path) == {"compare-demo": 1, other: 2}

    # A folder that is named is not left for another, but may be made room in.
    capsys.readouterr()
    here = ("--out", "runs/compare-demo")
    assert equibid(*words, "--seeds", 3, *here) == 2
    assert "(seeds: 1 there, 3 asked); name another folder" in capsys.readouterr().err
    assert equibid(*words, "--seeds", 3, *here, "--force") == 0
    assert runs(tmp_path) == {"compare-demo": 3, other: 2}
    assert "force" not in json.loads((tmp_path / "runs/compare-demo/config.json").read_text())


def test_the_demo_and_a_comparison_of_its_market_have_folders_of_their_own(
    equibid: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = CompareConfig
    small = {"impressions": 200, "ticks": 2, "seeds": 1}
    monkeypatch.setattr(
        "equibid.cli.demo.CompareConfig", lambda market, **x: default(market, **(x | small))
    )
    assert equibid("demo") == equibid("compare", "demo", *SMALL, "--seeds", 2) == 0
    assert runs(tmp_path) == {"demo": 1, "compare-demo": 2}


def test_what_differs_is_named() -> None:
    asked = {"market": "demo", "seeds": 10, "auction": {"rule": "Ranked", "reserve": 0.2}}
    assert differences(CONFIG, asked) == [
        "auction.reserve: 0.1 there, 0.2 asked",
        "seeds: 5 there, 10 asked",
    ]
    assert differences(CONFIG, CONFIG) == []
    assert differences({}, {"out": None, "bidders": ["lin", "fixed"]}) == [
        "bidders: none there, lin,fixed asked"
    ]
    many: dict[str, Any] = {f"s{number}": 0 for number in range(7)}
    told = differences(many, dict.fromkeys(many, "x" * 500))
    assert len(told) == 5 and told[-1] == "and 3 more"
    assert all(len(text) < 100 for text in told)


def test_a_place_is_the_same_for_the_same_config(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert place_for(folder, CONFIG) == folder
    open_run(folder, CONFIG)
    assert place_for(folder, dict(reversed(CONFIG.items()))) == folder
    other = place_for(folder, CONFIG | {"seeds": 6})
    assert other.parent == tmp_path and other.name.startswith("run-")
    open_run(other, CONFIG | {"seeds": 6})
    assert place_for(folder, CONFIG | {"seeds": 6}) == other
    assert place_for(folder, CONFIG | {"seeds": 7}) not in (folder, other)
    # Of several runs in a folder the first tells.
    open_run(tmp_path / "all" / "1458", CONFIG)
    assert place_for(tmp_path / "all", CONFIG, "1458") == tmp_path / "all"
    assert place_for(tmp_path / "all", {}, "1458") != tmp_path / "all"


def test_a_damaged_config_is_no_run_to_go_on_with(tmp_path: Path) -> None:
    for text in ("{", "[]", ""):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"settings cannot be read.*--force"):
            open_run(tmp_path, CONFIG)


def test_only_a_run_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"is no run of Equibid, config.json is missing"):
        open_run(mine, CONFIG, force=True)
    (mine / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"also holds thesis.tex, which no run made"):
        clear(mine)
    assert (mine / "thesis.tex").read_text() == "years of work"

    run = open_run(tmp_path / "run", CONFIG)
    (run.parts / "demo-0.parquet").write_text("old")
    (tmp_path / "link").symlink_to(run.folder)
    monkeypatch.chdir(run.parts)
    for folder in (run.folder, tmp_path / "link", Path(".."), Path()):
        with pytest.raises(InputError, match=r"--force"):
            clear(folder)
    monkeypatch.chdir(tmp_path)
    open_run(run.folder, CONFIG | {"seeds": 6}, force=True)
    assert not list(run.parts.iterdir())
    # Nothing there yet is nothing to replace.
    open_run(tmp_path / "new", CONFIG, force=True)
