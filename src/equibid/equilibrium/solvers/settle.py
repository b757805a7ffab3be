"""From any start to an equilibrium: dynamics until nearly at rest, then Newton's method.

Tatonnement brings most advertisers near rest in a few dozen steps. Those it leaves far off, whose
costs jump at a touch, move to their best responses; Newton's method does the rest. Where it stalls,
the round is repeated with slower dynamics, and in the end from the rest point of a warmer auction.
"""

import numpy as np

from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.game import Floats, Game, default_temperature
from equibid.equilibrium.solvers.dynamics import Progress, SolverResult, tatonnement
from equibid.equilibrium.solvers.newton import polish
from equibid.equilibrium.solvers.profile import clipped, excess

# Rates of the rounds of tatonnement, and their steps.
ROUNDS = ((0.5, 30), (0.25, 60), (0.1, 150))
# A temperature to the next lower one, on the way down.
COOLING = 0.5


def settle(
    game: Game,
    start: Floats,
    tolerance: float = 1e-9,
    warmer: bool = True,
    callback: Progress | None = None,
) -> SolverResult:
    """A profile at rest, from a start.

    Args:
        game: the game.
        start: [N] factors.
        tolerance: residual at which it ends.
        warmer: as a last resort, follow the rest point down from a warmer auction.
        callback: told the number of each step of the dynamics and its residual.

    Returns:
        The first profile within the tolerance, else the one with the smallest residual.
    """
    best: SolverResult | None = None
    factors = start
    for rate, steps in ROUNDS:
        rest = tatonnement(game, factors, rate, steps, 1e-3, elastic=True, callback=callback)
        factors = rest.factors
        end = polish(game, _lift_far(game, rest), tolerance=tolerance)
        best = end if best is None or end.residual < best.residual else best
        if best.residual <= tolerance:
            return best
    if warmer:
        end = annealed(game, start, tolerance, callback)
        best = end if best is None or end.residual < best.residual else best
    assert best is not None
    return best


def annealed(
    game: Game, start: Floats, tolerance: float = 1e-9, callback: Progress | None = None
) -> SolverResult:
    """A profile at rest, followed down from a warm auction in which starts lead further.

    The warm temperature is the market's own (`default_temperature`), or eight times the game's if
    that is more; half of it is next, until the game's is reached.
    """
    goal = game.auction.temperature
    temperature = max(8 * goal, default_temperature(game.market))
    factors = settle(game.at(temperature), start, 1e-6, warmer=False, callback=callback).factors
    while temperature > goal:
        temperature = max(COOLING * temperature, goal)
        here = game.at(temperature)
        close = tolerance if temperature == goal else 1e-6
        rest = polish(here, factors, tolerance=close, callback=callback)
        if rest.residual > close:
            rest = settle(here, factors, close, warmer=False, callback=callback)
        factors = rest.factors
    return polish(game, factors, tolerance=tolerance)


def _lift_far(game: Game, rest: SolverResult, far: float = 0.05) -> Floats:
    """Who is far from spending its budget moves to its best response, one group at a time."""
    factors = clipped(game, rest.factors)
    off = np.abs(excess(game, factors, rest.response)) > far
    if not off.any() or off.mean() > 0.2:
        return factors
    answer = best_response(game, factors)
    return np.where(off & (answer.factor > 0), answer.factor, factors)
