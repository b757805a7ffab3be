"""Figures of single campaigns, before they are summed over advertisers.

A sum over advertisers cannot be undone, so whatever compares an advertiser with its own target or
budget is taken here, of each advertiser over a whole period.
"""

import numpy as np
from jaxtyping import Float


def cpa_score(
    spend: Float[np.ndarray, " N"],
    conversions: Float[np.ndarray, " N"],
    target_cpa: Float[np.ndarray, " N"],
) -> Float[np.ndarray, " N"]:
    """AuctionNet's score of an advertiser: ``min((target / realised CPA)², 1) · conversions``.

    Args:
        spend: money paid, currency.
        conversions: counted value, value units.
        target_cpa: currency per value unit; infinite where there is none.

    Source: "AuctionNet: A Novel Benchmark for Decision-Making in Large-Scale Games", 2024.
    """
    worth = worth_of(conversions, target_cpa)
    kept = np.divide(worth, spend, out=np.ones_like(worth), where=spend > 0)
    return np.minimum(kept**2, 1.0) * conversions


def overpaid(
    spend: Float[np.ndarray, " N"],
    conversions: Float[np.ndarray, " N"],
    target_cpa: Float[np.ndarray, " N"],
) -> Float[np.ndarray, " N"]:
    """Money paid beyond the target CPA: ``max(spend − target · conversions, 0)``, currency.

    It is defined where nothing was counted (all of the spend), unlike the ratio of CPAs.
    """
    return np.maximum(spend - worth_of(conversions, target_cpa), 0.0)


def liquid_value(
    value: Float[np.ndarray, " N"],
    budget: Float[np.ndarray, " N"],
    target_cpa: Float[np.ndarray, " N"],
) -> Float[np.ndarray, " N"]:
    """What an advertiser could be charged for what it got: ``min(budget, target · value)``.

    Summed it is liquid welfare (Dobzinski and Paes Leme, "Efficiency guarantees in auctions with
    budgets", 2014), in currency.
    """
    return np.minimum(budget, worth_of(value, target_cpa))


def worth_of(
    value: Float[np.ndarray, " N"], target_cpa: Float[np.ndarray, " N"]
) -> Float[np.ndarray, " N"]:
    """Value in money; nothing is worth nothing, though the target be infinite."""
    return np.multiply(target_cpa, value, out=np.zeros_like(value), where=value > 0)


def herfindahl(amounts: Float[np.ndarray, " N"]) -> float:
    """Herfindahl-Hirschman index of shares: ``Σ s² / (Σ s)²``, 1/N for equal ones … 1 for one.

    Its inverse is the number of equal amounts that were as concentrated. NaN of nothing.
    """
    total = amounts.sum()
    return float(np.sum((amounts / total) ** 2)) if total > 0 else float("nan")


def gini(amounts: Float[np.ndarray, " N"]) -> float:
    """Gini coefficient: ``Σ_ij |s_i − s_j| / (2 N Σ s)``, 0 for equal amounts … 1 − 1/N for one.

    NaN of nothing.
    """
    count, total = len(amounts), amounts.sum()
    if not total > 0:
        return float("nan")
    rank = np.arange(1, count + 1)
    return float((2 * rank - count - 1) @ np.sort(amounts) / (count * total))
