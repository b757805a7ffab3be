"""Sums of a log that its market's settings are estimated from.

Impressions fall into cells, spans of the day in which values keep their level. Within a cell the
logarithms of an advertiser's values differ by chance alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int

from equibid.markets.market import Market

Matrix = Float[np.ndarray, "N N"]


@dataclass(frozen=True)
class Moments:
    """Sums over the impressions of a log, W cells.

    Attributes:
        impressions: K.
        category: [N] of the advertisers, numbered from 0 without gaps.
        count: impressions of a cell that have a value for an advertiser.
        mean_log: mean log value of them; 0 where there are none.
        total: summed value of an advertiser, value units.
        square: Σ of squared deviations of log values from their cell's mean, of each advertiser.
        both: impressions that have a value for both advertisers.
        cross: Σ of products of both deviations.
        independent: what of `both` is left for `cross` to estimate a covariance with, once the
            means are taken off: ``Σ_w both_w (1 - 1/n_wi - 1/n_wj + both_w / (n_wi n_wj))``.
        above: share of the values that are above 1, which no generated value is.
    """

    impressions: int
    category: Int[np.ndarray, " N"]
    count: Float[np.ndarray, "W N"]
    mean_log: Float[np.ndarray, "W N"]
    total: Float[np.ndarray, " N"]
    square: Float[np.ndarray, " N"]
    both: Matrix
    cross: Matrix
    independent: Matrix
    above: float

    @property
    def offered(self) -> Float[np.ndarray, " N"]:
        """Impressions that have a value for an advertiser."""
        return self.count.sum(axis=0)

    @property
    def same(self) -> Bool[np.ndarray, "N N"]:
        """Pairs of two advertisers of one category."""
        return (self.category[:, None] == self.category) & ~np.eye(len(self.category), dtype=bool)

    @property
    def other(self) -> Bool[np.ndarray, "N N"]:
        """Pairs of advertisers of two categories."""
        return self.category[:, None] != self.category

    @property
    def variance(self) -> float | None:
        """Of log values within a cell: ``Σ square / Σ (n_wi - 1)``; None without two values."""
        free = np.maximum(self.count - 1, 0).sum()
        return float(self.square.sum() / free) if free > 0 else None

    def correlation(self, pairs: Bool[np.ndarray, "N N"]) -> float | None:
        """Of the log values of two advertisers on an impression, over all those `pairs`.

        ``Σ cross / Σ independent`` is a covariance without bias; over the variance it is ρ.
        """
        free, variance = float(self.independent[pairs].sum()), self.variance
        if free <= 0 or not variance:
            return None
        return float(self.cross[pairs].sum()) / free / variance


def moments(market: Market, cell: Int[np.ndarray, " T"]) -> Moments:
    """The sums of a market.

    Args:
        market: dense or with candidates; not a stack.
        cell: of each tick, numbered from 0.
    """
    N, W = market.advertisers, int(cell.max()) + 1
    count, mean_log = np.zeros((W, N)), np.zeros((W, N))
    total, square = np.zeros(N), np.zeros(N)
    both, cross, independent = (np.zeros((N, N)) for _ in range(3))
    above = 0
    for w, values in by_cell(market, cell):
        logs, has = logs_of(values)
        n = has.sum(axis=0)
        level = logs.sum(axis=0) / np.maximum(n, 1)
        off = np.where(has, logs - level, 0)
        pair = together(has)
        products = off.T @ off
        count[w], mean_log[w] = n, level
        total += values.sum(axis=0)
        square += products.diagonal()
        both += pair
        cross += products
        independent += _independent(pair, n)
        above += int((values > 1).sum())
    return Moments(
        impressions=market.impressions,
        category=np.unique(np.asarray(market.campaigns.category), return_inverse=True)[1],
        count=count,
        mean_log=mean_log,
        total=total,
        square=square,
        both=both,
        cross=cross,
        independent=independent,
        above=above / max(float(count.sum()), 1.0),
    )


def by_cell(
    market: Market, cell: Int[np.ndarray, " T"]
) -> Iterator[tuple[int, Float[np.ndarray, "B N"]]]:
    """The values of each cell that has impressions, dense and in float64."""
    of_impression = np.repeat(cell, np.diff(np.asarray(market.tick_start)))
    # NumPy, not JAX: each cell has a size of its own, and would have a program of its own.
    values = np.asarray(market.values)
    ids = None if market.candidates is None else np.asarray(market.candidates)
    # A cell is a run of ticks.
    edges = np.flatnonzero(np.diff(of_impression)) + 1
    for first, last in zip([0, *edges], [*edges, len(of_impression)], strict=True):
        w, block = int(of_impression[first]), values[first:last]
        if ids is None:
            yield w, block.astype(np.float64)
            continue
        table = np.zeros((len(block), market.advertisers + 1))
        # Padding falls into the last column.
        table[np.arange(len(block))[:, None], ids[first:last]] = block
        yield w, table[:, :-1]


def logs_of(
    values: Float[np.ndarray, "B N"],
) -> tuple[Float[np.ndarray, "B N"], Bool[np.ndarray, "B N"]]:
    """Logarithms, 0 where there is no value, and where there is one."""
    has = values > 0
    return np.log(np.where(has, values, 1.0)), has


def together(has: Bool[np.ndarray, "B N"]) -> Matrix:
    """Impressions that two advertisers share; float32 counts exactly below 2^24."""
    ones = has.astype(np.float32)
    return (ones.T @ ones).astype(np.float64)


def _independent(pair: Matrix, n: npt.NDArray[np.integer]) -> Matrix:
    inverse = 1 / np.maximum(n, 1)
    return pair * (1 - inverse[:, None] - inverse + pair * inverse[:, None] * inverse)
