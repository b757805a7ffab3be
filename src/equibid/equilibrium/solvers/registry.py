"""Ways to a profile, by name.

Each is one function of the game, the objective and a seed; a newcomer is a file and a line here.
(The command line runs `ncb-select` start by start, to show and keep what it finds on the way.)
"""

from dataclasses import replace

import numpy as np

from equibid.equilibrium.game import Game
from equibid.equilibrium.objectives import Objective
from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers import pacing
from equibid.equilibrium.solvers.ascent import Ascent
from equibid.equilibrium.solvers.candidates import CandidateSettings
from equibid.equilibrium.solvers.dynamics import (
    Progress,
    SolverResult,
    best_response_dynamics,
    tatonnement,
)
from equibid.equilibrium.solvers.equilibrium_search import equilibrium_search
from equibid.equilibrium.solvers.primal_dual import PrimalDualSettings, primal_dual
from equibid.equilibrium.solvers.profile import clipped, residual
from equibid.equilibrium.solvers.select import Search, best_of, search
from equibid.registry import Registry

Solver = pacing.Solver
SOLVERS: Registry[Solver] = Registry("method")
"""Ways to an equilibrium by name: each takes a game, an objective, a seed and a progress."""
NCB_SELECT = "ncb-select"
# Advertisers from which a search proposes fewer candidates.
LARGE = 200


def uniform_level(game: Game, steps: int = 60) -> float:
    """The share of the cap at which all together spend all budgets, if everybody bids it."""
    low, high = 0.0, 1.0
    for _ in range(steps):
        middle = 0.5 * (low + high)
        spend = respond(game, clipped(game, middle * game.cap)).revenue
        low, high = (middle, high) if spend <= game.budget.sum() else (low, middle)
    return high if high == 1.0 else low


@SOLVERS.add("uniform", "One share of the cap for all, at which they spend all budgets together.")
def uniform(game: Game, objective: Objective, seed: int, callback: Progress | None) -> SolverResult:
    """Uniform pacing: single budgets are not kept."""
    factors = clipped(game, uniform_level(game) * game.cap)
    response = respond(game, factors)
    return SolverResult(factors, response, residual(game, factors, response), 1)


@SOLVERS.add("tatonnement", "Raise who underspends, lower who overspends, from half the cap.")
def by_tatonnement(
    game: Game, objective: Objective, seed: int, callback: Progress | None
) -> SolverResult:
    """Plain multiplicative tatonnement, 200 steps at rate 0.1."""
    return tatonnement(game, 0.5 * game.cap, steps=200, callback=callback)


@SOLVERS.add("best-response", "Everybody moves part of the way to its best response, repeatedly.")
def by_best_response(
    game: Game, objective: Objective, seed: int, callback: Progress | None
) -> SolverResult:
    """Damped simultaneous best responses, 30 rounds."""
    return best_response_dynamics(game, 0.5 * game.cap, damping=0.3, rounds=30, callback=callback)


@SOLVERS.add("primal-dual", "Algorithm 1 of NCB: augmented Lagrangian, from half the cap.")
def by_primal_dual(
    game: Game, objective: Objective, seed: int, callback: Progress | None
) -> SolverResult:
    """The published method, measured in shares of the market; see `primal_dual`."""
    settings = PrimalDualSettings(objective=objective)
    found = primal_dual(game, 0.5 * game.cap, settings, callback)
    factors, response = found.factors, found.response
    return SolverResult(factors, response, residual(game, factors, response), found.iterations)


@SOLVERS.add("search", "ES: candidates in order of the objective, the first verified one is taken.")
def by_search(
    game: Game, objective: Objective, seed: int, callback: Progress | None
) -> SolverResult:
    """Equilibrium search adapted from HighNashSearch; see `equilibrium_search`."""
    candidate_settings = CandidateSettings(objective=objective)
    if game.market.advertisers > LARGE:
        candidate_settings = replace(
            candidate_settings, starts=1, penalties=(10.0,), ascent=Ascent(steps=40), rest_steps=80
        )
    found = equilibrium_search(
        game, np.random.default_rng(seed), candidate_settings=candidate_settings, callback=callback
    )
    factors, response = found.candidate.factors, found.candidate.response
    return SolverResult(factors, response, residual(game, factors, response), found.verified)


@SOLVERS.add(
    "ncb-select", "Many starts settled, polished and verified; the best that holds is kept."
)
def by_select(
    game: Game, objective: Objective, seed: int, callback: Progress | None
) -> SolverResult:
    """The leader of a search over starts; see `select`."""
    outcomes = list(search(game, objective, Search(seed=seed), callback=callback))
    leader = best_of(outcomes)
    assert leader is not None
    return leader.rest


SOLVERS.add("first-price-pacing", "The one equilibrium of first-price auctions, exactly.")(
    pacing.first_price
)
SOLVERS.add("second-price-pacing", "The best equilibrium of second-price auctions, a few bidders.")(
    pacing.second_price
)
SOLVERS.add("pace", "First-price factors learnt impression by impression, in one pass.")(
    pacing.online
)
