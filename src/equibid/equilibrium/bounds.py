"""What is possible at all: upper bounds on the welfare of a market.

First best: every impression goes to whom it is worth most. No profile of factors exceeds it, with
or without budgets; as τ → 0 a common, low factor reaches it within every budget.

Liquid welfare counts an advertiser's value in money, at its cap, and at most its budget:
Σ min(B_i, ᾱ_i R_i). It is bounded by a linear programme whose Lagrangian dual is

    D(w) = Σ_i (1 - w_i/ᾱ_i) B_i + Σ_k max_i w_i v_ki      for any 0 ≤ w ≤ ᾱ,

so that every w proves a bound (Dobzinski & Paes Leme 2014; the dual of the paced Eisenberg-Gale
programme of Conitzer et al. 2022).
"""

from dataclasses import replace

import numpy as np

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response.response import respond

SHARP = 1e-12


def first_best(game: Game) -> float:
    """Σ_k max_i v_ki over the players, value units."""
    return _greatest(game, np.where(game.players, 1.0, 0.0))[0]


def liquid_welfare(game: Game, returns: Floats) -> float:
    """Σ min(B_i, ᾱ_i R_i) over the players, currency."""
    return float(np.minimum(game.budget, game.cap * returns)[game.players].sum())


def liquid_bound(game: Game, rounds: int = 100) -> float:
    """A proven upper bound on the liquid welfare of any allocation, currency.

    Args:
        game: the game.
        rounds: steps that lower the dual; more give a tighter bound.
    """
    players = game.players
    if not players.any():
        return 0.0
    cap, budget = np.where(players, game.cap, 0.0), np.where(players, game.budget, 0.0)
    level = cap.copy()
    least = np.inf
    for turn in range(rounds):
        highest, won = _greatest(game, level)
        free = 1 - level / np.where(players, cap, 1.0)
        least = min(least, float(free @ budget) + highest)
        worth = cap * won
        step = 0.5 / (1 + turn) ** 0.5
        pull = (budget - worth) / np.maximum(np.maximum(budget, worth), 1e-300)
        before, level = level, np.minimum(cap, level * np.exp(step * pull))
        if (level == before).all():
            break
    return least


def _greatest(game: Game, level: Floats) -> tuple[float, Floats]:
    """Σ_k max_i w_i v_ki, and the value [N] each wins that way."""
    alone = replace(game.market, market_price=None, bid_cap=float("inf"))
    scale = float(np.max(level, initial=0.0)) or 1.0
    sharp = replace(game, market=alone).at(SHARP * scale)
    won = respond(sharp, level).returns
    return float(level @ won), won
