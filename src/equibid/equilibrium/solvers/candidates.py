"""Candidates for an equilibrium: profiles found by several roads, and cut down to the budgets.

- An *ascent* maximises the objective and fines overspending,
  ``W(α) / unit · players - c · Σ max(C_i/B_i - 1, 0)²``: for small c the team's best profile,
  whoever would rather bid otherwise.
- *Rest points* are where tatonnement or best-response dynamics end: equilibria, of any welfare.
- *Interpolation* goes from the rest points to the best of the ascents, in logarithms of factors.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from equibid.equilibrium.best_response import LEAST
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.objectives import WELFARE, Objective
from equibid.equilibrium.response.response import Response, deviate, respond, vjp
from equibid.equilibrium.solvers.ascent import LBFGS, Ascent, climb
from equibid.equilibrium.solvers.dynamics import best_response_dynamics, tatonnement
from equibid.equilibrium.solvers.newton import polish
from equibid.equilibrium.solvers.profile import clipped
from equibid.errors import InputError

Source = Literal["ascent", "tatonnement", "best-response", "interpolation"]
# Profiles whose log factors differ by less are one candidate.
SAME = 1e-6
# A budget overspent by this share counts as kept.
KEPT = 1e-8
# Who is cut down is left with this share of its budget, for what the others' cuts cost it.
AIM = 1e-4


@dataclass(frozen=True)
class CandidateSettings:
    """Settings of the candidates.

    Attributes:
        sources: what is proposed. "interpolation" runs the ascents, and tatonnement unless
            best-response dynamics are a source, whether or not they are proposed themselves.
        starts: profiles every road starts from: the caps, and then random ones.
        lowest_start: factors of random starts are log-uniform between this share of the cap and it.
        penalties: c, an ascent each.
        ascent: how to climb.
        fractions: of the way from a rest point to the best ascent.
        rest_steps: steps of tatonnement at most; best-response dynamics take a tenth.
        objective: W.
    """

    sources: tuple[Source, ...] = ("ascent", "tatonnement", "interpolation")
    starts: int = 4
    lowest_start: float = 0.01
    penalties: tuple[float, ...] = (1.0, 10.0, 100.0)
    ascent: Ascent = LBFGS
    fractions: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    rest_steps: int = 500
    objective: Objective = WELFARE

    def __post_init__(self) -> None:
        known = ("ascent", "tatonnement", "best-response", "interpolation")
        if not self.sources or not set(self.sources) <= set(known):
            raise InputError(f"search: sources={self.sources} must be some of {', '.join(known)}")
        if self.starts < 1 or self.rest_steps < 10:
            raise InputError(
                f"search: starts={self.starts} must be 1 or more, rest_steps={self.rest_steps} 10"
            )
        if not 0 < self.lowest_start <= 1:
            raise InputError(f"search: lowest_start={self.lowest_start:g} must lie in (0, 1]")
        if not self.penalties or min(self.penalties) < 0 or not np.isfinite(self.penalties).all():
            raise InputError(
                f"search: penalties={self.penalties} must be numbers from 0 on, at least one"
            )
        if not all(0 <= part <= 1 for part in self.fractions):
            raise InputError(f"search: fractions={self.fractions} must lie in [0, 1]")


CANDIDATES = CandidateSettings()


@dataclass(frozen=True)
class Candidate:
    """A profile within budgets.

    Attributes:
        source: the road it came by.
        factors: [N] currency per value unit.
        response: returns and costs there.
        value: of the objective.
    """

    source: Source
    factors: Floats
    response: Response
    value: float


def propose(
    game: Game, generator: np.random.Generator, settings: CandidateSettings
) -> list[Candidate]:
    """Distinct candidates, the most valuable first."""
    sources, starts = settings.sources, list(starts_of(game, generator, settings))
    found: list[Candidate] = []

    def add(source: Source, profiles: Iterable[Floats]) -> None:
        for factors in profiles:
            kept, response = within_budget(game, factors)
            value = settings.objective.value(game, response)
            found.append(Candidate(source, kept, response, value))

    between = "interpolation" in sources
    if between or "ascent" in sources:
        add(
            "ascent",
            (penalised_ascent(game, a, c, settings) for a in starts for c in settings.penalties),
        )
    if "best-response" in sources:
        add("best-response", (at_best_response_rest(game, start, settings) for start in starts))
    if "tatonnement" in sources or (between and "best-response" not in sources):
        add("tatonnement", (at_tatonnement_rest(game, start, settings) for start in starts))
    found = distinct(game, found)
    if between:
        team = max((c for c in found if c.source == "ascent"), key=lambda c: c.value)
        rests = [c for c in found if c.source != "ascent"]
        pairs = [(rest, part) for rest in rests for part in settings.fractions]
        add("interpolation", (blend(rest.factors, team.factors, part) for rest, part in pairs))
    proposed = [candidate for candidate in found if candidate.source in sources]
    return distinct(game, sorted(proposed, key=lambda c: -c.value))


def starts_of(
    game: Game, generator: np.random.Generator, settings: CandidateSettings
) -> Iterator[Floats]:
    """The caps, and random profiles [N] below them."""
    yield clipped(game, game.cap)
    for _ in range(settings.starts - 1):
        depth = generator.random(len(game.cap)) * np.log(settings.lowest_start)
        yield clipped(game, game.cap * np.exp(depth))


def penalised_ascent(game: Game, start: Floats, fine: float, settings: CandidateSettings) -> Floats:
    """Maximise the objective less ``c · Σ max(C/B - 1, 0)²``; factors [N] in shares of the caps."""
    aim, players = settings.objective, game.players
    budget, cap = np.where(players, game.budget, 1.0), np.where(players, game.cap, 1.0)
    unit = aim.unit(game) / max(int(players.sum()), 1)

    def slope(level: Floats) -> tuple[float, Floats]:
        factors = level * cap
        response = respond(game, factors)
        over = np.where(players, np.maximum(response.cost / budget - 1, 0), 0)
        by_returns, by_costs = aim.weights(game, response)
        toll = by_costs / unit - 2 * fine * over / budget
        _, gradient = vjp(game, factors, by_returns / unit, toll)
        value = aim.value(game, response) / unit - fine * float(over @ over)
        return value, np.where(players, gradient * cap, 0)

    high = np.where(players, 1.0, 0.0)
    low = LEAST * high
    return cap * climb(slope, np.maximum(start / cap, low), low, high, settings.ascent)


def at_tatonnement_rest(game: Game, start: Floats, settings: CandidateSettings) -> Floats:
    """Where tatonnement rests, polished."""
    return polish(game, tatonnement(game, start, steps=settings.rest_steps).factors).factors


def at_best_response_rest(game: Game, start: Floats, settings: CandidateSettings) -> Floats:
    """Where damped best responses rest, polished."""
    rounds = settings.rest_steps // 10
    end = best_response_dynamics(game, start, damping=0.5, rounds=rounds, tolerance=1e-6)
    return polish(game, end.factors).factors


def blend(rest: Floats, team: Floats, part: float) -> Floats:
    """Geometric mean; between its ends, who sits out at one of them sits out."""
    return rest ** (1 - part) * team**part


def within_budget(game: Game, factors: Floats, most: int = 200) -> tuple[Floats, Response]:
    """Scale factors of overspenders down until all costs fit.

    A Newton step of all of them on their own costs at a time, so that they may end a little lower
    than they must. It aims a little below the budget, as a lower factor makes the others win more,
    and pay for it. Who overspends even after `most` steps, or at next to no bid, sits out.

    Args:
        game: the game.
        factors: [N] currency per value unit.
        most: steps.
    """
    factors = clipped(game, factors)
    for step in range(most + len(factors)):
        own = deviate(game, factors, factors)
        over = (factors > 0) & (own.cost > game.budget * (1 + KEPT))
        if not over.any():
            break
        bend = (own.slope * factors)[over] / own.cost[over]
        fall = np.log(own.cost[over] / game.budget[over]) + AIM
        lower = factors[over] * np.exp(-np.minimum(fall / np.maximum(bend, 0.1), 0.5))
        gone = (lower < LEAST * game.cap[over]) | (step >= most)
        factors[over] = np.where(gone, 0.0, lower)
    return factors, respond(game, factors)


def distinct(game: Game, candidates: list[Candidate]) -> list[Candidate]:
    """Drop candidates that an earlier one equals."""
    kept: list[Candidate] = []
    logs: list[Floats] = []
    players = game.players
    for candidate in candidates:
        here = np.log(np.maximum(candidate.factors, LEAST * game.cap)[players])
        if all(np.abs(here - other).max(initial=0) > SAME for other in logs):
            kept.append(candidate)
            logs.append(here)
    return kept
