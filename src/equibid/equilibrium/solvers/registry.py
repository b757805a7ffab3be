"""Ways to a profile, by name.

Each is one function of the game, the objective and a seed; arguments with a default are its
settings. A newcomer is a file and a line here. (The command line runs `ncb-select` start by start,
to show and keep what it finds on the way.)
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

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
from equibid.registry import Registry, named
from equibid.settings import Within

Solver = pacing.Solver
Positive = Annotated[float, Within(above=0)]
Share = Annotated[float, Within(above=0, most=1)]
Count = Annotated[int, Within(least=1)]

SOLVERS: Registry[Callable[..., SolverResult]] = Registry("method")
"""Ways to an equilibrium by name: each takes a game, an objective, a seed and a progress, and its
own settings."""
NCB_SELECT = "ncb-select"
# Advertisers from which a search proposes fewer candidates.
LARGE = 200
# A gain that is a rounding error of best responses, a share of welfare.
ROUNDING = 1e-12


def solver_named(text: str) -> Solver:
    """The method ``name`` or ``name:setting=value,…``, as ``primal-dual:penalty=10``.

    Raises:
        InputError: there is no such method or setting, or a setting takes no such value.
    """
    name, settings = named(SOLVERS, text)
    return partial(SOLVERS[name], **settings)


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
    game: Game,
    objective: Objective,
    seed: int,
    callback: Progress | None,
    rate: Positive = 0.1,
    steps: Count = 200,
) -> SolverResult:
    """Plain multiplicative tatonnement.

    Args:
        game: the game.
        objective: not used.
        seed: not used.
        callback: told the number of each step and its residual.
        rate: η, exponent of budget over cost in a step.
        steps: that are taken, at most.
    """
    return tatonnement(game, 0.5 * game.cap, rate, steps, callback=callback)


@SOLVERS.add("best-response", "Everybody moves part of the way to its best response, repeatedly.")
def by_best_response(
    game: Game,
    objective: Objective,
    seed: int,
    callback: Progress | None,
    damping: Share = 0.3,
    rounds: Count = 30,
) -> SolverResult:
    """Damped simultaneous best responses.

    Args:
        game: the game.
        objective: not used.
        seed: not used.
        callback: told the number of each round and its largest move.
        damping: share of the way to the best response that is gone in a round.
        rounds: of moves, at most.
    """
    half = 0.5 * game.cap
    return best_response_dynamics(game, half, damping=damping, rounds=rounds, callback=callback)


@SOLVERS.add("primal-dual", "Algorithm 1 of NCB: augmented Lagrangian, from half the cap.")
def by_primal_dual(
    game: Game,
    objective: Objective,
    seed: int,
    callback: Progress | None,
    penalty: Positive = 100.0,
    growth: Annotated[float, Within(least=1)] = 1.0,
    outer: Count = 40,
    smoothing: Positive = 1e-8,
    units: Literal["shares", "raw"] = "shares",
) -> SolverResult:
    """The published method, see `primal_dual`.

    Args:
        game: the game.
        objective: what is maximised.
        seed: not used.
        callback: told the number of each dual step and the largest violation.
        penalty: ρ, weight of the squared violations of the equilibrium conditions.
        growth: factor on ρ after each dual step.
        outer: dual steps at most.
        smoothing: μ of the Fischer-Burmeister function, in units of h squared.
        units: violations in shares of caps and budgets, or raw, in money, as published.
    """
    settings = PrimalDualSettings(
        penalty=penalty,
        growth=growth,
        outer=outer,
        smoothing=smoothing,
        units=units,
        objective=objective,
    )
    found = primal_dual(game, 0.5 * game.cap, settings, callback)
    factors, response = found.factors, found.response
    notice = ""
    if not found.converged:
        notice = (
            f"primal-dual did not converge: after {found.iterations} dual steps an equilibrium "
            f"condition is missed by {found.largest_violation:.2g}. Another penalty may help, as "
            f"in --method primal-dual:penalty={penalty / 10:g}."
        )
    gap = residual(game, factors, response)
    return SolverResult(factors, response, gap, found.iterations, notice)


@SOLVERS.add("search", "ES: candidates in order of the objective, the first verified one is taken.")
def by_search(
    game: Game,
    objective: Objective,
    seed: int,
    callback: Progress | None,
    epsilon: Annotated[float, Within(least=0)] = 1e-4,
    starts: Count | None = None,
    most: Count = 64,
) -> SolverResult:
    """Equilibrium search adapted from HighNashSearch; see `equilibrium_search`.

    Args:
        game: the game.
        objective: orders the candidates.
        seed: draws the starts.
        callback: told how many candidates were verified, and the last one's exploitability.
        epsilon: largest gain that an advertiser may leave, as a share of welfare.
        starts: profiles from which candidates are made; default 4, and 1 above 200 advertisers.
        most: candidates that are verified, at most.
    """
    candidate_settings = CandidateSettings(objective=objective)
    if game.market.advertisers > LARGE:
        candidate_settings = replace(
            candidate_settings, starts=1, penalties=(10.0,), ascent=Ascent(steps=40), rest_steps=80
        )
    if starts is not None:
        candidate_settings = replace(candidate_settings, starts=starts)
    found = equilibrium_search(
        game,
        np.random.default_rng(seed),
        max(epsilon, ROUNDING),
        candidate_settings,
        most,
        callback,
    )
    factors, response = found.candidate.factors, found.candidate.response
    taken = (
        f"search took the best of {found.proposed} candidates from which nobody gains more than "
        f"{epsilon:g} of welfare: number {found.verified} in order of the objective."
    )
    least = (
        f"search found no profile from which nobody gains more than {epsilon:g} of welfare among "
        f"{found.verified} candidates. This is the one of the least gain, "
        f"{found.exploitability:.2g}."
    )
    notice = taken if found.accepted else least
    gap = residual(game, factors, response)
    return SolverResult(factors, response, gap, found.verified, notice)


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
