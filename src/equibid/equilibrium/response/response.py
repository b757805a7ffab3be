"""What a profile of factors leads to: returns, costs, and their exact derivative products.

    R_i(α) = Σ_k p_ik v_ik        C_i(α) = Σ_k p_ik m_ik        welfare = Σ_i R_i

in O(K·N) for a dense market and O(candidates) for candidate lists, in time; in memory O(N) beyond
the market. Source: arXiv 2503.10304, section 2 and equations (16)-(22), (37)-(42).

On a CPU compiled loops do it; elsewhere XLA, from the same call. Impressions are summed in blocks
of fixed size, in order, so that the number of threads does not change a bit.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from equibid.compiled import cores, read_only
from equibid.equilibrium.game import Floats, Game, Question
from equibid.equilibrium.response import deviations, kernel, xla
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
        returns_slope: [N] derivative of the returns by the own factor.
    """

    returns: Floats
    cost: Floats
    slope: Floats
    returns_slope: Floats


class Quantity(NamedTuple):
    """What can be asked of impressions: sums of so many numbers an advertiser.

    Attributes:
        rows: numbers an advertiser.
        compiled: adds them to an array [rows N], see `kernel`.
        xla: gives them, see `xla`.
    """

    rows: int
    compiled: Callable[..., None]
    xla: Callable[..., Sequence[Any]]


QUANTITIES = {
    "respond": Quantity(2, kernel.respond, xla.respond),
    "vjp": Quantity(3, kernel.vjp, xla.vjp),
    "jvp": Quantity(4, kernel.jvp, xla.jvp),
    "deviate": Quantity(4, deviations.deviate, xla.deviate),
    "deviation_vjp": Quantity(1, deviations.deviation_vjp, xla.deviation_vjp),
}


def respond(game: Game, factors: npt.ArrayLike, engine: Engine = "auto") -> Response:
    """Returns and costs.

    Args:
        game: the game.
        factors: [N] α, or [T N] a row a tick; zero sits out.
        engine: "auto" takes the compiled loops on a CPU, XLA elsewhere.
    """
    return Response(*_total(game, "respond", factors, engine=engine))


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
    total = _total(game, "vjp", factors, returns_weight, cost_weight, engine=engine)
    return Response(total[0], total[1]), total[2]


def jvp(
    game: Game, factors: npt.ArrayLike, direction: npt.ArrayLike, engine: Engine = "auto"
) -> tuple[Response, Response]:
    """The response, and its derivative along a direction [N] of the factors."""
    total = _total(game, "jvp", factors, direction, engine=engine)
    return Response(total[0], total[1]), Response(total[2], total[3])


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
    if worth is None and by_xla(engine):
        return Deviation(*_total(game, "deviate", factors, trial, engine="xla"))
    limit = np.inf if worth is None else worth
    return Deviation(*_total(game, "deviate", factors, trial, limit, engine="compiled"))


def deviation_vjp(
    game: Game,
    factors: npt.ArrayLike,
    trial: npt.ArrayLike,
    returns_weight: npt.ArrayLike,
    cost_weight: npt.ArrayLike,
    engine: Engine = "auto",
) -> Floats:
    """The gradient [N] of ``Σ w_i R_i + Σ u_i C_i`` of `deviate`, by the factors of the others.

    Component j counts all deviations but that of j itself, which does not meet its own factor. It
    costs as much as one deviation of all, O(K·N) or O(candidates).

    Args:
        game: the game.
        factors: [N] what the others bid.
        trial: [N] the factor each tries; zero sits out.
        returns_weight: [N] w.
        cost_weight: [N] u.
        engine: see `respond`.
    """
    weights = (returns_weight, cost_weight)
    return _total(game, "deviation_vjp", factors, trial, *weights, engine=engine)[0]


def cost_jacobian(game: Game, factors: npt.ArrayLike) -> Floats:
    """The matrix dC_i / dα_j [N N], by the compiled loops: O(contests · contestants²)."""
    shape = (game.market.advertisers, game.market.advertisers)
    size = max(-(-game.market.impressions // PARTS), BLOCK)
    return added(shape, in_blocks(game, factors, shape, kernel.cost_jacobian, size))


def answers(game: Game, question: Question) -> Iterator[Floats]:
    """The sums [rows N] that are asked for over blocks of a game's impressions, in order."""
    ask = QUANTITIES[question.quantity]
    if question.by_xla:
        if game.market.impressions > 0:
            yield np.stack(
                [as_array(x) for x in ask.xla(game, question.factors, *question.arguments)]
            )
        return
    shape = (ask.rows, game.market.advertisers)

    def add(book: KernelInput, out: Floats) -> None:
        ask.compiled(book, *question.arguments, out)

    yield from in_blocks(game, question.factors, shape, add, BLOCK)


def added(shape: tuple[int, int], parts: Iterable[Floats]) -> Floats:
    """The sum of parts, in their order."""
    total = np.zeros(shape)
    for part in parts:
        total += part
    return total


def in_blocks(
    game: Game,
    factors: npt.ArrayLike,
    shape: tuple[int, int],
    add: Callable[[KernelInput, Any], None],
    size: int,
) -> Iterator[Floats]:
    """What `add` adds for blocks of `size` impressions, in order."""
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

    return threads().map(one, starts) if len(starts) > 1 else map(one, starts)


def _total(
    game: Game, quantity: str, factors: npt.ArrayLike, *arguments: npt.ArrayLike, engine: Engine
) -> Floats:
    """What is asked for, over all impressions: [rows N]."""
    question = Question(
        quantity,
        read_only(factors, np.float64),
        tuple(spread(game, x) for x in arguments),
        by_xla(engine),
    )
    parts = answers(game, question) if game.shares is None else game.shares(game, question)
    return added((QUANTITIES[quantity].rows, game.market.advertisers), parts)


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
