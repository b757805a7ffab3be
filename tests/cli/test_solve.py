"""What `equibid solve` prints and leaves behind, and that it goes on to the same bits."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from equibid.auctions.soft import Soft
from equibid.equilibrium.certificate import certify
from equibid.equilibrium.game import default_temperature, game_of
from equibid.markets import MARKETS
from logs.made_logs import auctionnet, clicks, csv, info, spaced, write

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SIZES = ("--impressions", 400, "--advertisers", 5, "--ticks", 2)
SMALL = ("solve", "demo", *SIZES, "--starts", 3, "--deflated", 1)
FILES = {
    *("config.json", "environment.json", "factors.csv", "starts.parquet"),
    *("certificate.parquet", "certificate.json", "report.html", "parts"),
}
TABLES = ("starts", "certificate")


def test_solve_leaves_a_whole_run(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    assert equibid(*SMALL) == 0
    out, err = capsys.readouterr()
    assert err == ""
    folder = tmp_path / "runs" / "solve-demo"
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in sorted((folder / "parts").glob("*.parquet"))] == [
        f"start-{index:04d}.parquet" for index in range(4)
    ]
    market = MARKETS["demo"](
        jax.random.key(0), impressions=400, advertisers=5, ticks=2, form="sparse"
    )
    temperature = default_temperature(market)
    assert f"temperature {temperature:.6g}" in out
    assert "of 4" in out
    assert "holds at 1e-06" in out
    config = json.loads((folder / "config.json").read_text())
    assert config["games"][0] == {
        "market": "demo",
        "pricing": "soft",
        "temperature": temperature,
        "starts": 3,
        "deflated": 1,
    }
    assert str(tmp_path) not in (folder / "config.json").read_text()

    # The files say what the library says.
    factors = pl.read_csv(folder / "factors.csv")
    assert factors.columns == ["advertiser", "name", "factor"]
    certificate = certify(game_of(market, Soft(temperature)), factors["factor"].to_numpy())
    assert certificate.holds(1e-6)
    figures = json.loads((folder / "certificate.json").read_text())["markets"][0]
    assert figures["holds"]
    for name, figure in certificate.summary().items():
        assert figures[name] == pytest.approx(figure, rel=1e-12)
    rows = pl.read_parquet(folder / "certificate.parquet")
    np.testing.assert_array_equal(rows["cost"], certificate.response.cost)
    assert set(rows["status"]) <= {"spends its budget", "at its cap"}
    starts = pl.read_parquet(folder / "starts.parquet")
    assert starts.height == 4
    best = starts.filter("holds")["objective"].max()
    assert best == pytest.approx(certificate.response.welfare)
    assert starts.filter("holds")["equilibrium"].min() == 0
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "http://" not in report.split("<script")[0]

    # A lost part is searched for anew, to the same bits; the others are read.
    kept = (folder / "parts" / "start-0002.parquet").stat().st_mtime_ns
    before = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    text = (folder / "factors.csv").read_text()
    for index in (1, 3):
        (folder / "parts" / f"start-{index:04d}.parquet").unlink()
    (folder / "factors.csv").unlink()
    assert equibid(*SMALL) == 0
    assert (folder / "parts" / "start-0002.parquet").stat().st_mtime_ns == kept
    assert (folder / "factors.csv").read_text() == text
    for name in TABLES:
        again = pl.read_parquet(folder / f"{name}.parquet")
        assert_frame_equal(again, before[name], check_exact=True)

    # Other settings do not go into the same folder.
    capsys.readouterr()
    assert equibid(*SMALL, "--seed", 1, "--out", "runs/solve-demo") == 2
    assert "other settings" in capsys.readouterr().err


def test_other_methods_are_one_job(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    assert equibid("solve", "demo", *SIZES, "--method", "uniform", "--objective", "revenue") == 0
    assert "No start led to an equilibrium" in capsys.readouterr().out
    folder = tmp_path / "runs" / "solve-demo"
    starts = pl.read_parquet(folder / "starts.parquet")
    assert starts["kind"].to_list() == ["uniform"]
    assert starts["objective"].to_list() == starts["revenue"].to_list()
    figures = json.loads((folder / "certificate.json").read_text())["markets"][0]
    assert not figures["holds"]
    assert figures["exploitability"] > 0


def test_a_method_takes_settings_by_name(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    words = ("solve", "demo", *SIZES, "--method")
    assert equibid(*words, "tatonnement:rate=0.1,steps=2") == 0
    folder = tmp_path / "runs" / "solve-demo"
    # As it is by default, the rate is not told.
    assert json.loads((folder / "config.json").read_text())["method"] == "tatonnement:steps=2"
    starts = pl.read_parquet(folder / "starts.parquet")
    assert starts["kind"].to_list() == ["tatonnement:steps=2"]
    assert starts["steps"].to_list() == [2]
    assert "tatonnement:steps=2" in (folder / "report.html").read_text(encoding="utf-8")
    capsys.readouterr()
    # What it does not take is refused before a folder is made.
    assert equibid(*words, "tatonnement:rate=0", "--out", "runs/none") == 2
    assert "method tatonnement: rate must be a number above 0" in capsys.readouterr().err
    assert not (tmp_path / "runs" / "none").exists()


def test_a_pacing_program_says_what_holds_under_its_own_rule(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    words = ("solve", "demo", *SIZES, "--method", "first-price-pacing")
    assert equibid(*words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Under first-price auctions that split ties" in said
    assert "It is the only equilibrium there." in said
    assert "does not hold at 1e-06" in said
    folder = tmp_path / "runs" / "solve-demo"
    told = json.loads((folder / "certificate.json").read_text())["notices"]
    assert any("Under first-price auctions" in sentence for sentence in told)
    assert "Under first-price auctions" in (folder / "report.html").read_text(encoding="utf-8")
    # Read again from its part, it says the same.
    assert equibid(*words) == 0
    assert "It is the only equilibrium there." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        (("--impressions", 1, "--advertisers", 3, "--ticks", 1), "the market is a single"),
        (("--impressions", 20, "--advertisers", 1, "--ticks", 1), "1 advertiser, 20 impressions"),
    ],
)
def test_a_market_without_contest_has_a_result(
    equibid: Command, capsys: Captured, tmp_path: Path, sizes: tuple[object, ...], said: str
) -> None:
    assert equibid("solve", "demo", *sizes, "--starts", 2) == 0
    assert said in capsys.readouterr().out
    figures = json.loads((tmp_path / "runs" / "solve-demo" / "certificate.json").read_text())
    assert figures["compliance"] == 1


def test_campaigns_of_a_log_are_solved_one_by_one(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for seed, name in enumerate(("7", "8")):
        write(logs / f"{name}.info.json", info())
        write(logs / f"{name}.test.theta.txt", spaced(clicks(1500, seed)))
    assert equibid("solve", logs, "--cap", 10) == 0
    out = capsys.readouterr().out
    assert "2 markets" in out
    folder = tmp_path / "runs" / "solve-logs"
    rows = pl.read_parquet(folder / "certificate.parquet")
    assert rows.height == 2
    # A campaign of 1,500 impressions has the budget of one and a half periods: an eighth of the
    # 150 fen per thousand that an average impression cost, in fen.
    np.testing.assert_allclose(rows["budget"], 1.5 * 18.75, rtol=1e-3)
    np.testing.assert_allclose(rows["cost"], rows["budget"], rtol=1e-6)
    assert len(list((folder / "parts").glob("*.parquet"))) == 2
    capsys.readouterr()
    assert equibid("certify", logs, folder) == 0
    tables = [
        text[text.index("market  ") :].splitlines()[:3] for text in (out, capsys.readouterr().out)
    ]
    assert tables[0] == tables[1]


def test_a_log_of_many_advertisers_is_solved(equibid: Command, tmp_path: Path) -> None:
    log = write(tmp_path / "day.csv", csv(auctionnet(ticks=(6, 6), advertisers=3)))
    assert equibid("solve", log, "--starts", 2, "--deflated", 0) == 0
    rows = pl.read_parquet(tmp_path / "runs" / "solve-day" / "certificate.parquet")
    assert rows["name"].to_list() == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--method", "guess"], ["no method 'guess'", "ncb-select", "tatonnement"]),
        (["demo", "--objective", "profit"], ["objective 'profit'", "welfare"]),
        (["demo", "--objective", "mix:revenue=much"], ["revenue must be a number, not 'much'"]),
        (["demo", "--auction", "gsp"], ["soft auctions"]),
        (["demo", "--auction", "soft:temperature=0"], ["temperature 0 must be above 0"]),
        (["demo", "--auction", "soft:heat=1"], ["no setting 'heat'; try temperature"]),
        (["demo", "--cap", "0"], ["--cap 0: name a number above 0"]),
        (["demo", "--starts", "0"], ["--starts 0", "at least 1"]),
        (["demo", "--deflated", "-1"], ["--deflated -1"]),
        (["demo", "--tolerance", "0"], ["--tolerance 0"]),
        (["demo", "--day", "-1"], ["--day -1"]),
        (["demoo"], ["demoo is neither a file nor a generated market"]),
    ],
)
def test_a_wrong_question_is_answered_in_one_sentence(
    equibid: Command, capsys: Captured, tmp_path: Path, arguments: list[str], said: list[str]
) -> None:
    sizes = SIZES if arguments[0] == "demo" else ()
    assert equibid("solve", *arguments, *sizes) == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    assert all(word in err for word in said), err
    assert not (tmp_path / "runs").exists()


STARTS = 40


def command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "equibid", "solve", "demo", "--impressions", "4000"),
        *("--starts", str(STARTS), "--deflated", "0", "--out", str(folder)),
    ]


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_tables(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command(killed), stdout=out, stderr=out)
        deadline = time.monotonic() + 300
        while not (killed / "parts" / "start-0003.parquet").exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
        process.wait(60)
    parts = {path.name: path.stat().st_mtime_ns for path in (killed / "parts").glob("*.parquet")}
    assert 3 < len(parts) < STARTS
    # What was found so far is there.
    assert pl.read_csv(killed / "factors.csv").height == 24
    assert not (killed / "certificate.parquet").exists()
    for folder in (killed, whole):
        subprocess.run(command(folder), check=True, capture_output=True, timeout=300)
    for name, written in parts.items():
        assert (killed / "parts" / name).stat().st_mtime_ns == written
    assert (killed / "factors.csv").read_bytes() == (whole / "factors.csv").read_bytes()
    for table in TABLES:
        resumed, undisturbed = (
            pl.read_parquet(folder / f"{table}.parquet") for folder in (killed, whole)
        )
        assert_frame_equal(resumed, undisturbed, check_exact=True)
