"""A certificate: how much anybody could gain by leaving a profile, proven from both sides.

For every advertiser, the others as they are:

- `gain`: what its best factor would add. In the game of factors this is exact.
- `gain_hindsight`: what bids of its choice on every impression would add, from below;
- `gain_bound`: the same from above (`best_response.ceiling`).

Exploitability is the largest gain over total welfare, as in arXiv 2503.10304; it is loose for a
small advertiser, so that the gain over the own return stands beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from equibid.equilibrium.best_response import best_response, ceiling
from equibid.equilibrium.bounds import first_best, liquid_bound, liquid_welfare
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response.response import Response, respond


class Status(StrEnum):
    """Where an advertiser stands."""

    SPENDS = "spends its budget"
    CAPPED = "at its cap"
    UNDER = "spends too little"
    OVER = "overspends"
    NO_BUDGET = "no budget"
    NO_VALUE = "values nothing"
    PRICED_OUT = "cannot pay for the smallest bid"
    OUT = "sits out"


@dataclass(frozen=True)
class Certificate:
    """What is proven of a profile.

    Attributes:
        factors: [N] or [T N] currency per value unit.
        response: returns and costs.
        budget: [N] currency.
        best_factor: [N] each advertiser's best factor alone.
        best_returns: [N] value it would get; compared with `response.returns`.
        hindsight: [N] value that chosen bids reach within the budget, value units.
        bound: [N] value that no bids exceed within the budget, value units.
        status: [N] where each advertiser stands.
        first_best: welfare that nothing exceeds, value units.
        liquid_welfare: of the profile, currency.
        liquid_bound: that nothing exceeds, currency.
    """

    factors: Floats
    response: Response
    budget: Floats
    best_factor: Floats
    best_returns: Floats
    hindsight: Floats
    bound: Floats
    status: tuple[Status, ...]
    first_best: float
    liquid_welfare: float
    liquid_bound: float

    @property
    def gain(self) -> Floats:
        """[N] value units that the best factor adds; below zero where it costs too much now."""
        return self.best_returns - self.response.returns

    @property
    def exploitability(self) -> float:
        """The largest gain over total welfare."""
        return _share(self.gain, self.response.welfare)

    @property
    def exploitability_bound(self) -> float:
        """The largest gain any bids could bring, over total welfare, from above."""
        return _share(self.bound - self.response.returns, self.response.welfare)

    @property
    def relative(self) -> Floats:
        """[N] gain over the own return; 0 where there is none to gain, infinite for a first win."""
        gain = np.maximum(self.gain, 0)
        own = np.where(gain > 0, self.response.returns, 1.0)
        return np.divide(gain, own, out=np.full_like(gain, np.inf), where=own > 0)

    @property
    def overspend(self) -> float:
        """The largest cost above budget, as a share of the budget."""
        over = np.maximum(self.response.cost - self.budget, 0)
        return float((over / np.where(over > 0, np.maximum(self.budget, 1e-300), 1)).max(initial=0))

    @property
    def residual(self) -> float:
        """The largest share of a budget over- or underspent by who could mend it."""
        off = [Status.SPENDS, Status.OVER, Status.UNDER]
        mends = np.array([status in off for status in self.status], bool)
        share = self.response.cost[mends] / np.maximum(self.budget[mends], 1e-300) - 1
        return float(np.abs(share).max(initial=0))

    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether nobody gains more than this share of welfare, nor overspends its budget by it."""
        return self.exploitability <= tolerance and self.overspend <= tolerance

    def frame(self, names: Sequence[str] | None = None) -> pl.DataFrame:
        """A row an advertiser."""
        count = len(self.budget)
        return pl.DataFrame(
            {
                "advertiser": np.arange(count),
                "name": list(names) if names else [str(i) for i in range(count)],
                "factor": np.atleast_2d(self.factors).mean(axis=0),
                "budget": self.budget,
                "cost": self.response.cost,
                "returns": self.response.returns,
                "best_factor": self.best_factor,
                "gain": np.maximum(self.gain, 0.0),
                "gain_share": self.relative,
                "gain_hindsight": np.maximum(self.hindsight - self.response.returns, 0.0),
                "gain_bound": np.maximum(self.bound - self.response.returns, 0.0),
                "status": [status.value for status in self.status],
            }
        )

    def summary(self) -> dict[str, float | int]:
        """The figures of the whole profile."""
        counts = {status: self.status.count(status) for status in Status}
        return {
            "welfare": self.response.welfare,
            "first_best": self.first_best,
            "liquid_welfare": self.liquid_welfare,
            "liquid_bound": self.liquid_bound,
            "revenue": self.response.revenue,
            "exploitability": self.exploitability,
            "exploitability_bound": self.exploitability_bound,
            "largest_gain_share": float(self.relative.max(initial=0)),
            "overspend": self.overspend,
            "residual": self.residual,
        } | {status.value: count for status, count in counts.items() if count}


def certify(game: Game, factors: Floats, tolerance: float = 1e-6) -> Certificate:
    """Prove how far a profile is from equilibrium.

    Args:
        game: the game.
        factors: [N], or [T N] a row a tick (what a policy bid); zero sits out.
        tolerance: share of a budget that may be over- or underspent for it to count as spent.
    """
    response = respond(game, factors)
    best = best_response(game, factors)
    limits = ceiling(game, factors)
    return Certificate(
        factors=np.asarray(factors, np.float64),
        response=response,
        budget=game.budget,
        best_factor=best.factor,
        best_returns=best.returns,
        hindsight=np.maximum(limits.reached, best.returns),
        bound=np.maximum(limits.bound, best.returns),
        status=_status(game, np.atleast_2d(factors), response, best.factor, tolerance),
        first_best=first_best(game),
        liquid_welfare=liquid_welfare(game, response.returns),
        liquid_bound=liquid_bound(game),
    )


def compliance(certificates: Sequence[Certificate], tolerance: float) -> float:
    """Share of runs, one a seed, whose certificate holds."""
    return float(np.mean([certificate.holds(tolerance) for certificate in certificates]))


def _share(gain: Floats, welfare: float) -> float:
    largest = max(float(gain.max(initial=0)), 0.0)
    return largest / welfare if welfare > 0 else float(largest > 0)


def _status(
    game: Game, factors: Floats, response: Response, best: Floats, tolerance: float
) -> tuple[Status, ...]:
    bids = factors.max(axis=0) > 0
    capped = factors.min(axis=0) >= game.cap * (1 - 1e-9)
    share = response.cost / np.maximum(game.budget, 1e-300) - 1

    def of(i: int) -> Status:
        if game.budget[i] <= 0:
            return Status.NO_BUDGET
        if game.worth[i] <= 0:
            return Status.NO_VALUE
        if not bids[i]:
            # Even the best response sits out where the smallest bid costs more than the budget.
            return Status.PRICED_OUT if best[i] == 0 else Status.OUT
        if share[i] > tolerance:
            return Status.OVER
        if share[i] >= -tolerance:
            return Status.SPENDS
        return Status.CAPPED if capped[i] else Status.UNDER

    return tuple(of(i) for i in range(len(share)))
