"""Tuning, hindsight and replays pay what the auction makes them pay: against plain loops."""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_logs import buy_a_day, observe

import plain
from equibid.auctions import Ranked, Soft, auctionnet, first_price, gsp, second_price
from equibid.bidders import BIDDERS, online_lp, training_log
from equibid.bidders.bidder import by_factor
from equibid.bidders.fixed import logged_factor
from equibid.bidders.price_rule import price_rule, prices_of
from equibid.bidders.replay import replay
from equibid.errors import UnsuitableError
from equibid.markets.market import Campaigns, Market, even_ticks

IMPRESSIONS = 30
RULES = {
    "second-price": second_price(),
    "reserve": second_price(reserve=2.5),
    "first-price": first_price(),
    "first-price with reserve": first_price(reserve=2.5),
    "ties to the outside": Ranked(outside_wins_ties=True),
    "gsp": gsp(reserve=0.5),
    "auctionnet": auctionnet(reserve=1.0),
    "soft": Soft(0.3),
    "soft, blunt": Soft(2.0, reserve=1.5),
    "soft-hard": Soft(0.3, "hard"),
}


def day(seed: int, scarcity: float, step: float = 0.0, cap: float = np.inf) -> Market:
    """One advertiser against logged prices of 1 to 6, some of them equal."""
    luck = np.random.default_rng(seed)
    values = luck.lognormal(-5, 0.7, (IMPRESSIONS, 1)) * (luck.random((IMPRESSIONS, 1)) < 0.8)
    prices = 1 + luck.integers(0, 11, IMPRESSIONS) / 2
    budget = jnp.asarray([scarcity * prices.sum()])
    return Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(IMPRESSIONS, 3),
        campaigns=Campaigns(budget, jnp.full(1, 100.0), jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(prices),
        bid_step=step,
        bid_cap=cap,
    )


def purchases(market: Market, rule: Ranked | Soft, factor: float) -> tuple[float, float]:
    """Value and cost of a constant factor without a budget, one impression after the other."""
    value = cost = 0.0
    worths = np.asarray(market.values)[:, 0].tolist()
    for worth, outside in zip(worths, np.asarray(market.market_price).tolist(), strict=True):
        bid = factor * worth if worth > 0 else -np.inf
        if market.bid_step > 0 and worth > 0:
            bid = np.floor(bid / market.bid_step) * market.bid_step
        sold = plain.clear(rule, [min(bid, market.bid_cap)], outside, None, None)
        value += sold.exposure[0] * worth
        cost += sold.exposure[0] * sold.price[0]
    return value, cost


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=12)
@given(
    seed=st.integers(0, 500),
    scarcity=st.sampled_from([0.02, 0.2, 0.6, 3.0]),
    grid=st.sampled_from([(0.0, np.inf), (0.5, 4.0), (1.0, np.inf)]),
)
def test_no_constant_factor_within_the_budget_buys_more_than_hindsight(
    name: str, seed: int, scarcity: float, grid: tuple[float, float]
) -> None:
    rule, market = RULES[name], day(seed, scarcity, *grid)
    budget = float(market.campaigns.budget[0])
    chosen = float(logged_factor(training_log(market, rule))[0])
    value, cost = purchases(market, rule, chosen)
    assert cost <= budget * (1 + 1e-9)
    worth = np.asarray(market.values)[:, 0]
    prices = np.asarray(market.market_price)
    # Every factor at which a purchase begins, a hair above each, and many between.
    edges = [level / v for v in worth[worth > 0] for level in np.arange(0.5, 8, 0.5)]
    edges += [max(p, 2.5) / v for p, v in zip(prices, worth, strict=True) if v > 0]
    tried = [f * (1 + 1e-12) for f in edges] + list(np.geomspace(10, 1e5, 100)) + [chosen]
    best = 0.0
    for factor in tried[:: max(len(tried) // 150, 1)]:
        bought, paid = purchases(market, rule, factor)
        if paid <= budget:
            best = max(best, bought)
    assert value >= best * (1 - 1e-6) - 1e-12


@pytest.mark.parametrize("name", RULES)
def test_a_replay_is_the_plain_loop_while_money_lasts(name: str) -> None:
    rule, market = RULES[name], day(7, 100.0)
    log = training_log(market, rule)
    for factor in (100.0, 400.0, 1500.0):
        bought = replay(log, by_factor(jnp.asarray([factor]), log.values))
        value, cost = purchases(market, rule, factor)
        np.testing.assert_allclose([bought.value[0], bought.spend[0]], [value, cost], rtol=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_what_each_advertiser_meets_is_what_it_would_get_in_the_market(name: str) -> None:
    """Others' bids stand; whether the advertiser bid itself plays no part."""
    rule, luck = RULES[name], np.random.default_rng(3)
    bids = 1 + 5 * luck.random((25, 4))
    bids[luck.random(bids.shape) < 0.3] = -np.inf
    outside = 1 + 5 * luck.random(25)
    met = prices_of(rule, jnp.asarray(bids), jnp.asarray(outside))
    exposure, terms = np.asarray(rule.expected_exposure), price_rule(rule)
    for k in range(25):
        for i in range(4):
            for own in (1.2, 3.0, 5.5):
                others = bids[k].copy()
                others[i] = own
                sold = plain.clear(rule, others.tolist(), float(outside[k]), None, None)
                if isinstance(rule, Soft):
                    even = float(np.asarray(met.even)[k, i])
                    win = 1 / (1 + np.exp((even - own) / rule.temperature))
                    win *= own >= rule.reserve
                    paid = win * float(met.price[k, i, 0])
                else:
                    prices = np.asarray(met.price[k, i])
                    slot = np.flatnonzero(own > prices)
                    win = exposure[slot[0]] if slot.size else 0.0
                    paid = win * (own if terms.own_bid else (prices[slot[0]] if slot.size else 0))
                assert sold.exposure[i] == pytest.approx(win, abs=1e-12)
                assert sold.exposure[i] * sold.price[i] == pytest.approx(paid, abs=1e-12)


@pytest.mark.parametrize("bidder", ["lin", "constant", "ortb1", "ortb2", "fixed"])
def test_what_is_tuned_for_first_price_buys_more_there(bidder: str) -> None:
    gained = []
    for seed in range(6):
        market = day(seed, 0.3)
        own, other = (training_log(market, RULES[name]) for name in ("first-price", "second-price"))
        now = observe(own, 0, np.asarray(own.campaigns.budget))
        bids = [
            BIDDERS[bidder](log).bid((), now, own.values, jax.random.key(0)) for log in (own, other)
        ]
        gained.append(np.subtract(*[replay(own, offer).value[0] for offer in bids]))
    assert max(gained) > 0
    # The best factor for the whole budget leaves no more than a factor that runs dry may find.
    assert bidder == "fixed" or min(gained) >= 0


@pytest.mark.parametrize(("scarcity", "all_bought"), [(0.3, False), (1000.0, True)])
def test_online_lp_starts_at_hindsights_factor_under_first_price(
    scarcity: float, all_bought: bool
) -> None:
    luck = np.random.default_rng(2)
    values, prices = luck.lognormal(-5, 0.5, (4000, 1)), luck.lognormal(1, 0.4, 4000)
    market = Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(4000, 20),
        campaigns=Campaigns(
            jnp.asarray([scarcity * prices.sum()]), jnp.ones(1), jnp.zeros(1, jnp.int32)
        ),
        market_price=jnp.asarray(prices),
    )
    log = training_log(market, first_price())
    learner = cast(online_lp.OnlineLp, online_lp.fit(log))
    now = observe(log, 0, np.asarray(log.campaigns.budget))
    start = float(learner.factor(learner.init(log.campaigns), now, jax.random.key(0))[0])
    assert start == pytest.approx(float(logged_factor(log)[0]), rel=0.02)
    assert (start > 0.9 * (prices / values[:, 0]).max()) == all_bought


@pytest.mark.parametrize("name", ["rlb", "rlb-mapd", "rlb-mapa", "rlb-segments", "ss-mdp"])
@pytest.mark.parametrize("rule", ["first-price", "soft"])
def test_a_program_that_supposes_second_price_is_refused_elsewhere(name: str, rule: str) -> None:
    with pytest.raises(UnsuitableError, match="second-price"):
        BIDDERS[name](training_log(day(0, 0.5), RULES[rule]))


def test_buy_a_day_agrees_with_the_replay_under_second_price() -> None:
    log = training_log(day(5, 0.4), second_price())
    bidder = BIDDERS["fixed"](log)
    bought = replay(log, by_factor(logged_factor(log), log.values))
    assert buy_a_day(bidder, log).value.sum() == pytest.approx(bought.value[0], rel=1e-12)
