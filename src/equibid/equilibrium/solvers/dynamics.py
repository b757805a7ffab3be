"""Dynamics: how a market that everybody pays attention to comes to rest.

Tatonnement raises the factor of who spends too little and lowers that of who spends too much:

    α_i ← min(ᾱ_i, α_i · (B_i / C_i)^η)

(multiplicative form of adaptive pacing, Balseiro & Gur 2019). With `elastic` the exponent is
divided by the elasticity of the own cost, which makes the step of a sharp auction, whose costs jump
at small changes, as small as it must be. Best-response dynamics move a group of advertisers to its
best responses at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equibid.equilibrium.best_response import LEAST, best_response
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response.response import Deviation, Response, deviate, respond
from equibid.equilibrium.solvers.profile import clipped, residual

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class SolverResult:
    """Where a dynamic ended.

    Attributes:
        factors: [N] currency per value unit.
        response: returns and costs there.
        residual: largest share of a budget over- or underspent, see `profile.residual`.
        steps: taken.
        notice: what the method says of the profile under another rule than the game's, or nothing.
    """

    factors: Floats
    response: Response
    residual: float
    steps: int
    notice: str = ""


def tatonnement(
    game: Game,
    start: Floats,
    rate: float = 0.1,
    steps: int = 4000,
    tolerance: float = 1e-9,
    elastic: bool = False,
    callback: Progress | None = None,
) -> SolverResult:
    """Multiplicative tatonnement until budgets are spent.

    Args:
        game: the game.
        start: [N] factors.
        rate: η.
        steps: at most.
        tolerance: residual at which it rests.
        elastic: divide η by the elasticity of each advertiser's own cost, where that is above 1.
        callback: told the number of each step and its residual.
    """
    factors = clipped(game, start)
    here = _look(game, factors, elastic)
    gap, step = residual(game, factors, here), 0
    while step < steps and gap > tolerance:
        bids = factors > 0
        # A thousandfold underspending is as good a reason to bid more as any greater one.
        cost = np.maximum(here.cost, 1e-3 * game.budget)
        ratio = np.where(bids, game.budget, 1.0) / np.where(bids, cost, 1.0)
        pace = np.full(len(factors), rate)
        if isinstance(here, Deviation):
            elasticity = here.slope * factors / np.maximum(here.cost, 1e-300)
            pace /= np.maximum(elasticity, 1.0)
        factors = np.minimum(game.cap, factors * ratio**pace)
        here = _look(game, factors, elastic)
        # Who is charged more than its budget for bidding next to nothing sits out.
        priced_out = (factors < game.cap * LEAST) & (here.cost > game.budget)
        if priced_out.any():
            factors = np.where(priced_out, 0.0, factors)
            here = _look(game, factors, elastic)
        gap, step = residual(game, factors, here), step + 1
        if callback:
            callback(step, gap)
    response = Response(here.returns, here.cost)
    return SolverResult(factors, response, gap, step)


def _look(game: Game, factors: Floats, elastic: bool) -> Response | Deviation:
    """The response; with the slope of everybody's own cost where that is wanted."""
    return deviate(game, factors, factors) if elastic else respond(game, factors)


def best_response_dynamics(
    game: Game,
    start: Floats,
    groups: int = 1,
    damping: float = 1.0,
    rounds: int = 200,
    tolerance: float = 1e-9,
    order: np.random.Generator | None = None,
    callback: Progress | None = None,
) -> SolverResult:
    """Groups of advertisers take turns to move to their best responses.

    Args:
        game: the game.
        start: [N] factors.
        groups: 1 moves all at once, N one after the other.
        damping: share of the way to the best response that is gone.
        rounds: in which every group moves once, at most.
        tolerance: largest move, as a share of the cap, at which it rests.
        order: shuffles the groups anew in every round; None keeps them in order.
        callback: told the number of each round and its largest move.
    """
    factors = clipped(game, start)
    seats = np.arange(len(factors))
    step = 0
    for step in range(1, rounds + 1):
        before = factors
        if order is not None:
            seats = order.permutation(seats)
        for turn in np.array_split(seats, groups):
            answer = best_response(game, factors)
            factors = factors.copy()
            factors[turn] += damping * (answer.factor - factors)[turn]
        move = float((np.abs(factors - before) / game.cap).max())
        if callback:
            callback(step, move)
        if move <= tolerance:
            break
    response = respond(game, factors)
    return SolverResult(factors, response, residual(game, factors, response), step)
