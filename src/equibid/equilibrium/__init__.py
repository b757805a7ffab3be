"""Equilibria of the bidding game, and proofs of how close a profile is to one."""

from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.certificate import Certificate, Status, certify, compliance
from equibid.equilibrium.game import Game, game_of, sharpness
from equibid.equilibrium.objectives import OBJECTIVES, objective_named
from equibid.equilibrium.response.response import (
    Response,
    cost_jacobian,
    deviate,
    pull_back,
    push_forward,
    respond,
)
from equibid.equilibrium.solvers.registry import SOLVERS
from equibid.equilibrium.solvers.select import Search, best_of, equilibria, search
from equibid.equilibrium.solvers.settle import settle

__all__ = [
    "OBJECTIVES",
    "SOLVERS",
    "Certificate",
    "Game",
    "Response",
    "Search",
    "Status",
    "best_of",
    "best_response",
    "certify",
    "compliance",
    "cost_jacobian",
    "deviate",
    "equilibria",
    "game_of",
    "objective_named",
    "pull_back",
    "push_forward",
    "respond",
    "search",
    "settle",
    "sharpness",
]
