"""What the environments of other libraries share: a period's start and its steps, as they see them.

An agent says one number from -1 to 1, of which a `Handle` makes a factor. The functions here are
pure; the environments compile them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.clearing import ABSENT
from equibid.envs.forked import refuse_fork
from equibid.envs.game import ByFactor, GameState, MarkovGame
from equibid.envs.handles import Handle
from equibid.errors import InputError

# What infos hold: sums of the step, and the money left.
COUNTS = ("value", "spend", "wins", "conversions", "money")


class View(NamedTuple):
    """What leaves the compiled program after a step, of all agents or of one.

    Attributes:
        seen: by each agent, float32.
        present: agents that have money.
        reward: of the step, in the reward's unit.
        counts: a row for each of `COUNTS`.
        done: whether the period has ended.
    """

    seen: Float[Array, "*N F"]
    present: Bool[Array, "*N"]
    reward: Float[Array, "*N"]
    counts: Float[Array, "5 *N"]
    done: Bool[Array, ""]


def begin(
    game: MarkovGame,
    chance: Int[Array, ""],
    period: Int[Array, ""],
    seat: Int[Array, " N"] | None = None,
) -> tuple[GameState, View]:
    """The start of a period.

    Args:
        game: to play.
        chance: seed of all that is drawn in it.
        period: which one.
        seat: who drives whom; default as the game draws it.
    """
    state = game.reset(jax.random.key(chance), period, seat)
    none = jnp.zeros(game.agents)
    counts = jnp.stack([none, none, none, none, state.budgets.remaining])
    return state, View(game.observe(state), game.present(state), none, counts, jnp.asarray(False))


def advance(
    game: MarkovGame, handle: Handle, state: GameState, number: Float[Array, " N"]
) -> tuple[GameState, View]:
    """One step, in which everybody who has money bids as the handle has it."""
    factor = handle.factor(number, state, game)
    after, result = game.step(state, jnp.where(game.present(state), factor, ABSENT))
    sums = [getattr(result.tally, name) for name in COUNTS[:-1]]
    counts = jnp.stack([*sums, after.budgets.remaining])
    return after, View(game.observe(after), result.present, result.reward, counts, result.done)


def begin_one(
    game: MarkovGame,
    drawn: bool,
    chance: Int[Array, ""],
    period: Int[Array, ""],
    agent: Int[Array, ""],
) -> tuple[GameState, View]:
    """The start of a period in which one advertiser learns, and what it sees.

    Args:
        game: to play.
        drawn: whether the opponents of the others are drawn anew; else they sit in turn.
        chance: seed of all that is drawn in it.
        period: which one.
        agent: who learns.
    """
    state, view = begin(game, chance, period, seats_around(game, drawn, chance, agent))
    return state, _of(view, agent)


def advance_one(
    game: MarkovGame,
    handle: Handle,
    state: GameState,
    agent: Int[Array, ""],
    number: Float[Array, ""],
) -> tuple[GameState, View]:
    """One step, and what one agent sees of it."""
    numbers = jnp.where(jnp.arange(game.agents) == agent, number, 0.0)
    after, view = advance(game, handle, state, numbers)
    return after, _of(view, agent)


def _of(view: View, agent: Int[Array, ""]) -> View:
    return View(
        view.seen[agent], view.present[agent], view.reward[agent], view.counts[:, agent], view.done
    )


def seats_around(
    game: MarkovGame, drawn: bool, chance: Int[Array, ""], agent: Int[Array, ""]
) -> Int[Array, " N"]:
    """One agent on seat 0; all others that the game leaves free are driven by its opponents."""
    seat, opponents = game.population.seat, len(game.population.bidders) - 1
    number = jnp.arange(game.agents, dtype=seat.dtype)
    if opponents:
        opponent = 1 + number % opponents
        if drawn:
            key = jax.random.fold_in(jax.random.key(chance), game.steps)
            opponent = jax.random.randint(key, seat.shape, 1, opponents + 1, seat.dtype)
        seat = jnp.where(seat == 0, opponent, seat)
    return jnp.where(number == agent, 0, seat)


def able(game: MarkovGame) -> list[int]:
    """The advertisers that may learn and have money to start with.

    Raises:
        InputError: there is none, or agents of the game do not bid by factor.
    """
    refuse_fork()
    if not isinstance(game.population.bidders[0], ByFactor):
        raise InputError("an environment is for a game of factors; make the game without agent=")
    present = game.present(game.reset(jax.random.key(0)))
    who = np.flatnonzero(np.asarray(game.learns & present)).tolist()
    if not who:
        raise InputError("nobody who learns has money; put seat 0 on an advertiser with a budget")
    return who


def finite(actions: Any, who: Sequence[object]) -> npt.NDArray[np.float64]:
    """One number of each agent.

    Raises:
        InputError: somebody's action is no finite number.
    """
    try:
        numbers = np.asarray(actions, np.float64).reshape(len(who))
    except (TypeError, ValueError) as error:
        raise InputError(f"an action is one number; {who[0]} gave {actions[0]!r}") from error
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise InputError(f"an action is a finite number; {who[bad[0]]} gave {numbers[bad[0]]}")
    return numbers


def drawn(random: np.random.Generator, game: MarkovGame, options: Any) -> tuple[int, int]:
    """The seed of a period's chance, and the period: of the options, or any.

    Raises:
        InputError: the game has no such period.
    """
    seed, period = int(random.integers(2**63)), int(random.integers(game.periods))
    period = int((options or {}).get("period", period))
    if not 0 <= period < game.periods:
        raise InputError(f"period={period}: the game has periods 0 to {game.periods - 1}")
    return seed, period


def scale_of(game: MarkovGame, scale: Any) -> npt.NDArray[np.float64]:
    """What each advertiser's reward is divided by; nothing is a one.

    Raises:
        InputError: it is not a number above 0 for each advertiser.
    """
    numbers = np.ones(game.agents) if scale is None else np.asarray(scale, np.float64)
    if numbers.shape not in ((), (game.agents,)) or not (
        np.isfinite(numbers).all() and (numbers > 0).all()
    ):
        raise InputError(f"scale: write a number above 0, or one for each of {game.agents}")
    return np.broadcast_to(numbers, (game.agents,))
