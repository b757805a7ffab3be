"""Response curves: what money buys in each segment of a period, from a training log.

Constant factors are replayed on the log, segment by segment; the curve V_m(β) of a segment is the
least concave one above what they bought and paid, as a mix of two factors reaches between.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.bidders.replay import even_bids, needed_factors, on_grid, win_chance
from equibid.bidders.training import TrainingLog
from equibid.compiled import compiled, read_only
from equibid.errors import InputError
from equibid.markets.market import even_ticks


class SegmentPurchases(NamedTuple):
    """What constant factors buy in each segment of one period, with money for all of it.

    Attributes:
        factor: G factors tried, ascending, currency per value unit.
        value: won with them, value units.
        spend: paid for it, currency.
        size: impressions of each segment.
    """

    factor: Float[np.ndarray, "G N"]
    value: Float[np.ndarray, "M G N"]
    spend: Float[np.ndarray, "M G N"]
    size: Float[np.ndarray, " M"]


class Curves(NamedTuple):
    """Response curves: concave, piecewise linear, through P corners (the last one repeated).

    Attributes:
        spend: at the corners, ascending, currency.
        value: at the corners, value units; the first is what costs nothing.
        size: impressions of each segment.
    """

    spend: Float[Array, "M P N"]
    value: Float[Array, "M P N"]
    size: Float[Array, " M"]

    @property
    def marginal(self) -> Float[Array, "M P-1 N"]:
        """Value per currency between corners, descending; 0 where corners repeat."""
        rise, width = jnp.diff(self.value, axis=1), jnp.diff(self.spend, axis=1)
        return jnp.where(width > 0, rise / jnp.where(width > 0, width, 1), 0.0)

    @jax.jit
    def bought(self, money: Float[Array, "M N"]) -> Float[Array, "M N"]:
        """V_m(β_m), value units; more money than there is to buy for buys no more."""
        along = jax.vmap(jax.vmap(jnp.interp, in_axes=1), in_axes=0)
        spend, value = self.spend, self.value
        return along(jnp.broadcast_to(money[:, None], spend[:, :1].shape), spend, value)[..., 0]


def purchases(
    log: TrainingLog,
    segments: int | Int[Array, " M+1"],
    factors: Float[Array, "G N"] | None = None,
    points: int = 128,
) -> SegmentPurchases:
    """Replay constant factors on a log, segment by segment.

    A bid takes the best slot whose price it reaches, as in `replay`. Several periods of a log count
    as their mean; a log that is part of a period stands for all of it.

    Args:
        log: to buy from.
        segments: how many of equal length; or where they start in a period, and its end.
        factors: to try, ascending; by default `points` quantiles of those at which a purchase is
            made, for each advertiser, the last of which buys everything.
        points: G of the default.

    Raises:
        InputError: segments do not part a period.
    """
    period = min(log.period, len(log.values))
    edges = np.asarray(even_ticks(period, segments) if isinstance(segments, int) else segments)
    if len(edges) < 2 or edges[0] != 0 or edges[-1] != period or (np.diff(edges) < 0).any():
        raise InputError(
            f"segments must ascend from 0 to the {period} impressions of a period, not {edges}"
        )
    at = _place_in_period(log, period)
    segment = np.searchsorted(edges, at, side="right") - 1
    needed = _needed_factors(log)
    tried = read_only(_quantiles(needed, points) if factors is None else factors, np.float64)
    M, (G, N) = len(edges) - 1, tried.shape
    value, spend = np.zeros((2, M, G, N))
    _buy(
        read_only(segment),
        read_only(log.values, np.float64),
        read_only(log.prices, np.float64),
        needed,
        even_bids(log),
        read_only(log.exposure, np.float64),
        log.rule,
        log.bid_step,
        log.bid_cap,
        tried,
        value,
        spend,
    )
    # A segment's sums, from the impressions logged to those it has in one period.
    size = np.diff(edges) * (log.period / period)
    logged = np.bincount(segment, minlength=M)
    scale = (size / np.maximum(logged, 1))[:, None, None]
    return SegmentPurchases(tried, value * scale, spend * scale, size.astype(np.float64))


def _place_in_period(log: TrainingLog, period: int) -> Int[np.ndarray, " K"]:
    """Where each impression stands in a period, as if all periods had as many of them."""
    start, number = log.period_start, np.arange(len(log.values))
    which = np.searchsorted(start, number, side="right") - 1
    length = np.full(len(start), period)
    if log.tick_start is not None:
        length = np.maximum(np.diff([*start, len(number)]), 1)
    return (number - start[which]) * period // length[which]


def _needed_factors(log: TrainingLog) -> Float[np.ndarray, "K N L"]:
    """The least factor that reaches each slot, or that wins with even chance under a soft rule."""
    values = jnp.asarray(log.values, jnp.float64)
    bid = log.prices if log.even is None else jnp.maximum(log.even, log.rule.reserve)[..., None]
    grid = log.bid_step, log.bid_cap
    needed = needed_factors(values, jnp.asarray(bid, jnp.float64), *grid, log.rule.wins_ties)
    return read_only(needed)


def _quantiles(needed: Float[np.ndarray, "K N L"], points: int) -> Float[np.ndarray, "G N"]:
    """For each advertiser, factors at which it makes another purchase, evenly through the log."""
    share = (np.arange(points) + 1) / points
    columns = []
    for own in needed.transpose(1, 0, 2):
        steps = own[np.isfinite(own)]
        columns.append(
            np.quantile(steps, share, method="higher") if steps.size else np.zeros(points)
        )
    return np.stack(columns, axis=1)


@compiled
def _buy(segment, values, prices, needed, evens, exposure, rule, step, cap, factors, value, spend):
    own_prices = prices.shape[1] > 1
    for k in range(values.shape[0]):
        m = segment[k]
        for i in range(values.shape[1]):
            if not values[k, i] > 0:
                continue
            above = factors.shape[0]
            for s in range(exposure.shape[0]):
                column = i if own_prices else 0
                price = prices[k, column, s]
                soft = rule.temperature > 0
                if not (soft or np.isfinite(needed[k, i, s])):
                    continue
                # Factors from `first` up to those that reach a better slot take this one.
                first = 0 if soft else np.searchsorted(factors[:, i], needed[k, i, s])
                for g in range(first, above):
                    bid = on_grid(values[k, i] * factors[g, i], step, cap)
                    win = win_chance(bid, evens[k, column], rule) if soft else 1.0
                    value[m, g, i] += values[k, i] * (win * exposure[s])
                    spend[m, g, i] += (bid if rule.own_bid else price) * (win * exposure[s])
                above = min(above, first)


def response_curves(bought: SegmentPurchases) -> Curves:
    """The least concave curves above what was bought: a mix of two factors reaches between."""
    M, G, N = bought.value.shape
    spend, value = np.zeros((2, M, G + 1, N))
    for m in range(M):
        for i in range(N):
            _hull(bought.spend[m, :, i], bought.value[m, :, i], spend[m, :, i], value[m, :, i])
    return Curves(jnp.asarray(spend), jnp.asarray(value), jnp.asarray(bought.size))


@compiled
def _hull(x, y, corner_x, corner_y):
    """Upper hull of the points and the origin, by their ascending x."""
    last = 0
    for g in range(x.shape[0]):
        if y[g] <= corner_y[last]:
            continue
        # A corner below the line from the one before it to the new point is none.
        while last > 0 and (corner_y[last] - corner_y[last - 1]) * (x[g] - corner_x[last - 1]) <= (
            y[g] - corner_y[last - 1]
        ) * (corner_x[last] - corner_x[last - 1]):
            last -= 1
        # What costs no more than the first corner replaces it.
        if x[g] > corner_x[last]:
            last += 1
        corner_x[last], corner_y[last] = x[g], y[g]
    corner_x[last + 1 :] = corner_x[last]
    corner_y[last + 1 :] = corner_y[last]
