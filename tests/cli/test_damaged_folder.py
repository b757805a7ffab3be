"""A run folder that was damaged or changed is refused in one sentence, and mended as it says."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from equibid.cli import main
from equibid.files import write_json, write_parquet, write_text
from equibid.runs.comparison_result import TABLES

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]
Damage = Callable[[Path], object]

SMALL = (
    *("compare", "demo", "--impressions", "600", "--advertisers", "4", "--ticks", "4"),
    *("--bidders", "constant,random", "--seeds", "2", "--out", "run"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished comparison."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "keep_compiled_programs", lambda: None)
        patch.chdir(folder)
        main.main(SMALL)
    return folder / "run"


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(made, tmp_path / "run")


def text(path: Path) -> object:
    return write_text(path, "market,spend\ndemo,1\n")


def cut(path: Path) -> object:
    return path.write_bytes(path.read_bytes()[:-30])


def foreign(path: Path) -> object:
    return write_parquet(path, pl.DataFrame({"a": [1]}))


def folder(path: Path) -> object:
    path.unlink(missing_ok=True)
    return path.mkdir()


def refused(capsys: Captured, code: int) -> str:
    err = capsys.readouterr().err
    assert code == 2, err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("damage", [text, cut, foreign])
def test_a_damaged_part_is_made_anew(
    equibid: Command, capsys: Captured, run: Path, damage: Damage
) -> None:
    part = run / "parts" / "demo-1.parquet"
    whole, report = part.read_bytes(), (run / "report.html").read_bytes()
    damage(part)
    assert equibid(*SMALL) == 0
    out = capsys.readouterr().out
    assert "1 of 2 pieces reused." in out and "1 piece was damaged, and was made anew." in out
    assert part.read_bytes() == whole and (run / "report.html").read_bytes() == report


def test_a_folder_in_a_part_s_place_is_named(equibid: Command, capsys: Captured, run: Path) -> None:
    part = run / "parts" / "demo-1.parquet"
    folder(part)
    assert "demo-1.parquet" in refused(capsys, equibid(*SMALL))
    part.rmdir()
    assert equibid(*SMALL) == 0


@pytest.mark.parametrize("name", ["delivery", "ranking", "prices", "paired"])
@pytest.mark.parametrize("damage", [text, cut, foreign, folder])
def test_a_report_is_not_made_of_damaged_tables(
    equibid: Command, capsys: Captured, run: Path, damage: Damage, name: str
) -> None:
    assert name in TABLES
    before = (run / "report.html").read_bytes()
    damage(run / f"{name}.parquet")
    err = refused(capsys, equibid("report", "run"))
    assert name in err or damage is foreign
    assert (run / "report.html").read_bytes() == before


EDITS = {
    "no JSON": lambda path: write_text(path, "{"),
    "deep": lambda path: write_text(path, "[" * 100_000),
    "digits": lambda path: write_text(path, '{"score": ' + "9" * 5000 + "}"),
    "a list": lambda path: write_json(path, []),
    "empty": lambda path: write_json(path, {}),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "folder": folder,
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["config.json", "comparison.json"])
def test_an_edited_folder_has_no_report(
    equibid: Command, capsys: Captured, run: Path, name: str, edit: str
) -> None:
    EDITS[edit](run / name)
    refused(capsys, equibid("report", "run"))
    if name == "config.json":
        refused(capsys, equibid(*SMALL))
    refused(capsys, equibid("report", "run", "run/../run/parts"))


def test_an_edited_import_is_refused(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    rows = "".join(f"{k},{0.01 * k + 0.01},1,{k % 2}\n" for k in range(20))
    write_text(tmp_path / "log.csv", f"id,v,p,c\n{rows}")
    columns = 'id = "id"\nvalue = "v"\nprice = "p"\nclick = "c"\n'
    write_text(tmp_path / "map.toml", f"[columns]\n{columns}")
    assert equibid("import", "log.csv", "--columns", "map.toml", "--out", "L") == 0
    capsys.readouterr()
    told = json.loads((tmp_path / "L" / "import.json").read_text())
    file = told["files"][0]
    for edited in (
        [],
        {},
        told | {"files": [{}]},
        told | {"files": {"a": 1}},
        told | {"form": ["columns"]},
        told | {"files": [file | {"parts": ["../../map.toml"]}]},
        told | {"files": [file | {"parts": [None]}]},
        told | {"files": [file | {"beside": {}}]},
        told | {"files": [file | {"name": 7}]},
        told | {"form": "hourly"},
        told | {"form": "auctionnet"},
    ):
        write_json(tmp_path / "L" / "import.json", edited)
        refused(capsys, equibid("compare", "L", "--bidders", "constant"))
    write_json(tmp_path / "L" / "import.json", told)
    for damage in (text, cut, foreign, folder):
        shutil.copytree(tmp_path / "L", tmp_path / "M")
        damage(next((tmp_path / "M" / "rows").iterdir()))
        err = refused(capsys, equibid("compare", "M", "--bidders", "constant"))
        assert "import the log again" in err or damage in (foreign, folder)
        shutil.rmtree(tmp_path / "M")
