"""How many replicates a comparison needs.

Two bidders that play the same days are compared by the paired t-test. If their differences are
normal with mean δ and standard deviation σ, its statistic of n replicates follows the noncentral t
distribution with n − 1 degrees of freedom and noncentrality ``δ √n / σ``; so the power is exact,
not asymptotic. Source: Lehmann and Romano, "Testing Statistical Hypotheses", section 5.2.
"""

import numpy as np
from scipy import stats

# More replicates than anybody plays; and so many deviations are a constant up to rounding, where
# the noncentral t distribution is lost too.
MOST, SURE = 10_000_000, 1e9


def power(replicates: int, effect: float, level: float = 0.05) -> float:
    """The chance that a two-sided paired t-test sees a difference.

    Args:
        replicates: n, at least 2.
        effect: δ / σ, mean over standard deviation of the differences.
        level: of the test; divide it by the number of comparisons to be made (Bonferroni).
    """
    freedom = replicates - 1
    shift = effect * np.sqrt(replicates)
    reach = stats.t.ppf(1 - level / 2, freedom)
    # The far tail is the mirror of the near one; scipy's own far tail is lost in rounding.
    tails = stats.nct.sf(reach, freedom, [abs(shift), -abs(shift)])
    return float(np.nansum(tails))


def replicates_needed(effect: float, chance: float = 0.8, level: float = 0.05) -> int | None:
    """The least n whose power is at least `chance`; None if it is more than ten million.

    Power rises with n, so n is bracketed by doubling and found by halving.

    Args:
        effect: δ / σ.
        chance: the power that is wanted.
        level: of the test.
    """
    if not effect or np.isnan(effect):
        return None
    if abs(effect) > SURE or power(2, effect, level) >= chance:
        return 2
    # The normal approximation is a little too few for any n: start below it.
    z = stats.norm.ppf([1 - level / 2, chance]).sum()
    guess = (z / effect) ** 2
    if guess > MOST:
        return None
    low = max(2, int(guess) - 1)
    if power(low, effect, level) >= chance:
        low = 2
    high = low + 2
    while power(high, effect, level) < chance:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if power(middle, effect, level) < chance:
            low = middle
        else:
            high = middle
    return high


def detectable(
    replicates: int, deviation: float, chance: float = 0.8, level: float = 0.05
) -> float:
    """The least difference that n replicates see with the given chance, in units of `deviation`.

    Args:
        replicates: n; NaN for less than 2.
        deviation: σ of the differences.
        chance: the power that is wanted.
        level: of the test.
    """
    if replicates < 2:
        return float("nan")
    low, high = 0.0, 1.0
    while power(replicates, high, level) < chance:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if power(replicates, middle, level) < chance else (low, middle)
    return high * deviation
