"""Bootstrap intervals: of any statistic, from an explicit seed.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 14. With
strata (markets), replicates are drawn anew within each of them, as many as it has: Agarwal et al.,
"Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021, section 4.1.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from equibid.evaluation.statistics import Interval

Sample = Float[np.ndarray, "R *F"]
Statistic = Callable[[Sample], Float[np.ndarray, "*F"]]
RESAMPLES = 2000


def draws(
    strata: Int[np.ndarray, " R"], resamples: int, seed: int
) -> Int[np.ndarray, "{resamples} R"]:
    """Rows of bootstrap samples: each place is filled from the rows of its own stratum."""
    rng = np.random.default_rng(seed)
    rows = np.empty((resamples, len(strata)), np.int64)
    for stratum in np.unique(strata):
        mine = np.flatnonzero(strata == stratum)
        rows[:, mine] = mine[rng.integers(0, len(mine), (resamples, len(mine)))]
    return rows


def repeated(count: int, strata: Int[np.ndarray, " R"] | None) -> bool:
    """Whether every stratum has two replicates or more."""
    sizes = [count] if strata is None else np.unique(strata, return_counts=True)[1]
    return bool(np.min(sizes) > 1)


def resampled(
    sample: Sample,
    statistic: Statistic,
    strata: Int[np.ndarray, " R"] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Float[np.ndarray, "{resamples} *F"]:
    """The statistic of bootstrap samples.

    Args:
        sample: a row a replicate.
        statistic: from a sample to its figures.
        strata: of each replicate; None makes them one.
        resamples: how many samples to draw.
        seed: of the draws.
    """
    rows = draws(np.zeros(len(sample), int) if strata is None else strata, resamples, seed)
    return np.stack([statistic(sample[one]) for one in rows])


def bootstrap(
    sample: Sample,
    statistic: Statistic,
    *,
    strata: Int[np.ndarray, " R"] | None = None,
    method: Literal["percentile", "bca"] = "percentile",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Confidence interval of a figure.

    ``percentile`` takes the (1 ± confidence)/2 quantiles of the resampled figures. ``bca`` moves
    these by the bias z₀ (how many resampled figures lie below the figure itself) and by the
    acceleration a (skewness of the jackknife values), to ``Φ(z₀ + (z₀ + z) / (1 − a (z₀ + z)))``.

    Args:
        sample: [R, …] a row a replicate.
        statistic: from a sample to one number.
        strata: of each replicate; None makes them one.
        method: see above.
        confidence: coverage.
        resamples: how many samples to draw.
        seed: of the draws.

    Returns:
        The figure with its ends, NaN where a stratum has less than two replicates, so that
        nothing tells how it varies, or a resampled figure is undefined.
    """
    value = float(statistic(sample))
    if not repeated(len(sample), strata):
        return Interval(value, np.nan, np.nan)
    figures = resampled(sample, statistic, strata, resamples, seed)
    tails = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
    if method == "bca":
        tails = accelerated(tails, value, figures, sample, statistic)
    if not np.isfinite(tails).all():
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(figures, tails)
    return Interval(value, float(low), float(high))


def accelerated(
    tails: Float[np.ndarray, " Q"],
    value: float,
    figures: Float[np.ndarray, " B"],
    sample: Sample,
    statistic: Statistic,
) -> Float[np.ndarray, " Q"]:
    """Tails moved by bias and acceleration; as they are where all figures are equal."""
    below = (np.sum(figures < value) + np.sum(figures <= value)) / (2 * len(figures))
    kept: Bool[np.ndarray, "R R"] = ~np.eye(len(sample), dtype=bool)
    left_out = np.array([statistic(sample[one]) for one in kept])
    gap = left_out.mean() - left_out
    spread = np.sum(gap**2)
    if not spread > 0:
        return tails
    bias = stats.norm.ppf(below)
    acceleration = np.sum(gap**3) / (6 * spread**1.5)
    moved = bias + stats.norm.ppf(tails)
    return stats.norm.cdf(bias + moved / (1 - acceleration * moved))
