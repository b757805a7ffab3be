"""Best responses: what each advertiser could get alone, the others as they are.

A larger factor buys more value and costs more, so the best factor is the largest that fits the
budget: the cap, or the one that spends the budget (arXiv 2503.10304, lemma 2.1). The soft auctions
charge even the smallest bid; who cannot pay for that sits out.

An advertiser that chose a bid on every impression could do better than with any factor. How much
better is bounded from both sides by buying all that costs less than θ a unit of value: with λ = 1/θ

    R(θ) ≤ best ≤ R(θ) + λ·(B - C(θ))

holds on the left where C(θ) ≤ B, and on the right for every θ (the dual of the knapsack problem).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response.response import Deviation, Engine, deviate, deviation_vjp

# A factor this far below the cap bids next to nothing.
LEAST = 1e-12


@dataclass(frozen=True)
class BestResponse:
    """The best factor of each advertiser, the others as they are.

    Attributes:
        factor: [N] currency per value unit; 0 sits out.
        returns: [N] value units.
        cost: [N] currency, at most the budget.
        price: [N] returns that one more unit of budget buys, value units per currency; 0 at the
            cap, and for who sits out.
    """

    factor: Floats
    returns: Floats
    cost: Floats
    price: Floats


def best_response(
    game: Game,
    factors: Floats,
    tolerance: float = 1e-12,
    most: int = 100,
    engine: Engine = "auto",
    start: BestResponse | None = None,
) -> BestResponse:
    """Solve ``C_i(β, α_-i) = B_i`` for all advertisers at once, each on its own.

    Newton's method on the own slope, kept inside a bracket that is halved where it leaves it. The
    ends of the bracket, the cap and next to nothing, are tried first; near a profile whose best
    responses are known, only where the method leads there.

    Args:
        game: the game.
        factors: [N] or [T N] what everybody bids.
        tolerance: share of the budget that may stay unspent.
        most: evaluations.
        engine: of the response.
        start: the best responses to a profile nearby, from which they are sought.
    """
    budget, cap, entry = game.budget, game.cap, game.cap * LEAST
    low, high, known = entry.copy(), cap.copy(), np.zeros((2, len(cap)), bool)
    # Returns, cost and their slopes at the highest factor that is known to fit.
    fitting = np.zeros((4, len(cap)))
    rich, out = np.zeros(len(cap), bool), ~game.players

    def tried(trial: Floats, open_: npt.NDArray[np.bool_]) -> Deviation:
        """What trials lead to; moves the bracket, and settles who ends at one end of it."""
        nonlocal low, high, rich, out
        here = deviate(game, factors, np.where(open_, trial, 0), engine=engine)
        fits = open_ & (here.cost <= budget)
        at = np.stack([here.returns, here.cost, here.slope, here.returns_slope])
        fitting[:, fits] = at[:, fits]
        low = np.where(fits, trial, low)
        high = np.where(open_ & ~fits, trial, high)
        known[0] |= open_ & (trial <= entry)
        known[1] |= open_ & (trial >= cap)
        rich |= fits & (trial >= cap)
        out |= open_ & ~fits & (trial <= entry)
        return here

    if start is None:
        tried(cap, ~out)
        tried(entry, ~out & ~rich)
        low = np.where(rich, cap, entry)
        near = np.atleast_2d(factors).mean(axis=0)
        inside = (near > low) & (near < high)
        trial = np.where(inside, near, np.sqrt(entry * cap))
    else:
        trial = np.where(start.factor > 0, np.clip(start.factor, entry, cap), entry)
    open_ = ~rich & ~out
    for _ in range(most):
        if not open_.any():
            break
        here = tried(trial, open_)
        open_ &= ~rich & ~out
        open_ &= ~((trial == low) & (budget - here.cost <= tolerance * budget))
        open_ &= high - low > 4e-16 * high
        aim = budget * (1 - tolerance / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = trial + (aim - here.cost) / here.slope
        middle = np.where(high > 4 * low, np.sqrt(low * high), 0.5 * (low + high))
        trial = np.where((newton > low) & (newton < high), newton, middle)
        trial = np.where(~known[1] & ~(newton < high) & (high == cap), cap, trial)
        trial = np.where(~known[0] & ~(newton > low) & (low == entry), entry, trial)
    factor = np.where(rich, cap, np.where(out, 0.0, low))
    returns, cost, slope, returns_slope = np.where(out, 0.0, fitting)
    binds = (factor > 0) & (factor < cap) & (slope > 0)
    price = np.where(binds, returns_slope / np.where(binds, slope, 1.0), 0.0)
    return BestResponse(factor, returns, cost, price)


def entry_cost(game: Game, factors: Floats) -> Floats:
    """What the smallest bid would cost each advertiser [N], currency; 0 for who cannot play.

    Args:
        game: the game.
        factors: [N] or [T N] what everybody bids.
    """
    least = np.where(game.players, game.cap * LEAST, 0)
    return np.where(game.players, deviate(game, factors, least).cost, 0.0)


def best_response_vjp(
    game: Game,
    factors: Floats,
    answer: BestResponse,
    weight: npt.ArrayLike,
    engine: Engine = "auto",
) -> Floats:
    """The gradient [N] of ``Σ w_i BR_i(α_-i)`` by the factors, BR_i the best returns.

    By the envelope theorem it is that of Σ w_i (R_i − λ_i C_i) at the best factors, which do not
    move: λ_i = R_i'/C_i' where the budget binds, 0 at the cap, and nothing where i sits out. It
    costs one evaluation, whatever N. Where a budget is just met at the cap, it is one side's.

    Args:
        game: the game.
        factors: [N] what everybody bids.
        answer: the best responses to them.
        weight: [N] w.
        engine: of the response.
    """
    plays = np.where(answer.factor > 0, weight, 0.0)
    return deviation_vjp(game, factors, answer.factor, plays, -answer.price * plays, engine)


@dataclass(frozen=True)
class Ceiling:
    """What each advertiser could get with the bids of its choice, the others as they are.

    Attributes:
        reached: [N] value bought below a price per value that fits the budget, value units.
        bound: [N] value that nothing can exceed, value units.
    """

    reached: Floats
    bound: Floats


def ceiling(game: Game, factors: Floats, rounds: int = 40) -> Ceiling:
    """Bound what hindsight could buy: the knapsack problem against fixed opponents.

    Bids are at most the cap times the value, as in the game.

    Args:
        game: the game.
        factors: [N] or [T N] what everybody bids.
        rounds: halvings of the interval of θ.
    """
    budget, players = game.budget, game.players
    most = np.where(players, game.cap, 0)
    everything = deviate(game, factors, most, np.full_like(most, np.inf))
    reached = np.where(everything.cost <= budget, everything.returns, 0.0)
    bound = everything.returns.copy()
    # At a price per value above the cap's own nothing more can be bought.
    low, high = most * LEAST, most.copy()
    open_ = players & (everything.cost > budget)
    for _ in range(rounds if open_.any() else 0):
        theta = np.sqrt(low * high)
        here = deviate(game, factors, np.where(open_, most, 0), theta)
        fits = here.cost <= budget
        with np.errstate(divide="ignore", invalid="ignore"):
            dual = here.returns + (budget - here.cost) / theta
        bound = np.where(open_, np.minimum(bound, dual), bound)
        reached = np.where(open_ & fits, np.maximum(reached, here.returns), reached)
        low, high = np.where(fits, theta, low), np.where(fits, high, theta)
    return Ceiling(reached, np.maximum(bound, reached))
