"""Intervals for what was measured on a few replicates (days, periods).

The jackknife serves means, sums and ratios of sums alike: leave each replicate out in turn and see
how far the figure moves (Quenouille 1956; Tukey 1958). For a mean it is Student's interval.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats


class Interval(NamedTuple):
    """A figure with its 95 % confidence interval; low and high are NaN for one replicate."""

    value: float
    low: float
    high: float


def jackknife(
    whole: float, left_out: npt.NDArray[np.float64], confidence: float = 0.95
) -> Interval:
    """Confidence interval of a figure from its leave-one-out values.

    Args:
        whole: the figure from all replicates.
        left_out: [R] the figure without replicate r.
        confidence: coverage.

    Returns:
        ``whole ± t · se`` with ``se² = (R−1)/R · Σ (left_out − mean)²`` and R − 1 degrees of
        freedom.
    """
    count = len(left_out)
    if count < 2:
        return Interval(whole, np.nan, np.nan)
    spread = np.sqrt((count - 1) / count * np.sum((left_out - left_out.mean()) ** 2))
    reach = float(stats.t.ppf(0.5 + confidence / 2, count - 1) * spread)
    return Interval(whole, whole - reach, whole + reach)


# Up to this many replicates every pattern of signs is tried, beyond it as many at random.
EXACT = 14


def sign_flip(differences: npt.NDArray[np.float64]) -> float:
    """Two-sided p-value of paired differences whose mean is zero if their signs are chance.

    The share of sign patterns whose mean is at least as far from 0 as the one observed (Fisher's
    randomisation test for pairs). All ``2^R`` patterns up to `EXACT` replicates, then ``2^14``
    drawn ones with a fixed seed. With R replicates it cannot be below ``2^(1-R)``.

    Args:
        differences: [R] of the replicates.
    """
    count = len(differences)
    if count <= EXACT:
        patterns = 1 - 2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
    else:
        drawn = np.random.default_rng(0).integers(0, 2, (2**EXACT, count))
        patterns = 1 - 2 * np.concatenate([np.zeros((1, count), np.int64), drawn])
    observed = abs(differences.sum())
    # Sums of the same numbers in another order are equal up to rounding.
    return float((np.abs(patterns @ differences) >= observed * (1 - 1e-12)).mean())


def holm(p_values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """p-values corrected for as many comparisons (Holm 1979): the family-wise error is kept."""
    order = np.argsort(p_values)
    count = len(p_values)
    stepped = np.maximum.accumulate((count - np.arange(count)) * p_values[order])
    corrected = np.empty(count)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def leave_one_out(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[R, …] replicate figures → [R, …] their sums without replicate r."""
    return sums.sum(axis=0) - sums
