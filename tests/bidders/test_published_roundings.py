"""What a published integer rests on is rounded as the published programs round it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_rlb import model, play

from equibid.auctions import second_price
from equibid.bidders import BIDDERS, rlb, training_log
from equibid.bidders.lin import linear
from equibid.bidders.search import eligible_share
from equibid.division import divided
from equibid.logs.campaign import campaign_budget
from equibid.markets.history import PriceHistory
from equibid.markets.market import Campaigns, Market, even_ticks

ROWS, PERIOD, LEVELS = 49_000, 1000, 301


def test_a_compiled_division_is_rounded_once() -> None:
    """0.000237 x 60 / 0.00079 is 18; its reciprocal makes it a hair less, and a floor 17."""
    values = jnp.full((4096, 1), 0.000237)
    bids = jax.jit(linear)(jnp.asarray([60.0]), jnp.asarray([0.00079]), values)
    assert set(np.floor(np.asarray(bids)).ravel()) == {18.0}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_division_is_numpys_to_the_bit(dtype: type) -> None:
    luck = np.random.default_rng(0)
    x = luck.lognormal(0, 3, (5000, 3)).astype(dtype)
    by = luck.lognormal(0, 3, 3).astype(dtype)
    np.testing.assert_array_equal(jax.jit(divided)(x, jnp.asarray(by)), x / by)


def log_of(rows: int, eligible: int | None = None):
    values = np.full((rows, 1), 0.5, np.float32)
    if eligible is not None:
        values[eligible:] = 0
    market = Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(rows, 4),
        campaigns=Campaigns(jnp.ones(1), jnp.ones(1), jnp.zeros(1, jnp.int32)),
        market_price=jnp.ones(rows),
    )
    return training_log(market, second_price())


@pytest.mark.parametrize("rows", [1, 7, 49_000, 156_063, 1_000_003])
def test_eligible_for_all_is_exactly_all(rows: int) -> None:
    assert eligible_share(log_of(rows))[0] == 1.0


def test_the_last_impression_but_one_is_not_the_last() -> None:
    """With a share of 0.99, one impression to come is one auction to come."""
    nearly = model(20, 300, share=(0.99,))
    assert [float(nearly.auctions(jnp.asarray(left))[0]) for left in (1, 2, 3)] == [0, 1, 2]
    assert eligible_share(log_of(1000, 990))[0] == 0.99


def campaign(seed: int) -> tuple[Market, PriceHistory]:
    """A test log and the totals of a training log, made up; prices are whole."""
    luck = np.random.default_rng(seed)

    def prices(count: int) -> np.ndarray:
        return np.minimum(np.rint(luck.lognormal(4, 0.7, count)), LEVELS - 1)

    trained = prices(200_000)
    history = PriceHistory(
        counts=np.bincount(trained.astype(int), minlength=LEVELS).astype(float),
        step=1.0,
        impressions=float(len(trained)),
        cost=float(trained.sum()),
        value=np.array([160.0]),
    )
    predicted = np.round(luck.lognormal(-7.3, 1, (ROWS, 1)), 9)
    market = Market(
        values=jnp.asarray(predicted),
        tick_start=even_ticks(ROWS, 40),
        campaigns=Campaigns(jnp.ones(1), jnp.ones(1), jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(prices(ROWS)),
        outcomes=jnp.asarray(luck.random((ROWS, 1)) < predicted),
        bid_step=1.0,
        bid_cap=300.0,
    )
    return market, history


def plain_table(history: PriceHistory, budget: int) -> np.ndarray:
    """V(n, b) as published, equations 6 to 8, a row after the other."""
    mass = (history.counts + 1) / (history.impressions + LEVELS)
    theta = history.value[0] / history.impressions
    table = np.zeros((PERIOD, budget + 1))
    for n in range(1, PERIOD):
        before = table[n - 1]
        row = before.copy()
        for d in range(min(LEVELS, budget + 1)):
            gain = theta + before[: budget + 1 - d] - before[d:]
            row[d:] += mass[d] * np.maximum(gain, 0)
        row[0] = 0.0
        table[n] = row
    return table


def plain_rlb(market: Market, table: np.ndarray, budget: int) -> list[int]:
    """Impressions, clicks and cost of the published loop."""
    values, prices = np.asarray(market.values)[:, 0], np.asarray(market.market_price).astype(int)
    clicked = np.asarray(market.outcomes)[:, 0]
    wins = clicks = cost = 0
    for first in range(0, ROWS, PERIOD):
        money = budget
        for k in range(first, min(first + PERIOD, ROWS)):
            row = table[first + PERIOD - 1 - k]
            most = min(money, LEVELS - 1)
            keeps = values[k] + row[money - np.arange(most + 1)] - row[money] >= 0
            bid = int(np.flatnonzero(keeps)[-1]) if keeps.any() else 0
            if bid >= prices[k]:
                wins, clicks, cost = wins + 1, clicks + int(clicked[k]), cost + prices[k]
                money -= prices[k]
    return [wins, clicks, int(cost)]


@pytest.mark.slow
@pytest.mark.parametrize("share", [1 / 32, 1 / 8])
def test_rlb_buys_what_the_plain_program_buys(share: float) -> None:
    """49,000 rows: a length whose share of eligible impressions is no 1 in single precision."""
    market, history = campaign(3)
    budget = campaign_budget(history, share, PERIOD)
    funded = market.with_budget(jnp.asarray([float(budget)]))
    log = training_log(funded, second_price(), PERIOD, history, most=ROWS)
    sums = play(funded, rlb.Rlb(rlb.exact_model(log)))
    got = [int(x[0]) for x in (sums.wins, sums.conversions, sums.spend)]
    assert got == plain_rlb(market, plain_table(history, budget), budget)


def test_lin_and_mcpc_bid_as_the_plain_programs() -> None:
    market, history = campaign(4)
    log = training_log(market, second_price(), PERIOD, history, most=ROWS)
    values = np.asarray(market.values)
    theta = history.value[0] / history.impressions
    for base in (5.0, 60.0, 295.0):
        bids = jax.jit(linear)(jnp.asarray([base]), jnp.asarray([theta]), market.values)
        np.testing.assert_array_equal(np.floor(bids), np.floor(values * base / theta))
    mcpc = BIDDERS["mcpc"](log)
    bids = jax.jit(type(mcpc).bid)(mcpc, (), None, market.values, None)
    np.testing.assert_array_equal(
        np.floor(bids), np.floor(values * history.cost / history.value[0])
    )
