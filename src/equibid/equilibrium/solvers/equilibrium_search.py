"""Equilibrium search (ES): propose profiles, and take the best that nobody would leave.

Candidates (`candidates`) are verified in descending order of the objective; the first at which no
advertiser gains more than ``ε · welfare`` by a best response is the answer. If there is none, it is
the candidate whose largest gain is the least share of its welfare. A smaller ε therefore never
leads to a higher objective.

Source: HighNashSearch (Jothimurugan et al., CAV 2022, arXiv 2206.03348), adapted to bidding:
enumerate joint strategies by welfare, verify best first. Departures, as advertisers are many, bids
are numbers, and nobody sees who bids what:

- no punishment of deviators; what is verified is an ε-equilibrium of factors as they stand;
- returns and costs are exact expectations, so that the order needs no confidence bounds, and all
  best responses are solved at once, after a few trials that reject most candidates;
- candidates come from optimisation and dynamics instead of task graphs; joint policies trained on
  the team's reward are not among them.
"""

from dataclasses import dataclass

import numpy as np

from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response.response import deviate
from equibid.equilibrium.solvers.candidates import CANDIDATES, Candidate, CandidateSettings, propose
from equibid.equilibrium.solvers.dynamics import Progress
from equibid.errors import InputError

# Trials lie this far from the factor to the cap, in logarithms; factors count as no lower than
# a thousandth of the cap.
TRIALS = (0.05, 0.3, 1.0)
LOWEST = 1e-3


@dataclass(frozen=True)
class Found:
    """The answer.

    Attributes:
        candidate: the profile.
        gain: [N] what each advertiser's best response adds to its returns, value units.
        exploitability: largest gain, as a share of the welfare.
        accepted: whether that is at most ε.
        verified: candidates looked at.
        proposed: candidates there were.
    """

    candidate: Candidate
    gain: Floats
    exploitability: float
    accepted: bool
    verified: int
    proposed: int


def equilibrium_search(
    game: Game,
    generator: np.random.Generator,
    epsilon: float = 1e-4,
    candidate_settings: CandidateSettings = CANDIDATES,
    most: int = 64,
    callback: Progress | None = None,
) -> Found:
    """Propose, then verify best first.

    Args:
        game: the game.
        generator: draws the starts.
        epsilon: ε, largest gain an advertiser may have, as a share of everybody's welfare. It asks
            little where advertisers are many: among a thousand, the average one's whole return is
            0.001. Compare `Found.gain` with returns.
        candidate_settings: where candidates come from, and the objective.
        most: candidates verified.
        callback: told how many candidates were verified, and the last one's exploitability, or a
            lower bound that rejects it.

    Raises:
        InputError: epsilon is negative or `most` below 1.
    """
    if not epsilon >= 0 or most < 1:
        raise InputError(f"search: epsilon={epsilon:g} must be 0 or more and most={most} 1 or more")
    queue = propose(game, generator, candidate_settings)
    rejected: list[tuple[float, Candidate]] = []
    for count, candidate in enumerate(queue[:most], 1):
        least = share(candidate, quick_gain(game, candidate))
        if least <= epsilon:
            gain = best_gain(game, candidate)
            least = share(candidate, gain)
            if least <= epsilon:
                if callback:
                    callback(count, least)
                return Found(candidate, gain, least, True, count, len(queue))
        rejected.append((least, candidate))
        if callback:
            callback(count, least)
    candidate, gain = least_exploitable(game, rejected)
    return Found(candidate, gain, share(candidate, gain), False, len(rejected), len(queue))


def least_exploitable(
    game: Game, rejected: list[tuple[float, Candidate]]
) -> tuple[Candidate, Floats]:
    """The candidate of least exploitability, and its gains; of equals the first.

    Args:
        game: the game.
        rejected: candidates, each with a lower bound of its exploitability.
    """
    best, least = None, np.inf
    for bound, candidate in sorted(rejected, key=lambda pair: pair[0]):
        if bound >= least:
            break
        gain = best_gain(game, candidate)
        here = share(candidate, gain)
        if here < least:
            best, least = (candidate, gain), here
    assert best is not None
    return best


def share(candidate: Candidate, gain: Floats) -> float:
    """The largest gain as a share of the welfare; 0 where nobody gains."""
    largest = float(gain.max(initial=0.0))
    return largest / max(candidate.response.welfare, 1e-300) if largest > 0 else 0.0


def best_gain(game: Game, candidate: Candidate) -> Floats:
    """What each advertiser's best response adds to its returns [N], value units."""
    best = best_response(game, candidate.factors)
    return np.maximum(best.returns - candidate.response.returns, 0.0)


def quick_gain(game: Game, candidate: Candidate) -> Floats:
    """A lower bound [N] of `best_gain`: a few trials between the factor and the cap."""
    cap = np.where(game.players, game.cap, 1.0)
    low = np.log(np.maximum(candidate.factors, LOWEST * cap))
    gain = np.zeros(len(low))
    for part in TRIALS:
        trial = np.exp((1 - part) * low + part * np.log(cap))
        there = deviate(game, candidate.factors, np.where(game.players, trial, 0))
        more = np.where(there.cost <= game.budget, there.returns - candidate.response.returns, 0)
        gain = np.maximum(gain, more)
    return gain
