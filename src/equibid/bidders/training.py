"""What a bidder may be tuned on: the training log, and nothing else.

A log says which impressions came, what each was worth to each advertiser, and the price that would
have won it, or each of its slots. An advertiser is taken as small: it buys against those prices
and does not move them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.compiled import compiled
from equibid.markets.history import PriceHistory, market_history
from equibid.markets.market import Campaigns, Market, dense

# From a parameter [N] and values [K, N] to bids [K, N].
BidRule = Callable[[Array, Array], Array]

GRID_POINTS = 60
# Of the search for base bids: over the whole range, and about the best of it.
COARSE_POINTS, FINE_POINTS = 40, 21


@dataclass(frozen=True)
class TrainingLog:
    """Logged impressions with the prices that would have won them.

    Attributes:
        values: value units; zero where not eligible.
        prices: what each slot would have cost each advertiser, currency per exposure, the best
            slot first; one column for all where a single price was logged.
        campaigns: budgets of one delivery period.
        period: impressions of one delivery period; the log may hold several periods, or a part.
        ticks: ticks of one delivery period.
        history: totals of the training period.
        exposure: probability that each slot is shown.
        bid_step: as in `Market`.
        bid_cap: as in `Market`.
        tick_start: as in `Market`, where the ticks of the log's impressions are known.
        per_currency: units of the log's money in one unit of what people count in; see `Labels`.
    """

    values: Float[Array, "K N"]
    prices: Float[Array, "K #N L"]
    campaigns: Campaigns
    period: int
    ticks: int
    history: PriceHistory
    exposure: tuple[float, ...] = (1.0,)
    bid_step: float = 0.0
    bid_cap: float = float("inf")
    tick_start: Int[Array, " T+1"] | None = None
    per_currency: float = 1.0

    def best_slot_prices(self) -> Float[np.ndarray, " M"]:
        """The price of the best slot wherever an advertiser was eligible, in no order."""
        prices = np.asarray(self.prices[..., 0], np.float64)
        if prices.shape[1] == 1:
            return prices[:, 0]
        return prices[np.asarray(self.values) > 0]


def training_log(
    market: Market,
    period: int | None = None,
    history: PriceHistory | None = None,
    most: int = 3_000_000,
) -> TrainingLog:
    """The training log of a market whose `market_price` was logged.

    A log of more than `most` values (impressions × advertisers) is thinned evenly, and budgets and
    period with it; the totals are always those of the whole log.
    """
    if market.market_price is None:
        raise ValueError("a training log needs market prices")
    values = np.asarray(dense(market))
    prices = np.asarray(market.market_price)
    history = history or market_history(market)
    every = -(-values.size // most)
    period = period or len(prices)
    kept = slice(every // 2, None, every)
    campaigns = replace(market.campaigns, budget=jnp.asarray(market.campaigns.budget) / every)
    return TrainingLog(
        values=jnp.asarray(values[kept]),
        prices=jnp.asarray(prices[kept])[:, None, None],
        campaigns=campaigns,
        period=max(period // every, 1),
        ticks=market.ticks,
        history=history,
        bid_step=market.bid_step,
        bid_cap=market.bid_cap,
        per_currency=market.labels.per_currency,
    )


class Purchases(NamedTuple):
    """What each advertiser would have bought on a training log, expected over exposure.

    Attributes:
        value: summed value of the ads shown, value units.
        spend: money paid.
        wins: slots won.
    """

    value: Float[np.ndarray, " N"]
    spend: Float[np.ndarray, " N"]
    wins: Float[np.ndarray, " N"]


def replay(log: TrainingLog, bids: Float[Array, "K N"]) -> Purchases:
    """What each advertiser would have bought with `bids` on the log.

    A bid takes the best slot whose price it reaches and the advertiser can still pay; the budget is
    filled anew every `log.period` impressions.
    """
    offers = np.asarray(bids)
    sums = np.zeros((3, offers.shape[1]))
    _replay(
        offers,
        np.asarray(log.values),
        np.asarray(log.prices, np.float64),
        np.asarray(log.exposure),
        np.asarray(log.campaigns.budget, np.float64),
        log.period,
        offers.dtype.type(log.bid_step),
        offers.dtype.type(log.bid_cap),
        sums,
    )
    return Purchases(*sums)


@compiled
def _replay(bids, values, prices, exposure, budget, period, step, cap, sums):
    own_prices = prices.shape[1] > 1
    remaining = budget.copy()
    for k in range(bids.shape[0]):
        if k % period == 0:
            remaining[:] = budget
        for i in range(bids.shape[1]):
            bid = bids[k, i]
            if step > 0:
                bid = np.floor(bid / step) * step
            bid = min(bid, cap)
            if not values[k, i] > 0:
                continue
            for s in range(exposure.shape[0]):
                price = prices[k, i if own_prices else 0, s]
                paid = price * exposure[s]
                if bid >= price and remaining[i] >= paid:
                    remaining[i] -= paid
                    sums[0, i] += values[k, i] * exposure[s]
                    sums[1, i] += paid
                    sums[2, i] += 1
                    break


def settled(amount: float, log: TrainingLog) -> Float[Array, " N"]:
    """An amount that was asked for, the same for every advertiser of a log."""
    return jnp.full(log.values.shape[1], amount, jnp.float64)


def best_of_grid(
    log: TrainingLog, bid: BidRule, grid: Float[Array, " G"] | Float[Array, "G N"]
) -> Float[Array, " N"]:
    """For each advertiser, the grid point whose bids buy most value on the training log.

    Args:
        log: to replay.
        bid: from grid point [N] and values [K, N] to bids [K, N].
        grid: candidates, the same for every advertiser or its own; the first of equals is taken.
    """
    rule = jax.jit(bid)
    advertisers = log.values.shape[1]
    points = jnp.broadcast_to(grid.reshape(len(grid), -1), (len(grid), advertisers))
    won = np.stack([replay(log, rule(point, log.values)).value for point in points])
    return points[won.argmax(axis=0), np.arange(advertisers)]


def best_base_bid(log: TrainingLog, bid: BidRule) -> Float[Array, " N"]:
    """For each advertiser, the bid on an average impression that buys most value on the log.

    Who can pay for its best impressions only bids less on an average one than any impression costs,
    by as much as the best are better. The search is coarse over all that, then fine about its best.

    Args:
        log: to replay.
        bid: from base bid [N], currency per exposure, and values [K, N] to bids [K, N].
    """
    average, best = average_value(log), np.asarray(log.values, np.float64).max(axis=0)
    rarest = float(np.min(average / np.maximum(best, average)))
    prices = price_grid(log)
    coarse = jnp.geomspace(prices[0] * rarest, prices[-1], COARSE_POINTS)
    first = best_of_grid(log, bid, coarse)
    aside = jnp.linspace(-1, 1, FINE_POINTS)[:, None]
    return best_of_grid(log, bid, first * (coarse[1] / coarse[0]) ** aside)


def slot_steps(
    values: Float[Array, "K N"],
    prices: Float[Array, "K #N L"],
    exposure: tuple[float, ...],
) -> tuple[Float[Array, "K N L"], Float[Array, "K #N L"]]:
    """The factors at which an advertiser climbs from slot to slot, and what each step costs.

    Slot l is reached by a factor of ``price_l / value`` and costs ``price_l · exposure_l`` in all,
    the step to it that much less the cost of the slot below. Infinite where there is no value.
    """
    paid = prices.astype(jnp.float64) * jnp.asarray(exposure)
    step = paid - jnp.pad(paid[..., 1:], [(0, 0)] * (paid.ndim - 1) + [(0, 1)])
    eligible = values[..., None] > 0
    factor = jnp.where(eligible, prices / jnp.where(eligible, values[..., None], 1), jnp.inf)
    return factor, step


def spend_factor(log: TrainingLog) -> Float[np.ndarray, " N"]:
    """The largest factor whose purchases on the log fit the budget, currency per value unit.

    The steps an advertiser climbs are sorted by the factor that reaches them; their costs add up
    until the budget, as often as the log holds a period, is met. 0 where not even one step fits.
    """
    budget = np.asarray(log.campaigns.budget) * (len(log.values) / log.period)
    steps = slot_steps(log.values, log.prices, log.exposure)
    factors, costs = (np.broadcast_to(np.asarray(x), steps[0].shape) for x in steps)
    advertisers = factors.shape[1]
    chosen = np.zeros(advertisers)
    for i in range(advertisers):
        factor, cost = factors[:, i].ravel(), costs[:, i].ravel()
        reached = np.isfinite(factor)
        factor, cost = factor[reached], cost[reached]
        order = np.argsort(factor, kind="stable")
        spent = cost[order].cumsum()
        # Steps of one factor are taken together or not at all.
        last = np.searchsorted(spent, budget[i], side="right")
        ladder = factor[order]
        if last == len(ladder):
            chosen[i] = ladder[-1] if last else 0.0
        else:
            first = np.searchsorted(ladder, ladder[last], side="left")
            chosen[i] = ladder[first - 1] if first else 0.0
    return chosen


def average_value(log: TrainingLog) -> Float[np.ndarray, " N"]:
    """Value of an average impression; where the totals count none, of the log's own values."""
    logged = np.asarray(log.values, np.float64).mean(axis=0)
    average = np.where(log.history.value > 0, log.history.mean_value, logged)
    return np.where(average > 0, average, 1.0)


def price_grid(log: TrainingLog) -> Float[Array, " G"]:
    """Bids to try, evenly spaced in logarithm, currency per exposure.

    They reach from one price level, or the cheapest percent of the log where one dear impression
    stretched the levels, up to the highest level.
    """
    step = log.history.step
    prices = np.asarray(log.prices, np.float64)
    paid = prices[prices > 0]
    low = min(step, float(np.quantile(paid, 0.01))) if paid.size else step
    return jnp.asarray(np.geomspace(low, step * max(len(log.history.counts) - 1, 1), GRID_POINTS))
