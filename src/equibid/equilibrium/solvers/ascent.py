"""Maximising a smooth function of many factors between bounds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize

from equibid.equilibrium.game import Floats
from equibid.errors import InputError

Slope = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class Ascent:
    """How to climb.

    Attributes:
        method: "gradient" is projected gradient ascent of fixed step; "lbfgs" is L-BFGS-B (Byrd,
            Lu, Nocedal & Zhu 1995).
        steps: evaluations at most; "lbfgs" may finish a line search.
        step_size: of "gradient", change of a point per unit of gradient.
        stationary: largest projected gradient at which the climb ends.
    """

    method: Literal["gradient", "lbfgs"] = "lbfgs"
    steps: int = 100
    step_size: float = 2e-4
    stationary: float = 1e-8

    def __post_init__(self) -> None:
        if self.method not in ("gradient", "lbfgs"):
            raise InputError(f"ascent: method={self.method!r} must be 'gradient' or 'lbfgs'")
        if self.steps < 1 or not 0 < self.step_size < np.inf:
            raise InputError(
                f"ascent: steps={self.steps} must be 1 or more and step_size={self.step_size:g} "
                "positive"
            )


LBFGS = Ascent()


def climb(slope: Slope, start: Floats, low: Floats, high: Floats, ascent: Ascent) -> Floats:
    """The point [N] at which the climb ends.

    Args:
        slope: value and gradient [N] at a point.
        start: [N] first point.
        low: [N] lower bounds.
        high: [N] upper bounds.
        ascent: how to climb.
    """
    if ascent.method == "gradient":
        return _by_gradient(slope, start, low, high, ascent)

    def downhill(point: Floats) -> tuple[float, Floats]:
        value, gradient = slope(point)
        return -value, -gradient

    found = minimize(
        downhill,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=np.column_stack([low, high]),
        options={
            "maxiter": ascent.steps,
            "maxfun": ascent.steps,
            "ftol": 1e-15,
            "gtol": ascent.stationary,
        },
    )
    return np.clip(found.x, low, high)


def _by_gradient(slope: Slope, point: Floats, low: Floats, high: Floats, ascent: Ascent) -> Floats:
    for _ in range(ascent.steps):
        _, gradient = slope(point)
        rest = np.abs(np.clip(point + gradient, low, high) - point).max(initial=0)
        point = np.clip(point + ascent.step_size * gradient, low, high)
        if rest <= ascent.stationary:
            break
    return point
