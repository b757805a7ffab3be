"""Dynamic price learning against the linear program itself."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from training_logs import block, buy_a_day, make_log, observe, random_log

import worlds
from equibid.auctions import Ranked, first_price, fused, gsp, second_price
from equibid.bidders import BIDDERS, TrainingLog
from equibid.bidders.bidder import by_factor
from equibid.bidders.online_lp import OnlineLp, bins_within
from equibid.bidders.sold import SoldTick
from equibid.markets.market import dense
from equibid.simulation import Population, simulate
from equibid.simulation.fused_play import market_lots
from equibid.simulation.scenario import day_before


def learner(log: TrainingLog) -> OnlineLp:
    bidder = BIDDERS["online-lp"](log)
    assert isinstance(bidder, OnlineLp)
    return bidder


def plan(values: np.ndarray, prices: np.ndarray, budget: float) -> tuple[float, float]:
    """Value of the best purchase plan, and the dual price of its budget."""
    solved = linprog(-values, A_ub=prices[None], b_ub=[budget], bounds=(0, 1), method="highs")
    return -solved.fun, -float(solved.ineqlin.marginals[0])


def factor(bidder: OnlineLp, log: TrainingLog, tick: int, state: jax.Array) -> np.ndarray:
    left = observe(log, tick, np.asarray(log.campaigns.budget))
    return np.asarray(bidder.factor(state, left, jax.random.key(0)))


@given(seed=st.integers(0, 500), scarcity=st.floats(0.02, 0.7))
def test_first_factor_is_the_dual_of_the_training_log(seed: int, scarcity: float) -> None:
    log = random_log(seed, scarcity=scarcity, dtype=np.float64)
    bidder = learner(log)
    found = factor(bidder, log, 0, bidder.init(log.campaigns))
    for i in range(3):
        values, prices = np.asarray(log.values)[:, i], np.asarray(log.prices)[:, 0, 0]
        eligible = values > 0
        budget = float(log.campaigns.budget[i])
        _, dual = plan(values[eligible], prices[eligible], budget)
        if dual > 0:
            assert abs(np.log(found[i] * dual)) <= 1.001 * float(bidder.width[i])
        else:
            # All can be bought: the factor reaches the dearest, and not far beyond.
            dearest = (prices[eligible] / values[eligible]).max()
            assert 0 <= np.log(found[i] / dearest) <= 1.001 * float(bidder.width[i])


def test_what_was_watched_replaces_the_prior() -> None:
    # Prices of the day are three times those of the training log: without a prior, the second
    # solution is the dual of what was seen, with the money over the impressions left.
    training = random_log(1, impressions=600, dtype=np.float64)
    day = make_log(
        np.asarray(training.values),
        3 * np.asarray(training.prices),
        np.asarray(training.campaigns.budget),
    )
    learned = learner(training)
    bidder = replace(learned, prior_share=0.0)
    seen = slice(0, 300)
    values, prices = day.values[seen], day.prices[seen, 0, 0]
    state = bidder.watch(bidder.init(day.campaigns), values, block(day)[seen], values > 0)
    found = factor(bidder, day, 3, state)
    for i in range(3):
        eligible = np.asarray(values[:, i]) > 0
        worth, cost = np.asarray(values[:, i])[eligible], np.asarray(prices)[eligible]
        # Half the impressions are left, as many as were seen: all the money for a like half. The
        # prior still weighs as one impression, so a second bin is allowed for.
        _, dual = plan(worth, cost, float(day.campaigns.budget[i]))
        assert abs(np.log(found[i] * dual)) <= 2 * float(learned.width[i])


def test_watching_in_blocks_is_watching_at_once() -> None:
    log = random_log(2, impressions=100)
    bidder = learner(log)
    empty = bidder.init(log.campaigns)
    shown = block(log)
    whole = bidder.watch(empty, log.values, shown, log.values > 0)
    first = bidder.watch(empty, log.values[:30], shown[:30], log.values[:30] > 0)
    parts = bidder.watch(first, log.values[30:], shown[30:], log.values[30:] > 0)
    np.testing.assert_allclose(whole, parts, rtol=1e-12)
    np.testing.assert_allclose(
        whole.sum(axis=1),
        ((log.values > 0) * shown[..., 0].astype(jnp.float64)).sum(axis=0),
        rtol=1e-6,
    )


def test_absent_impressions_and_unbounded_prices_are_not_counted() -> None:
    log = random_log(2)
    bidder = learner(log)
    empty = bidder.init(log.campaigns)
    shown = block(log)
    nobody = bidder.watch(empty, log.values, shown, jnp.zeros(log.values.shape, bool))
    np.testing.assert_array_equal(nobody, 0)
    closed = bidder.watch(empty, log.values, jnp.full_like(shown, jnp.inf), log.values > 0)
    np.testing.assert_array_equal(closed, 0)


@pytest.mark.parametrize("own_bid", [False, True])
@pytest.mark.parametrize("lists", [False, True])
def test_a_tick_sold_by_the_kernel_is_watched_as_its_clearing_is(
    own_bid: bool, lists: bool
) -> None:
    """What the kernel tells of a tick against the slot prices of the rule, seat by seat."""
    market = worlds.market(seed=4, impressions=300, advertisers=6, ticks=3, candidates=lists)
    auction = Ranked(exposure=(1.0, 0.7, 0.4), reserve=0.05, pricing="own" if own_bid else "next")
    factors = np.linspace(0.5, 1.5, 6)
    lots = market_lots(market)
    terms = fused.terms_of(auction, lots)
    purse = fused.Purse(np.full(6, 1e9), np.ones(6, bool), np.full(6, 2.0**-20))
    sold = fused.sold_in(terms, 300)
    fused.settle_lots(lots, terms, purse, factors, sold=sold)

    values = np.asarray(dense(market))
    bids = by_factor(jnp.asarray(factors), jnp.asarray(values))
    prices = auction.clear(bids).slot_prices
    made = random_log(2, dtype=np.float64)
    shape = {"low": jnp.full(6, -6.0), "width": jnp.full(6, 0.05), "prior": jnp.zeros((6, 200))}
    bidder = replace(learner(made), **shape, exposure=auction.exposure, own_bid=own_bid)
    mine = np.array([True, False, True, True, False, True])
    want = bidder.watch(jnp.ones((6, 200)), values, prices, mine & (values > 0))
    tick = SoldTick(lots.values, lots.ids, *sold)
    got = np.asarray(bidder.watch_sold(jnp.ones((6, 200)), mine, tick))
    assert (np.asarray(want)[[1, 4]] == 1).all() and (np.asarray(want)[mine] != 1).any()
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", [gsp(), second_price(), first_price()])
def test_a_day_is_the_same_on_both_engines(rule: Ranked) -> None:
    """Also where money ends within a tick, and others have the other seats."""
    market = worlds.market(seed=7, impressions=900, advertisers=6, ticks=6)
    log = day_before(market, rule)
    names = ("online-lp", "pacing")
    bidders = tuple(BIDDERS[name](log) for name in names)
    population = Population(bidders, jnp.asarray([0, 1, 0, 0, 1, 0], jnp.int32))
    one, other = (
        simulate(market, rule, population, jax.random.key(0), engine=engine)
        for engine in ("fused", "xla")
    )
    np.testing.assert_allclose(one.factors(), other.factors(), rtol=1e-9)
    np.testing.assert_allclose(one.remaining, other.remaining, rtol=1e-9, atol=1e-9)
    assert (np.asarray(one.remaining)[-1] < 0.05 * np.asarray(market.campaigns.budget)).any()


def test_bins_within_by_hand() -> None:
    cost = jnp.asarray([[0.0, 2.0, 0.0, 4.0, 0.0]])
    money = [0.0, 1.0, 2.0, 3.0, 6.0, 100.0]
    bins = [float(bins_within(cost.cumsum(axis=1), jnp.asarray([m]))[0]) for m in money]
    # Half of the second bin; all of it; a quarter of the fourth; all that costs anything.
    assert bins == [0.0, 1.5, 2.0, 3.25, 4.0, 4.0]


def test_regret_shrinks_with_the_length_of_the_day() -> None:
    training = random_log(0, impressions=100, dtype=np.float64)

    def regret(impressions: int) -> float:
        losses = []
        for seed in (1, 2, 3):
            day = random_log(seed, impressions=impressions, ticks=20, dtype=np.float64)
            bought = buy_a_day(learner(training), day).value.sum(0)
            for i in range(3):
                values, prices = np.asarray(day.values)[:, i], np.asarray(day.prices)[:, 0, 0]
                best, _ = plan(values, prices, float(day.campaigns.budget[i]))
                losses.append(1 - bought[i] / best)
        return float(np.mean(losses))

    short, middle, long = (regret(length) for length in (60, 480, 3840))
    assert short > middle > long > -1e-9
    assert long < 0.01


@pytest.mark.parametrize("dearer", [0.5, 1.0, 2.0])
def test_follows_a_day_unlike_the_training_log(dearer: float) -> None:
    training = random_log(1, impressions=2000, ticks=48, dtype=np.float64)
    other = random_log(2, impressions=2000, ticks=48, dtype=np.float64)
    budget = np.asarray(training.campaigns.budget)
    day = make_log(np.asarray(other.values), dearer * np.asarray(other.prices), budget, 48)
    best = buy_a_day(BIDDERS["hindsight"](day), day).value.sum(0)
    assert (buy_a_day(learner(training), day).value.sum(0) >= 0.97 * best).all()
