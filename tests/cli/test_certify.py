"""What `equibid certify` says of factors from a file, a run folder and a bidder."""

import json
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest

from equibid.auctions.soft import Soft
from equibid.equilibrium.certificate import certify
from equibid.equilibrium.game import game_of
from equibid.markets import MARKETS

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SIZES = ("--impressions", 400, "--advertisers", 5, "--ticks", 2)
RULE = ("--auction", "soft:temperature=0.05")


def factors_file(folder: Path, factors: list[float]) -> Path:
    path = folder / "factors.csv"
    pl.DataFrame({"advertiser": range(len(factors)), "factor": factors}).write_csv(path)
    return path


def figures(folder: Path) -> dict:
    return json.loads((folder / "certificate.json").read_text())


def test_a_file_is_certified_day_by_day(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    factors = [40.0, 0.0, 60.0, 20.0, 30.0]
    path = factors_file(tmp_path, factors)
    assert equibid("certify", "demo", path, *SIZES, *RULE, "--days", "0,2") == 0
    out = capsys.readouterr().out
    assert "0 of 2" in out
    folder = tmp_path / "runs" / "certify-demo"
    said = figures(folder)
    assert [row["day"] for row in said["markets"]] == [0, 2]
    expected = []
    for row in said["markets"]:
        market = MARKETS["demo"](
            jax.random.key(0), day=row["day"], impressions=400, advertisers=5, ticks=2
        )
        certificate = certify(game_of(market, Soft(0.05)), np.array(factors))
        assert row["exploitability"] == pytest.approx(certificate.exploitability, rel=1e-9)
        expected.append(certificate.response.welfare)
    # Student's interval of two numbers: half of their distance times 12.706.
    mean, low, high = said["mean"]["welfare"]
    assert mean == pytest.approx(np.mean(expected))
    assert high - mean == pytest.approx(12.7062 * abs(expected[0] - expected[1]) / 2, rel=1e-4)
    assert mean - low == pytest.approx(high - mean)
    rows = pl.read_parquet(folder / "certificate.parquet")
    assert rows["day"].to_list() == [0] * 5 + [2] * 5
    assert rows.filter(advertiser=1)["cost"].to_list() == [0, 0]
    assert not (folder / "factors.csv").exists()
    assert "holds on 0 of 2 days" in (folder / "report.html").read_text(encoding="utf-8")


def test_factors_by_tick_are_certified(equibid: Command, tmp_path: Path) -> None:
    rows = [{"advertiser": i, "tick": t, "factor": 30.0 + t} for i in range(5) for t in range(2)]
    pl.DataFrame(rows).write_parquet(tmp_path / "f.parquet")
    assert equibid("certify", "demo", "f.parquet", *SIZES, *RULE) == 0
    market = MARKETS["demo"](jax.random.key(0), impressions=400, advertisers=5, ticks=2)
    table = np.array([[30.0] * 5, [31.0] * 5])
    certificate = certify(game_of(market, Soft(0.05)), table)
    row = figures(tmp_path / "runs" / "certify-demo")["markets"][0]
    assert row["welfare"] == pytest.approx(certificate.response.welfare, rel=1e-9)


def test_a_run_folder_brings_its_market_and_rule(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    solve = ("solve", "demo", *SIZES, "--starts", 1, "--deflated", 0, "--cap", 0.8)
    assert equibid(*solve, "--auction", "soft-hard:temperature=0.1") == 0
    assert equibid("certify", "demo", "runs/solve-demo", "--tolerance", 1e-6) == 0
    assert "soft-hard auction, temperature 0.1" in capsys.readouterr().out
    solved, certified = (
        figures(tmp_path / "runs" / f"{name}-demo") for name in ("solve", "certify")
    )
    assert solved == certified
    for name in ("factors.csv",):
        one, other = (tmp_path / "runs" / f"{verb}-demo" / name for verb in ("solve", "certify"))
        assert one.read_text() == other.read_text()
    # On another market of the kind the same factors are certified, with a word of warning.
    other = ("--market-seed", 1, "--out", "other")
    assert equibid("certify", "demo", "runs/solve-demo", *other) == 0
    assert "market_seed 0; this is another market" in capsys.readouterr().out
    assert not figures(tmp_path / "other")["markets"][0]["holds"]


def test_a_bidder_is_certified_by_what_it_bids(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    assert equibid("certify", "demo", "fixed", *SIZES, "--days", "2") == 0
    said = figures(tmp_path / "runs" / "certify-demo")
    assert [row["day"] for row in said["markets"]] == [1, 2]
    assert "± 95 %" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fixd"], ["fixd is neither a file", "fixed"]),
        (["lin"], ["bidder lin cannot be certified", "pacing"]),
        (["hindsight"], ["bidder hindsight cannot be certified"]),
        (["fixed", "--days", "0,1"], ["--days 0,1", "from 1 on"]),
        (["factors.csv", "--days", "soon"], ["--days soon", "how many"]),
        (["factors.csv", "--days", "0"], ["--days 0", "from 0 on"]),
        (["factors.csv", "--days", "1,1"], ["each once"]),
        (["factors.csv", "--tolerance", "2"], ["--tolerance 2"]),
        (["factors.csv", "--auction", "second-price"], ["soft auctions"]),
        (["factors.csv"], ["factors.csv: advertiser 4 has no factor"]),
        (["."], [". is no run folder"]),
    ],
)
def test_a_wrong_question_is_answered_in_one_sentence(
    equibid: Command, capsys: Captured, tmp_path: Path, arguments: list[str], said: list[str]
) -> None:
    factors_file(tmp_path, [1.0, 1.0, 1.0, 1.0])
    assert equibid("certify", "demo", *arguments, *SIZES) == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    assert all(word in err for word in said), err
    assert not (tmp_path / "runs").exists()
