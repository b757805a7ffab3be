"""Pacing equilibria of sharp auctions as methods: exact programs, and the dynamics PACE.

They split ties as an equilibrium asks for, in first- or second-price auctions; the game that a
profile is certified in has a soft auction. So each says in words what its factors come to under its
own rule, and how well the conditions of its equilibrium are kept there.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.objectives import Mix, Objective
from equibid.equilibrium.pacing.first_price import check_first_price, first_price_pacing
from equibid.equilibrium.pacing.market import Gap, Paced, checked
from equibid.equilibrium.pacing.pace import pace
from equibid.equilibrium.pacing.second_price import check_second_price, second_price_pacing
from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers.dynamics import Progress, SolverResult
from equibid.equilibrium.solvers.profile import residual
from equibid.errors import InputError
from equibid.markets.market import dense

Solver = Callable[[Game, Objective, int, Progress | None], SolverResult]


def first_price(
    game: Game, objective: Objective, seed: int, callback: Progress | None
) -> SolverResult:
    """The one first-price pacing equilibrium, by `first_price_pacing`."""
    market = _sharp(game, "first-price-pacing")
    found = first_price_pacing(*market)
    gap = check_first_price(*market, found)
    rule = _told("first-price", found.welfare, found.revenue, gap, game)
    return _result(game, found.factors, f"{rule} It is the only equilibrium there.")


def second_price(
    game: Game, objective: Objective, seed: int, callback: Progress | None
) -> SolverResult:
    """The best second-price pacing equilibrium of a small market, by `second_price_pacing`.

    Raises:
        InputError: the market is too large, or the objective is neither welfare nor revenue.
    """
    market = _sharp(game, "second-price-pacing")
    name = _linear(objective)
    found = second_price_pacing(*market, objective=name)
    gap = check_second_price(*market, found)
    rule = _told("second-price", found.welfare, found.revenue, gap, game)
    best = "No equilibrium there has more" if found.proven else "It is the best found in a minute"
    return _result(game, found.factors, f"{rule} {best} {name}.")


def online(game: Game, objective: Objective, seed: int, callback: Progress | None) -> SolverResult:
    """PACE over the impressions in their order, once: the mean of its factors."""
    market = _sharp(game, "pace")
    factors = np.asarray(pace(*market).average)
    bids = np.where(market.budget > 0, factors, 0.0)
    return _result(
        game,
        bids,
        "Under first-price auctions these are the means of factors that PACE learned in one pass; "
        "they come to an equilibrium as impressions get more.",
    )


def _sharp(game: Game, method: str) -> Paced:
    """What a program takes of a game.

    Raises:
        InputError: the market has bids from outside, or a highest bid.
    """
    market = game.market
    name = market.labels.name
    if market.market_price is not None:
        raise InputError(
            f"market {name}: {method} knows no prices from outside; try another --method"
        )
    if np.isfinite(market.bid_cap):
        raise InputError(f"market {name}: {method} knows no highest bid; try another --method")
    return checked(np.asarray(dense(market)), game.budget, game.cap)


def _linear(objective: Objective) -> Literal["welfare", "revenue"]:
    """The objective as the second-price program knows it.

    Raises:
        InputError: it does not.
    """
    match objective:
        case Mix(welfare=share, revenue=0.0) if share > 0:
            return "welfare"
        case Mix(welfare=0.0, revenue=share) if share > 0:
            return "revenue"
        case _:
            raise InputError("second-price-pacing takes --objective welfare or revenue")


def _told(rule: str, welfare: float, revenue: float, gap: Gap, game: Game) -> str:
    """What an equilibrium comes to under its own rule."""
    labels = game.market.labels
    return (
        f"Under {rule} auctions that split ties as the equilibrium asks for, these factors have "
        f"welfare {welfare:,.6g} and revenue {revenue / labels.per_currency:,.6g} "
        f"{labels.currency}, and keep all its conditions to {max(gap):.1g}."
    )


def _result(game: Game, factors: Floats, notice: str) -> SolverResult:
    response = respond(game, factors)
    return SolverResult(factors, response, residual(game, factors, response), 1, notice)
