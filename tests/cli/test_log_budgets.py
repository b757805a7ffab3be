"""Budgets of logs, and logs of days, from the command line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

MAP = 'currency = "EUR"\n[columns]\nday = "day"\nhour = "hour"\nprice = "price"\nvalue = "p"\n'
DAYS, HOURS, EACH = 4, 24, 6


@pytest.fixture
def log(equibid: Command, tmp_path: Path) -> Path:
    """An imported log of four days whose prices rise from day to day."""
    draw = np.random.default_rng(1)
    count = DAYS * HOURS * EACH
    day = np.repeat(np.arange(DAYS), HOURS * EACH)
    frame = pl.DataFrame(
        {
            "day": day,
            "hour": np.tile(np.repeat(np.arange(HOURS), EACH), DAYS),
            "price": draw.integers(1, 50, count) / 100,
            "p": draw.lognormal(-4, 1, count),
        }
    )
    frame.write_csv(tmp_path / "log.csv")
    (tmp_path / "map.toml").write_text(MAP)
    assert equibid("import", tmp_path / "log.csv", "--columns", "map.toml", "--out", "days") == 0
    return Path("days")


def test_days_are_the_replicates_of_a_comparison(equibid: Command, log: Path) -> None:
    options = ["--bidders", "lin,hindsight", "--budget", "5", "--out", "run"]
    assert equibid("compare", log, *options) == 0
    tables = [pl.read_parquet(path) for path in sorted(Path("run").rglob("*.parquet"))]
    wanted = {"replicate", "spend", "remaining"}
    rows = next(table for table in tables if wanted <= set(table.columns))
    assert rows["replicate"].n_unique() == 3
    spent = rows.group_by("replicate", "bidder").agg(pl.col("spend").sum())
    # Five euros a day, counted in millionths or in euros.
    assert (spent["spend"].to_numpy() <= 5e6 * (1 + 1e-9)).all()
    assert (spent.filter(bidder="hindsight")["spend"].to_numpy() > 0).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--budget", "5", "--budget-share", "0.1"], "--budget and --budget-share both set"),
        (["--budget", "-1"], "--budget -1: name a number above 0"),
        (["--budget", "nan"], "--budget nan: name a finite number"),
    ],
)
def test_budgets_that_are_none_are_refused(
    equibid: Command, capsys: Captured, log: Path, options: list[str], said: str
) -> None:
    for command in ("compare", "fit", "solve"):
        assert equibid(command, log, *options) == 2
        assert said in capsys.readouterr().err


def test_a_generated_market_has_its_own_budgets(equibid: Command, capsys: Captured) -> None:
    assert equibid("compare", "demo", "--budget", "5") == 2
    assert "demo is generated, and no log" in capsys.readouterr().err


def test_a_map_is_suggested(equibid: Command, capsys: Captured, log: Path) -> None:
    assert log.exists()
    assert equibid("import", "log.csv", "--suggest-columns", "new.toml") == 0
    assert 'day = "day"' in Path("new.toml").read_text()
    assert equibid("import", "log.csv", "--suggest-columns", "new.toml") == 2
    assert "there is a file already" in capsys.readouterr().err
    assert equibid("import", "log.csv") == 2
    assert "name the folder to write" in capsys.readouterr().err
    wrong = ["--columns", "new.toml", "--out", "b", "--time-zone", "Mars"]
    assert equibid("import", "log.csv", *wrong) == 2
    assert "no time zone 'Mars'" in capsys.readouterr().err
