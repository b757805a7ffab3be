"""Wherever a bidder is named it takes settings, and is told apart by them."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from equibid.envs.setup import Opponents
from equibid.errors import InputError
from equibid.learning.algorithm import algorithm_named
from equibid.runs.training import TrainConfig, opponents_of

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SMALL = ("--impressions", 400, "--advertisers", 4, "--ticks", 4)


def test_two_of_one_bidder_are_two_in_every_table(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    listed = "fixed,fixed:scale=0.001,fixed:scale=0.50"
    names = ["fixed", "fixed:scale=0.001", "fixed:scale=0.5"]
    assert equibid("compare", "demo", *SMALL, "--seeds", 2, "--bidders", listed) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in names)
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "config.json").read_text())["bidders"] == names
    ranking = pl.read_parquet(folder / "ranking.parquet")
    value = dict(ranking.select("bidder", "value").rows())
    assert set(value) == set(names)
    # Who bids less spends less.
    spent = dict(ranking.select("bidder", "budget_use").rows())
    assert spent["fixed:scale=0.001"] < 1 < min(spent["fixed:scale=0.5"], spent["fixed"])
    rows = pl.read_parquet(folder / "delivery.parquet")
    assert set(rows["bidder"]) == set(names)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert all(name in report for name in names)


def test_periods_of_a_log_are_parted_by_bidders_settings(equibid: Command, tmp_path: Path) -> None:
    rows = "".join(
        f"{k % 7 == 0:d} {1 + k * 37 % 90} 0.0{1 + k % 8} {k % 24}\n" for k in range(3000)
    )
    for part in ("train", "test"):
        (tmp_path / f"7.{part}.txt").write_text(rows)
    listed = "constant:bid=0.5,constant:bid=30,hindsight"
    out = tmp_path / "run"
    assert equibid("compare", tmp_path / "7.test.txt", "--bidders", listed, "--out", out) == 0
    ranking = pl.read_parquet(out / "ranking.parquet")
    value = dict(ranking.select("bidder", "value").rows())
    # No price is below one.
    assert value["constant:bid=0.5"] == 0 < value["constant:bid=30"]
    assert len(list((out / "parts").glob("*.parquet"))) == 3


def test_certify_takes_settings(equibid: Command, tmp_path: Path) -> None:
    factor = []
    for bidder in ("fixed:scale=0.2", "fixed:scale=0.10"):
        words = ("certify", "demo", bidder, *SMALL, "--auction", "soft:temperature=0.05")
        assert equibid(*words, "--out", bidder[-3:]) == 0
        config = json.loads((tmp_path / bidder[-3:] / "config.json").read_text())
        assert config["factors"] == bidder.replace("0.10", "0.1")
        factor.append(pl.read_parquet(tmp_path / bidder[-3:] / "certificate.parquet")["factor"])
    assert factor[1].to_list() == pytest.approx((factor[0] / 2).to_list())
    assert (factor[0] > 0).all()


def test_rivals_take_settings() -> None:
    lesson = TrainConfig("mappo", opponents="pacing:rate=0.50,recentre=true,fixed:scale=2")
    setup = type("Practice", (), {"train": [type("Market", (), {"advertisers": 4})()]})()
    found = opponents_of(setup, lesson, algorithm_named("mappo"))
    assert found == Opponents(("pacing:rate=0.5,recentre=true", "fixed:scale=2"), 0.5)
    with pytest.raises(InputError, match="no setting 'rat'; try rate"):
        opponents_of(
            setup, TrainConfig("mappo", opponents="pacing:rat=1"), algorithm_named("mappo")
        )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "demo", "--bidders", "lin,lin:base_bid=none"), "lin more than once"),
        (("compare", "demo", "--bidders", "pid-ecpc:refrence=40"), "'refrence'; try reference"),
        (("compare", "demo", "--bidders", "pid-ecp:reference=40"), "'pid-ecp'; try pid-ecpc"),
        (
            ("compare", "demo", "--bidders", "pid-ecpc:kp=x,lin"),
            "kp must be a number from 0, not 'x'",
        ),
        (("certify", "demo", "pacing:rate=-1"), "rate must be a number from 0"),
        (("certify", "demo", "pacin:rate=1"), "did you mean pacing or"),
        (("list", "pid"), "try pid-ecpc, pid-win-rate"),
    ],
)
def test_a_wrong_setting_is_answered_in_one_sentence(
    equibid: Command, capsys: Captured, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    assert equibid(*words) == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: ") and err.count("\n") == 1 and said in err, err
    assert not (tmp_path / "runs").exists()


def test_list_shows_settings_with_defaults(equibid: Command, capsys: Captured) -> None:
    assert equibid("list", "pid-ecpc", "gsp", "hindsight") == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "reference none a number above 0 or none the cost per value to keep to" in words
    assert "kp 1.0 a number from 0 gain of the error." in words
    assert "reserve 0.0001 a number lowest price" in words
    assert "It has no settings." in words
    assert equibid("list", "--settings") == 0
    assert "kp=1.0, ki=0.3, kd=0.2" in " ".join(capsys.readouterr().out.split())
