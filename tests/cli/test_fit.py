"""`equibid fit`, and fitted markets as MARKET of the other commands."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from equibid.markets.toml import read_market
from shared import SHARED, needs

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

MARKET = """
name = "mine"
impressions = 600
advertisers = 6
ticks = 6
categories = 2
auction = "second-price"
outside_price = 0.2
"""


def hourly(folder: Path, name: str = "7", count: int = 4000) -> Path:
    """A log of a day of 24 hours: log-normal values and prices."""
    rng = np.random.default_rng(0)
    values = rng.lognormal(-7, 0.8, count)
    prices = np.minimum(np.rint(rng.lognormal(4, 0.5, count)), 300).astype(int)
    hours = np.arange(count) * 24 // count
    rows = zip(rng.random(count) < 0.01, prices, values, hours, strict=True)
    path = folder / f"{name}.test.txt"
    path.write_text("\n".join(f"{int(c)} {p} {v:.9f} {h}" for c, p, v, h in rows) + "\n")
    return path


def test_a_fit_leaves_a_market_that_commands_take(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    log = hourly(tmp_path)
    assert equibid("fit", log, "--others", 1) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(words in out for words in ("market price", "generated", "defaults are kept", "fen"))
    folder = tmp_path / "runs" / "fit-7"
    files = {path.name for path in folder.iterdir()}
    assert {"market.toml", "fit.json", "quantiles.parquet", "report.html", "config.json"} <= files
    settings = read_market(folder / "market.toml")
    assert (settings.name, settings.advertisers, settings.ticks) == ("7-fitted", 1, 24)
    assert settings.impressions == 4000
    assert settings.value_spread == pytest.approx(0.8, rel=0.05)
    # Prices of the log are fen per thousand.
    assert settings.outside_price == pytest.approx(np.exp(4) / 1000, rel=0.05)
    text = (folder / "market.toml").read_text()
    assert "# Default kept: a log of one advertiser cannot tell." in text
    assert "fen" in text

    told = json.loads((folder / "fit.json").read_text())
    assert set(told["settings"]) | {"name"} == set(tomllib.loads(text))
    assert told["settings"]["auction"] == "second-price"
    assert told["kept"][:2] == ["categories", "interests"]
    distance = {row["measure"]: row["distance"] for row in told["distances"]}
    assert distance["value"] < 0.1
    assert distance["market_price"] < 0.1
    quantiles = pl.read_parquet(folder / "quantiles.parquet")
    assert quantiles.columns == ["measure", "kind", "at", "log", "generated"]
    assert set(quantiles["measure"]) == set(distance)

    market = "runs/fit-7/market.toml"
    assert equibid("compare", market, "--bidders", "lin,fixed", "--seeds", 2) == 0
    config = json.loads((tmp_path / "runs" / "compare-7-fitted" / "config.json").read_text())
    assert (config["market"], config["auction"]["pricing"]) == ("7-fitted", "next")
    assert len(config["auction"]["exposure"]) == 1
    # The rule of a fitted market is its own.
    rows = pl.read_parquet(tmp_path / "runs" / "compare-7-fitted" / "delivery.parquet")
    assert set(rows["market"]) == {"7-fitted"}
    # Another log in the same folder is another fit.
    hourly(tmp_path, count=2000)
    assert equibid("fit", log, "--others", 1, "--out", "runs/fit-7") == 2
    assert "other settings" in capsys.readouterr().err


def test_campaigns_of_a_folder_have_folders(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("a", "b"):
        hourly(logs, name, 1000)
    assert equibid("fit", logs, "--others", 0, "--out", "out", "--day-ticks", 48) == 0
    capsys.readouterr()
    for name in ("a", "b"):
        settings = read_market(tmp_path / "out" / name / "market.toml")
        assert settings.ticks == 48
        assert settings.impressions > 1500


def test_settings_are_a_market(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text(MARKET)
    assert equibid("solve", path, "--method", "tatonnement") == 0
    config = json.loads((tmp_path / "runs" / "solve-mine" / "config.json").read_text())
    assert config["market"] == "mine"
    assert config["log_digest"]
    assert equibid("certify", path, "runs/solve-mine") == 0
    sizes = ("--impressions", 300, "--ticks", 3)
    assert equibid("compare", path, *sizes, "--bidders", "lin", "--seeds", 1) == 0
    rows = pl.read_parquet(tmp_path / "runs" / "compare-mine" / "delivery.parquet")
    assert rows["tick"].n_unique() == 3
    assert rows["advertiser"].n_unique() == 6
    # An edited market is another one.
    path.write_text(MARKET + "drift = 0.9\n")
    capsys.readouterr()
    assert (
        equibid(
            "compare", path, *sizes, "--bidders", "lin", "--seeds", 1, "--out", "runs/compare-mine"
        )
        == 2
    )
    assert "other settings" in capsys.readouterr().err


@pytest.mark.slow
def test_settings_are_trained_on(equibid: Command, tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text(MARKET)
    command = (
        "train",
        path,
        "--algorithm",
        "ippo",
        "--steps",
        1,
        "--days",
        1,
        "--opponent-prob",
        0,
    )
    assert equibid(*command) == 0
    (folder,) = (tmp_path / "runs").glob("train-mine-*")
    config = json.loads((folder / "config.json").read_text())
    assert (config["market"], config["name"]) == ("mine", "mine")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "demo"], ["demo is a generated market already"]),
        (["fit", "no/such.csv"], ["no/such.csv"]),
        (["fit", "log.txt", "--others", "-1"], ["--others -1", "at least 0"]),
        (["fit", "log.txt", "--day-ticks", "0"], ["--day-ticks 0"]),
        (["fit", "bad.toml"], ["bad.toml", "drift must be a number from 0"]),
        (["compare", "bad.toml"], ["bad.toml", "drift must be a number from 0, not -1"]),
        (["solve", "bad.toml"], ["bad.toml", "drift"]),
        (["train", "bad.toml", "--algorithm", "ippo"], ["bad.toml", "drift"]),
        (["certify", "bad.toml", "pacing"], ["bad.toml", "drift"]),
        (["compare", "none.toml"], ["none.toml", "there is no such file"]),
    ],
)
def test_bad_input_is_named(
    equibid: Command, capsys: Captured, tmp_path: Path, arguments: list[str], said: list[str]
) -> None:
    (tmp_path / "bad.toml").write_text(MARKET + "drift = -1\n")
    assert equibid(*arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    assert all(words in err for words in said), err
    assert not (tmp_path / "runs").exists()


@needs("data/auctionnet/log_excerpt.csv.gz")
def test_the_auctionnet_excerpt(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    log = SHARED / "data/auctionnet/log_excerpt.csv.gz"
    assert equibid("fit", log, "--others", 1, "--out", "out") == 0
    capsys.readouterr()
    settings = read_market(tmp_path / "out" / "market.toml")
    # Its simulator has six categories of eight, independent values, and all users for everybody.
    assert (settings.advertisers, settings.categories, settings.interests) == (48, 6, 6)
    assert (settings.impressions, settings.ticks) == (2624, 3)
    assert settings.correlation < 0.02
    assert settings.reach[0] > 0.8
    told = json.loads((tmp_path / "out" / "fit.json").read_text())
    distance = {row["measure"]: row["distance"] for row in told["distances"]}
    assert distance["value"] < 0.15
    assert {"logged_price", "price_at_rest"} <= set(distance)


@pytest.mark.slow
@needs("data/ipinyou/hourly")
def test_the_hourly_logs(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    assert equibid("fit", SHARED / "data/ipinyou/hourly", "--others", 1, "--out", "out") == 0
    out = capsys.readouterr().out
    assert "upper tail is heavier" in out
    for name in ("1458", "2259", "2261"):
        told = json.loads((tmp_path / "out" / name / "fit.json").read_text())
        distance = {row["measure"]: row["distance"] for row in told["distances"]}
        assert distance["value"] < 0.1
        # Prices are whole numbers with spikes and an upper end, and no log-normal has these.
        assert 0.05 < distance["market_price"] < 0.2
