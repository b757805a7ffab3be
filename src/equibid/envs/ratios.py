"""Rewards for goals that are ratios: return on investment, cost per value unit.

A ratio itself is no reward: one lucky cheap win has the best of all, a step without cost has none,
and a sum of ratios is not the ratio of the sums. A Lagrangian puts a price on what is missing, step
by step; a score or a fine at the period's end judges the ratio of the sums.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.envs.kpis import bought, check, worth
from equibid.envs.outcome import Outcome, Part


def check_multiplier(multiplier: float) -> None:
    """Raise `InputError` unless λ is finite and not negative."""
    check(f"multiplier={multiplier:g} must be finite and at least 0", 0 <= multiplier < np.inf)


@dataclass(frozen=True)
class RoiLagrangian(Part):
    """``(g + λ (g − k c)) / (1 + λ)``, g the worth and c the cost: maximise g with Σg ≥ k Σc.

    The divisor keeps the reward's size for every λ: worth alone at 0, the constraint alone at
    infinity.

    Attributes:
        target: k, currency of worth per currency of cost.
        multiplier: λ, unless the call brings its own (see `Dual`).
        margin: worth of a value unit, currency; None takes each advertiser's target CPA.
        sampled: count conversions instead of expecting them.
    """

    target: float = 1.0
    multiplier: float = 1.0
    margin: float | None = None
    sampled: bool = False

    def __post_init__(self) -> None:
        check(f"roi: target={self.target:g} must be positive", 0 < self.target < np.inf)
        check(
            f"roi: multiplier={self.multiplier:g} must be at least 0", 0 <= self.multiplier < np.inf
        )

    def __call__(
        self, outcome: Outcome, multiplier: Float[Array, " N"] | None = None
    ) -> Float[Array, " N"]:
        """Currency."""
        price = self.multiplier if multiplier is None else multiplier
        gain = worth(bought(outcome.tally, self.sampled), self.margin, outcome)
        return gain - price / (1 + price) * self.target * outcome.tally.spend


@dataclass(frozen=True)
class CpaLagrangian(Part):
    """``v − λ/(1+λ) · c / target``, value units: maximise value with a cost per value unit capped.

    `RoiLagrangian` with k = 1 in units of the target, so that it stays finite without one.

    Attributes:
        multiplier: λ, unless the call brings its own (see `Dual`).
        sampled: count conversions instead of expecting them.
    """

    multiplier: float = 1.0
    sampled: bool = False

    def __post_init__(self) -> None:
        check(
            f"cpa: multiplier={self.multiplier:g} must be at least 0", 0 <= self.multiplier < np.inf
        )

    def __call__(
        self, outcome: Outcome, multiplier: Float[Array, " N"] | None = None
    ) -> Float[Array, " N"]:
        """Value units."""
        price = self.multiplier if multiplier is None else multiplier
        value, spend = bought(outcome.tally, self.sampled), outcome.tally.spend
        return value - price / (1 + price) * spend / outcome.target_cpa


@dataclass(frozen=True)
class RoiShortfall(Part):
    """``weight · min(0, G/C − k)`` at the period's end, and 0 where nothing was spent.

    It never pays for a ratio above the target, so it is added to a reward that pays for volume.
    With the worth at a target CPA and k = 1 it fines a cost per value unit above the target.

    Attributes:
        weight: in units of the reward it is added to; weights should be its size in a period.
        target: k, currency of worth per currency of cost.
        margin: worth of a value unit, currency; None takes each advertiser's target CPA.
        sampled: count conversions instead of expecting them.
    """

    weight: float = 1.0
    target: float = 1.0
    margin: float | None = None
    sampled: bool = False

    def __post_init__(self) -> None:
        check(f"roi-shortfall: weight={self.weight:g} must be at least 0", self.weight >= 0)
        check(f"roi-shortfall: target={self.target:g} must be positive", self.target > 0)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """`weight` times a ratio."""
        spend = outcome.so_far.spend
        gain = worth(bought(outcome.so_far, self.sampled), self.margin, outcome)
        ratio = gain / jnp.where(spend > 0, spend, 1)
        fine = jnp.where(spend > 0, jnp.minimum(0, ratio - self.target), 0)
        return jnp.where(outcome.ends, self.weight * fine, 0.0)


@dataclass(frozen=True)
class CpaScore(Part):
    """``min((target / CPA)^power, 1) · V`` at the period's end, value units.

    Source: AuctionNet (Su et al., NeurIPS 2024 Datasets and Benchmarks), power 2.

    Attributes:
        power: of the fine for a missed target.
        sampled: count conversions instead of expecting them, as AuctionNet does.
        dense: pay the change of the score so far in every step. The payments of a period add up to
            the score, so that undiscounted returns are the same and credit comes early.
    """

    power: float = 2.0
    sampled: bool = False
    dense: bool = False

    def __post_init__(self) -> None:
        check(f"cpa-score: power={self.power:g} must be at least 0", 0 <= self.power < np.inf)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Value units."""
        now = self._score(outcome.so_far, outcome)
        if not self.dense:
            return jnp.where(outcome.ends, now, 0.0)
        earlier = jax.tree.map(jnp.subtract, outcome.so_far, outcome.tally)
        return now - self._score(earlier, outcome)

    def _score(self, sums: Tally, outcome: Outcome) -> Float[Array, " N"]:
        value = bought(sums, self.sampled)
        kept = worth(value, None, outcome) / jnp.where(sums.spend > 0, sums.spend, 1)
        return jnp.where(sums.spend > 0, jnp.minimum(kept**self.power, 1.0), 1.0) * value
