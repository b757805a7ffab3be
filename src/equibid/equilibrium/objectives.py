"""Objectives: what a search over profiles holds dear.

An objective is a function of returns R and costs C, and hands its gradient by them to `vjp`:

    dW/dα_j = Σ_i (∂W/∂R_i · dR_i/dα_j + ∂W/∂C_i · dC_i/dα_j)

`unit` is a size of the market that no factor changes; in it, one market's objective can be set
against another's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response.response import Response
from equibid.errors import InputError
from equibid.registry import Registry, made

# Below this share of an advertiser's worth the logarithm goes on along its tangent.
KNEE = 1e-6


class Objective(Protocol):
    """A differentiable judgement of a response."""

    def value(self, game: Game, response: Response) -> float:
        """The objective."""
        ...

    def weights(self, game: Game, response: Response) -> tuple[Floats, Floats]:
        """Its gradient by returns [N] and by costs [N]."""
        ...

    def unit(self, game: Game) -> float:
        """Its unit: positive, and the same at every profile."""
        ...


OBJECTIVES: Registry[Callable[..., Objective]] = Registry("objective")
"""What to prefer among equilibria, by name: settings in, an objective out."""


def objective_named(text: str) -> Objective:
    """The objective ``name`` or ``name:setting=value,…``, as ``mix:revenue=0.02``.

    Raises:
        InputError: there is no such objective or setting, or a setting takes no such value.
    """
    return made(OBJECTIVES, text)


@dataclass(frozen=True)
class Mix:
    """``welfare · Σ R + revenue · Σ C``, value units.

    Attributes:
        welfare: weight of a value unit.
        revenue: weight of a unit of currency, value units per currency; negative to spare
            advertisers' money.
    """

    welfare: float = 1.0
    revenue: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite([self.welfare, self.revenue]).all() or not (
            self.welfare or self.revenue
        ):
            raise InputError(
                f"objective mix: welfare={self.welfare:g}, revenue={self.revenue:g} must be finite "
                "and not both 0"
            )

    def value(self, game: Game, response: Response) -> float:
        """Value units."""
        return self.welfare * response.welfare + self.revenue * response.revenue

    def weights(self, game: Game, response: Response) -> tuple[Floats, Floats]:
        """Constant."""
        one = np.ones(len(response.returns))
        return self.welfare * one, self.revenue * one

    def unit(self, game: Game) -> float:
        """Every impression to who values it most, and every budget spent."""
        sold = abs(self.revenue) * float(game.budget.sum())
        most = np.asarray(game.market.values).max(axis=1, initial=0).sum(dtype=np.float64)
        return (abs(self.welfare) * float(most) + sold) or 1.0


@dataclass(frozen=True)
class NashWelfare:
    """``Σ_i s_i · log(R_i / V_i)``, s the shares of the players' budgets, V their worths.

    The logarithm is followed by its tangent below `KNEE`, so that who wins nothing has a finite,
    very bad welfare, and a gradient that leads away from it. No unit: 0.01 more is one percent more
    in the (budget-weighted) geometric mean of the returns.
    """

    def value(self, game: Game, response: Response) -> float:
        """At most 0."""
        share, part = self._parts(game, response)
        high = np.maximum(part, KNEE)
        return float(share @ (np.log(high) + (part - high) / KNEE))

    def weights(self, game: Game, response: Response) -> tuple[Floats, Floats]:
        """By returns ``s / R``, by costs nothing."""
        share, part = self._parts(game, response)
        worth = np.where(game.players, game.worth, 1.0)
        return share / (np.maximum(part, KNEE) * worth), np.zeros(len(part))

    def unit(self, game: Game) -> float:
        """One: it is a logarithm already."""
        return 1.0

    def _parts(self, game: Game, response: Response) -> tuple[Floats, Floats]:
        """Shares of the budgets, and returns as shares of the worths."""
        share = np.where(game.players, game.budget, 0.0)
        part = response.returns / np.where(game.players, game.worth, 1.0)
        return share / max(float(share.sum()), 1e-300), part


WELFARE = Mix()


@OBJECTIVES.add("welfare", "Value won by all advertisers.")
def welfare() -> Mix:
    """Σ R, value units."""
    return WELFARE


@OBJECTIVES.add("revenue", "Money paid by all advertisers.")
def revenue() -> Mix:
    """Σ C, currency."""
    return Mix(welfare=0.0, revenue=1.0)


@OBJECTIVES.add("nash-welfare", "Geometric mean of advertisers' values, weighted by budget.")
def nash_welfare() -> NashWelfare:
    """Σ s log (R / V)."""
    return NashWelfare()


@OBJECTIVES.add("mix", "Welfare plus revenue times a weight in value units per currency.")
def mix(welfare: float = 1.0, revenue: float = 0.0) -> Mix:
    """``welfare · Σ R + revenue · Σ C``, value units."""
    return Mix(welfare, revenue)
