"""The replay of a training log, against a loop that spells the rules out."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_logs import make_log, random_log

from equibid.bidders import BIDDERS
from equibid.bidders.bidder import by_factor
from equibid.bidders.fixed import Fixed
from equibid.bidders.lin import Lin
from equibid.bidders.replay import replay, spend_factor
from equibid.bidders.search import average_value, best_base_bid, best_of_grid, price_grid
from equibid.bidders.training import TrainingLog


def one_by_one(log: TrainingLog, bids: np.ndarray) -> np.ndarray:
    """Value, spend and wins, one advertiser and impression after the other, [3, N]."""
    sums = np.zeros((3, bids.shape[1]))
    for i in range(bids.shape[1]):
        remaining = 0.0
        for k, price in enumerate(np.asarray(log.prices[:, 0, 0], np.float64)):
            if k % log.period == 0:
                part = min((len(log.prices) - k) / log.period, 1.0)
                remaining = float(log.campaigns.budget[i]) * part
            bid = bids[k, i]
            if log.bid_step > 0:
                bid = np.floor(bid / log.bid_step) * log.bid_step
            bid = min(bid, log.bid_cap, remaining)
            value = float(log.values[k, i])
            if value > 0 and bid >= price:
                remaining -= price
                sums[:, i] += value, price, 1
    return sums


@given(
    seed=st.integers(0, 1000),
    period=st.integers(1, 40),
    step=st.sampled_from([0.0, 0.25, 1.0]),
    cap=st.sampled_from([2.5, float("inf")]),
    scarcity=st.sampled_from([0.0, 0.02, 0.2, 2.0]),
)
def test_replay_is_the_loop(
    seed: int, period: int, step: float, cap: float, scarcity: float
) -> None:
    # Prices in quarters: sums of money are exact, and bids often tie with prices.
    drawn = random_log(seed, impressions=40, scarcity=scarcity)
    prices = np.ceil(np.asarray(drawn.prices)[:, 0, 0] * 4) / 4
    log = make_log(np.asarray(drawn.values), prices, np.asarray(drawn.campaigns.budget))
    log = replace(log, period=period, bid_step=step, bid_cap=cap)
    factor = np.random.default_rng(seed).choice([100.0, 400.0, 2000.0], 3)
    bids = np.round(np.asarray(log.values) * factor * 4) / 4
    bids[0] = -np.inf
    np.testing.assert_allclose(np.stack(replay(log, jnp.asarray(bids))), one_by_one(log, bids))


def test_best_of_grid_buys_most() -> None:
    log = random_log(3, impressions=200)
    grid = jnp.asarray([50.0, 200.0, 300.0, 450.0, 800.0])
    won = np.stack([one_by_one(log, np.asarray(log.values) * float(p))[0] for p in grid])
    chosen = best_of_grid(log, lambda point, values: point * values, grid)
    np.testing.assert_array_equal(chosen, grid[won.argmax(axis=0)])


def heavy_log(seed: int) -> TrainingLog:
    """Much value in few impressions, and one advertiser with money for not many more."""
    luck = np.random.default_rng(seed)
    values = luck.lognormal(-8, 2.5, (8000, 3)) * (luck.random((8000, 3)) < 0.3)
    prices = luck.lognormal(1, 1.2, 8000)
    return make_log(values, prices, np.array([0.001, 0.02, 0.2]) * prices.sum())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_who_pays_for_the_best_only_has_a_base_bid_below_all_prices(seed: int) -> None:
    log = heavy_log(seed)
    average = jnp.asarray(average_value(log))

    def bought(base_bid: jax.Array) -> np.ndarray:
        return replay(log, base_bid * log.values / average).value

    chosen = best_base_bid(log, lambda base_bid, values: base_bid * values / average)
    fine = [bought(jnp.full(3, bid)) for bid in np.geomspace(1e-4, 30, 1500)]
    assert (bought(chosen) >= 0.99 * np.max(fine, axis=0)).all()
    assert chosen[0] < price_grid(log)[0]


def test_lin_is_as_good_as_the_best_factor_of_a_heavy_tailed_log() -> None:
    """A linear bid is a factor; on the log itself none is worth more than the fixed one."""
    log = heavy_log(3)
    lin, fixed = BIDDERS["lin"](log), BIDDERS["fixed"](log)
    assert isinstance(lin, Lin) and isinstance(fixed, Fixed)
    value = replay(log, lin.base_bid * log.values / lin.mean_value).value
    best = replay(log, by_factor(fixed.factors, log.values)).value
    assert (value >= 0.98 * best).all()


def test_best_of_grid_takes_the_first_of_equals() -> None:
    log = random_log(3, scarcity=2.0)
    chosen = best_of_grid(log, lambda point, values: point * values, jnp.asarray([1.0, 1e6, 2e6]))
    np.testing.assert_array_equal(chosen, 1e6)


@given(seed=st.integers(0, 1000), share=st.floats(0.001, 1.5))
def test_spend_factor_fits_and_the_next_does_not(seed: int, share: float) -> None:
    log = random_log(seed, dtype=np.float64)
    values, prices = np.asarray(log.values), np.asarray(log.prices)[:, 0, 0]
    budget = share * prices.sum()
    log = replace(log, campaigns=replace(log.campaigns, budget=jnp.full(3, budget)))
    chosen = spend_factor(log)
    for i, factor in enumerate(chosen):
        ratio = np.where(values[:, i] > 0, prices / np.maximum(values[:, i], 1e-300), np.inf)
        assert prices[ratio <= factor].sum() <= budget * (1 + 1e-12)
        dearer = ratio[(ratio > factor) & np.isfinite(ratio)]
        if dearer.size:
            assert prices[ratio <= dearer.min()].sum() > budget
