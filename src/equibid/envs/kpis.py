"""Rewards that are an advertiser's own key figures.

Rewards of expected value have a tenth of the variance of counted conversions; `sampled` counts
them all the same. Budgets are no part of a reward: the market enforces them, and an agent would buy
its way through a penalty.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.envs.outcome import Outcome, Part
from equibid.errors import InputError


def check(what: str, good: bool) -> None:
    """Raise `InputError` of a setting that cannot be used."""
    if not good:
        raise InputError(what)


def bought(sums: Tally, sampled: bool) -> Float[Array, " N"]:
    """Value of the ads shown, value units: expected, or as counted."""
    return sums.conversions if sampled else sums.value


def worth(value: Float[Array, " N"], price: float | None, outcome: Outcome) -> Float[Array, " N"]:
    """Value in currency, at a price per value unit or at each advertiser's target CPA.

    Without value there is no worth, though the target be infinite.
    """
    rate = outcome.target_cpa if price is None else price
    return jnp.where(value > 0, rate * value, 0.0)


@dataclass(frozen=True)
class Value(Part):
    """Value won, value units: the aim of a value maximiser, whose budget ends its bidding.

    Undiscounted within a period: a discount favours the early auctions, which are no better.

    Attributes:
        sampled: count conversions instead of expecting them.
    """

    sampled: bool = False

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Value units."""
        return bought(outcome.tally, self.sampled)


VALUE = Value()


@dataclass(frozen=True)
class ValueLessCost(Part):
    """``margin · value − weight · cost``, currency: between value (0) and profit (1).

    Summed over a team it pays for collusion, as payments leave the team.

    Attributes:
        weight: λ, of the cost.
        margin: worth of a value unit, currency; None takes each advertiser's target CPA.
        sampled: count conversions instead of expecting them.
    """

    weight: float = 1.0
    margin: float | None = None
    sampled: bool = False

    def __post_init__(self) -> None:
        check(
            f"value-less-cost: weight={self.weight:g} must be finite and at least 0",
            0 <= self.weight < np.inf,
        )
        check(
            f"value-less-cost: margin={self.margin} must be finite and at least 0",
            self.margin is None or 0 <= self.margin < np.inf,
        )

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Currency."""
        gain = worth(bought(outcome.tally, self.sampled), self.margin, outcome)
        return gain - self.weight * outcome.tally.spend


def profit(margin: float | None = None, sampled: bool = False) -> ValueLessCost:
    """``margin · value − cost``: in a second-price auction without budgets, bid the worth.

    An agent that loses money at first learns to bid nothing before it learns to bid well.
    """
    return ValueLessCost(1.0, margin, sampled)


@dataclass(frozen=True)
class Engagement(Part):
    """A weighted sum over the steps from a won slot to a conversion, value units.

    A tally knows slots won, ads shown (views) and counted conversions (clicks where the value unit
    is a click). It knows no dwell time; where the value unit is one, the conversions are it. The
    weights are to be calibrated, say as conversions per view: a proxy that is paid too much is
    bought instead of the aim.

    Attributes:
        exposures: value units an ad shown.
        wins: value units a slot won, shown or not.
        conversions: value units a conversion.
    """

    exposures: float = 0.0
    wins: float = 0.0
    conversions: float = 1.0

    def __post_init__(self) -> None:
        weights = (self.exposures, self.wins, self.conversions)
        check(f"engagement: weights {weights} must be finite", bool(np.isfinite(weights).all()))

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Value units."""
        sums = outcome.tally
        return (
            self.exposures * sums.exposures
            + self.wins * sums.wins
            + self.conversions * sums.conversions
        )


@dataclass(frozen=True)
class LifetimeValue(Part):
    """Discounted margins of the customers who would not have come anyway, less their cost.

    ``(V − baseline · E) · margin · Σ_{h<H} (retention · discount)^h − cost``, currency, with V the
    value won (customers) and E the ads shown. Without the baseline, ads shown to who buys anyway
    look best of all.

    Attributes:
        retention: share of the customers who stay for another stretch of time.
        margin: what a customer brings in a stretch, currency; None takes the target CPA.
        horizon: H, stretches counted.
        baseline: value units an impression brings without the ad, as a control group shows.
        discount: of the money of the next stretch.
        sampled: count conversions instead of expecting them.
    """

    retention: float = 0.5
    margin: float | None = None
    horizon: float = 4
    baseline: float = 0.0
    discount: float = 1.0
    sampled: bool = False

    def __post_init__(self) -> None:
        for name in ("retention", "discount"):
            share = getattr(self, name)
            check(f"lifetime-value: {name}={share:g} must be from 0 to 1", 0 <= share <= 1)
        check(
            f"lifetime-value: horizon={self.horizon:g} must be a whole number of stretches, 1 on",
            1 <= self.horizon < np.inf and self.horizon == int(self.horizon),
        )
        check(f"lifetime-value: baseline={self.baseline:g} must be at least 0", self.baseline >= 0)

    @property
    def stretches(self) -> float:
        """``Σ_{h<H} (retention · discount)^h``."""
        return float(np.sum((self.retention * self.discount) ** np.arange(int(self.horizon))))

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Currency."""
        sums = outcome.tally
        additional = bought(sums, self.sampled) - self.baseline * sums.exposures
        rate = outcome.target_cpa if self.margin is None else self.margin
        return additional * rate * self.stretches - sums.spend
