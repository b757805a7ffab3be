"""What a profile of factors leads to: returns, costs, and their exact derivative products.

    R_i(α) = Σ_k p_ik v_ik        C_i(α) = Σ_k p_ik m_ik        welfare = Σ_i R_i

in O(K·N) for a dense market and O(candidates) for candidate lists, in time; in memory O(N) beyond
the market. Source: arXiv 2503.10304, section 2 and equations (16)-(22), (37)-(42).

On a CPU compiled loops do it; elsewhere XLA, from the same call. Impressions are summed in blocks
of fixed size, in order, so that the number of threads does not change a bit.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import jax
import numpy as np
import numpy.typing as npt

from equibid.compiled import cores, read_only
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response import kernel, xla
from equibid.equilibrium.response.contest import KernelInput

Engine = Literal["auto", "compiled", "xla"]
BLOCK = 4096
# Parts in which an N × N matrix is summed; each costs its memory.
PARTS = 4


@dataclass(frozen=True)
class Response:
    """What a profile leads to.

    Attributes:
        returns: [N] R, value units.
        cost: [N] C, currency.
    """

    returns: Floats
    cost: Floats

    @property
    def welfare(self) -> float:
        """Σ R, value units."""
        return float(self.returns.sum())

    @property
    def revenue(self) -> float:
        """Σ C, currency."""
        return float(self.cost.sum())


@dataclass(frozen=True)
class Deviation:
    """What each advertiser would get if it alone changed its factor.

    Attributes:
        returns: [N] value units.
        cost: [N] currency.
        slope: [N] derivative of cost by the own factor.
    """

    returns: Floats
    cost: Floats
    slope: Floats


def respond(game: Game, factors: npt.ArrayLike, engine: Engine = "auto") -> Response:
    """Returns and costs.

    Args:
        game: the game.
        factors: [N] α, or [T N] a row a tick; zero sits out.
        engine: "auto" takes the compiled loops on a CPU, XLA elsewhere.
    """
    if by_xla(engine):
        return Response(*map(as_array, xla.respond(game, factors)))
    return Response(*in_blocks(game, factors, 2, kernel.respond))


def vjp(
    game: Game,
    factors: npt.ArrayLike,
    returns_weight: npt.ArrayLike,
    cost_weight: npt.ArrayLike,
    engine: Engine = "auto",
) -> tuple[Response, Floats]:
    """The response, and the gradient [N] of ``Σ w_i R_i + Σ u_i C_i`` by the factors.

    Args:
        game: the game.
        factors: [N] α.
        returns_weight: [N] w.
        cost_weight: [N] u.
        engine: see `respond`.
    """
    weight, toll = spread(game, returns_weight), spread(game, cost_weight)
    if by_xla(engine):
        returns, cost, gradient = map(as_array, xla.vjp(game, factors, weight, toll))
    else:
        returns, cost, gradient = in_blocks(
            game, factors, 3, lambda book, out: kernel.vjp(book, weight, toll, out)
        )
    return Response(returns, cost), gradient


def jvp(
    game: Game, factors: npt.ArrayLike, direction: npt.ArrayLike, engine: Engine = "auto"
) -> tuple[Response, Response]:
    """The response, and its derivative along a direction [N] of the factors."""
    turn = spread(game, direction)
    if by_xla(engine):
        rows = list(map(as_array, xla.jvp(game, factors, turn)))
    else:
        rows = list(in_blocks(game, factors, 4, lambda book, out: kernel.jvp(book, turn, out)))
    return Response(rows[0], rows[1]), Response(rows[2], rows[3])


def cost_jacobian(game: Game, factors: npt.ArrayLike) -> Floats:
    """The matrix dC_i / dα_j [N N], by the compiled loops: O(contests · contestants²)."""
    shape = (game.market.advertisers, game.market.advertisers)
    size = max(-(-game.market.impressions // PARTS), BLOCK)
    return summed(game, factors, shape, kernel.cost_jacobian, size)


def deviate(
    game: Game,
    factors: npt.ArrayLike,
    trial: npt.ArrayLike,
    worth: npt.ArrayLike | None = None,
    engine: Engine = "auto",
) -> Deviation:
    """What each advertiser would get alone with another factor.

    Args:
        game: the game.
        factors: [N] or [T N] what the others bid.
        trial: [N] the factor each tries; zero sits out.
        worth: [N] bid only where a win costs less than this a unit of value; everywhere if None.
        engine: see `respond`; XLA bids everywhere.
    """
    attempt = spread(game, trial)
    if worth is None and by_xla(engine):
        return Deviation(*map(as_array, xla.deviate(game, factors, attempt)))
    limit = spread(game, np.inf if worth is None else worth)
    level = read_only(attempt, np.asarray(game.market.values).dtype)
    return Deviation(
        *in_blocks(
            game, factors, 3, lambda book, out: kernel.deviate(book, level, attempt, limit, out)
        )
    )


def in_blocks(
    game: Game, factors: npt.ArrayLike, rows: int, add: Callable[[KernelInput, Any], None]
) -> Floats:
    """Sum what `add` adds, over all impressions: [rows, N]."""
    return summed(game, factors, (rows, game.market.advertisers), add, BLOCK)


def summed(
    game: Game,
    factors: npt.ArrayLike,
    shape: tuple[int, int],
    add: Callable[[KernelInput, Any], None],
    size: int,
) -> Floats:
    """Sum what `add` adds for blocks of `size` impressions, in order."""
    whole = book_of(game, factors)
    starts = range(0, game.market.impressions, size)

    def one(first: int) -> Floats:
        rows = slice(first, first + size)
        part = whole._replace(
            values=whole.values[rows],
            ids=whole.ids[rows] if whole.ids.size else whole.ids,
            outside=whole.outside[rows],
            first=first,
        )
        out = np.zeros(shape)
        add(part, out)
        return out

    total = np.zeros(shape)
    for part in threads().map(one, starts) if len(starts) > 1 else map(one, starts):
        total += part
    return total


@cache
def threads() -> ThreadPoolExecutor:
    """A thread a core; the compiled loops hold no lock."""
    return ThreadPoolExecutor(cores(), "equibid-response")


def book_of(game: Game, factors: npt.ArrayLike) -> KernelInput:
    """The arrays of a game as the compiled loops take them."""
    market = game.market
    values = read_only(market.values)
    rate = read_only(np.atleast_2d(np.asarray(factors)), np.float64)
    ids = np.empty((0, 0)) if market.candidates is None else market.candidates
    price = market.market_price
    return KernelInput(
        values=values,
        ids=read_only(ids, np.int32),
        outside=read_only(np.empty(0) if price is None else price, np.float64),
        tick_start=read_only(market.tick_start, np.int64),
        first=0,
        level=read_only(rate, values.dtype),
        rate=rate,
        bid_cap=float(market.bid_cap),
        temperature=float(game.auction.temperature),
        hard=game.auction.pricing == "hard",
    )


def spread(game: Game, x: npt.ArrayLike) -> Floats:
    """One number an advertiser."""
    return read_only(np.broadcast_to(np.asarray(x), game.market.advertisers), np.float64)


def by_xla(engine: Engine) -> bool:
    """Whether XLA is to compute."""
    return engine == "xla" or (engine == "auto" and jax.default_backend() != "cpu")


def as_array(x: Any) -> Floats:
    """On the host, float64."""
    return np.asarray(x, np.float64)
