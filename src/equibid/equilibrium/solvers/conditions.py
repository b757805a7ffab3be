"""What the proof of the primal-dual method assumes and leads to, measured at a profile.

Algorithm 1 of arXiv 2503.10304 converges if every advertiser's own factor moves its cost more than
all others' factors together (assumption 3.5). The Jacobian of the equilibrium conditions h is then
regular (lemma G.1), and the method ends where ``∇W + Jᵀ λ = 0`` and ``h = 0`` (theorem 3.4). What
is measured holds at this profile alone; the proof asks for it at all profiles.

There are as many conditions as factors: where J is regular some λ solves the first equation at
every profile, and `violation` alone says how far it is from one that the method may end at.
"""

from dataclasses import dataclass

import numpy as np

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.objectives import WELFARE
from equibid.equilibrium.response.response import cost_jacobian, respond, vjp
from equibid.equilibrium.solvers.primal_dual import PrimalDualSettings, Problem, condition

# Above it no matrix of all pairs of advertisers is made, and no singular values are worked out.
MOST = 1000
# Shares of caps and budgets, next to nothing smoothed.
SHARP = PrimalDualSettings(smoothing=1e-18)


@dataclass(frozen=True)
class Conditions:
    """At one profile, over who bids; factors in shares of caps, costs in shares of budgets.

    Attributes:
        self_dominance: what the others' factors do to an advertiser's cost over what its own does,
            ``Σ_{j≠i} |∂C_i/∂α_j| / (∂C_i/∂α_i)``, factors as they are; the largest of all
            advertisers. Assumption 3.5 asks for less than 1.
        not_dominant: advertisers for which it is 1 or more.
        smallest_singular: least singular value of J = ∂h/∂α.
        violation: the largest |h|: 0 at an equilibrium.
        stationarity: ``|∇W + Jᵀ λ| / |∇W|`` at the λ that makes it least, W the welfare.
    """

    self_dominance: float
    not_dominant: int
    smallest_singular: float
    violation: float
    stationarity: float


def conditions(game: Game, factors: Floats) -> Conditions | None:
    """Measure them at a profile.

    None where nobody bids, factors change by tick, there are more than `MOST` advertisers, or a
    budget is so small that costs in shares of it are no numbers.

    Args:
        game: the game.
        factors: [N] currency per value unit; zero sits out.
    """
    bids = game.players & (np.atleast_2d(factors).max(axis=0) > 0)
    if np.ndim(factors) != 1 or not bids.any() or len(bids) > MOST:
        return None
    slopes = cost_jacobian(game, factors)[np.ix_(bids, bids)]
    response = respond(game, factors)
    cap = game.cap[bids]
    # Who has next to no budget exceeds it by more than there are numbers for.
    with np.errstate(over="ignore", invalid="ignore"):
        whole = condition(Problem(game, SHARP), factors, response)
        h, by_factor, by_cost = (x[bids] for x in whole)
        jacobian = (np.diag(by_factor) + by_cost[:, None] * slopes) * cap
    if not (np.isfinite(jacobian).all() and np.isfinite(h).all()):
        return None
    _, gradient = vjp(game, factors, *WELFARE.weights(game, response))
    ratios = self_dominance(slopes)
    return Conditions(
        self_dominance=float(ratios.max()),
        not_dominant=int((ratios >= 1).sum()),
        smallest_singular=float(np.linalg.svd(jacobian, compute_uv=False).min()),
        violation=float(np.abs(h).max()),
        stationarity=stationarity(jacobian, gradient[bids] * cap),
    )


def self_dominance(slopes: Floats) -> Floats:
    """What the others do to each cost over what its own factor does [N].

    Infinite where a cost follows the others alone; 0 where it follows nobody.

    Args:
        slopes: [N N] ∂C_i/∂α_j.
    """
    own = np.diag(slopes)
    others = np.abs(slopes).sum(axis=1) - np.abs(own)
    ratios = np.where(others > 0, np.inf, 0.0)
    with np.errstate(over="ignore"):
        return np.divide(others, own, out=ratios, where=own > 0)


def stationarity(jacobian: Floats, gradient: Floats) -> float:
    """``|g + Jᵀ λ| / |g|`` at the λ that makes it least; 0 where the gradient is.

    Args:
        jacobian: [N N] J.
        gradient: [N] g.
    """
    size = float(np.linalg.norm(gradient))
    if size == 0:
        return 0.0
    multipliers = np.linalg.lstsq(jacobian.T, -gradient)[0]
    return float(np.linalg.norm(gradient + jacobian.T @ multipliers)) / size
