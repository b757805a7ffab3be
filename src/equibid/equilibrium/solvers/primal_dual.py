"""Nash-constrained welfare by a primal-dual method on an augmented Lagrangian.

A profile is an equilibrium iff ``min(x_i, y_i) = 0`` for every player, x its distance to the cap
and y its unspent budget. With the smoothed Fischer-Burmeister function that is an equation

    h_i = √(x_i² + y_i² + μ) - x_i - y_i = 0

and welfare (or another objective W) is maximised under it by

    L(α, λ) = W(α) + Σ λ_i h_i - ρ/2 Σ h_i²
    α ← argmax L,  by gradient ascent until stationary;     λ ← λ - β h(α)

Source: arXiv 2503.10304, equations (5)-(12), (43)-(45) and algorithm 1.

What it does not do: all regular equilibria are stationary points of the problem, as there are as
many equations as unknowns; so the objective only decides in whose basin a start lies. And where the
Jacobian of h is singular it may rest at a point that is no equilibrium, while λ grows forever:
`PrimalDual.converged` tells.

Departures: factors stay above a sliver of the cap, as zero means to sit out (`game`); ρ may grow;
the ascent may be L-BFGS; and `units="shares"` measures everything against the market.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from equibid.equilibrium.best_response import LEAST
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.objectives import WELFARE, Objective
from equibid.equilibrium.response.response import Response, respond, vjp
from equibid.equilibrium.solvers.ascent import Ascent, climb
from equibid.equilibrium.solvers.dynamics import Progress
from equibid.equilibrium.solvers.profile import clipped
from equibid.errors import InputError

# With a thousand advertisers many dual steps after short ascents arrive sooner than few long ones.
SHORT = Ascent(steps=25)


@dataclass(frozen=True)
class PrimalDualSettings:
    """Settings of the method; symbols are the paper's.

    Attributes:
        penalty: ρ. In shares 100 lets a welfare of one percent more pay for budgets that are missed
            by 1.4 percent (root mean square); λ then closes the gap.
        dual_step: β; None takes ρ, the step of the method of multipliers.
        smoothing: μ, in units of h squared.
        outer: dual steps at most.
        inner: the ascent between two dual steps; the paper's is ``Ascent("gradient", …)``.
        tolerance: largest |h| at which the method ends.
        growth: factor on ρ after each dual step.
        most_penalty: ρ grows no further.
        units: "raw", the paper's: x in currency per value unit, y in currency, W as it is. Or
            "shares": x = 1 - α/ᾱ, y = 1 - C/B, and W in shares of its `unit`, times the number of
            players, so that one player's budget weighs against one player's part of W and ρ means
            the same in every market.
        objective: W.
    """

    penalty: float = 100.0
    dual_step: float | None = None
    smoothing: float = 1e-8
    outer: int = 40
    inner: Ascent = SHORT
    tolerance: float = 1e-6
    growth: float = 1.0
    most_penalty: float = 1e6
    units: Literal["raw", "shares"] = "shares"
    objective: Objective = WELFARE

    def __post_init__(self) -> None:
        for name in ("penalty", "smoothing", "outer", "growth"):
            amount = getattr(self, name)
            if not 0 < amount < np.inf:
                raise InputError(f"primal-dual: {name}={amount:g} must be positive and finite")
        if self.units not in ("raw", "shares"):
            raise InputError(f"primal-dual: units={self.units!r} must be 'raw' or 'shares'")


SETTINGS = PrimalDualSettings()


class Scale(NamedTuple):
    """What factors [N], money [N] and the objective are divided by."""

    factor: Floats
    money: Floats
    objective: float


@dataclass(frozen=True)
class Problem:
    """A game and how it is to be solved."""

    game: Game
    settings: PrimalDualSettings

    @cached_property
    def scale(self) -> Scale:
        """The units of the settings; ones for who is no player."""
        game, one = self.game, np.ones(len(self.game.cap))
        if self.settings.units == "raw":
            return Scale(one, one, 1.0)
        count = max(int(game.players.sum()), 1)
        return Scale(
            np.where(game.players, game.cap, one),
            np.where(game.players, game.budget, one),
            self.settings.objective.unit(game) / count,
        )


class Condition(NamedTuple):
    """The equilibrium condition at a profile; zero for who is no player.

    Attributes:
        h: [N].
        by_factor: [N] ∂h_i/∂α_i at fixed costs.
        by_cost: [N] ∂h_i/∂C_i.
    """

    h: Floats
    by_factor: Floats
    by_cost: Floats


@dataclass(frozen=True)
class State:
    """Between two dual steps.

    Attributes:
        factors: [N] α, currency per value unit.
        multipliers: [N] λ.
        penalty: ρ.
        response: at the factors.
        h: [N] at the factors.
        dual: L at the factors and the multipliers before the dual step: the local dual function.
    """

    factors: Floats
    multipliers: Floats
    penalty: float
    response: Response
    h: Floats
    dual: float


@dataclass(frozen=True)
class PrimalDual:
    """Where the method ended.

    Attributes:
        factors: [N] currency per value unit.
        response: returns and costs there.
        multipliers: [N] λ, after the last dual step.
        h: [N] of the condition, in the method's units.
        largest_violation: largest absolute h.
        iterations: dual steps.
        converged: whether the violation is within the tolerance.
        dual: the local dual function before each dual step, in the method's units. While ρ stays,
            the proof of convergence (equation 81) has it fall from step to step.
    """

    factors: Floats
    response: Response
    multipliers: Floats
    h: Floats
    largest_violation: float
    iterations: int
    converged: bool
    dual: tuple[float, ...]

    @property
    def rises(self) -> int:
        """Dual steps after which the dual function was higher than before, but for rounding."""
        steps = np.diff(self.dual)
        return int((steps > 1e-9 * np.abs(self.dual[1:])).sum())


def primal_dual(
    game: Game,
    start: Floats,
    settings: PrimalDualSettings = SETTINGS,
    callback: Progress | None = None,
) -> PrimalDual:
    """Algorithm 1 from a profile.

    Args:
        game: the game.
        start: [N] factors. After some steps of tatonnement it arrives more often, and sooner.
        settings: of the method.
        callback: told the number of each dual step and the largest violation.
    """
    problem = Problem(game, settings)
    state, count, worst = init(problem, start), 0, np.inf
    dual = []
    while count < settings.outer and worst > settings.tolerance:
        state = step(problem, state)
        count, worst = count + 1, float(np.abs(state.h).max(initial=0.0))
        dual.append(state.dual)
        if callback:
            callback(count, worst)
    return PrimalDual(
        state.factors,
        state.response,
        state.multipliers,
        state.h,
        worst,
        count,
        worst <= settings.tolerance,
        tuple(dual),
    )


def init(problem: Problem, start: Floats) -> State:
    """The first state: λ is 0."""
    game = problem.game
    factors = np.maximum(clipped(game, start), np.where(game.players, LEAST * game.cap, 0))
    response = respond(game, factors)
    h = condition(problem, factors, response).h
    return State(factors, np.zeros(len(factors)), problem.settings.penalty, response, h, np.inf)


def step(problem: Problem, state: State) -> State:
    """Maximise over the factors, then move the multipliers."""
    game, settings, unit = problem.game, problem.settings, problem.scale.factor

    def slope(level: Floats) -> tuple[float, Floats]:
        value, gradient = lagrangian(problem, level * unit, state.multipliers, state.penalty)
        return value, gradient * unit

    high = np.where(game.players, game.cap, 0) / unit
    level = climb(slope, state.factors / unit, LEAST * high, high, settings.inner)
    response = respond(game, level * unit)
    h = condition(problem, level * unit, response).h
    beta = state.penalty if settings.dual_step is None else settings.dual_step
    return replace(
        state,
        factors=level * unit,
        multipliers=state.multipliers - beta * h,
        penalty=min(state.penalty * settings.growth, max(settings.most_penalty, settings.penalty)),
        response=response,
        h=h,
        dual=augmented(problem, response, h, state.multipliers, state.penalty),
    )


def augmented(
    problem: Problem, response: Response, h: Floats, multipliers: Floats, penalty: float
) -> float:
    """L, in the problem's units."""
    value = problem.settings.objective.value(problem.game, response) / problem.scale.objective
    return float(value + multipliers @ h - penalty / 2 * h @ h)


def lagrangian(
    problem: Problem, factors: Floats, multipliers: Floats, penalty: float
) -> tuple[float, Floats]:
    """L, in the problem's units, and its gradient [N] by the factors.

    The weight of h_i, ``w_i = λ_i - ρ h_i``, makes the sum over i one pull-back (equation 19).
    """
    game, aim, unit = problem.game, problem.settings.objective, problem.scale.objective
    response = respond(game, factors)
    h, by_factor, by_cost = condition(problem, factors, response)
    weight = multipliers - penalty * h
    value = augmented(problem, response, h, multipliers, penalty)
    by_returns, by_costs = aim.weights(game, response)
    _, gradient = vjp(game, factors, by_returns / unit, by_costs / unit + weight * by_cost)
    return value, np.where(game.players, gradient + weight * by_factor, 0.0)


def condition(problem: Problem, factors: Floats, response: Response) -> Condition:
    """Evaluate h and its partial derivatives (equations 7, 43)."""
    game, scale = problem.game, problem.scale
    x = (game.cap - factors) / scale.factor
    y = (game.budget - response.cost) / scale.money
    root = np.sqrt(x * x + y * y + problem.settings.smoothing)
    rows = (root - x - y, (1 - x / root) / scale.factor, (1 - y / root) / scale.money)
    return Condition(*(np.where(game.players, row, 0.0) for row in rows))
