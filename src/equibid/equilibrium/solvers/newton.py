"""Polishing: a bounded Newton method on "everybody spends its budget".

Unknowns are the logarithms of the factors of all who are not content at their cap; equations are
``C_i / B_i = 1``. The step solves ``(J + μ·diag J) δ = -excess``: at μ = 0 Newton's, at large μ a
tatonnement step of each advertiser on its own, and μ follows success. Steps are bounded, and stop
at the cap, where an advertiser leaves the equations until it overspends.

Deflation (Farrell, Birkisson, Funke 2015) turns the method away from equilibria it is told of: the
residual is multiplied by ``1 + Σ_s |x - x_s|^-2``, which changes the length
of the Newton step alone.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from equibid.equilibrium.game import Floats, Game, Mask
from equibid.equilibrium.response.response import cost_jacobian, deviate, jvp, respond
from equibid.equilibrium.solvers.dynamics import Progress, SolverResult
from equibid.equilibrium.solvers.profile import clipped, excess, residual

Solve = Callable[[Floats, float], Floats]

# Above it a matrix of all pairs of advertisers is not built.
DENSE = 3000
LARGEST_STEP = 0.5


def polish(
    game: Game,
    start: Floats,
    steps: int = 60,
    tolerance: float = 1e-10,
    avoid: Sequence[Floats] = (),
    callback: Progress | None = None,
) -> SolverResult:
    """Newton's method from a profile near rest.

    Args:
        game: the game.
        start: [N] factors; who sits out stays out.
        steps: at most.
        tolerance: residual at which it ends.
        avoid: equilibria already known.
        callback: told the number of each step and its residual.
    """
    factors = clipped(game, start)
    response = respond(game, factors)
    damping, step = 1e-3, 0
    while step < steps and residual(game, factors, response) > tolerance:
        step += 1
        gap = excess(game, factors, response)
        free = (factors > 0) & ((factors < game.cap) | (gap > 0))
        solve = _solver(game, factors, free)
        size = _merit(gap, factors, avoid)
        for _ in range(8):
            move = solve(-gap[free], damping)
            if avoid:
                move = move * _turned(factors, free, move, avoid)
            move *= min(1.0, LARGEST_STEP / max(float(np.abs(move).max(initial=0)), 1e-300))
            trial = factors.copy()
            trial[free] = np.minimum(factors[free] * np.exp(move), game.cap[free])
            answer = respond(game, trial)
            if _merit(excess(game, trial, answer), trial, avoid) < size:
                damping = 0.0 if damping < 1e-6 else damping / 8
                break
            damping = max(4 * damping, 1e-2)
        else:
            break
        factors, response = trial, answer
        if callback:
            callback(step, residual(game, factors, response))
    return SolverResult(factors, response, residual(game, factors, response), step)


def _merit(gap: Floats, factors: Floats, avoid: Sequence[Floats]) -> float:
    """Length of the residual, deflated."""
    return float(np.linalg.norm(gap)) * _deflation(factors, avoid)


def _deflation(factors: Floats, avoid: Sequence[Floats]) -> float:
    here = factors > 0
    total = 1.0
    for known in avoid:
        apart = np.log(factors[here] / np.maximum(known[here], 1e-300))
        total += 1.0 / max(float(apart @ apart), 1e-300)
    return total


def _turned(factors: Floats, free: Mask, move: Floats, avoid: Sequence[Floats]) -> float:
    """Factor on the Newton step under deflation (by the Sherman-Morrison formula)."""
    total, slope = _deflation(factors, avoid), 0.0
    for known in avoid:
        here = factors > 0
        apart = np.log(factors[here] / np.maximum(known[here], 1e-300))
        square = max(float(apart @ apart), 1e-300)
        along = np.log(factors[free] / np.maximum(known[free], 1e-300)) @ move
        slope -= 2.0 * float(along) / square**2
    shrink = 1.0 - slope / total
    return 1.0 / shrink if abs(shrink) > 1e-3 else 1e3


def _solver(game: Game, factors: Floats, free: Mask) -> Solve:
    """From a residual and μ to a step in log factors."""
    count = int(free.sum())
    scale = factors[free] / game.budget[free, None] if count <= DENSE else None
    if scale is not None:
        matrix = cost_jacobian(game, factors)[np.ix_(free, free)] * scale
        diagonal = matrix.diagonal().copy()

        def dense(right: Floats, damping: float) -> Floats:
            damped = matrix + np.diag(damping * diagonal + 1e-12)
            try:
                return np.asarray(np.linalg.solve(damped, right), np.float64)
            except np.linalg.LinAlgError:
                return right / np.maximum(diagonal, 1e-12)

        return dense

    budget = game.budget[free]
    own = deviate(game, factors, factors).slope[free] * factors[free] / budget

    def krylov(right: Floats, damping: float) -> Floats:
        def times(x: Floats) -> Floats:
            direction = np.zeros(len(factors))
            direction[free] = x * factors[free]
            _, change = jvp(game, factors, direction)
            return change.cost[free] / budget + damping * own * x

        shape = (count, count)
        operator = LinearOperator(shape, times)
        inverse = LinearOperator(shape, lambda x: x / np.maximum((1 + damping) * own, 1e-12))
        return gmres(operator, right, rtol=1e-3, restart=30, maxiter=1, M=inverse)[0]

    return krylov
