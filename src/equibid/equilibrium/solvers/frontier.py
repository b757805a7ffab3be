"""The exact frontier: the most of an objective among profiles that nobody would leave for much.

    max Φ(α)   s.t.   BR_i(α_-i) − R_i(α) ≤ ε · W(α),   C_i(α) ≤ B_i,   0 ≤ α_i ≤ ᾱ_i

with BR_i the best returns of i alone within its budget, and W = Σ R. ε = 0 asks for an equilibrium;
without a limit on gains prices fall until budgets bind nobody, and impressions go to who values
them most. Between the two lies what a platform can buy with discontent.

The augmented Lagrangian of Hestenes and Powell over logarithms of shares of the cap, with a
multiplier a gap and a budget, by L-BFGS-B inside; gaps in shares of the first best, overspending in
shares of a budget. The gradient of all best responses together costs two evaluations of the market
(`best_response_vjp`). The problem is not convex: a point is followed from the equilibrium up and
from low factors down, and where the ends differ, both are told.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from equibid.equilibrium.best_response import BestResponse, best_response, best_response_vjp
from equibid.equilibrium.bounds import first_best
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.objectives import Objective
from equibid.equilibrium.response.response import Response, respond, vjp
from equibid.equilibrium.solvers.dynamics import Progress
from equibid.equilibrium.solvers.profile import clipped
from equibid.errors import InputError

# Share of a budget that a best response may leave: of a point as it is told, and on the way.
PRECISE, CLOSE = 1e-12, 1e-9
# The lowest factor that is tried, and the one that all start from above, shares of the cap.
LEAST, LOW = 1e-6, 0.05


# Makes a point by its name and ε, or gives the one that was made before.
Kept = Callable[[str, float, Callable[[], "FrontierPoint"]], "FrontierPoint"]


@dataclass(frozen=True)
class FrontierSettings:
    """How a point is sought.

    Attributes:
        rounds: of multipliers, at most.
        steps: of L-BFGS-B in a round, at most.
        penalty: weight of the squared violations in the first round.
        growth: of the penalty, where a round did not halve the violation.
        tolerance: of gaps, in shares of welfare, and of budgets, up to which a point is one.
    """

    rounds: int = 30
    steps: int = 60
    penalty: float = 10.0
    growth: float = 10.0
    tolerance: float = 1e-6


@dataclass(frozen=True)
class FrontierPoint:
    """A profile, and how well it keeps what is asked.

    Attributes:
        epsilon: gain that is allowed, a share of welfare.
        factors: [N] currency per value unit.
        response: to them.
        objective: Φ.
        gap: the largest gain of a best factor, a share of welfare.
        overspend: the largest cost above a budget, a share of it.
        multipliers: [2 N] of gaps and budgets, from which a neighbour may start.
        steps: evaluations of the market's response and best responses.
    """

    epsilon: float
    factors: Floats
    response: Response
    objective: float
    gap: float
    overspend: float
    multipliers: Floats
    steps: int

    def holds(self, tolerance: float) -> bool:
        """Whether gains and budgets are kept."""
        return self.gap <= self.epsilon + tolerance and self.overspend <= tolerance


def frontier_point(
    game: Game,
    objective: Objective,
    epsilon: float,
    start: Floats,
    multipliers: Floats | None = None,
    settings: FrontierSettings | None = None,
    callback: Progress | None = None,
) -> FrontierPoint:
    """The best profile near a start from which nobody gains more than a share of welfare.

    Args:
        game: the game.
        objective: Φ.
        epsilon: the share, from 0; infinite keeps budgets alone.
        start: [N] factors; who sits out stays out.
        multipliers: of a neighbouring point.
        settings: of the search.
        callback: told the number of each step, and the violation after the last round.
    """
    settings = settings or FrontierSettings()
    problem = _Problem(game, objective, epsilon, start)
    held = np.zeros(2 * len(start)) if multipliers is None else multipliers
    held = np.where(problem.limits, held, 0.0)
    penalty, shares = settings.penalty, problem.shares_of(start)
    violated = np.inf
    for _ in range(settings.rounds):
        found = minimize(
            problem.loss,
            shares,
            args=(held, penalty, callback, violated),
            jac=True,
            method="L-BFGS-B",
            bounds=[(np.log(LEAST), 0.0)] * len(shares),
            options={"maxiter": settings.steps, "maxls": 30},
        )
        shares = found.x
        here = problem.look(shares)
        before = violated
        # A constraint with room counts by its multiplier only.
        violated = float(np.abs(np.maximum(here.over, -held / penalty)).max(initial=0))
        held = np.maximum(held + penalty * here.over, 0.0)
        if violated <= 0.1 * settings.tolerance:
            break
        if violated > 0.5 * before:
            penalty *= settings.growth
    return problem.point(shares, held)


def as_it_is(
    game: Game,
    objective: Objective,
    epsilon: float,
    factors: Floats,
    multipliers: Floats | None = None,
    steps: int = 0,
) -> FrontierPoint:
    """A profile with what it leads to, as a point.

    Args:
        game: the game.
        objective: Φ.
        epsilon: gain that is allowed.
        factors: [N].
        multipliers: from which a neighbour may start; default none.
        steps: that were taken to find it.
    """
    problem = _Problem(game, objective, epsilon, factors)
    held = np.zeros(2 * len(factors)) if multipliers is None else multipliers
    return replace(problem.point(problem.shares_of(factors), held), steps=steps)


def frontier(
    game: Game,
    objective: Objective,
    epsilons: Sequence[float],
    equilibrium: Floats,
    settings: FrontierSettings | None = None,
    callback: Progress | None = None,
    kept: Kept | None = None,
) -> Iterator[tuple[FrontierPoint, FrontierPoint]]:
    """Two points for each ε: followed up from an equilibrium, and down from low factors.

    Each starts where its neighbour ended. From below, ε = 0 is the equilibrium as it is: equilibria
    lie apart from each other. Where the two differ, the better one that `holds` is the frontier as
    far as it is known.

    Args:
        game: the game.
        objective: Φ.
        epsilons: shares of welfare, in any order.
        equilibrium: [N] factors of the best equilibrium that is known; the lowest ε starts there.
        settings: of the search.
        callback: told the number of each step of a point, and the violation before it.
        kept: keeps points between runs, by name; default, each is made.

    Returns:
        For each ε in ascending order the point from below and the one from above.

    Raises:
        InputError: there is no ε, or one is below zero or no number.
    """
    wanted = sorted(set(epsilons))
    if not wanted or np.isnan(wanted).any() or wanted[0] < 0:
        raise InputError("frontier: name gains that are allowed, shares of welfare from 0")

    def sought(name: str, epsilon: float, near: Floats, held: Floats | None) -> FrontierPoint:
        def make() -> FrontierPoint:
            return frontier_point(game, objective, epsilon, near, held, settings, callback)

        return kept(name, epsilon, make) if kept else make()

    point = sought("budgets alone", np.inf, clipped(game, LOW * game.cap), None)
    down: list[FrontierPoint] = []
    for epsilon in reversed(wanted):
        point = sought(f"from above, {epsilon:g}", epsilon, point.factors, point.multipliers)
        down.append(point)
    factors, held = equilibrium, None
    for epsilon, above in zip(wanted, reversed(down), strict=True):
        if epsilon == 0:
            below = as_it_is(game, objective, epsilon, factors)
        else:
            below = sought(f"from below, {epsilon:g}", epsilon, factors, held)
        yield below, above
        factors, held = below.factors, below.multipliers


@dataclass(frozen=True)
class _Look:
    """What a profile leads to.

    Attributes:
        factors: [N].
        response: to them.
        answer: best responses.
        over: [2 N] by how much gaps and budgets are exceeded, shares; below zero is room.
    """

    factors: Floats
    response: Response
    answer: BestResponse
    over: Floats


class _Problem:
    """One point's objective and constraints, over the logarithms of shares of who bids."""

    def __init__(self, game: Game, objective: Objective, epsilon: float, start: Floats) -> None:
        self.game, self.objective, self.epsilon = game, objective, epsilon
        self.bids = game.players & (start > 0)
        self.scale = max(first_best(game), 1e-300)
        self.unit = objective.unit(game)
        # Without a limit on gains their constraints count for nothing.
        self.allowed = epsilon if np.isfinite(epsilon) else 0.0
        gaps = game.players & np.isfinite(epsilon)
        self.limits = np.concatenate([gaps, game.players & np.isfinite(game.budget)])
        self.budget = np.where(game.players, game.budget, 1.0)
        self.answer: BestResponse | None = None
        self.steps = 0

    def shares_of(self, factors: Floats) -> Floats:
        """Logarithms of the shares of the cap of who bids."""
        share = factors[self.bids] / self.game.cap[self.bids]
        return np.log(np.clip(share, LEAST, 1.0))

    def look(self, shares: Floats) -> _Look:
        """The response, the best responses and what is exceeded."""
        self.steps += 1
        factors = np.zeros(len(self.bids))
        factors[self.bids] = self.game.cap[self.bids] * np.exp(shares)
        response = respond(self.game, factors)
        exact = PRECISE if self.answer is None else CLOSE
        answer = best_response(self.game, factors, exact, start=self.answer)
        self.answer = answer
        allowed = self.allowed * response.welfare
        gap = (answer.returns - response.returns - allowed) / self.scale
        spent = response.cost / self.budget - 1
        over = np.where(self.limits, np.concatenate([gap, spent]), -np.inf)
        return _Look(factors, response, answer, over)

    def loss(
        self,
        shares: Floats,
        held: Floats,
        penalty: float,
        callback: Progress | None,
        violated: float,
    ) -> tuple[float, Floats]:
        """The augmented Lagrangian and its gradient."""
        here = self.look(shares)
        if callback:
            callback(self.steps, violated)
        N = len(self.bids)
        push = np.maximum(held + penalty * here.over, 0.0)
        value = -self.objective.value(self.game, here.response) / self.unit
        value += float((push**2 - held**2).sum()) / (2 * penalty)
        by_gap, by_budget = push[:N] / self.scale, push[N:]
        by_returns, by_cost = self.objective.weights(self.game, here.response)
        _, gradient = vjp(
            self.game,
            here.factors,
            -by_returns / self.unit - by_gap - self.allowed * by_gap.sum(),
            -by_cost / self.unit + by_budget / self.budget,
        )
        if by_gap.any():
            gradient = gradient + best_response_vjp(self.game, here.factors, here.answer, by_gap)
        return value, (gradient * here.factors)[self.bids]

    def point(self, shares: Floats, held: Floats) -> FrontierPoint:
        """The profile as it is, its best responses found anew."""
        self.answer = None
        here = self.look(shares)
        gain = float((here.answer.returns - here.response.returns).max(initial=0))
        return FrontierPoint(
            epsilon=self.epsilon,
            factors=here.factors,
            response=here.response,
            objective=self.objective.value(self.game, here.response),
            gap=max(gain, 0.0) / max(here.response.welfare, 1e-300),
            overspend=float(here.over[len(self.bids) :].max(initial=0)),
            multipliers=held,
            steps=self.steps,
        )
