"""The response on XLA against the formulas in long double, and against its own symmetries."""

from dataclasses import replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_response import alone, plain_response

from equibid.auctions import Soft
from equibid.equilibrium.game import Game
from equibid.equilibrium.response import xla as response_xla
from equibid.equilibrium.response.xla import deviate, jvp, respond, vjp
from equibid.errors import InputError
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Market, even_ticks, sparse

Pricing = Literal["soft", "hard"]
Table = npt.NDArray[np.float64]
PRICINGS: tuple[Pricing, ...] = ("soft", "hard")
K, N = 10, 4
H = 1e-60


def game_of(
    values: npt.ArrayLike,
    temperature: float,
    pricing: Pricing,
    outside: Table | None = None,
    bid_cap: float = np.inf,
    ticks: int = 1,
    lists: bool = False,
) -> Game:
    """A game of a table of values; the columns of its lists are as many as there are bidders."""
    table = jnp.asarray(values)
    count = table.shape[1]
    market = Market(
        table,
        even_ticks(table.shape[0], ticks),
        Campaigns(jnp.ones(count), jnp.ones(count), jnp.zeros(count, jnp.int32)),
        market_price=None if outside is None else jnp.asarray(outside),
        bid_cap=bid_cap,
    )
    market = sparse(market, count) if lists else market
    return Game(market, Soft(temperature, pricing), np.ones(count))


@st.composite
def markets(draw: st.DrawFn) -> tuple[Table, Table, Table]:
    """Values, factors and outside bids with zeros and exact ties.

    Multiples of 1/8 multiply without rounding, so that a tie is one in every precision.
    """
    coarse = st.integers(0, 4).map(lambda x: x / 4)
    fine = st.one_of(st.just(0.0), st.floats(0.01, 4))
    value = draw(st.sampled_from([coarse, fine]))
    values = draw(st.lists(value, min_size=K * N, max_size=K * N))
    factors = draw(st.lists(st.integers(0, 12).map(lambda x: x / 8), min_size=N, max_size=N))
    outside = draw(st.lists(st.one_of(coarse, st.floats(0, 2)), min_size=K, max_size=K))
    table = np.reshape(values, (K, N))
    table[0] = 0
    table[1, 1:] = 0
    return table, np.array(factors), np.array(outside)


def close(got: Any, expected: npt.ArrayLike, bound: float, scale: float) -> None:
    """Equal to `bound` of the larger of the expected size and a natural scale."""
    expected = np.asarray(expected, np.float64)
    np.testing.assert_allclose(got, expected, rtol=bound, atol=bound * scale)


def rounding(temperature: float) -> float:
    """Relative error of a weight when one rounding of a bid is divided by the temperature."""
    return 1e-12 + 1e-14 / temperature


@pytest.mark.parametrize("lists", [False, True])
@pytest.mark.parametrize("pricing", PRICINGS)
@given(
    market=markets(),
    temperature=st.sampled_from([1e-4, 0.01, 0.3, 50.0]),
    bid_cap=st.sampled_from([np.inf, 0.75]),
)
def test_equals_the_formulas(
    pricing: Pricing,
    lists: bool,
    market: tuple[Table, Table, Table],
    temperature: float,
    bid_cap: float,
) -> None:
    """Values with an outside are dense, without one they are candidate lists."""
    values, factors, outside = market
    exact = values.astype(np.longdouble)
    beyond = None if lists else outside
    game = game_of(values, temperature, pricing, beyond, bid_cap, lists=lists)
    slack = rounding(temperature)

    def plain(at: npt.ArrayLike) -> tuple[Table, Table]:
        return plain_response(exact, at, temperature, pricing, beyond, bid_cap)

    direction = np.array([1.0, -0.5, 0.25, 2.0])
    moved = plain(factors + 1j * np.longdouble(H) * direction)
    won, paid, won_along, paid_along = jvp(game, factors, direction)
    for got, expected in zip((won, paid), moved, strict=True):
        close(got, expected.real, slack, 1e-12)
    for got, expected in zip((won_along, paid_along), moved, strict=True):
        close(got, expected.imag / H, 1e-9, 1e-3 / temperature)

    w, u = np.array([1.0, 0.5, -1.0, 0.0]), np.array([-0.25, 1.0, 0.5, -2.0])
    expected = np.zeros(N)
    for j in range(N):
        lifted = plain(factors + 1j * np.longdouble(H) * (np.arange(N) == j))
        expected[j] = (w @ lifted[0].imag + u @ lifted[1].imag) / H
    won, paid, gradient = vjp(game, factors, w, u)
    close(won, moved[0].real, slack, 1e-12)
    close(paid, moved[1].real, slack, 1e-12)
    close(gradient, expected, 1e-9, 1e-3 / temperature)

    trial = np.array([0.5, 1.0, 0.0, 1.5])
    won, paid, slope, _ = deviate(game, factors, trial)
    for i in range(N):
        at_trial = plain(
            alone(factors, trial + 1j * np.longdouble(H), i)
            if trial[i]
            else alone(factors, trial, i)
        )
        close(won[i], at_trial[0][i].real, slack, 1e-12)
        close(paid[i], at_trial[1][i].real, slack, 1e-12)
        close(slope[i], at_trial[1][i].imag / H, 1e-9, 1e-3 / temperature)


@pytest.mark.parametrize("lists", [False, True])
def test_a_row_of_factors_a_tick(lists: bool) -> None:
    rng = np.random.default_rng(4)
    values = rng.lognormal(0, 1, (K, N)) * (rng.random((K, N)) < 0.7)
    by_tick = rng.uniform(0, 2, (3, N))
    game = game_of(values, 0.2, "soft", ticks=3, lists=lists)
    start = np.array([0, 0, 6, K])
    game = replace(game, market=replace(game.market, tick_start=jnp.asarray(start)))
    by_row = by_tick[np.repeat(np.arange(3), np.diff(start))]
    for got, expected in zip(
        respond(game, by_tick), plain_response(values, by_row, 0.2, "soft"), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    trial = rng.uniform(0, 2, N)
    won, paid, *_ = deviate(game, by_tick, trial)
    for i in range(N):
        expected = plain_response(values, alone(by_row, np.tile(trial, (K, 1)), i), 0.2, "soft")
        np.testing.assert_allclose([won[i], paid[i]], [x[i] for x in expected], rtol=1e-12)


def random_game(
    pricing: Pricing, temperature: float, dtype: type = np.float64, size: tuple[int, int] = (K, N)
) -> tuple[Game, Table]:
    """Lognormal values, a third of them absent, an outside bid, and factors near one."""
    rng = np.random.default_rng(31)
    values = rng.lognormal(0, 0.7, size) * (rng.random(size) < 0.67)
    outside = rng.lognormal(-0.5, 1, size[0])
    game = game_of(values.astype(dtype), temperature, pricing, outside)
    return game, rng.uniform(0.5, 1.5, size[1])


@pytest.mark.parametrize("pricing", PRICINGS)
@pytest.mark.parametrize("temperature", [1e-3, 0.1, 10.0])
def test_pull_back_is_the_transpose_of_push_forward(pricing: Pricing, temperature: float) -> None:
    game, factors = random_game(pricing, temperature)
    direction, w, u = np.random.default_rng(5).normal(size=(3, N))
    *_, won, paid = jvp(game, factors, direction)
    *_, gradient = vjp(game, factors, w, u)
    terms = [w * np.asarray(won), u * np.asarray(paid)]
    scale = float(np.abs(terms).sum())
    assert abs(float(np.sum(terms)) - direction @ np.asarray(gradient)) < 1e-12 * scale


@pytest.mark.parametrize("pricing", PRICINGS)
def test_the_order_of_advertisers_means_nothing(pricing: Pricing) -> None:
    game, factors = random_game(pricing, 0.1)
    order = np.random.default_rng(6).permutation(N)
    w, u = np.random.default_rng(7).normal(size=(2, N))
    market = replace(game.market, values=game.market.values[:, order])
    other = replace(game, market=market)
    for got, expected in zip(
        vjp(other, factors[order], w[order], u[order]),
        vjp(game, factors, w, u),
        strict=True,
    ):
        np.testing.assert_allclose(got, np.asarray(expected)[order], rtol=1e-11)


def test_staying_is_no_deviation() -> None:
    game, factors = random_game("soft", 0.1)
    won, paid, *_ = deviate(game, factors, factors)
    expected = respond(game, factors)
    np.testing.assert_allclose(won, expected[0], rtol=1e-13)
    np.testing.assert_allclose(paid, expected[1], rtol=1e-13)


def test_blocks_that_do_not_divide_the_impressions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten impressions in blocks of four: the last block overlaps the one before."""
    game, factors = random_game("soft", 0.1)
    whole = respond(game, factors)
    monkeypatch.setattr(response_xla, "block_rows", lambda columns: 4)
    for got, expected in zip(respond(game, factors), whole, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13)


@pytest.mark.parametrize("pricing", PRICINGS)
@pytest.mark.parametrize("relative", [1e-3, 0.05])
def test_float32_follows_float64(pricing: Pricing, relative: float) -> None:
    """At temperatures of a share of the mean bid; errors relative to the largest entry."""
    size = (2000, 60)
    short, factors = random_game(pricing, relative * 1.2, np.float32, size)
    values = jnp.asarray(short.market.values, jnp.float64)
    long = replace(short, market=replace(short.market, values=values))
    w, u = np.ones(60), -np.random.default_rng(8).uniform(0.5, 1, 60)
    for got, expected in zip(vjp(short, factors, w, u), vjp(long, factors, w, u), strict=True):
        assert got.dtype == jnp.float64
        assert np.abs(got - expected).max() < 2e-6 * np.abs(expected).max()


@pytest.mark.parametrize("pricing", PRICINGS)
@given(
    unit=st.sampled_from([1e-6, 1.0, 1e6]),
    temperature=st.sampled_from([1e-12, 1e-3, 1.0, 1e12]),
    market=markets(),
)
def test_float32_is_finite_at_any_temperature(
    pricing: Pricing, unit: float, temperature: float, market: tuple[Table, Table, Table]
) -> None:
    values, factors, outside = market
    money = np.asarray(unit * outside, np.float32)
    game = game_of(np.asarray(unit * values, np.float32), temperature, pricing, money)
    ones = np.ones(N)
    for results in (vjp(game, factors, ones, ones), deviate(game, factors, ones)):
        for table in results:
            assert np.isfinite(table).all()


@pytest.mark.parametrize("pricing", PRICINGS)
def test_lone_bidder_and_nobody(pricing: Pricing) -> None:
    game = game_of([[2.0, 0, 0], [0, 0, 0]], 0.1, pricing)
    won, paid, gradient = vjp(game, np.ones(3), np.ones(3), np.ones(3))
    assert won.tolist() == [2, 0, 0] and paid.tolist() == [0, 0, 0]
    assert gradient.tolist() == [0, 0, 0]
    for factors in (np.ones(3), np.zeros(3)):
        won, paid, slope, _ = deviate(game, factors, np.array([0.5, 0.5, 0]))
        assert [x.tolist() for x in (won, paid, slope)] == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_no_impressions() -> None:
    game = game_of(np.zeros((0, 3)), 0.1, "soft")
    won, paid = respond(game, np.ones(3))
    assert won.tolist() == paid.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("factors", "total"), [((0.664, 1.290, 0.361), 36.462), ((1.015, 0.856, 0.262), 38.368)]
)
def test_published_equilibria_spend_the_budgets(
    factors: tuple[float, float, float], total: float
) -> None:
    """NCB (arXiv 2503.10304 v2), tables 2 and 3; factors are printed to three digits."""
    market = MARKETS["example-3.2"](jax.random.key(0))
    won, paid = respond(Game(market, Soft(0.0843, "hard"), np.ones(3)), factors)
    np.testing.assert_allclose(paid, (7.254, 9.561, 0.731), atol=0.02)
    np.testing.assert_allclose(won.sum(), total, atol=0.05)


def test_a_temperature_compiles_nothing() -> None:
    game, factors = random_game("soft", 0.1)
    respond(game, factors)
    program: Any = response_xla._sums
    before = program._cache_size()
    respond(game.at(0.7), factors)
    assert program._cache_size() == before


@pytest.mark.parametrize("shape", [(3,), (2, N), (1, 1, N), ()])
def test_factors_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    game = game_of(np.ones((K, N)), 0.1, "soft", ticks=3)
    with pytest.raises(InputError, match="give one number for each of 4 advertisers"):
        respond(game, np.ones(shape))
