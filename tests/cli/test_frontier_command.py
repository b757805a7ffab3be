"""What `equibid frontier` prints and leaves behind, and that it goes on to the same bytes."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import equibid as package
from equibid.equilibrium.solvers import frontier as solver
from equibid.runs import frontier as tracing

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SIZES = ("--impressions", 120, "--advertisers", 3, "--ticks", 2)
SMALL = ("frontier", "demo", *SIZES, "--auction", "soft:temperature=0.1", "--starts", 2)
ASKED = (*SMALL, "--epsilon", "0.05,0,0.01")
TABLES = ("frontier", "points", "factors", "certificate")


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in TABLES}


def test_the_frontier_rises_and_every_point_is_certified(
    equibid: Command, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert equibid(*ASKED, "--out", "whole") == 0
    out, err = capsys.readouterr()
    assert err == "" and "demo: the most welfare" in out
    folder = tmp_path / "whole"
    found = pl.read_parquet(folder / "frontier.parquet")
    assert found["epsilon"].to_list() == [0.0, 0.01, 0.05]
    assert found["welfare"].is_sorted()
    assert (found["gain"] <= found["epsilon"] + 1e-4).all()
    assert (found["overspend"] <= 1e-4).all()
    proven = pl.read_parquet(folder / "certificate.parquet")
    largest = proven.group_by("epsilon").agg(pl.col("gain").max()).sort("epsilon")["gain"]
    assert (largest / found["welfare"]).to_list() == pytest.approx(found["gain"].to_list())
    # Nothing is better than budgets alone, and the first is the equilibrium of `equibid solve`.
    points = pl.read_parquet(folder / "points.parquet")
    free = points.filter(point="budgets alone")["welfare"].item()
    assert found["welfare"].max() <= free * (1 + 1e-6)
    solved = package.solve(
        "demo", impressions=120, advertisers=3, ticks=2, auction="soft:temperature=0.1", starts=2
    )
    assert found["welfare"][0] == pytest.approx(solved.rows["welfare"].item(), rel=1e-3)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "The frontier of demo" in text and "from below" in text
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["epsilon"] == [0.0, 0.01, 0.05]

    # Stopped in the middle, it goes on to the same bytes, and makes no point twice.
    made: list[float] = []
    real = solver.frontier_point

    def counted(game, objective, epsilon, *more):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(epsilon)
        return real(game, objective, epsilon, *more)

    monkeypatch.setattr(solver, "frontier_point", counted)
    assert equibid(*ASKED, "--out", "stopped") == 130
    assert made == [float("inf"), 0.05]
    made.append(0)
    assert equibid(*ASKED, "--out", "stopped") == 0
    assert tables(tmp_path / "stopped") == tables(folder)
    capsys.readouterr()
    assert equibid("report", "whole", "--table", "csv") == 0
    assert capsys.readouterr().out.startswith("Gain left,")
    assert equibid("show", "whole", "--json") == 0
    assert json.loads(capsys.readouterr().out)["table"] == found.to_dicts()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--epsilon", "0,-0.1"), "name shares of welfare, each from 0 on"),
        (("--epsilon", "much"), "--epsilon much: write numbers, as in 0,0.01,0.02"),
        (("--epsilon", ","), "name shares of welfare"),
        (("--epsilon", "inf"), "name shares of welfare"),
        (("--tolerance", "2"), "--tolerance 2: name a number between 0 and 1"),
        (("--auction", "gsp"), "soft"),
        (("--auction", "soft:temperature=0"), "temperature"),
        (("--budget-share", "inf"), "budget"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    words: tuple[str, ...], said: str, equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    assert equibid(*SMALL, *words) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_market_without_budgets_has_no_frontier(
    equibid: Command, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tracing.generated_days

    def unlimited(choice, **form):
        day = real(choice, **form)
        return lambda number: (market := day(number)).with_budget(
            market.campaigns.budget + float("inf")
        )

    monkeypatch.setattr(tracing, "generated_days", unlimited)
    assert equibid(*SMALL) == 2
    assert "no advertiser has a budget that ends" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_log_is_no_market_of_this_kind(equibid: Command, capsys: Captured) -> None:
    Path("log.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert equibid("frontier", "log.csv") == 2
    assert "fit a market to it" in capsys.readouterr().err
