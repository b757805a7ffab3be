"""Small training logs, and a day on which a bidder buys at a log's prices."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.ranked import second_price
from equibid.auctions.tally import Tally
from equibid.bidders import Bidder, Observation, TrainingLog, training_log
from equibid.markets.market import Campaigns, Market, even_ticks


def make_log(
    values: np.ndarray, prices: np.ndarray, budget: np.ndarray | float, ticks: int = 6
) -> TrainingLog:
    """A log of one period: values [K, N], prices [K] or as a log has them, budgets [N] or one."""
    impressions, advertisers = values.shape
    market = Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(impressions, ticks),
        campaigns=Campaigns(
            budget=jnp.broadcast_to(jnp.asarray(budget, jnp.float64), advertisers),
            target_cpa=jnp.full(advertisers, 100.0),
            category=jnp.zeros(advertisers, jnp.int32),
        ),
        market_price=jnp.asarray(prices).reshape(impressions),
    )
    return training_log(market, second_price())


def random_log(
    seed: int = 0,
    *,
    impressions: int = 60,
    advertisers: int = 3,
    ticks: int = 6,
    eligible: float = 0.8,
    scarcity: float = 0.25,
    dtype: type = np.float32,
) -> TrainingLog:
    """Independent lognormal values and prices; budgets that buy a `scarcity` share of the log."""
    luck = np.random.default_rng(seed)
    shape = (impressions, advertisers)
    values = luck.lognormal(-5, 0.7, shape) * (luck.random(shape) < eligible)
    prices = luck.lognormal(1, 0.5, impressions)
    return make_log(values.astype(dtype), prices.astype(dtype), scarcity * prices.sum(), ticks)


class Day(NamedTuple):
    """What a bidder bought in each tick, [T, N]."""

    value: np.ndarray
    spend: np.ndarray
    wins: np.ndarray
    offered: np.ndarray


def observe(log: TrainingLog, tick: int, remaining: Float[np.ndarray, " N"]) -> Observation:
    """What a bidder sees at the start of a tick of a log with even ticks."""
    return Observation(
        tick=jnp.asarray(tick),
        ticks=jnp.asarray(log.ticks),
        impression=jnp.asarray(tick * len(log.prices) // log.ticks),
        impressions=jnp.asarray(len(log.prices)),
        remaining=jnp.asarray(remaining),
    )


def tick_tally(**sums: Float[np.ndarray, " N"]) -> Tally:
    """A tally with the given fields and zeros elsewhere."""
    zero = jnp.zeros(len(next(iter(sums.values()))))
    names = Tally.__dataclass_fields__
    return Tally(**{name: jnp.asarray(sums.get(name, zero)) for name in names})


def buy_a_day(bidder: Bidder, log: TrainingLog) -> Day:
    """Drive a bidder through a log that nobody's bids move, one impression after the other."""
    bid, watch, update = (
        jax.jit(getattr(type(bidder), name)) for name in ("bid", "watch", "update")
    )
    state = bidder.init(log.campaigns)
    values, prices = np.asarray(log.values), np.asarray(log.prices, np.float64)[:, 0, 0]
    remaining = np.array(log.campaigns.budget, np.float64)
    starts = np.asarray(even_ticks(len(prices), log.ticks))
    ticks = []
    for tick in range(log.ticks):
        rows = slice(starts[tick], starts[tick + 1])
        key = jax.random.fold_in(jax.random.key(0), tick)
        bids = np.asarray(bid(bidder, state, observe(log, tick, remaining), values[rows], key))
        won, spend, wins = (np.zeros(len(remaining)) for _ in range(3))
        for offer, value, price in zip(bids, values[rows], prices[rows], strict=True):
            win = (offer >= price) & (remaining >= price)
            remaining -= win * price
            won += win * value
            spend += win * price
            wins += win
        offered = (bids > -np.inf).sum(axis=0).astype(float)
        if bidder.needs_impressions:
            shown = np.broadcast_to(prices[rows, None, None], (*bids.shape, 1))
            state = watch(bidder, state, values[rows], shown, values[rows] > 0)
        sums = tick_tally(value=won, spend=spend, wins=wins, offered=offered)
        state = update(bidder, state, sums)
        ticks.append((won, spend, wins, offered))
    return Day(*(np.stack(column) for column in zip(*ticks, strict=True)))


def same_structure(a: object, b: object) -> bool:
    """Whether two pytrees agree in structure, shapes and types of their leaves."""

    def describe(tree: object) -> object:
        return jax.tree.map(lambda x: (jnp.shape(x), jnp.result_type(x)), tree)

    return describe(a) == describe(b)


def block(log: TrainingLog) -> Float[Array, "K N 1"]:
    """The log's prices as every advertiser sees them."""
    return jnp.broadcast_to(log.prices, (*log.values.shape, 1))
