"""A market as a Gymnasium environment: one advertiser learns among bidders that do not.

    game = markov_game(periods, auction, reference, reward, rivals=[pacing], seat=seat)
    env = gymnasium.make("equibid/Bidder-v0", game=game)

with `seat` 0 for the advertiser that learns and 1 for the others. Importing this module registers
the id, whose number rises when the same actions would no longer give the same rewards.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.clearing import ABSENT
from equibid.errors import InputError
from equibid.simulation.features import WIDEST
from equibid.simulation.markov.auction_observer import Auctions
from equibid.simulation.markov.campaign_observers import CostStatus, Uscb
from equibid.simulation.markov.game import ByFactor, GameState, MarkovGame
from equibid.simulation.markov.observers import Joined, Observer, Pace, Traits

try:
    import gymnasium
    from gymnasium.spaces import Box, Space
except ImportError as error:
    raise InputError(
        "environments need further libraries; run: pip install equibid[environments]"
    ) from error

ID = "equibid/Bidder-v0"
# What infos hold: sums of the step, and the money left.
COUNTS = ("value", "spend", "wins", "conversions", "money")
# Observers that show shares, and logarithms kept within `WIDEST`. Others may show any number.
BOUNDED = (Pace, Traits, Auctions, Uscb, CostStatus)
Vector = npt.NDArray[np.float32]


class View(NamedTuple):
    """What leaves the compiled program after a step.

    Attributes:
        seen: by each agent, float32.
        present: agents that have money.
        reward: of the step, in the reward's unit.
        counts: a row for each of `COUNTS`.
        done: whether the period has ended.
    """

    seen: Float[Array, "N F"]
    present: Bool[Array, " N"]
    reward: Float[Array, " N"]
    counts: Float[Array, "5 N"]
    done: Bool[Array, ""]


@jax.jit
def opened(
    game: MarkovGame, seed: Int[Array, ""], period: Int[Array, ""]
) -> tuple[GameState, View]:
    """The start of a period."""
    state = game.reset(jax.random.key(seed), period)
    none = jnp.zeros(game.agents)
    counts = jnp.stack([none, none, none, none, state.ledger.remaining])
    return state, View(game.look(state), game.present(state), none, counts, jnp.asarray(False))


@partial(jax.jit, static_argnames="span")
def stepped(
    game: MarkovGame, state: GameState, action: Float[Array, " N"], span: float
) -> tuple[GameState, View]:
    """One step, in which everybody who has money bids ``level · span^action``."""
    factor = game.level * span ** jnp.clip(action, -1.0, 1.0)
    after, result = game.step(state, jnp.where(game.present(state), factor, ABSENT))
    sums = [getattr(result.tally, name) for name in COUNTS[:-1]]
    counts = jnp.stack([*sums, after.ledger.remaining])
    return after, View(game.look(after), result.present, result.reward, counts, result.done)


def able(game: MarkovGame, span: float) -> list[int]:
    """The advertisers that learn and have money to start with.

    Raises:
        InputError: there is none, agents of the game do not bid by factor, or the span is no span.
    """
    if not isinstance(game.population.bidders[0], ByFactor):
        raise InputError("an environment is for a game of factors; make the game without agent=")
    if not 1 < span < np.inf:
        raise InputError(f"span={span:g} must be above 1 and finite: how far a factor may rise")
    present = game.present(game.reset(jax.random.key(0)))
    who = np.flatnonzero(np.asarray(game.learns & present)).tolist()
    if not who:
        raise InputError("nobody who learns has money; put seat 0 on an advertiser with a budget")
    return who


def action_box() -> Space[Vector]:
    """One number from -1 to 1."""
    return cast(Space[Vector], Box(-1.0, 1.0, (1,), np.float32))


def observation_box(observer: Observer, *agents: int) -> Space[Vector]:
    """What an observer may show: [F], or [*agents, F]."""
    parts = observer.parts if isinstance(observer, Joined) else (observer,)
    widest = [WIDEST if isinstance(part, BOUNDED) else np.inf for part in parts]
    bound = np.repeat(np.asarray(widest, np.float32), [len(part.names) for part in parts])
    bound = np.broadcast_to(bound, (*agents, len(bound)))
    return cast(Space[Vector], Box(-bound, bound, bound.shape, np.float32))


def finite(actions: Sequence[Any], who: Sequence[object]) -> npt.NDArray[np.float64]:
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


class BidderEnv(gymnasium.Env[Vector, Vector]):
    """One advertiser's delivery period.

    | | |
    | --- | --- |
    | observation | what the game's observer shows: [F] float32, within ±5 unless it shows \
        numbers in the market's units |
    | action | [1] float32 from -1 to 1: bids ``level · span^action`` times the value; level is \
        the best constant factor of the day before, currency per value unit |
    | reward | float, in the unit of the game's reward |
    | terminated | at the end of the period, or without money; nothing is truncated |
    | info | ``value`` (value units), ``spend`` (currency), ``wins`` and ``conversions`` of the \
        step, ``money`` left (currency); after `reset` the ``period`` too |

    ``reset(options={"period": 2})`` plays that period, else one is drawn.

    Attributes:
        game: with one advertiser on seat 0.
        agent: its number.
        span: the most a factor may be over the level, and the least below it.
        stays: play on without money to the period's end, for rewards that are paid then.

    Raises:
        InputError: not one advertiser with money learns, or not by factor.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - as the base class has it

    def __init__(self, game: MarkovGame, span: float = 4.0, stays: bool = False) -> None:
        who = able(game, span)
        if len(who) > 1:
            raise InputError(
                f"{len(who)} advertisers learn in this game; name rivals and seats for all but "
                "one, or play it as a MarketEnv"
            )
        self.game, self.span, self.stays, self.agent = game, float(span), stays, who[0]
        self.observation_space = observation_box(game.observer)
        self.action_space = action_box()
        self._state: GameState | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Vector, dict[str, Any]]:
        """Open a period; see `gymnasium.Env.reset`."""
        super().reset(seed=seed)
        chance, period = drawn(self.np_random, self.game, options)
        self._state, view = opened(self.game, chance, period)
        return self._seen(view), self._info(view) | {"period": period}

    def step(self, action: Any) -> tuple[Vector, float, bool, bool, dict[str, Any]]:
        """Sell a tick, or an impression; see `gymnasium.Env.step`."""
        if self._state is None:
            raise InputError("the period is over, or has not begun; call reset()")
        actions = np.zeros(self.game.agents)
        actions[self.agent] = finite([action], ["the advertiser"])[0]
        self._state, view = stepped(self.game, self._state, actions, self.span)
        ends = bool(view.done) or not (self.stays or np.asarray(view.present)[self.agent])
        if ends:
            self._state = None
        reward = float(np.asarray(view.reward)[self.agent])
        return self._seen(view), reward, ends, False, self._info(view)

    def _seen(self, view: View) -> Vector:
        return np.asarray(view.seen)[self.agent].copy()

    def _info(self, view: View) -> dict[str, Any]:
        return dict(zip(COUNTS, np.asarray(view.counts)[:, self.agent].tolist(), strict=True))


gymnasium.register(ID, entry_point=f"{__name__}:{BidderEnv.__name__}")
