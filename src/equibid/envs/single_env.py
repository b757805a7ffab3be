"""A market as a Gymnasium environment: one advertiser learns among bidders that do not.

    game = markov_game(periods, auction, reference, reward, opponents=[pacing, fixed])
    env = BidderEnv(game, advertiser=6)                            # equibid/Bidder-v0

`equibid.envs` makes the game from words, and registers the id, whose number rises when the
same actions would no longer give the same rewards.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import numpy as np

from equibid.envs.episode import (
    COUNTS,
    View,
    able,
    advance_one,
    begin_one,
    drawn,
    finite,
    scale_of,
)
from equibid.envs.forked import refuse_fork
from equibid.envs.game import GameState, MarkovGame
from equibid.envs.handles import handle_named
from equibid.envs.spaces import Vector, action_box, observation_box
from equibid.errors import InputError

try:
    import gymnasium
except ImportError as error:
    raise InputError(
        "environments need further libraries; run: pip install equibid[environments]"
    ) from error

opened = partial(jax.jit, static_argnames="drawn")(begin_one)
stepped = jax.jit(advance_one)


class Seat:
    """Who learns in a game, and how: what a `BidderEnv` and many copies of it share.

    Attributes:
        game: that is played.
        learners: who may sit there; one is drawn at each reset where there are several.
        drawn: whether opponents are.
        handle: from numbers to factors.
        stays: play on without money.
        scale: what each advertiser's reward is divided by.
    """

    def __init__(
        self,
        game: MarkovGame,
        advertiser: int | None = None,
        head: str = "multiple",
        drawn: bool = True,
        stays: bool = False,
        scale: Any = None,
    ) -> None:
        """Arguments as of `BidderEnv`."""
        who = able(game)
        if len(who) > 1 and len(game.population.bidders) == 1:
            raise InputError(
                f"{len(who)} advertisers learn in this game and nobody is their opponent; name "
                "opponents, or play it as a MarketEnv"
            )
        self.game, self.learners, self.drawn, self.stays = game, who, drawn, stays
        self.handle, self.scale = handle_named(head), scale_of(game, scale)
        if advertiser is not None:
            self.learners = [self.checked(advertiser)]

    def checked(self, advertiser: Any) -> int:
        """The advertiser, if it may learn.

        Raises:
            InputError: it may not, or there is none of the number.
        """
        if advertiser not in self.learners:
            able = ", ".join(map(str, self.learners))
            raise InputError(f"advertiser={advertiser}: those who may learn are {able}")
        return int(advertiser)

    def taken(
        self, random: np.random.Generator, options: Mapping[str, Any] | None
    ) -> tuple[int, int, int]:
        """Chance, period and learner of a reset: of the options, or drawn.

        Raises:
            InputError: there is no such period or learner.
        """
        chance, period = drawn(random, self.game, options)
        who = self.learners
        agent = who[0] if len(who) == 1 else who[int(random.integers(len(who)))]
        return chance, period, self.checked((options or {}).get("advertiser", agent))


class BidderEnv(gymnasium.Env[Vector, Vector]):
    """One advertiser's delivery period.

    | | |
    | --- | --- |
    | observation | what the game's observer shows: [F] float32, within ±5 unless it shows \
        numbers in the market's units |
    | action | [1] float32 from -1 to 1, of which the head makes a factor; the bid is the factor \
        times the value |
    | reward | float, in the unit of the game's reward, over the scale |
    | terminated | at the end of the period, or without money; nothing is truncated |
    | info | ``value`` (value units), ``spend`` (currency), ``wins`` and ``conversions`` of the \
        step, ``money`` left (currency); after `reset` the ``period`` and the ``advertiser`` too |

    No opponent ever drives the advertiser that learns; all others that could learn are driven by
    the game's opponents. ``reset(options={"period": 2, "advertiser": 6})`` says which period is
    played and who learns, else they are drawn.

    Args:
        game: with opponents, if more than one advertiser could learn.
        advertiser: who learns; default one that could, drawn at each reset.
        head: of `HANDLES`, with settings, as ``increment:largest=0.1``.
        drawn: which opponent drives whom is drawn at each reset; else they sit in turn.
        stays: play on without money to the period's end, for rewards that are paid then.
        scale: rewards are divided by it, for all advertisers or each [N], in the reward's unit.

    Raises:
        InputError: nobody with money could learn, or not the advertiser, or not by factor.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - as the base class has it

    def __init__(
        self,
        game: MarkovGame,
        advertiser: int | None = None,
        head: str = "multiple",
        drawn: bool = True,
        stays: bool = False,
        scale: Any = None,
    ) -> None:
        self.seat = Seat(game, advertiser, head, drawn, stays, scale)
        self.observation_space = observation_box(game.observer)
        self.action_space = action_box()
        self._agent = self.seat.learners[0]
        self._state: GameState | None = None

    @property
    def game(self) -> MarkovGame:
        """What is played."""
        return self.seat.game

    @property
    def agent(self) -> int:
        """The number of the advertiser that learns, in the period that is played."""
        return self._agent

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Vector, dict[str, Any]]:
        """Open a period; see `gymnasium.Env.reset`."""
        refuse_fork()
        super().reset(seed=seed)
        chance, period, self._agent = self.seat.taken(self.np_random, options)
        self._state, view = opened(
            self.game, drawn=self.seat.drawn, chance=chance, period=period, agent=self._agent
        )
        return np.array(view.seen), _info(view) | {"period": period, "advertiser": self._agent}

    def step(self, action: Any) -> tuple[Vector, float, bool, bool, dict[str, Any]]:
        """Sell a tick, or an impression; see `gymnasium.Env.step`."""
        refuse_fork()
        if self._state is None:
            raise InputError("the period is over, or has not begun; call reset()")
        number, seat = finite([action], ["the advertiser"])[0], self.seat
        self._state, view = stepped(self.game, seat.handle, self._state, self._agent, number)
        ends = bool(view.done) or not (seat.stays or bool(view.present))
        if ends:
            self._state = None
        reward = float(view.reward) / float(seat.scale[self._agent])
        return np.array(view.seen), reward, ends, False, _info(view)


def _info(view: View) -> dict[str, Any]:
    return dict(zip(COUNTS, np.asarray(view.counts).tolist(), strict=True))
