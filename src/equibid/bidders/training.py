"""What a bidder may be tuned on: the training log, and nothing else.

A log says which impressions came, what each was worth to each advertiser, and the price that would
have won it. An advertiser is taken as small: it buys against those prices and does not move them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.fused import compiled
from equibid.markets.history import (
    LEVELS,  # noqa: F401  (bidders look for it here)
    PriceHistory,
    market_history,
)
from equibid.markets.market import Campaigns, Market, dense

# From a parameter [N] and values [K, N] to bids [K, N].
BidRule = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class TrainingLog:
    """Logged impressions with the prices that would have won them.

    Attributes:
        values: [K, N] value units; zero where not eligible.
        prices: [K] market prices, currency per exposure.
        campaigns: budgets of one delivery period.
        period: impressions of one delivery period; the log may hold several periods, or a part.
        ticks: ticks of one delivery period.
        history: totals of the training period.
        bid_step: as in `Market`.
        bid_cap: as in `Market`.
    """

    values: Float[Array, "K N"]
    prices: Float[Array, " K"]
    campaigns: Campaigns
    period: int
    ticks: int
    history: PriceHistory
    bid_step: float = 0.0
    bid_cap: float = float("inf")


def training_log(
    market: Market,
    period: int | None = None,
    history: PriceHistory | None = None,
    most: int = 50_000,
) -> TrainingLog:
    """The training log of a market whose `market_price` was logged.

    A log of more than `most` impressions is thinned evenly, and budgets and period with it; the
    totals are always those of the whole log.
    """
    if market.market_price is None:
        raise ValueError("a training log needs market prices")
    values = np.asarray(dense(market))
    prices = np.asarray(market.market_price)
    history = history or market_history(market)
    every = -(-len(prices) // most)
    period = period or len(prices)
    kept = slice(every // 2, None, every)
    campaigns = replace(market.campaigns, budget=jnp.asarray(market.campaigns.budget) / every)
    return TrainingLog(
        values=jnp.asarray(values[kept]),
        prices=jnp.asarray(prices[kept]),
        campaigns=campaigns,
        period=max(period // every, 1),
        ticks=market.ticks,
        history=history,
        bid_step=market.bid_step,
        bid_cap=market.bid_cap,
    )


class Purchases(NamedTuple):
    """What each advertiser would have bought on a training log.

    Attributes:
        value: summed value of the impressions won, value units.
        spend: summed price of them.
        wins: their number.
    """

    value: Float[np.ndarray, " N"]
    spend: Float[np.ndarray, " N"]
    wins: Float[np.ndarray, " N"]


def replay(log: TrainingLog, bids: Float[Array, "K N"]) -> Purchases:
    """What each advertiser would have bought with `bids` on the log, [N] each.

    Second price against the logged prices, ``bid >= price`` wins; a bid is at most what is left of
    the budget, which is filled anew every `log.period` impressions.
    """
    offers = np.asarray(bids)
    sums = np.zeros((3, offers.shape[1]))
    _replay(
        offers,
        np.asarray(log.values),
        np.asarray(log.prices, np.float64),
        np.asarray(log.campaigns.budget, np.float64),
        log.period,
        offers.dtype.type(log.bid_step),
        offers.dtype.type(log.bid_cap),
        sums,
    )
    return Purchases(*sums)


@compiled
def _replay(bids, values, prices, budget, period, step, cap, sums):
    remaining = budget.copy()
    for k in range(bids.shape[0]):
        if k % period == 0:
            remaining[:] = budget
        for i in range(bids.shape[1]):
            bid = bids[k, i]
            if step > 0:
                bid = np.floor(bid / step) * step
            if values[k, i] > 0 and min(bid, cap) >= prices[k] and remaining[i] >= prices[k]:
                remaining[i] -= prices[k]
                sums[0, i] += values[k, i]
                sums[1, i] += prices[k]
                sums[2, i] += 1


def best_of_grid(log: TrainingLog, bid: BidRule, grid: Float[Array, " G"]) -> Float[Array, " N"]:
    """For each advertiser, the grid point whose bids buy most value on the training log.

    Args:
        log: to replay.
        bid: from grid point [N] and values [K, N] to bids [K, N].
        grid: candidates, the same for every advertiser; the first of equals is taken.
    """
    rule = jax.jit(bid)
    advertisers = log.values.shape[1]
    won = [replay(log, rule(jnp.full(advertisers, point), log.values)).value for point in grid]
    return grid[np.stack(won).argmax(axis=0)]


def spend_factor(
    values: Float[Array, "K N"], prices: Float[Array, " K"], budget: Float[Array, " N"]
) -> Float[Array, " N"]:
    """The largest factor whose purchases at the logged prices fit the budget.

    Advertiser i buys impression k as soon as its factor reaches ``price_k / value_ki``; sorted by
    this ratio, costs add up until the budget is met.
    """
    ratio = jnp.where(values > 0, prices[:, None] / jnp.where(values > 0, values, 1), jnp.inf)
    order = jnp.argsort(ratio, axis=0)
    cost = jnp.take_along_axis(
        jnp.broadcast_to(prices[:, None].astype(jnp.float64), ratio.shape), order, axis=0
    )
    sorted_ratio = jnp.take_along_axis(ratio, order, axis=0)
    cost = jnp.where(jnp.isfinite(sorted_ratio), cost, 0).cumsum(axis=0)
    fits = (cost <= budget) & jnp.isfinite(sorted_ratio)
    last = jnp.maximum(fits.sum(axis=0) - 1, 0)
    factor = jnp.take_along_axis(sorted_ratio, last[None], axis=0)[0]
    return jnp.where(fits.any(axis=0), factor, 0.0)
