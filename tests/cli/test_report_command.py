"""`equibid report`: the same file again, several runs side by side, and folders that are none."""

import io
import json
import re
import shlex
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli.test_fit import hourly
from equibid.auctions.registry import AUCTIONS, auction_named, rule_named
from equibid.cli import main
from equibid.cli.report import distinct
from equibid.markets import Generator
from equibid.markets.toml import market_text
from equibid.runs.comparison_result import TABLES, read_result
from equibid.runs.reading import read_run

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]
SIZES = ("--impressions", 300, "--advertisers", 4, "--ticks", 3)
COMPARE = ("compare", "demo", *SIZES, "--seeds", 2, "--bidders", "lin,fixed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two comparisons, `one` and `other`, that differ in their auction."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "keep_compiled_programs", lambda: None)
        for name, auction in (("one", "gsp"), ("other", "gsp:reserve=0.05")):
            words = (*COMPARE, "--auction", auction, "--out", folder / name)
            main.main([str(word) for word in words])
    return folder


def refused(capsys: Captured, code: int) -> str:
    err = capsys.readouterr().err
    assert code == 2
    assert err.count("\n") == 1 and err.startswith("equibid: ")
    return err


def test_a_comparisons_report_is_the_same_again(equibid: Command, made: Path) -> None:
    report = made / "one" / "report.html"
    before = report.read_text(encoding="utf-8")
    report.unlink()
    assert equibid("report", made / "one") == 0
    assert report.read_text(encoding="utf-8") == before


def test_a_report_goes_where_it_is_asked_to(equibid: Command, made: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    assert equibid("report", made / "one", "--out", out) == 0
    assert out.read_text() == (made / "one" / "report.html").read_text()


def test_runs_stand_side_by_side(equibid: Command, made: Path, tmp_path: Path) -> None:
    out = tmp_path / "both.html"
    assert equibid("report", made / "one", made / "other", "--out", out) == 0
    page = out.read_text(encoding="utf-8")
    settings = page[page.index("<h2>What differs</h2>") : page.index("<h2>What it changed</h2>")]
    lines = re.findall(r'<td class="name">(.*?)</td><td>(.*?)</td><td>(.*?)</td>', settings)
    assert ("auction.reserve", "0.0001", "0.05") in lines


def test_the_ranking_is_printed_for_papers(equibid: Command, made: Path, capsys: Captured) -> None:
    ranking = pl.read_parquet(made / "one" / "ranking.parquet")
    assert equibid("report", made / "one", "--table", "csv") == 0
    table = pl.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["Bidder"].to_list() == ranking["bidder"].to_list()
    for column, name in (("Score (× mean)", "score"), ("Score low", "score_low")):
        assert table[column].to_list() == pytest.approx(ranking[name].to_list())
    assert equibid("report", made / "one", made / "other", "--table", "latex") == 0
    out = capsys.readouterr().out
    assert out.startswith("\\begin{tabular}") and out.count("\\\\\n") == 1 + 2 * ranking.height
    assert equibid("report", made / "one", "--table", "markdown") == 0
    assert capsys.readouterr().out.count("\n") == 2 + ranking.height


def test_charts_are_files(equibid: Command, made: Path, tmp_path: Path, capsys: Captured) -> None:
    before = (made / "one" / "report.html").stat().st_mtime_ns
    assert equibid("report", made / "one", "--figures", tmp_path / "new") == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert {path.stem for path in written} == {path.stem for path in (tmp_path / "new").iterdir()}
    assert {"ranking", "pacing", "prices"} <= {path.stem for path in written}
    for path in written:
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert (made / "one" / "report.html").stat().st_mtime_ns == before
    several = equibid("report", made / "one", made / "other", "--figures", tmp_path / "new")
    assert "name one run folder" in refused(capsys, several)
    idle = equibid("report", made / "one", "--table", "csv", "--out", "x.html")
    assert "--out is for the report" in refused(capsys, idle)


def test_a_run_named_twice_is_one(equibid: Command, made: Path) -> None:
    assert equibid("report", made / "one", made / "one" / "..", made / "one") == 2
    assert equibid("report", made / "one", f"{made}/one/") == 0


def test_folders_that_are_none(
    equibid: Command, made: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert "is no folder" in refused(capsys, equibid("report", tmp_path / "nowhere"))
    assert "config.json is missing" in refused(capsys, equibid("report", tmp_path))
    said = refused(capsys, equibid("report", made))
    assert "name one of its folders" in said and "one" in said
    broken = tmp_path / "broken"
    shutil.copytree(made / "one", broken)
    (broken / "scores.parquet").unlink()
    assert "scores.parquet is missing" in refused(capsys, equibid("report", broken))
    (broken / "scores.parquet").write_text("no table")
    assert "not a Parquet table" in refused(capsys, equibid("report", broken))
    (broken / "config.json").write_text("{")
    assert "config.json: it is not JSON" in refused(capsys, equibid("report", broken))
    (broken / "config.json").write_text('{"command": "sweep"}')
    assert "has no report" in refused(capsys, equibid("report", broken))
    solved = json.dumps({"command": "solve", "market": "demo"})
    (broken / "config.json").write_text(solved)
    assert "only runs of one kind" in refused(capsys, equibid("report", made / "one", broken))
    assert "is a folder" in refused(capsys, equibid("report", made / "one", "--out", tmp_path))
    said = refused(capsys, equibid("report", broken))
    assert "certificate.json is missing" in said
    assert f"run this command again: equibid solve demo --out {broken}" in said
    (broken / "certificate.json").write_text('{"tolerance": 0.1}')
    said = refused(capsys, equibid("report", broken))
    assert "certificate.json is of another version of Equibid, it lacks notices, markets" in said


def test_a_table_without_a_column_is_of_another_version(
    equibid: Command, made: Path, tmp_path: Path, capsys: Captured
) -> None:
    old = shutil.copytree(made / "one", tmp_path / "old")
    table = pl.read_parquet(old / "paired.parquet").drop("separable")
    table.write_parquet(old / "paired.parquet")
    said = refused(capsys, equibid("report", old))
    assert "paired.parquet is of another version of Equibid, it lacks separable" in said


def test_the_command_that_is_named_makes_the_same_run(
    equibid: Command, made: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(made / "other", tmp_path / "mine")
    words = shlex.split(read_run(folder).command)
    assert words[:3] == ["equibid", "compare", "demo"]
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    # A run with other settings would be refused.
    assert equibid(*words[1:], "--out", folder) == 0
    assert (folder / "report.html").read_bytes() == before


def test_the_tables_of_a_run_are_read_back(made: Path) -> None:
    found = read_result(read_run(made / "one"))
    for name in TABLES:
        table = getattr(found, name)
        path = made / "one" / f"{name}.parquet"
        assert (table is None) is not path.exists()
        if table is not None:
            assert table.equals(pl.read_parquet(path))
    assert [m.column for m in found.ranked.metrics][:2] == ["conversions", "value"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("solve", "demo", *SIZES, "--starts", 2, "--deflated", 0),
        ("certify", "demo", "fixed", *SIZES, "--days", 2),
        ("fit", "7.test.txt", "--others", 1),
    ],
    ids=lambda words: words[0],
)
def test_a_report_and_a_run_are_made_again(
    equibid: Command, tmp_path: Path, words: tuple[object, ...]
) -> None:
    hourly(tmp_path)
    folder = tmp_path / "run"
    assert equibid(*words, "--out", folder) == 0
    report = folder / "report.html"
    before = report.read_bytes()
    report.unlink()
    assert equibid("report", folder) == 0
    assert report.read_bytes() == before
    again = shlex.split(read_run(folder).command)[1:]
    assert equibid(*again, "--out", folder) == 0
    assert report.read_bytes() == before


@pytest.mark.slow
def test_a_training_runs_report_is_made_again_without_its_market(
    equibid: Command, tmp_path: Path
) -> None:
    market = tmp_path / "mine.toml"
    market.write_text(market_text(Generator("mine", 300, 4, 3, 2)))
    words = ("--algorithm", "ippo", "--steps", 1, "--days", 1, "--set", "num_envs=2")
    assert equibid("train", market, *words, "--auction", "gsp:reserve=0.02") == 0
    (folder,) = (tmp_path / "runs").glob("train-mine-*")
    market.unlink()
    report = folder / "report.html"
    before = report.read_bytes()
    report.unlink()
    assert equibid("report", folder) == 0
    assert report.read_bytes() == before


@pytest.mark.parametrize("name", list(AUCTIONS))
def test_a_resolved_rule_is_named_again(name: str) -> None:
    for text in (name, f"{name}:temperature=0.037" if "soft" in name else f"{name}:reserve=0.3"):
        rule = auction_named(text)
        config = resolved_rule(rule)
        assert auction_named(rule_named(config)) == rule


def resolved_rule(rule: Any) -> dict[str, Any]:
    """As config.json holds it."""
    return json.loads(json.dumps({"rule": type(rule).__name__} | asdict(rule)))


def test_names_are_as_short_as_they_can_be() -> None:
    paths = [Path("/a/runs/x"), Path("/b/runs/x"), Path("/b/runs/y")]
    assert list(distinct(paths).values()) == ["a/runs/x", "b/runs/x", "b/runs/y"]
    assert list(distinct(paths[1:]).values()) == ["x", "y"]
