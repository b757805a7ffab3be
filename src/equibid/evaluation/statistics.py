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


def leave_one_out(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[R, …] replicate figures → [R, …] their sums without replicate r."""
    return sums.sum(axis=0) - sums
