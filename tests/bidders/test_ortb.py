"""ORTB bids maximise the published objective, and its curve is found from prices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_replay import one_by_one
from training_logs import observe, random_log

from equibid.bidders import BIDDERS
from equibid.bidders.ortb import ORTB1, ORTB2, WinCurve, average_value, fit_scale, optimal
from equibid.bidders.search import price_grid
from equibid.markets.history import price_history

CURVES = pytest.mark.parametrize("curve", [ORTB1, ORTB2], ids=["ortb1", "ortb2"])
NAMES = pytest.mark.parametrize("name", ["ortb1", "ortb2"])


def best_bid(curve: WinCurve, c: float, multiplier: float, value: float) -> float:
    array = jnp.asarray([[value]])
    return float(optimal(curve, jnp.asarray(c), jnp.asarray([c * multiplier]), array)[0, 0])


@CURVES
@given(c=st.floats(0.1, 1000), multiplier=st.floats(1e-6, 1e-2), value=st.floats(1e-6, 1.0))
def test_no_bid_has_a_higher_lagrangian(
    curve: WinCurve, c: float, multiplier: float, value: float
) -> None:
    def lagrangian(bid: np.ndarray) -> np.ndarray:
        return (value - multiplier * bid) * curve.win(bid / c)

    bid = best_bid(curve, c, multiplier, value)
    # Beyond value / multiplier a win costs more than it is worth.
    others = np.linspace(0, value / multiplier, 20_001)
    best = lagrangian(others).max()
    assert lagrangian(np.asarray(bid)) >= best * (1 - 1e-9)
    assert 0 < bid < value / multiplier


@given(c=st.floats(1, 300), multiplier=st.floats(1e-6, 1e-3), value=st.floats(1e-4, 1.0))
def test_published_formulas(c: float, multiplier: float, value: float) -> None:
    first = np.sqrt(c * value / multiplier + c**2) - c
    assert best_bid(ORTB1, c, multiplier, value) == pytest.approx(first, rel=1e-6)
    q = (value + np.sqrt(c**2 * multiplier**2 + value**2)) / (c * multiplier)
    second = c * (q ** (1 / 3) - q ** (-1 / 3))
    assert best_bid(ORTB2, c, multiplier, value) == pytest.approx(second, rel=1e-6)


@CURVES
def test_small_values_in_single_precision(curve: WinCurve) -> None:
    values = jnp.asarray(np.geomspace(1e-9, 1e-4, 50), jnp.float32)[:, None]
    scale, unit = jnp.asarray(80.0), jnp.asarray([0.01])
    single = np.asarray(optimal(curve, scale, unit, values))
    double = np.asarray(optimal(curve, scale, unit, values.astype(jnp.float64)))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=1e-5)


@CURVES
@given(bid=st.floats(0.01, 1000))
def test_ratio_inverts_the_bid(curve: WinCurve, bid: float) -> None:
    x = jnp.asarray(bid)
    assert float(curve.bid(curve.ratio(x))) == pytest.approx(bid, rel=1e-9)


@CURVES
@pytest.mark.parametrize("c", [3.0, 40.0, 150.0])
def test_scale_is_recovered_from_prices_of_the_curve(curve: WinCurve, c: float) -> None:
    # A price is at most p with probability win(p / c): draw by inversion.
    share = np.random.default_rng(0).random(200_000)
    odds = share / (1 - share)
    prices = np.ceil(c * (odds if curve is ORTB1 else np.sqrt(odds)))
    history = price_history(prices, np.ones(1), step=1.0, levels=5001)
    assert fit_scale(curve, history) == pytest.approx(c, rel=0.02)


@CURVES
def test_scale_has_the_least_squares(curve: WinCurve) -> None:
    prices = np.random.default_rng(1).lognormal(4, 0.6, 5000)
    history = price_history(prices, np.ones(1))
    share = history.counts.cumsum() / 5000
    level = np.arange(len(share)) * history.step

    def loss(c: float) -> float:
        return float(((curve.win(level / c) - share) ** 2).sum())

    fitted = fit_scale(curve, history)
    assert loss(fitted) <= min(loss(c) for c in np.geomspace(0.1, 1e5, 5000)) * (1 + 1e-9)


@NAMES
def test_multiplier_buys_most(name: str) -> None:
    log = random_log(4, impressions=200, scarcity=0.1)
    bidder = BIDDERS[name](log)
    start = observe(log, 0, np.ones(3))
    chosen = one_by_one(log, np.asarray(bidder.bid((), start, log.values, jax.random.key(0))))[0]
    curve = {"ortb1": ORTB1, "ortb2": ORTB2}[name]
    scale = jnp.asarray(fit_scale(curve, log.history))
    for bid in price_grid(log):
        unit = jnp.asarray(average_value(log)) / curve.ratio(bid / scale)
        others = optimal(curve, scale, unit, log.values)
        assert (one_by_one(log, np.asarray(others))[0] <= chosen + 1e-12).all()
