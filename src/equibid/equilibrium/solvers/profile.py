"""How far a profile is from spending budgets exactly, which is what equilibrium asks.

At an equilibrium every advertiser that bids spends its budget, or bids its cap and spends less
(arXiv 2503.10304, equation 4): ``min(ᾱ_i - α_i, B_i - C_i) = 0``.
"""

import numpy as np

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response.response import Deviation, Response


def clipped(game: Game, factors: Floats) -> Floats:
    """The factors within 0 and the cap, 0 for who is no player."""
    return np.where(game.players, np.clip(factors, 0, game.cap), 0.0)


def excess(game: Game, factors: Floats, response: Response | Deviation) -> Floats:
    """[N] cost over budget minus one, of each advertiser that could mend it.

    Zero for who sits out, and for who bids its cap without spending its budget.
    """
    active = factors > 0
    share = response.cost / np.where(active, game.budget, 1.0) - 1.0
    idle = ~active | ((factors >= game.cap) & (share < 0))
    return np.where(idle, 0.0, share)


def residual(game: Game, factors: Floats, response: Response | Deviation) -> float:
    """The largest `excess` in absolute value."""
    return float(np.abs(excess(game, factors, response)).max(initial=0.0))
