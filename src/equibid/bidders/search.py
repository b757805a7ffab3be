"""How a bidder's one parameter is searched on a training log."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.bidders.replay import replay
from equibid.bidders.training import TrainingLog

# From a parameter [N] and values [K, N] to bids [K, N].
BidRule = Callable[[Array, Array], Array]

GRID_POINTS = 60
# Of the search for base bids: over the whole range, and about the best of it.
COARSE_POINTS, FINE_POINTS = 40, 21


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


def eligible_share(log: TrainingLog) -> Float[np.ndarray, " N"]:
    """Of the log's impressions, the share each advertiser is eligible for; exactly 1 for all."""
    eligible = np.asarray(log.values) > 0
    return np.count_nonzero(eligible, axis=0) / len(eligible)


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
    paid = prices[(prices > 0) & np.isfinite(prices)]
    low = min(step, float(np.quantile(paid, 0.01))) if paid.size else step
    return jnp.asarray(np.geomspace(low, step * max(len(log.history.counts) - 1, 1), GRID_POINTS))
