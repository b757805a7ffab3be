"""What a bidder may be tuned on: the training log, and nothing else.

A log says which impressions came, what each was worth to each advertiser, and the price that would
have won it. An advertiser is taken as small: it buys against those prices and does not move them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.markets.market import Campaigns, Market, dense

LEVELS = 301

# From a parameter [N] and values [K, N] to bids [K, N].
BidRule = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class PriceHistory:
    """Totals of the training period, as a campaign's statement would give them.

    Attributes:
        counts: [P] impressions by market price; price level p means ``p * step``.
        step: currency per price level.
        impressions: how many impressions there were.
        cost: their summed market price.
        value: [N] their summed value (or conversions) for each advertiser.
    """

    counts: npt.NDArray[np.float64]
    step: float
    impressions: float
    cost: float
    value: npt.NDArray[np.float64]

    @property
    def mean_value(self) -> npt.NDArray[np.float64]:
        """[N] value of an average impression (theta_avg)."""
        return self.value / self.impressions

    @property
    def mean_price(self) -> float:
        """Market price of an average impression."""
        return self.cost / self.impressions


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


def price_history(
    prices: npt.NDArray[np.floating],
    value: npt.NDArray[np.float64],
    step: float = 0.0,
    levels: int = LEVELS,
) -> PriceHistory:
    """Totals from logged prices.

    Args:
        prices: [K] currency per exposure.
        value: [N] summed values.
        step: currency per price level; 0 spreads the levels up to the highest price.
        levels: P, the number of price levels; higher prices count as the highest.
    """
    top = float(prices.max(initial=0.0))
    step = step or (top / (levels - 1) if top > 0 else 1.0)
    level = np.minimum(np.rint(prices / step).astype(np.int64), levels - 1)
    return PriceHistory(
        counts=np.bincount(level, minlength=levels).astype(np.float64),
        step=step,
        impressions=float(len(prices)),
        cost=float(prices.sum(dtype=np.float64)),
        value=value,
    )


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
    if history is None:
        total = (
            values.sum(axis=0, dtype=np.float64)
            if market.outcomes is None
            else np.asarray(market.outcomes).sum(axis=0).astype(np.float64)
        )
        history = price_history(prices, total, market.bid_step)
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


def replay(log: TrainingLog, bids: Float[Array, "K N"]) -> Float[Array, " N"]:
    """Value each advertiser would have bought with `bids` on the log.

    Second price against the logged prices, ``bid >= price`` wins; a bid is at most what is left of
    the budget, which is filled anew every `log.period` impressions.
    """
    budget = jnp.asarray(log.campaigns.budget, jnp.float64)
    values = log.values
    eligible = (values > 0) & (bids > ABSENT)
    if log.bid_step > 0:
        bids = jnp.floor(bids / log.bid_step) * log.bid_step
    bids = jnp.where(eligible, jnp.minimum(bids, log.bid_cap), ABSENT)

    def step(
        carry: tuple[Array, Array], row: tuple[Array, Array, Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        remaining, won = carry
        index, bid, value, price = row
        remaining = jnp.where(index % log.period == 0, budget, remaining)
        wins = jnp.minimum(bid, remaining) >= price
        return (remaining - wins * price, won + wins * value), None

    rows = (jnp.arange(len(values)), bids, values, log.prices.astype(jnp.float64))
    (_, won), _ = jax.lax.scan(step, (budget, jnp.zeros_like(budget)), rows)
    return won


def best_of_grid(
    log: TrainingLog, bid: BidRule, grid: Float[Array, " G"]
) -> Float[Array, " N"]:
    """For each advertiser, the grid point whose bids buy most value on the training log.

    Args:
        log: to replay.
        bid: from grid point [N] and values [K, N] to bids [K, N].
        grid: candidates, the same for every advertiser; the first of equals is taken.
    """

    @jax.jit
    def value(point: Float[Array, ""]) -> Float[Array, " N"]:
        return replay(log, bid(jnp.full(log.values.shape[1], point), log.values))

    won = jax.lax.map(value, grid, batch_size=8)
    return grid[won.argmax(axis=0)]


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

