"""Every bidder keeps the contract, on ordinary and on degenerate logs."""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_logs import block, make_log, observe, random_log, same_structure, tick_tally

from equibid.bidders import BIDDERS, Bidder, FactorBidder, TrainingLog
from equibid.bidders.bidder import by_factor


def no_budget() -> TrainingLog:
    log = random_log()
    return make_log(np.asarray(log.values), np.asarray(log.prices)[:, 0, 0], 0.0)


def one_without_value() -> TrainingLog:
    log = random_log()
    return make_log(np.asarray(log.values) * [1, 0, 1], np.asarray(log.prices)[:, 0, 0], 10.0)


def no_value() -> TrainingLog:
    log = random_log()
    return make_log(0 * np.asarray(log.values), np.asarray(log.prices)[:, 0, 0], 10.0)


def free_impressions() -> TrainingLog:
    log = random_log()
    return make_log(np.asarray(log.values), 0 * np.asarray(log.prices)[:, 0, 0], 10.0)


LOGS: dict[str, Callable[[], TrainingLog]] = {
    "ordinary": random_log,
    "float64": lambda: random_log(dtype=np.float64),
    "no budget": no_budget,
    "one advertiser without value": one_without_value,
    "no value": no_value,
    "free impressions": free_impressions,
    "one impression": lambda: random_log(impressions=1, ticks=1, eligible=1),
    "one tick": lambda: random_log(ticks=1),
}

pytestmark = pytest.mark.parametrize("name", sorted(BIDDERS))


@lru_cache
def fitted(name: str) -> tuple[Bidder, TrainingLog]:
    log = random_log()
    return BIDDERS[name](log), log


def fresh(bidder: Bidder, log: TrainingLog) -> tuple:
    return bidder.init(log.campaigns), observe(log, 0, np.asarray(log.campaigns.budget))


def is_bid(bids: np.ndarray, values: np.ndarray) -> None:
    taking_part = bids > -np.inf
    assert not taking_part[..., values == 0].any()
    assert np.isfinite(bids[taking_part]).all()
    assert (bids[taking_part] >= 0).all()


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS.keys())
def test_bids_are_money_through_a_whole_day(name: str, log: Callable[[], TrainingLog]) -> None:
    day = log()
    bidder = BIDDERS[name](day)
    state, _ = fresh(bidder, day)
    budget = np.asarray(day.campaigns.budget)
    for tick in range(day.ticks):
        key = jax.random.fold_in(jax.random.key(1), tick)
        # Money runs out in the last tick.
        left = observe(day, tick, budget * (1 - (tick + 1) / day.ticks))
        bids = bidder.bid(state, left, day.values, key)
        assert bids.shape == day.values.shape
        is_bid(np.asarray(bids), np.asarray(day.values))
        eligible = day.values > 0
        before = state
        state = bidder.watch(state, day.values, block(day), eligible)
        offered = np.asarray(eligible.sum(axis=0), np.float64)
        wins = np.asarray((eligible & (bids >= day.prices[:, 0])).sum(axis=0), np.float64)
        sums = tick_tally(
            offered=offered,
            wins=wins,
            spend=wins * float(day.prices.mean()),
            value=wins * np.asarray(day.values, np.float64).mean(axis=0),
        )
        state = bidder.update(state, sums)
        assert same_structure(before, state)


def test_works_under_jit_and_vmap_and_bids_its_factor(name: str) -> None:
    bidder, log = fitted(name)
    state, observation = fresh(bidder, log)
    keys = jax.random.split(jax.random.key(2), 4)
    plain = np.stack([bidder.bid(state, observation, log.values, key) for key in keys])

    @jax.jit
    def bids(bidder: Bidder, keys: jax.Array) -> jax.Array:
        return jax.vmap(lambda key: bidder.bid(state, observation, log.values, key))(keys)

    np.testing.assert_allclose(bids(bidder, keys), plain, rtol=1e-5)
    if isinstance(bidder, FactorBidder):
        factor = bidder.factor(state, observation, keys[0])
        assert factor.shape == (log.campaigns.count,)
        assert factor.dtype == jnp.float64
        np.testing.assert_array_equal(plain[0], by_factor(factor, log.values))


def test_one_advertiser_does_not_see_another(name: str) -> None:
    bidder, log = fitted(name)
    state, observation = fresh(bidder, log)
    key = jax.random.key(4)
    bids = bidder.bid(state, observation, log.values, key)
    changed = log.values.at[:, 0].mul(3.0)
    others = bidder.bid(state, observation, changed, key)
    np.testing.assert_array_equal(bids[:, 1:], others[:, 1:])
