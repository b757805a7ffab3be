"""Bidders two by two: paired tests on common days, and who loses to whom.

Common random numbers pair the figures of two bidders: they met the same days and draws, so their
difference on a replicate leaves out what makes days differ.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from equibid.evaluation.power import detectable, replicates_needed
from equibid.evaluation.statistics import (
    LEVEL,
    ROUNDING,
    Interval,
    holm,
    jackknife,
    leave_one_out,
    merged,
    separable,
    sign_flip,
    units,
)

KEYS = ["market", "replicate"]


def paired_tests(rows: pl.DataFrame, score: str) -> pl.DataFrame:
    """Every two bidders, compared on the same days and draws.

    Args:
        rows: of a comparison.
        score: the sum to compare, "value" or "conversions".

    Returns:
        A row a pair: `bidder`, `other`, `difference` (of the means over the other's mean, with
        `low` and `high`, 95 %), `p` of the sign-flip test, on how many replicates the two are
        `differing`, `p_holm`, corrected for all pairs, and whether they are `separable` (see
        `statistics.separable`). Where nothing was drawn for either of the two, there is neither
        interval nor test. For planning: `deviation` of the differences over replicates, `needed`
        replicates if the difference is what it seems (see `planned`; null where it is zero), and
        `detectable`, the least difference that as many replicates as there are see with 80 %
        power; both at 5 % over the number of pairs.
    """
    sums = rows.group_by(*KEYS, "bidder", maintain_order=True).agg(pl.col(score).sum())
    table = sums.pivot("bidder", index=KEYS, values=score, maintain_order=True).sort(KEYS)
    names = [name for name in table.columns if name not in KEYS]
    pairs = list(combinations(names, 2))
    level = LEVEL / max(len(pairs), 1)
    strata = table["market"].rank("dense").to_numpy()
    found = [
        (one, two, *paired(table[one].to_numpy(), table[two].to_numpy(), strata, level))
        for one, two in pairs
    ]
    columns = ["bidder", "other", *Paired._fields]
    result = pl.DataFrame(found, schema=columns, orient="row", infer_schema_length=None)
    floats = pl.col("difference", "low", "high", "p", "deviation", "detectable").cast(pl.Float64)
    result = result.with_columns(floats, pl.col("needed", "differing").cast(pl.Int64))
    return judged(result)


def judged(table: pl.DataFrame) -> pl.DataFrame:
    """The table with corrected p-values, and whether they tell the two of each row apart.

    Two that are equal on all replicates cannot be found to differ, so the correction leaves them
    out (Tarone 1990).
    """
    p_values, differing = table["p"].to_numpy(), table["differing"].to_numpy()
    corrected = holm(np.where(differing > 0, p_values, np.nan))
    corrected = np.where(differing > 0, corrected, p_values)
    apart = separable(corrected, differing)
    return table.with_columns(
        p_holm=pl.Series(corrected, dtype=pl.Float64),
        separable=pl.Series(apart, dtype=pl.Boolean),
    ).fill_nan(None)


class Paired(NamedTuple):
    """A difference of two bidders on the same replicates; see `paired_tests`."""

    difference: float
    low: float
    high: float
    p: float
    differing: int
    deviation: float
    needed: int | None
    detectable: float


def paired(
    one: Float[np.ndarray, " R"],
    other: Float[np.ndarray, " R"],
    strata: Int[np.ndarray, " R"] | None = None,
    level: float = LEVEL,
) -> Paired:
    """What is known of a difference, in multiples of the other's mean.

    The other's mean is an estimate too, so the interval is that of a ratio of sums.

    Args:
        one: score of each replicate.
        other: another's on the same replicates.
        strata: number of the market of each replicate; None is one market.
        level: of the test that replicates are planned for.
    """
    unit = units((one, other), np.zeros(len(one), int) if strata is None else strata)
    one, other = merged(one, unit), merged(other, unit)
    # Sums in another order are equal up to rounding; such a difference is none.
    gaps = np.where(np.isclose(one, other, rtol=ROUNDING, atol=0), 0.0, one - other)
    count, mean = len(one), other.mean()
    # A bidder that bought nothing is no measure, but who differs from it does.
    p_value = sign_flip(gaps) if count > 1 else np.nan
    gap = gaps / (mean if mean > 0 else np.nan)
    interval = of_difference(gaps, other)
    deviation = float(gap.std(ddof=1)) if count > 1 else np.nan
    least = detectable(count, deviation, level=level)
    needed = planned(interval.value, deviation, level)
    return Paired(*interval, p_value, int(np.sum(gaps != 0)), deviation, needed, least)


def of_difference(gaps: Float[np.ndarray, " R"], other: Float[np.ndarray, " R"]) -> Interval:
    """The interval of differences over the other's sum; nobody buys less than nothing."""
    others, total = leave_one_out(other), other.sum()
    without = leave_one_out(gaps) / np.where(others > 0, others, np.nan)
    ratio = gaps.sum() / total if total > 0 else np.nan
    return jackknife(float(ratio), without).within(-1, np.inf)


def turned(difference: float | None) -> float | None:
    """The same difference in multiples of the one's mean instead of the other's.

    Of ``x = a / b − 1`` that is ``b / a − 1 = −x / (1 + x)``; None where a bought nothing.
    """
    return None if difference is None or difference <= -1 else -difference / (1 + difference)


def planned(difference: float, deviation: float, level: float) -> int | None:
    """Replicates for 80 % power of the t-test, and enough for the sign-flip test to reach `level`.

    However large a difference, the latter's p-value of R replicates is at least ``2^(1-R)``.
    None where there is no difference, or no deviation is known.
    """
    if not deviation >= 0:
        return None
    sure = np.inf if difference else 0.0
    effect = difference / deviation if deviation > 0 else sure
    needed = replicates_needed(effect, level=level)
    return None if needed is None else max(needed, int(np.ceil(1 - np.log2(level))))


def head_to_head(rows: pl.DataFrame, score: str) -> pl.DataFrame:
    """What each bidder bought against each other, over what it buys when all others are like it.

    Args:
        rows: of a comparison in pairs, with the column `against`.
        score: the sum to compare.

    Returns:
        A row a pair in order: `bidder`, `against`, `share`, null where the bidder buys nothing
        among its own kind. A share below 1 is what the bidder's seats lose when the other half of
        the market deviates to `against`.
    """
    sums = rows.group_by("bidder", "against", maintain_order=True).agg(pl.col(score).sum())
    own = sums.filter(pl.col("bidder") == pl.col("against")).select("bidder", own=score)
    share = sums.join(own, on="bidder", maintain_order="left")
    known = pl.when(pl.col("own") > 0).then(pl.col(score) / pl.col("own"))
    return share.select("bidder", "against", share=known)
