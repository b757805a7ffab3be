"""Features by hand, their ranges, and their indifference to units."""

from math import log

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from equibid.auctions.tally import FIELDS, Tally
from equibid.simulation import Delivery
from equibid.simulation.features import NAMES, WIDEST, Reference, features, features_of

N, T = 2, 8
row = jax.jit(features, static_argnames="ticks")
period = jax.jit(features_of)

SHARES = ("time left", "money left", "win rate", "shown", "value won", "bid")
PER_BID = ("bid", "market_price")
MONEY = (*PER_BID, "spend")
VALUE = ("value_offered", "value", "conversions")


def yesterday(factor: float = 2.0) -> Reference:
    one = jnp.ones(N)
    return Reference(factor * one, 4.0 * one, 0.25 * one)


def column(seen: jax.Array, name: str) -> np.ndarray:
    return np.asarray(seen)[..., NAMES.index(name)]


def tallies(draw: st.DrawFn) -> Tally:
    """Sums as a tick leaves them: who wins has bid, and who is shown has won."""
    # Nothing or something: float32 cannot tell the very smallest numbers from zero.
    amounts = arrays(float, (9, N), elements=st.just(0.0) | st.floats(1e-6, 1))
    offered, bid, value, price, wins, shown, spend, won, converted = draw(amounts)
    offered = np.round(20 * offered)
    wins = np.floor(offered * wins)
    shown = np.floor(wins * shown)
    there = offered > 0
    return Tally(
        *map(
            jnp.asarray,
            (
                offered,
                10 * bid * there,
                value * there,
                10 * price * there,
                wins,
                shown,
                5 * spend * (shown > 0),
                value * won * (shown > 0),
                converted * (shown > 0),
            ),
        )
    )


@st.composite
def ticks(draw: st.DrawFn) -> tuple[int, np.ndarray, Tally]:
    left = draw(arrays(float, N, elements=st.floats(0, 1)))
    return draw(st.integers(0, T - 1)), left, tallies(draw)


def test_by_hand() -> None:
    two = np.array
    last = Tally(
        offered=two([8.0, 0]),
        bid=two([16.0, 0]),
        value_offered=two([4.0, 0]),
        market_price=two([8.0, 0]),
        wins=two([4.0, 0]),
        exposures=two([2.0, 0]),
        spend=two([5.0, 0]),
        value=two([1.0, 0]),
        conversions=two([3.0, 0]),
    )
    budget, remaining = jnp.array([20.0, 20.0]), jnp.array([10.0, 20.0])
    seen = row(yesterday(), budget, remaining, jnp.asarray(2), T, last)
    want = {
        "time left": 0.75,
        "money left": 0.5,
        "pace": log(0.5 / 0.75),
        "spend rate": log(5 * 8 / 20),
        "spend so far": log(0.5 / 0.25),
        "traffic": log(8 / 4),
        "mean value": log(0.5 / 0.25),
        "win rate": 0.5,
        "shown": 0.5,
        "value won": 0.25,
        "conversion rate": 3.0,
        "last factor": log(4 / 2),
        "price paid": log(2.5 / 2),
        "market price": log(1 / 2),
        "bid": 1.0,
    }
    assert tuple(want) == NAMES
    np.testing.assert_allclose(seen[0], list(want.values()), rtol=1e-6)
    idle = {"time left": 0.75, "money left": 1.0, "pace": log(1 / 0.75), "spend so far": -WIDEST}
    np.testing.assert_allclose(seen[1], [idle.get(str(name), 0.0) for name in NAMES], rtol=1e-6)


@given(ticks())
def test_ranges(at: tuple[int, np.ndarray, Tally]) -> None:
    tick, left, last = at
    seen = row(yesterday(), 30 * jnp.ones(N), jnp.asarray(30 * left), jnp.asarray(tick), T, last)
    assert seen.shape == (N, len(NAMES)) and seen.dtype == jnp.float32
    for name in NAMES:
        x = column(seen, name)
        low, high = (0, 1) if name in SHARES else (-WIDEST, WIDEST)
        low, high = (0, 4) if name == "conversion rate" else (low, high)
        assert ((x >= low - 1e-6) & (x <= high + 1e-6)).all(), name


@given(ticks(), st.sampled_from([0.5, 4.0, 1024.0]), st.sampled_from([0.25, 8.0]))
def test_units_of_money_and_value_do_not_show(
    at: tuple[int, np.ndarray, Tally], money: float, value: float
) -> None:
    tick, left, last = at
    budget, when = jnp.full(N, 30.0), jnp.asarray(tick)
    one = row(yesterday(), budget, jnp.asarray(30 * left), when, T, last)
    unit = dict.fromkeys(FIELDS, 1.0)
    unit |= dict.fromkeys(MONEY, money) | dict.fromkeys(VALUE, value)
    scaled = Tally(*(getattr(last, name) * unit[name] for name in FIELDS))
    before = yesterday()
    before = Reference(before.factor * money / value, before.offered, before.mean_value * value)
    other = row(before, budget * money, jnp.asarray(30 * left * money), when, T, scaled)
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_a_period_that_is_over_shows_what_was_seen_then() -> None:
    rng = np.random.default_rng(0)
    sums = Tally(*(jnp.asarray(rng.random((T, N))) for _ in FIELDS))
    budget = jnp.full(N, 9.0)
    remaining = budget - jnp.cumsum(sums.spend, axis=0)
    seen = period(yesterday(), budget, Delivery(sums, remaining))
    nothing = jax.tree.map(lambda x: jnp.zeros_like(x[0]), sums)
    for tick in range(T):
        last = jax.tree.map(lambda x, t=tick: x[t - 1], sums) if tick else nothing
        left = remaining[tick - 1] if tick else budget
        want = row(yesterday(), budget, left, jnp.asarray(tick), T, last)
        np.testing.assert_allclose(seen[tick], want, rtol=1e-6)
    only = {"time left", "money left"}
    assert {name for name in NAMES if column(seen, name)[0].any()} == only
