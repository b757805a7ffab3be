"""Estimators of a generated market's settings: what a log tells of each, or why it cannot.

The model is that of `equibid.markets.generate`. All are method-of-moments estimators, corrected for
what chance adds to the moment; those of log values and of CPAs are the maximum-likelihood ones but
for their denominators. K impressions, N advertisers, G categories, W cells (spans of the day in
which values keep their level).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int

from equibid.markets.market import Market
from equibid.markets.moments import Moments, by_cell, logs_of, together
from equibid.markets.traffic import hour_of_day, window

Floats = npt.NDArray[np.float64]

WINDOWS = 12
ALONE = "a log of one advertiser cannot tell"


class Estimate(NamedTuple):
    """An estimate and how it was made; a value of None keeps the default, `how` says why."""

    value: float | int | tuple[float, float] | None
    how: str

    @property
    def known(self) -> bool:
        """Whether the log told it."""
        return self.value is not None


class Clock(NamedTuple):
    """Where the ticks of a log lie in the day.

    Attributes:
        ticks: of a day.
        cell: [T] of each tick of the log: a twelfth of one of its days, or a tick that is longer.
        share: [T] of a usual day's impressions.
    """

    ticks: int
    cell: Int[np.ndarray, " T"]
    share: Floats

    @property
    def days(self) -> float:
        """Days of usual traffic that the log holds; a part of one, if it ends before midnight."""
        return float(self.share.sum())


def clock(ticks: int, day_ticks: int) -> Clock:
    """The clock of a log of `ticks`, the first of them at midnight, `day_ticks` a day."""
    tick = np.arange(ticks)
    windows = min(WINDOWS, day_ticks)
    of_day = tick % day_ticks
    cell = tick // day_ticks * windows + window(day_ticks, windows)[of_day]
    return Clock(day_ticks, cell, hour_of_day(day_ticks)[of_day])


def has_clock(market: Market) -> bool:
    """Whether ticks are spans of time; those of equal size are but parts of a log."""
    counts = np.diff(np.asarray(market.tick_start))
    return len(counts) == 1 or bool(counts.max() - counts.min() > 1)


def traffic_noise(market: Market, when: Clock) -> Estimate:
    """Half the width of the uniform factor on a twelfth's traffic.

    A twelfth with ``n_w`` impressions and the usual share ``h_w`` has ``n_w / h_w`` proportional to
    its factor, whose variance is ``noise² / 3``: ``noise² = 3 Var(r_w) / mean(r)²`` with
    ``r_w = n_w / h_w``, within days.
    """
    if not has_clock(market):
        return Estimate(None, "the log has no clock: its ticks are of equal size")
    if when.ticks < WINDOWS:
        return Estimate(None, f"ticks are longer than a twelfth of the day ({when.ticks} a day)")
    counts = np.diff(np.asarray(market.tick_start))
    n, h = (np.bincount(when.cell, x) for x in (counts, when.share))
    day = np.arange(len(n)) // WINDOWS
    ratio = n / np.where(h > 0, h, 1)
    squares, free, spans = 0.0, 0, 0
    for one in np.unique(day):
        mine = ratio[(day == one) & (h > 0) & (n > 0)]
        if len(mine) > 1:
            squares += float(((mine / mine.mean() - 1) ** 2).sum())
            free += len(mine) - 1
            spans += len(mine)
    if not free:
        return Estimate(None, "the log holds less than two twelfths of a day")
    noise = 3 * squares / free
    how = f"spread of traffic over its usual curve in {spans} twelfths of a day"
    return Estimate(float(np.clip(noise, 0, 1) ** 0.5), how)


def value_spread(sums: Moments) -> Estimate:
    """Standard deviation of log values within a cell, ``σ² = Σ (y - ȳ_wi)² / Σ (n_wi - 1)``."""
    if sums.variance is None:
        return Estimate(None, "no advertiser has two values in a span of the day")
    return Estimate(sums.variance**0.5, "standard deviation of log values in a span of the day")


def correlation(sums: Moments) -> Estimate:
    """ρ, the covariance of two advertisers' log values within a category over their variance.

    See `Moments.correlation`; below 0 and above 1 it is cut.
    """
    if len(sums.category) == 1:
        return Estimate(None, ALONE)
    rho = sums.correlation(sums.same)
    if rho is None:
        return Estimate(None, "no impression has values of two advertisers of a category")
    how = f"log values of two advertisers of a category on an impression, {rho:.3f} before cutting"
    return Estimate(float(np.clip(rho, 0, 1)), how)


def interests(sums: Moments) -> Estimate:
    """Categories a user is interested in, of G.

    An advertiser has a value on ``e_i = (I/G) r_i`` of the impressions and two of a category on
    ``(I/G) r_i r_j``, so ``I = G Σ e_i e_j / Σ e_ij`` over pairs within categories. Where none of
    these meet, pairs across tell: ``e_ij / (e_i e_j) = q = (I-1) G / ((G-1) I)``, so
    ``I = G / (G - q (G-1))``. Rounded to a whole number in 1 … G.
    """
    G = int(sums.category.max()) + 1
    if len(sums.category) == 1:
        return Estimate(None, ALONE)
    if G == 1:
        return Estimate(1, "there is one category")
    share = sums.offered / sums.impressions
    expected = np.outer(share, share) * sums.impressions
    within = bool(sums.both[sums.same].any())
    pairs = sums.same if within else sums.other
    met = float(sums.both[pairs].sum())
    if met == 0:
        return Estimate(1, "no impression has values of two advertisers")
    lift = met / float(expected[pairs].sum())
    found = G / lift if within else G / max(G - lift * (G - 1), 1.0)
    how = f"how often two advertisers both have a value; {found:.2f} before rounding"
    return Estimate(int(np.clip(round(found), 1, G)), how)


def reach(sums: Moments, interests: int) -> Estimate:
    """Bounds of the uniform share of interested users an advertiser reaches, ``r_i = e_i G / I``.

    The least and largest of N uniform numbers lie inside the bounds by ``1/(N+1)`` of the width on
    average: ``low = (N min - max) / (N-1)``, ``high = (N max - min) / (N-1)``. N counts those who
    have a value.
    """
    G = int(sums.category.max()) + 1
    share = sums.offered / sums.impressions * G / min(interests, G)
    share = share[share > 0]
    if not len(share):
        return Estimate(None, "no impression has a value")
    least, most = float(share.min()), float(share.max())
    if len(share) < 2:
        return Estimate((min(least, 1.0), min(least, 1.0)), "share of impressions with a value")
    width = (most - least) / (len(share) - 1)
    low, high = max(least - width, least / 2), min(most + width, 1.0)
    how = "least and largest share of interested users an advertiser has a value for"
    return Estimate((min(low, 1.0), high), how)


def drift(
    market: Market, when: Clock, sums: Moments, spread: float, rho: float
) -> tuple[Estimate, float]:
    """Standard deviation of a category's log mean value over cells.

    ``z_wc = Σ_i p_i ȳ_wi`` over advertisers with values in all cells, ``p_i`` their share of
    values, is a category's drift plus chance, whose variance is
    ``σ² Σ_ij p_i p_j ρ_ij both_wij / (n_wi n_wj)`` with ``ρ_ii = 1``. So ``drift²`` is the mean
    over categories of the variance of z over cells, less the mean of that.

    Returns:
        The estimate, and the number to go on with.
    """
    if len(sums.count) < 2:
        return Estimate(None, "the log holds one span of the day"), 0.0
    always = (sums.count > 0).all(axis=0)
    groups = [always & (sums.category == c) for c in range(int(sums.category.max()) + 1)]
    groups = [group for group in groups if group.any()]
    if not groups:
        return Estimate(None, "no advertiser has values in all spans of the day"), 0.0
    weights = [sums.offered * group / sums.offered[group].sum() for group in groups]
    noise = np.zeros((len(sums.count), len(groups)))
    for w, values in by_cell(market, when.cell):
        alike = likeness(sums, rho) * together(logs_of(values)[1])
        alike /= np.maximum(np.outer(sums.count[w], sums.count[w]), 1)
        noise[w] = [p @ alike @ p for p in weights]
    level = sums.mean_log @ np.array(weights).T
    variance = float(level.var(axis=0, ddof=1).mean() - spread**2 * noise.mean())
    found = max(variance, 0.0) ** 0.5
    how = f"mean log values of {len(groups)} categories over {len(level)} spans of the day"
    return Estimate(found, how), found


def likeness(sums: Moments, rho: float) -> Float[np.ndarray, "N N"]:
    """Correlation of log values of each two advertisers on an impression: 1, ρ or 0."""
    return np.where(sums.same, rho, 0.0) + np.eye(len(sums.category))


class Levels(NamedTuple):
    """Log mean values of advertisers, and what chance adds to their spread.

    Attributes:
        log_mean: [N] of those that have a value, without the day's drift.
        noise: expected variance over advertisers of a market whose levels are all equal.
    """

    log_mean: Floats
    noise: float


def levels(sums: Moments, spread: float, rho: float, drift: float) -> Levels:
    """Log mean values, ``ȳ_i + σ²/2`` with ȳ_i the mean log value of an advertiser.

    Chance gives ȳ the covariance
    ``V_ij = σ² ρ_ij both_ij / (n_i n_j) + drift² [same category] Σ_w s_wi s_wj``, with s an
    advertiser's share of values in each cell. Over equal levels the sample variance is
    ``mean V_ii - mean_{i≠j} V_ij`` in expectation.
    """
    has = sums.offered > 0
    n, N = sums.offered[has], int(has.sum())
    mean_log = (sums.count * sums.mean_log).sum(axis=0)[has] / n
    log_mean = mean_log + spread**2 / 2
    if N < 2:
        return Levels(log_mean, 0.0)
    met = sums.both[np.ix_(has, has)] / np.outer(n, n)
    same = (sums.same | np.eye(len(sums.category), dtype=bool))[np.ix_(has, has)]
    share = sums.count[:, has] / n
    V = spread**2 * likeness(sums, rho)[np.ix_(has, has)] * met
    V += drift**2 * same * (share.T @ share)
    own = float(V.trace())
    return Levels(log_mean, own / N - (float(V.sum()) - own) / (N * (N - 1)))


def level_spread(level: Levels) -> Estimate:
    """Standard deviation of log mean values over advertisers, less what chance adds."""
    if len(level.log_mean) < 2:
        return Estimate(0.0, "one advertiser has no spread; at 0 its level is the log's")
    variance = float(level.log_mean.var(ddof=1)) - level.noise
    return Estimate(max(variance, 0.0) ** 0.5, "mean log values of advertisers")


def cpa_spread(target_cpa: Floats) -> Estimate:
    """Standard deviation of log target CPA over advertisers."""
    if len(target_cpa) < 2:
        return Estimate(0.0, "one advertiser has no spread; at 0 its CPA is the log's")
    return Estimate(float(np.log(target_cpa).std(ddof=1)), "target CPAs, in logarithms")


def budget_spread(market: Market, sums: Moments, level: Levels) -> Estimate:
    """Standard deviation of log budget over advertisers of equal ambition.

    Ambition is ``a_i = n_i exp(level_i) · cpa_i``, up to a factor. The variance of
    ``log budget_i - log a_i`` over advertisers with both is the sum of the setting's and of what
    chance adds to levels, which is taken off.
    """
    if len(sums.category) == 1:
        return Estimate(None, ALONE)
    has = sums.offered > 0
    budget, cpa = (
        np.asarray(x, np.float64)[has]
        for x in (market.campaigns.budget, market.campaigns.target_cpa)
    )
    both = (budget > 0) & (cpa > 0)
    if both.sum() < 2:
        return Estimate(None, "fewer than two advertisers have a budget")
    ambition = np.log(sums.offered[has][both] * cpa[both]) + level.log_mean[both]
    variance = float((np.log(budget[both]) - ambition).var(ddof=1)) - level.noise
    how = "budgets over reach, mean value and target CPA, in logarithms"
    return Estimate(max(variance, 0.0) ** 0.5, how)


def competition(budget: Floats, at_cap: Floats, drift: float) -> Estimate:
    """Budgets over what all would spend at their caps, ``Σ B / (Σ S exp(-drift²/2))``.

    The setting is of a day without drift; drift makes mean values, and prices with them,
    ``exp(drift²/2)`` times as high.
    """
    spend = float(at_cap.sum()) * float(np.exp(-(drift**2) / 2))
    if budget.sum() <= 0 or spend <= 0:
        return Estimate(None, "the log has no budgets, or nobody would spend anything")
    return Estimate(float(budget.sum()) / spend, "budgets over what all would spend at their caps")


def outside(price: Floats | None) -> tuple[Estimate, Estimate]:
    """Median and spread of the outside price: ``exp(mean log p)`` and the deviation of log p."""
    if price is None:
        nobody = Estimate(0.0, "the log has no bids from outside its market")
        return nobody, Estimate(None, "nobody bids from outside")
    logs = np.log(price[price > 0])
    if len(logs) < 2:
        return Estimate(0.0, "all market prices are 0"), Estimate(None, "all market prices are 0")
    return (
        Estimate(float(np.exp(logs.mean())), "mean of log market prices"),
        Estimate(float(logs.std(ddof=1)), "standard deviation of log market prices"),
    )
