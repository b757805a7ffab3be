"""Equilibria of the bidding game, and proofs of how close a profile is to one."""

from equibid.equilibrium.best_response import best_response, best_response_vjp
from equibid.equilibrium.certificate import Certificate, Status, certify, compliance
from equibid.equilibrium.game import Game, default_temperature, game_of
from equibid.equilibrium.objectives import OBJECTIVES, objective_named
from equibid.equilibrium.response.response import (
    Response,
    cost_jacobian,
    deviate,
    deviation_vjp,
    jvp,
    respond,
    vjp,
)
from equibid.equilibrium.solvers.frontier import FrontierPoint, frontier, frontier_point
from equibid.equilibrium.solvers.registry import SOLVERS
from equibid.equilibrium.solvers.select import Search, best_of, equilibria, search
from equibid.equilibrium.solvers.settle import settle

__all__ = [
    "OBJECTIVES",
    "SOLVERS",
    "Certificate",
    "FrontierPoint",
    "Game",
    "Response",
    "Search",
    "Status",
    "best_of",
    "best_response",
    "best_response_vjp",
    "certify",
    "compliance",
    "cost_jacobian",
    "default_temperature",
    "deviate",
    "deviation_vjp",
    "equilibria",
    "frontier",
    "frontier_point",
    "game_of",
    "jvp",
    "objective_named",
    "respond",
    "search",
    "settle",
    "vjp",
]
