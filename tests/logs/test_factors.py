"""Factors are read from a file, or refused with the one place that is bad."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.auctions.soft import soft
from equibid.equilibrium.game import Game
from equibid.errors import InputError
from equibid.logs.factors import read_factors
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from equibid.runs.certifying import write_factors
from equibid.runs.folder import Run


def market(names: tuple[str, ...] = (), advertisers: int = 3, per_currency: float = 1.0) -> Market:
    """Two ticks of two impressions."""
    one = jnp.ones(advertisers)
    return Market(
        values=jnp.ones((4, advertisers)),
        tick_start=even_ticks(4, 2),
        campaigns=Campaigns(one, one, jnp.zeros(advertisers, jnp.int32)),
        labels=Labels("small", names, per_currency=per_currency),
    )


def written(folder: Path, text: str, name: str = "factors.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_in_any_order_by_index_or_name(tmp_path: Path) -> None:
    path = written(tmp_path, "name,factor,advertiser\nx,0.5,2\ny,0,shoes\nz,1e-3,0\n")
    got = read_factors(path, market(("cars", "shoes", "tea")))
    np.testing.assert_array_equal(got, [1e-3, 0, 0.5])


def test_a_tick_column_gives_a_row_a_tick(tmp_path: Path) -> None:
    lines = [f"{i},{t},{10 * t + i}" for i in range(3) for t in range(2)]
    path = written(tmp_path, "\n".join(["advertiser,tick,factor", *lines]))
    np.testing.assert_array_equal(read_factors(path, market()), [[0, 1, 2], [10, 11, 12]])


def test_currency_is_turned_into_the_markets_money(tmp_path: Path) -> None:
    path = written(tmp_path, "advertiser,factor\n0,1.5\n")
    got = read_factors(path, market(advertisers=1, per_currency=1000.0))
    np.testing.assert_array_equal(got, [1500])


def test_a_file_of_several_markets_gives_each_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, "market,advertiser,factor\nother,0,9\nsmall,0,1\n")
    np.testing.assert_array_equal(read_factors(path, market(advertisers=1)), [1])
    with pytest.raises(InputError, match="no row is about market demo"):
        read_factors(path, MARKETS["demo"](jax.random.key(0), impressions=60, ticks=2))


@given(st.lists(st.floats(0, allow_infinity=False), min_size=1, max_size=6))
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_every_number_survives(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, factors: list[float]
) -> None:
    path = tmp_path_factory.mktemp("factors") / f"factors.{suffix}"
    frame = pl.DataFrame({"advertiser": range(len(factors)), "factor": factors})
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    np.testing.assert_array_equal(read_factors(path, market(advertisers=len(factors))), factors)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("advertiser\n0\n", "line 1: column 'factor' is missing"),
        ("factor,advertiser,factor\n", "line 1: column 'factor' is there more than once"),
        ("advertiser,factor\n", "no row is about market small"),
        ("advertiser,factor\n0,1\n1\n", "line 3: 1 cells where 2 belong"),
        ("advertiser,factor\n0,1\n3,1\n", "line 3: there is no advertiser '3'"),
        ("advertiser,factor\n-1,1\n", "line 2: there is no advertiser '-1'"),
        ("advertiser,factor\ntea,1\n", "line 2: there is no advertiser 'tea'"),
        ("advertiser,factor\n0,1\n\n1,2\n0,3\n", "line 5: advertiser 0 has its factor in line 2"),
        ("advertiser,factor\n0,1\n2,1\n", "advertiser 1 has no factor; add a row"),
        ("advertiser,factor\n0,many\n", "line 2: factor 'many' is not a number"),
        ("advertiser,factor\n0,\n", "line 2: factor '' is not a number"),
        ("advertiser,factor\n0,-2\n", "line 2: factor -2 must be finite and at least 0"),
        ("advertiser,factor\n0,nan\n", "line 2: factor nan must be finite"),
        ("advertiser,factor\n0,inf\n", "line 2: factor inf must be finite"),
        ("advertiser,tick,factor\n0,2,1\n", "line 2: tick '2' must be a whole number from 0 to 1"),
        ("advertiser,tick,factor\n0,0.5,1\n", "line 2: tick '0.5' must be a whole number"),
        ("advertiser,tick,factor\n0,1,1\n", "advertiser 0 has no factor of tick 0"),
        ("advertiser,tick,factor\n0,1,1\n0,1,2\n", "advertiser 0 has its factor of tick 1 in line"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_factors(path, market())
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_parquet_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "factors.parquet"
    pl.DataFrame({"advertiser": [0, 1, 2], "factor": [1.0, None, 2.0]}).write_parquet(path)
    with pytest.raises(InputError, match="row 2: factor '' is not a number"):
        read_factors(path, market())
    path.write_bytes(b"no table")
    with pytest.raises(InputError, match="it is not a Parquet table"):
        read_factors(path, market())
    with pytest.raises(InputError, match="there is no such file"):
        read_factors(tmp_path / "nothing.csv", market())


@given(names=st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=2, unique=True))
def test_factors_of_any_names_come_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    run = Run(tmp_path_factory.mktemp("run"))
    games = []
    for name in names:
        one = market((name,), advertisers=1)
        games.append(Game(replace(one, labels=replace(one.labels, name=name)), soft(), np.ones(1)))
    write_factors(run, [(game, np.array([float(i)])) for i, game in enumerate(games)])
    for number, game in enumerate(games):
        assert read_factors(run.folder / "factors.csv", game.market).tolist() == [number]
