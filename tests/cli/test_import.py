"""``equibid import`` from the command line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

Command = Callable[..., int]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An hourly log of 2,600 rows, one of them bad."""
    draw = np.random.default_rng(0)
    rows = [
        f"{draw.integers(2)}\t{draw.integers(1, 300)}\t{draw.uniform(0, 0.1)}\t{k // 400}\n"
        for k in range(2600)
    ]
    rows[6] = "0\t-5\t0.1\t0\n"
    path = tmp_path / "7.test.txt"
    path.write_text("".join(rows))
    return path


def test_a_log_is_imported(equibid: Command, capsys: pytest.CaptureFixture[str], log: Path) -> None:
    assert equibid("import", log, "--out", "mine") == 0
    said = capsys.readouterr().out
    assert "2,600" in said
    assert "2,599" in said
    assert "price not a whole number" in said
    assert pl.read_csv("mine/quarantine.csv")["line"].to_list() == [7]


@pytest.mark.slow
def test_an_imported_log_is_compared_like_its_file(equibid: Command, log: Path) -> None:
    log.write_text("".join(line for line in log.read_text().splitlines(True) if "-5" not in line))
    assert equibid("import", log, "--out", "mine") == 0
    for market in ("mine", log):
        options = [
            "--bidders",
            "lin,constant",
            "--play",
            "tick",
            "--out",
            f"runs/{Path(market).name}",
        ]
        assert equibid("compare", market, *options) == 0
    tables = [
        pl.read_parquet(f"runs/{Path(market).name}/ranking.parquet") for market in ("mine", log)
    ]
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "x", "--max-bad", "0"], ["1 of 2,600 rows", "--max-bad 0 allows 0", "x.quar"]),
        (["--out", "x", "--max-bad", "2"], ["--max-bad 2 must be a share"]),
        (["--out", "x", "--format", "houry"], ["log form 'houry'", "hourly"]),
        (["--out", "x", "--advertisers", "a,b"], ["--advertisers 'a,b' must be numbers"]),
        (["--out", "x", "--advertisers", "1"], ["no column of advertisers"]),
        (["--out", "x", "--columns", "no.toml"], ["no.toml: there is no such file"]),
        (["--out", "x", "--columns", "a", "--format", "b"], ["leave --format out"]),
        (["--out", "x", "--join"], ["--join takes iPinYou's raw logs"]),
        (["--out", "7.test.txt"], ["something already"]),
    ],
)
def test_a_wrong_import_ends_in_one_sentence(
    equibid: Command,
    capsys: pytest.CaptureFixture[str],
    log: Path,
    arguments: list[str],
    said: list[str],
) -> None:
    assert equibid("import", log, *arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: ")
    assert err.count("\n") == 1
    assert all(word in err for word in said), err
    assert not Path("x").exists()
