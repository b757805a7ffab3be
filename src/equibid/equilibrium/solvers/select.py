"""NCB-select: the welfare-best equilibrium that a serious search finds.

Every regular equilibrium satisfies the optimality conditions of the constrained problem of arXiv
2503.10304 (as many equations as unknowns, with an invertible Jacobian), so that its Algorithm 1
does not choose between them; where a search starts does. So: many starts, each settled to rest and
verified by best responses, and the best of those that hold is kept. Some starts are settled in a
warm auction and followed down to the game's temperature, as a sharp auction has equilibria that few
starts lead to. In small markets deflation also finds equilibria that no dynamic comes to.

A search is a sequence of outcomes, each a function of the game, the seed, its index and the
outcomes before it; it can be stopped after any and gone on with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.objectives import Objective
from equibid.equilibrium.solvers.dynamics import Progress, SolverResult
from equibid.equilibrium.solvers.newton import polish
from equibid.equilibrium.solvers.profile import clipped
from equibid.equilibrium.solvers.settle import annealed, settle

# Shares of the cap that everybody starts from, before chance has a say.
LEVELS = (0.5, 1.0, 0.1, 0.02)
KINDS = ("scattered", "ordered", "perturbed", "cooled")


@dataclass(frozen=True)
class Search:
    """Settings of a search.

    Attributes:
        starts: how many profiles are settled.
        deflated: how many more are polished away from all equilibria known by then.
        seed: of the starts.
        tolerance: gain over welfare, and budget residual, up to which a profile is an equilibrium.
    """

    starts: int = 12
    deflated: int = 0
    seed: int = 0
    tolerance: float = 1e-6


@dataclass(frozen=True)
class Outcome:
    """Where a start led.

    Attributes:
        index: of the start.
        kind: how it was made.
        rest: the profile it came to.
        gain: largest gain of a best factor, over welfare.
        objective: what the search maximises, there.
        holds: whether it is an equilibrium within the tolerance.
    """

    index: int
    kind: str
    rest: SolverResult
    gain: float
    objective: float
    holds: bool


def search(
    game: Game,
    objective: Objective,
    settings: Search,
    before: Sequence[Outcome] = (),
    callback: Progress | None = None,
) -> Iterator[Outcome]:
    """Outcomes one after the other, from where `before` ended."""
    outcomes = list(before)
    for index in range(len(outcomes), settings.starts + settings.deflated):
        outcome = run_start(game, objective, settings, index, outcomes, callback)
        outcomes.append(outcome)
        yield outcome


def run_start(
    game: Game,
    objective: Objective,
    settings: Search,
    index: int,
    before: Sequence[Outcome],
    callback: Progress | None = None,
) -> Outcome:
    """The outcome of one start."""
    random = np.random.default_rng([settings.seed, index])
    leader = best_of(before)
    kind, start = start_of(game, random, index, leader.rest.factors if leader else None)
    # Residuals are shares of a budget; a thousandth of the tolerance leaves the gain within it.
    close = settings.tolerance * 1e-3
    if kind == "cooled" and index < settings.starts:
        rest = annealed(game, start, close, callback)
    elif index < settings.starts:
        rest = settle(game, start, close, callback=callback)
    else:
        known = [outcome.rest.factors for outcome in equilibria(before)]
        kind, start = "deflated", between(game, random, known, start)
        rest = polish(game, start, 100, close, known, callback)
    return verified(game, objective, settings.tolerance, index, kind, rest)


def verified(
    game: Game, objective: Objective, tolerance: float, index: int, kind: str, rest: SolverResult
) -> Outcome:
    """A profile at rest with the best responses to it."""
    answer = best_response(game, rest.factors)
    largest = max(float((answer.returns - rest.response.returns).max(initial=0)), 0.0)
    gain = largest / max(rest.response.welfare, 1e-300)
    return Outcome(
        index=index,
        kind=kind,
        rest=rest,
        gain=gain,
        objective=objective.value(game, rest.response),
        holds=gain <= tolerance and rest.residual <= tolerance,
    )


def best_of(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The best equilibrium; where there is none, the profile that anybody gains least by leaving.

    Of equals the first.
    """
    if not outcomes:
        return None
    held = [outcome for outcome in outcomes if outcome.holds]
    if held:
        return max(held, key=lambda outcome: outcome.objective)
    return min(outcomes, key=lambda outcome: max(outcome.gain, outcome.rest.residual))


def equilibria(outcomes: Sequence[Outcome], apart: float = 1e-4) -> list[Outcome]:
    """The distinct equilibria among outcomes, in order of discovery.

    Two are the same if no factor differs by more than this share.
    """
    found: list[Outcome] = []
    for outcome in outcomes:
        here = outcome.rest.factors
        if outcome.holds and not any(
            (np.abs(here - other.rest.factors) <= apart * np.maximum(here, 1e-300)).all()
            for other in found
        ):
            found.append(outcome)
    return found


def start_of(
    game: Game, random: np.random.Generator, index: int, leader: Floats | None
) -> tuple[str, Floats]:
    """The name and the profile of a start."""
    advertisers = len(game.cap)
    if index < len(LEVELS):
        return f"{LEVELS[index]:g} of the cap", clipped(game, LEVELS[index] * game.cap)
    kind = KINDS[index % len(KINDS)]
    if kind == "perturbed" and leader is not None:
        shift = random.normal(0, 0.7, advertisers)
        return kind, clipped(game, leader * np.exp(shift))
    if kind == "ordered":
        # Who comes first in a random order bids high, and the others find prices that suit it.
        place = random.permutation(advertisers) / max(advertisers - 1, 1)
        return kind, clipped(game, game.cap * np.exp(-random.uniform(1, 5) * place))
    low = np.log(random.uniform(0.01, 0.5))
    return "scattered", clipped(game, game.cap * np.exp(random.uniform(low, 0, advertisers)))


def between(
    game: Game, random: np.random.Generator, known: Sequence[Floats], otherwise: Floats
) -> Floats:
    """A start between two known equilibria.

    Regular equilibria have an index of ±1 and the indices sum to one, so that between two that
    dynamics find there is one that they leave.
    """
    if len(known) < 2:
        return otherwise
    one, other = (known[i] for i in random.choice(len(known), 2, replace=False))
    share, noise = random.random(), random.normal(0, 0.05, len(one))
    bids = (one > 0) & (other > 0)
    mixed = np.where(bids, one, 1.0) ** share * np.where(bids, other, 1.0) ** (1 - share)
    return clipped(game, np.where(bids, mixed * np.exp(noise), np.maximum(one, other)))
