"""Figures of merit, each with its unit, from sums over impressions and advertisers.

Every metric is a function of sums, so it is the same function of a day, of ten days, and of ten
days without one: that is how its interval is made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from equibid.markets.market import Labels

Sums = Mapping[str, npt.NDArray[np.float64]]
Figure = Callable[[Sums], npt.NDArray[np.float64]]
Need = Literal["", "targets", "advertisers", "gains"]


@dataclass(frozen=True)
class Metric:
    """A figure of merit.

    Attributes:
        column: its name in tables.
        title: what people call it.
        unit: of the numbers; ``{currency}`` and ``{value}`` stand for the market's own words.
        better: which end is good, or empty when neither is.
        digits: decimals shown.
        meaning: a sentence for the glossary.
        of: from sums to the figure, elementwise; NaN where it is not defined.
        needs: what a market must have for it to mean anything.
        detail: whether it stands in a second table, below the main one.
        most: the largest number it can be; none is below zero.
    """

    column: str
    title: str
    unit: str
    better: Literal["higher", "lower", ""]
    digits: int
    meaning: str
    of: Figure
    needs: Need = ""
    detail: bool = False
    most: float = float("inf")

    def named(self, labels: Labels) -> "Metric":
        """The metric in a market's own units."""
        unit = self.unit.format(currency=labels.currency, value=labels.value_unit)
        return replace(self, unit=unit)


def ratio(above: str, below: str, factor: float = 1.0) -> Figure:
    """A ratio of sums, NaN where the divisor is zero or without end."""

    def of(sums: Sums) -> npt.NDArray[np.float64]:
        known = (sums[below] > 0) & np.isfinite(sums[below])
        divisor = np.where(known, sums[below], np.nan)
        return factor * sums[above] / divisor

    return of


METRICS: tuple[Metric, ...] = (
    Metric(
        "conversions",
        "Counted value",
        "{value}s a period",
        "higher",
        2,
        "Conversions of the ads shown, as logged or drawn.",
        ratio("conversions", "periods"),
    ),
    Metric(
        "value",
        "Expected value",
        "{value}s a period",
        "higher",
        2,
        "Sum of the predicted values of the ads shown; less noisy than what is counted.",
        ratio("value", "periods"),
    ),
    Metric(
        "spend",
        "Spend",
        "{currency} a period",
        "",
        1,
        "Money paid.",
        ratio("spend", "periods"),
    ),
    Metric(
        "budget_use",
        "Budget use",
        "%",
        "",
        1,
        "Money paid over budget.",
        ratio("spend", "budget", 100.0),
        most=100.0,
    ),
    Metric(
        "win_rate",
        "Win rate",
        "%",
        "",
        2,
        "Slots won over impressions bid on.",
        ratio("wins", "offered", 100.0),
        most=100.0,
    ),
    Metric(
        "cpm",
        "CPM",
        "{currency}",
        "lower",
        2,
        "Money paid for a thousand ads shown.",
        ratio("spend", "exposures", 1000.0),
    ),
    Metric(
        "cost_per_value",
        "Cost per expected value",
        "{currency} per {value}",
        "lower",
        3,
        "Money paid over expected value.",
        ratio("spend", "value"),
        detail=True,
    ),
    Metric(
        "cpa",
        "Cost per counted value",
        "{currency} per {value}",
        "lower",
        3,
        "Money paid over counted value: CPA, or eCPC where the value is a click.",
        ratio("spend", "conversions"),
    ),
    Metric(
        "cpa_score",
        "AuctionNet score",
        "{value}s a period",
        "higher",
        2,
        "Counted value of each advertiser, times min((target CPA / realised CPA)², 1).",
        ratio("cpa_score", "periods"),
        needs="targets",
        detail=True,
    ),
    Metric(
        "cpa_violation",
        "CPA violation",
        "% of spend",
        "lower",
        2,
        "Money an advertiser paid above its target CPA for what was counted, over money paid.",
        ratio("overpaid", "spend", 100.0),
        needs="targets",
        detail=True,
        most=100.0,
    ),
    Metric(
        "cpa_missed",
        "Targets missed",
        "% of advertisers",
        "lower",
        1,
        "Advertisers that paid more than their target CPA for what was counted.",
        ratio("missed", "advertisers", 100.0),
        needs="targets",
        detail=True,
        most=100.0,
    ),
    Metric(
        "liquid_welfare",
        "Liquid welfare",
        "{currency} a period",
        "higher",
        1,
        "Each advertiser's expected value in money at its target CPA, at most its budget, summed.",
        ratio("liquid", "periods"),
        needs="targets",
        detail=True,
    ),
    Metric(
        "concentration",
        "Concentration of spend",
        "",
        "",
        4,
        "Herfindahl index: squared shares of the advertisers in what was spent, summed. 1/N if all "
        "spend alike, 1 if one spends all.",
        ratio("herfindahl", "fields"),
        needs="advertisers",
        detail=True,
        most=1.0,
    ),
    Metric(
        "gini",
        "Inequality of spend",
        "",
        "",
        3,
        "Gini coefficient: mean difference of two advertisers' spend over twice the mean. 0 if all "
        "spend alike.",
        ratio("gini", "fields"),
        needs="advertisers",
        detail=True,
        most=1.0,
    ),
    Metric(
        "exploitability",
        "Max exploitability",
        "% of value",
        "lower",
        3,
        "The largest gain of an advertiser's best constant factor in hindsight, the others' bids "
        "standing, over the value all of the bidder's advertisers bought: a lower bound.",
        ratio("max_gain", "value", 100.0),
        needs="gains",
    ),
)
