"""Bidders two by two: paired tests on common days, and who loses to whom."""

from itertools import combinations

import numpy as np
import polars as pl

from equibid.evaluation.statistics import holm, jackknife, sign_flip

KEYS = ["market", "replicate"]


def paired_tests(rows: pl.DataFrame, score: str) -> pl.DataFrame:
    """Every two bidders, compared on the same days and draws.

    Args:
        rows: of a comparison.
        score: the sum to compare, "value" or "conversions".

    Returns:
        A row a pair: `bidder`, `other`, `difference` (of the score over the other's mean, with
        `low` and `high`, 95 %), `p` of the sign-flip test, and `p_holm`, corrected for all pairs.
    """
    sums = rows.group_by(*KEYS, "bidder", maintain_order=True).agg(pl.col(score).sum())
    table = sums.pivot("bidder", index=KEYS, values=score, maintain_order=True).sort(KEYS)
    names = [name for name in table.columns if name not in KEYS]
    found = []
    for one, two in combinations(names, 2):
        other = table[two].to_numpy()
        scale = other.mean() if other.mean() > 0 else np.nan
        gap = (table[one].to_numpy() - other) / scale
        count = len(gap)
        without = (gap.sum() - gap) / max(count - 1, 1)
        interval = jackknife(float(gap.mean()), without)
        found.append((one, two, *interval, sign_flip(gap)))
    columns = ["bidder", "other", "difference", "low", "high", "p"]
    result = pl.DataFrame(found, schema=columns, orient="row")
    return result.with_columns(p_holm=pl.Series(holm(result["p"].to_numpy())))


def head_to_head(rows: pl.DataFrame, score: str) -> pl.DataFrame:
    """What each bidder bought against each other, over what it buys when all others are like it.

    Args:
        rows: of a comparison in pairs, with the column `against`.
        score: the sum to compare.

    Returns:
        A row a pair in order: `bidder`, `against`, `share`. A share below 1 is what the bidder's
        seats lose when the other half of the market deviates to `against`.
    """
    sums = rows.group_by("bidder", "against", maintain_order=True).agg(pl.col(score).sum())
    own = sums.filter(pl.col("bidder") == pl.col("against")).select("bidder", own=score)
    share = sums.join(own, on="bidder", maintain_order="left")
    return share.select("bidder", "against", share=pl.col(score) / pl.col("own"))
