"""What the factors should have been: equilibria of what was left of a day.

At tick t of a period that is over, the impressions from t on and the money everybody had left make
a game of their own, and the target is its equilibrium. A game may have several equilibria; which
one is taken is a fixed rule, so that targets move steadily from tick to tick: tatonnement from the
targets of the tick before, then Newton's method. Source: Nash-equilibrium constrained bidding at
scale (arXiv 2503.10304), the practical predictor, with this rule in place of its algorithm 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.solvers.dynamics import SolverResult, tatonnement
from equibid.equilibrium.solvers.newton import polish
from equibid.markets.market import span
from equibid.simulation.features import Reference

# A factor that fell to this share of its cap starts anew from there, so that nobody is lost.
LEAST_START = 1e-6


@dataclass(frozen=True)
class Solver:
    """How a game is brought to rest."""

    rate: float = 0.3
    """Rate η of tatonnement."""
    rounds: int = 60
    """Rounds of tatonnement, at most."""
    polishing: int = 12
    """Steps of Newton's method, at most."""
    tolerance: float = 1e-3
    """Largest share of a budget over- or underspent that is let be."""

    def solve(self, game: Game, start: Floats) -> SolverResult:
        """An equilibrium near a start, or what came closest."""
        rest = tatonnement(game, start, self.rate, self.rounds, self.tolerance)
        if rest.residual <= self.tolerance:
            return rest
        return polish(game, rest.factors, self.polishing, self.tolerance)


SOLVER = Solver()


def cold_start(game: Game) -> Floats:
    """[N] where nothing is known: half the cap."""
    return game.cap / 2


def remainder(game: Game, tick: int, remaining: npt.ArrayLike) -> Game:
    """The game of the impressions from a tick on.

    Args:
        game: of the whole period.
        tick: t.
        remaining: [N] money left at its start, currency.
    """
    market = game.market
    rest = span(market, int(market.tick_start[tick]), market.impressions) if tick else market
    return replace(game, market=rest.with_budget(jnp.asarray(remaining)))


def targets(
    game: Game,
    remaining: Floats,
    ticks: Sequence[int],
    start: Floats,
    solver: Solver = SOLVER,
) -> tuple[Floats, Floats]:
    """The equilibrium of what was left, at some ticks of a period that is over.

    Args:
        game: of the whole period.
        remaining: [T N] money at the start of each tick, currency.
        ticks: at which to solve, ascending.
        start: [N] factors to start the first from.
        solver: how.

    Returns:
        [ticks N] factors, 0 for who had no money or nothing to buy; and as much the share of the
        advertiser's value of the whole period that was still to come.
    """
    factors, left = [], []
    worth = np.maximum(game.worth, 1e-300)
    for tick in ticks:
        rest = remainder(game, tick, remaining[tick])
        left.append(rest.worth / worth)
        if rest.market.impressions and rest.players.any():
            begin = np.maximum(start, LEAST_START * game.cap)
            solved = solver.solve(rest, begin).factors
            start = np.where(rest.players, solved, start)
            factors.append(solved)
        else:
            factors.append(np.zeros_like(start))
    return np.stack(factors), np.stack(left)


def reference_of(game: Game, start: Floats | None = None, solver: Solver = SOLVER) -> Reference:
    """What a day leaves for the next: its equilibrium, and how much there was to bid on.

    Args:
        game: of the day before.
        start: [N] factors to start from; half the cap if None.
        solver: how.
    """
    market = game.market
    factor = solver.solve(game, cold_start(game) if start is None else start).factors
    values = np.asarray(market.values)
    if market.candidates is None:
        offered = (values > 0).sum(axis=0).astype(np.float64)
    else:
        ids = np.asarray(market.candidates)[values > 0]
        offered = np.bincount(ids, minlength=market.advertisers).astype(np.float64)
    return Reference(
        # Who sat the day out tries its cap: nothing says that it is too much.
        factor=jnp.asarray(np.where(factor > 0, factor, game.cap)),
        offered=jnp.asarray(offered / market.ticks),
        mean_value=jnp.asarray(game.worth / np.maximum(offered, 1)),
    )
