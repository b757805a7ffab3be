"""Soft auctions against their formulas, their limit, and the published example."""

from decimal import Decimal, localcontext
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.auctions import ABSENT, Clearing, Ranked, Soft, soft, soft_hard
from equibid.markets import MARKETS

Pricing = Literal["soft", "hard"]
PRICINGS: tuple[Pricing, ...] = ("soft", "hard")


def exact(
    bids: list[float], temperature: float, pricing: Pricing
) -> tuple[list[float], list[float]]:
    """Probabilities and prices in 60 digits, every competitor's sum taken anew."""
    present = [i for i, bid in enumerate(bids) if bid > ABSENT]
    with localcontext(prec=60):
        money = {i: Decimal(bids[i]) for i in present}
        weight = {i: (money[i] / Decimal(temperature)).exp() for i in present}
        win, price = [0.0] * len(bids), [0.0] * len(bids)
        for i in present:
            win[i] = float(weight[i] / sum(weight.values()))
            others = [j for j in present if j != i]
            if others and pricing == "hard":
                price[i] = float(max(money[j] for j in others))
            elif others:
                paid = sum(money[j] * weight[j] for j in others)
                price[i] = float(paid / sum(weight[j] for j in others))
    return win, price


@partial(jax.jit, static_argnames="pricing")
def _clear(
    temperature: float, pricing: Pricing, reserve: float, bids: jax.Array, outside: jax.Array | None
) -> Clearing:
    """Compiled once a shape: temperature and reserve are arguments."""
    return Soft(temperature, pricing, reserve).clear(bids, outside)


def clear(
    rule: Soft, bids: object, dtype: type = np.float64, outside: np.ndarray | None = None
) -> Clearing:
    """A block, or one impression, in expectation."""
    table = jnp.asarray(np.atleast_2d(np.asarray(bids, dtype)))
    market = None if outside is None else jnp.asarray(outside)
    return jax.tree.map(
        np.asarray, _clear(rule.temperature, rule.pricing, rule.reserve, table, market)
    )


amount = st.one_of(st.floats(0, 20), st.integers(0, 4).map(float), st.just(ABSENT))


@pytest.mark.parametrize("pricing", PRICINGS)
@given(
    bids=st.lists(amount, min_size=5, max_size=5),
    temperature=st.sampled_from([1e-4, 0.01, 0.0843, 1.0, 50.0]),
)
def test_equals_the_formulas(pricing: Pricing, bids: list[float], temperature: float) -> None:
    got = clear(Soft(temperature, pricing), bids)
    win, price = exact(bids, temperature, pricing)
    # One rounding of a bid, divided by the temperature, is the relative error of a weight.
    slack = 1e-13 + 1e-15 * 20 / temperature
    np.testing.assert_allclose(got.win[0], win, rtol=10 * slack, atol=1e-300)
    np.testing.assert_allclose(got.price[0], price, rtol=10 * slack, atol=1e-12)


@pytest.mark.parametrize("pricing", PRICINGS)
@given(
    bids=st.lists(amount, min_size=6, max_size=6).filter(lambda x: max(x) > ABSENT),
    temperature=st.floats(1e-5, 100),
)
def test_probabilities_sum_to_one(pricing: Pricing, bids: list[float], temperature: float) -> None:
    win = np.asarray(clear(Soft(temperature, pricing), bids).win)
    assert (win >= 0).all()
    np.testing.assert_allclose(win.sum(), 1, rtol=1e-14)
    assert (win[0, np.isinf(bids)] == 0).all()


def test_two_bidders_by_hand() -> None:
    """Bids τ·ln 3 and 0: odds of 3 to 1, and each pays the other's bid."""
    top = 0.5 * np.log(3)
    for pricing in PRICINGS:
        got = clear(Soft(0.5, pricing), [top, 0.0])
        np.testing.assert_allclose(got.win, [[0.75, 0.25]])
        np.testing.assert_allclose(got.price, [[0, top]], atol=1e-15)
        np.testing.assert_allclose(got.charge, [[0, top / 4]], atol=1e-15)


def test_bid_of_zero_is_charged_and_an_absent_one_is_not() -> None:
    got = clear(soft(temperature=1.0), [1.0, 0.0, ABSENT])
    assert float(got.charge[0, 1]) > 0.25
    assert float(got.charge[0, 2]) == float(got.win[0, 2]) == 0


def test_lone_bidder_and_nobody() -> None:
    for pricing in PRICINGS:
        lone = clear(Soft(0.1, pricing, reserve=0.5), [2.0, ABSENT, 0.4])
        assert lone.win.tolist() == [[1, 0, 0]]
        assert lone.price.tolist() == [[0.5, 0, 0]]
        nobody = clear(Soft(0.1, pricing), [ABSENT, ABSENT])
        assert nobody.win.tolist() == [[0, 0]] and nobody.charge.tolist() == [[0, 0]]


@pytest.mark.parametrize("pricing", PRICINGS)
def test_zero_temperature_is_second_price_with_even_ties(pricing: Pricing) -> None:
    bids = np.random.default_rng(5).integers(0, 6, (300, 5)) / 2
    limit = Ranked(ties="split").clear(jnp.asarray(bids))
    for temperature in (1e-2, 1e-6, 1e-12):
        got = clear(Soft(temperature, pricing), bids)
        np.testing.assert_allclose(got.win, limit.win, atol=1e-12)
        np.testing.assert_allclose(got.charge, limit.charge, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1e-4, 1e-2, 0.05])
def test_the_winner_pays_its_rivals_though_its_probability_is_one(
    dtype: type, temperature: float
) -> None:
    """Taking the winner out of the sums by subtraction would leave nothing of its opponents."""
    bids = np.array([5.0, 2.0, 1.99, 0.5], dtype).tolist()
    got = clear(Soft(temperature), bids, dtype)
    assert float(got.win[0, 0]) == 1
    _, price = exact(bids, temperature, "soft")
    np.testing.assert_allclose(got.price[0], price, rtol=200 * np.finfo(dtype).eps)


@pytest.mark.parametrize("pricing", PRICINGS)
def test_float32_follows_float64_at_small_temperatures(pricing: Pricing) -> None:
    """At 1e-3 of the mean bid, with close opponents: the case in which float32 could go wrong."""
    rng = np.random.default_rng(11)
    bids = rng.lognormal(0, 1, (500, 20)).astype(np.float32)
    bids[::2, 1:4] = bids[::2, :1] * (1 + rng.normal(0, 1e-3, (250, 3)).astype(np.float32))
    rule = Soft(1e-3 * float(bids.mean()), pricing)
    short, long = clear(rule, bids, np.float32), clear(rule, bids)
    assert short.price.dtype == np.float32
    np.testing.assert_allclose(short.win, long.win, atol=1e-4)
    np.testing.assert_allclose(short.price, long.price, rtol=1e-4)
    np.testing.assert_allclose(short.charge.sum(axis=0), long.charge.sum(axis=0), rtol=1e-4)


@pytest.mark.parametrize("pricing", PRICINGS)
def test_outside_is_one_more_bidder(pricing: Pricing) -> None:
    rng = np.random.default_rng(2)
    bids, outside = rng.random((50, 4)), rng.random(50)
    rule = Soft(0.1, pricing)
    got = clear(rule, bids, outside=outside)
    whole = clear(rule, np.column_stack([bids, outside]))
    np.testing.assert_allclose(got.win, whole.win[:, :4], rtol=1e-13)
    np.testing.assert_allclose(got.price, whole.price[:, :4], rtol=1e-13)
    np.testing.assert_allclose(got.market_price, whole.market_price, rtol=1e-13)


def test_market_price_is_the_mean_bid_of_the_winner() -> None:
    bids = [1.0, 0.7, 0.2]
    got = clear(Soft(0.3), bids)
    win, _ = exact(bids, 0.3, "soft")
    np.testing.assert_allclose(got.top_bids, [[np.dot(win, bids)] * 2])


def test_drawn_winners_have_their_probabilities() -> None:
    rule, count, bids = Soft(0.5), 20_000, [1.0, 0.5, 0.2, ABSENT]
    draws = rule.draw(jnp.uint64(99), jnp.arange(count), jnp.arange(4)[None])
    got = rule.clear(jnp.tile(jnp.array(bids), (count, 1)), jnp.full(count, 0.7), draws)
    win, price = exact([*bids, 0.7], 0.5, "soft")
    frequency = np.asarray(got.win).mean(axis=0)
    chance = np.array(win[:4])
    assert (abs(frequency - chance) <= 5 * (chance * (1 - chance) / count) ** 0.5).all()
    np.testing.assert_allclose(got.price, np.tile(price[:4], (count, 1)))


@pytest.mark.parametrize(
    ("factors", "total"), [((0.664, 1.290, 0.361), 36.462), ((1.015, 0.856, 0.262), 38.368)]
)
def test_published_equilibria_spend_the_budgets(
    factors: tuple[float, float, float], total: float
) -> None:
    """NCB (arXiv 2503.10304 v2), tables 2 and 3; factors are printed to three digits."""
    market = MARKETS["example-3.2"](jax.random.key(0))
    values = np.asarray(market.values)
    got = clear(soft_hard(temperature=0.0843), values * np.array(factors))
    np.testing.assert_allclose(got.charge.sum(axis=0), (7.254, 9.561, 0.731), atol=0.02)
    np.testing.assert_allclose((np.asarray(got.win) * values).sum(), total, atol=0.05)
