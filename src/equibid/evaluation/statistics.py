"""Intervals and tests for what was measured on a few replicates (days, periods).

Replicates on which nothing was drawn are copies, and count once: see `units`.

The jackknife serves means, sums and ratios of sums alike: leave each replicate out in turn and see
how far the figure moves (Quenouille 1956; Tukey 1958). For a mean it is Student's interval.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
# Of all pairs together, that one is called different by chance.
LEVEL = 0.05
# Sums that differ by less than this share differ by rounding.
ROUNDING = 1e-9


class Interval(NamedTuple):
    """A figure with its 95 % confidence interval; low and high are NaN for one replicate."""

    value: float
    low: float
    high: float

    def within(self, least: float, most: float) -> "Interval":
        """The interval, its ends moved into what is possible."""
        return Interval(self.value, *(float(x) for x in np.clip(self[1:], least, most)))


def units(columns: Sequence[Floats], strata: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """Which replicates tell something of their own.

    Where all replicates of a market are equal to the bit, no chance made them: they are copies of
    one. Where some differ, chance made all, and two that it made alike are two.

    Args:
        columns: [R] each, what a figure is made from.
        strata: [R] number of the market of each replicate.

    Returns:
        [R] number of the unit, 0 … U-1 in order of appearance, that each replicate belongs to.
    """
    label = np.arange(len(strata))
    for stratum in np.unique(strata):
        mine = np.flatnonzero(strata == stratum)
        if all((column[mine] == column[mine[0]]).all() for column in columns):
            label[mine] = mine[0]
    return np.unique(label, return_inverse=True)[1]


def merged(x: Floats, unit: npt.NDArray[np.intp]) -> Floats:
    """[R, …] sums of replicates → [U, …] of units, scaled so that the mean of both is the same."""
    count = int(unit.max(initial=-1)) + 1
    sums = np.zeros((count, *x.shape[1:]))
    np.add.at(sums, unit, x)
    return sums * (count / len(unit))


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
    """p-values corrected for as many comparisons (Holm 1979): the family-wise error is kept.

    NaN is no comparison, and stays NaN.
    """
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    stepped = np.maximum.accumulate((len(order) - np.arange(len(order))) * p_values[order])
    corrected = np.full(len(p_values), np.nan)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def least_p(replicates: int) -> float:
    """The least p-value that `sign_flip` can give for as many differences other than zero."""
    return max(2.0 ** (1 - replicates), 1 / (2**EXACT + 1)) if replicates else 1.0


def enough_for(comparisons: int) -> int | None:
    """The least number of replicates with which one of as many comparisons can be found different.

    None where no number is enough, as more sign patterns than `EXACT` allows would be needed.
    """
    counts = range(1, EXACT + 3)
    return next((n for n in counts if least_p(n) * max(comparisons, 1) < LEVEL), None)


def separable(p_corrected: Floats, differing: npt.NDArray[np.integer]) -> list[bool | None]:
    """The one rule by which two bidders are told apart, in words and by stars.

    Args:
        p_corrected: p-values of a family of comparisons, as `holm` gives them.
        differing: on how many replicates the two differ, of each comparison.

    Returns:
        For each comparison whether the two differ beyond chance, at `LEVEL` for all together; None
        where no difference, however large, could be found with so few replicates.
    """
    family = int(np.sum(~np.isnan(p_corrected) & (differing > 0)))
    return [
        None if np.isnan(p) or (n and least_p(int(n)) * family >= LEVEL) else bool(n and p < LEVEL)
        for p, n in zip(p_corrected, differing, strict=True)
    ]


def leave_one_out(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[R, …] replicate figures → [R, …] their sums without replicate r."""
    return sums.sum(axis=0) - sums
