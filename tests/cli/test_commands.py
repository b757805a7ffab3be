"""What the commands print and leave behind."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from equibid.auctions import AUCTIONS
from equibid.bidders import BIDDERS
from equibid.equilibrium.objectives import OBJECTIVES
from equibid.equilibrium.solvers.registry import SOLVERS
from equibid.logs import READERS
from equibid.markets import MARKETS
from equibid.runs.comparison_result import TABLES

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SMALL = (
    *("compare", "demo", "--impressions", 600, "--advertisers", 8, "--ticks", 6),
    *("--seeds", 2, "--bidders", "lin,pacing,hindsight"),
)
FILES = (
    *("config.json", "environment.json", "comparison.json", "report.html"),
    *(f"{name}.parquet" for name in TABLES if name != "head_to_head"),
)


def test_list_names_everything(equibid: Command, capsys: Captured) -> None:
    assert equibid("list") == 0
    first_words = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line}
    for registry in (MARKETS, READERS, BIDDERS, AUCTIONS, SOLVERS, OBJECTIVES):
        assert set(registry) <= first_words


COMMANDS = ("compare", "demo", "fit", "values", "solve", "certify", "exploit", "report", "list")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(equibid: Command, capsys: Captured, command: str) -> None:
    assert equibid(command, "--help") == 0
    assert f"equibid {command}" in capsys.readouterr().out.split("Example")[1]


def test_help_of_the_program_names_its_commands(equibid: Command, capsys: Captured) -> None:
    assert equibid("--help") == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("demo", "compare", "fit", "solve", "certify", "list"))


def test_compare_leaves_a_whole_run(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    assert equibid(*SMALL) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(name in out for name in ("lin", "pacing", "hindsight", "runs/compare-demo"))
    folder = tmp_path / "runs" / "compare-demo"
    assert {path.name for path in folder.iterdir()} == {*FILES, "parts"}
    config = json.loads((folder / "config.json").read_text())
    assert config["bidders"] == ["lin", "pacing", "hindsight"]
    assert (config["seeds"], config["impressions"], config["play"]) == (2, 600, "tick")
    assert config["auction"]["rule"] == "Ranked"
    assert str(tmp_path) not in (folder / "config.json").read_text()

    rows = pl.read_parquet(folder / "delivery.parquet")
    assert rows.height == 2 * 3 * 6 * 8
    ranking = pl.read_parquet(folder / "ranking.parquet")
    value = dict(rows.group_by("bidder").agg(pl.col("value").sum() / 2).rows())
    assert dict(ranking.select("bidder", "value").rows()) == pytest.approx(value)
    contenders = ranking.filter(~pl.col("reference"))
    assert contenders["score"].mean() == pytest.approx(1)
    assert contenders["score"].is_sorted(descending=True)
    assert ranking.filter("reference")["bidder"].to_list() == ["hindsight"]
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "http://" not in report.split("<script")[0]

    # A lost part is played anew, and nothing changes.
    (folder / "parts" / "demo-1.parquet").unlink()
    kept = (folder / "parts" / "demo-0.parquet").stat().st_mtime_ns
    assert equibid(*SMALL) == 0
    assert (folder / "parts" / "demo-0.parquet").stat().st_mtime_ns == kept
    assert_frame_equal(pl.read_parquet(folder / "delivery.parquet"), rows, check_exact=True)
    assert_frame_equal(pl.read_parquet(folder / "ranking.parquet"), ranking, check_exact=True)

    # Other settings do not go into the same folder.
    capsys.readouterr()
    assert equibid(*SMALL, "--market-seed", 1, "--out", "runs/compare-demo") == 2
    assert "other settings" in capsys.readouterr().err
    assert_frame_equal(pl.read_parquet(folder / "delivery.parquet"), rows, check_exact=True)


def campaign(folder: Path, seed: int) -> Path:
    """A small campaign in the format of the older iPinYou benchmark."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    info = {"imp_train": 301, "cost_train": 301 * 150, "clk_train": 30}
    (folder / "7.info.json").write_text(json.dumps(info | {"price_counter_train": [1] * 301}))
    for part in ("train", "test"):
        lines = [
            f"{int(rng.random() < 0.1)} {rng.integers(1, 301)} {rng.uniform(0.01, 0.2):.6f}"
            for _ in range(3000)
        ]
        (folder / f"7.{part}.theta.txt").write_text("\n".join(lines) + "\n")
    return folder / "7.test.theta.txt"


def test_two_logs_of_one_name_are_two_runs(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    one, other = (campaign(tmp_path / name, seed) for seed, name in enumerate(("one", "other")))
    settings = ("--bidders", "lin,mcpc", "--budget-share", 0.1, "--out", tmp_path / "run")
    assert equibid("compare", one, *settings) == 0
    assert "lin" in capsys.readouterr().out
    rows = pl.read_parquet(tmp_path / "run" / "delivery.parquet")
    assert set(rows["bidder"]) == {"lin", "mcpc"}
    assert (rows["remaining"] >= 0).all()
    assert equibid("compare", other, *settings) == 2
    assert "other settings" in capsys.readouterr().err
    assert equibid("compare", one, *settings) == 0


def test_the_module_is_the_program() -> None:
    command = [sys.executable, "-m", "equibid", "compare", "demo", "--bidders", "nobody-at-all"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("equibid: there is no bidder 'nobody-at-all'")
    assert ended.stderr.count("\n") == 1
