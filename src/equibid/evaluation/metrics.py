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
    """

    column: str
    title: str
    unit: str
    better: Literal["higher", "lower", ""]
    digits: int
    meaning: str
    of: Figure

    def named(self, labels: Labels) -> "Metric":
        """The metric in a market's own units."""
        unit = self.unit.format(currency=labels.currency, value=labels.value_unit)
        return replace(self, unit=unit)


def ratio(above: str, below: str, factor: float = 1.0) -> Figure:
    """A ratio of sums, NaN where the divisor is zero."""

    def of(sums: Sums) -> npt.NDArray[np.float64]:
        divisor = np.where(sums[below] > 0, sums[below], np.nan)
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
    ),
    Metric(
        "win_rate",
        "Win rate",
        "%",
        "",
        2,
        "Slots won over impressions bid on.",
        ratio("wins", "offered", 100.0),
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
    ),
)


def cpa_score(
    spend: npt.NDArray[np.float64],
    conversions: npt.NDArray[np.float64],
    target_cpa: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """AuctionNet's score of an advertiser: ``min((target / realised CPA)², 1) · conversions``."""
    # No conversions are worth nothing, though the target be infinite.
    worth = np.multiply(
        target_cpa, conversions, out=np.zeros_like(conversions), where=conversions > 0
    )
    kept = np.divide(worth, spend, out=np.ones_like(worth), where=spend > 0)
    return np.minimum(kept**2, 1.0) * conversions
