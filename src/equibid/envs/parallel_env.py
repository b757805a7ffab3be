"""A market as a PettingZoo environment: every advertiser that learns is an agent.

    game = markov_game(periods, auction, reference, reward)
    env = MarketEnv(game)                                          # equibid_market_v0

The number in the name rises when the same actions would no longer give the same rewards.
"""

from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from equibid.envs.episode import (
    COUNTS,
    View,
    able,
    advance,
    begin,
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
    from gymnasium.spaces import Space
    from gymnasium.utils.seeding import np_random
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise InputError(
        "environments need further libraries; run: pip install equibid[environments]"
    ) from error

Infos = dict[str, dict[str, Any]]
# Periods drawn in search of one that leaves an agent free.
TRIES = 1000

opened, stepped = jax.jit(begin), jax.jit(advance)


class MarketEnv(ParallelEnv[str, Vector, Vector]):
    """A delivery period of advertisers that bid against each other, and against opponents if any.

    Agents are called ``advertiser_0`` … by their number in the market; those that do not learn or
    have no budget are none. Where the game lets opponents drive some for a period, they are drawn
    at each reset, and are no agents of that period; at least one is left free. For each agent:

    | | |
    | --- | --- |
    | observation | what the game's observer shows: [F] float32, within ±5 unless it shows \
        numbers in the market's units |
    | action | [1] float32 from -1 to 1, of which the head makes a factor; the bid is the factor \
        times the value |
    | reward | float, in the unit of the game's reward, over the scale |
    | terminated | at the end of the period, or without money; nothing is truncated |
    | info | ``value`` (value units), ``spend`` (currency), ``wins`` and ``conversions`` of the \
        step, ``money`` left (currency); after `reset` the ``period`` too |

    The state is the observations of all possible agents in one table, those included that have no
    money or are driven by an opponent. ``reset(options={"period": 2})`` plays that period, else one
    is drawn.

    Args:
        game: who could learn is on seat 0.
        head: of `HANDLES`, with settings, as ``increment:largest=0.1``.
        stays: agents play on without money to the period's end, for rewards that are paid then.
        scale: rewards are divided by it, for all advertisers or each [N], in the reward's unit.

    Raises:
        InputError: nobody with money learns, or not by factor.
    """

    metadata = {  # noqa: RUF012 - as the base class has it
        "name": "equibid_market_v0",
        "render_modes": [],
        "is_parallelizable": True,
    }

    def __init__(
        self, game: MarkovGame, head: str = "multiple", stays: bool = False, scale: Any = None
    ) -> None:
        self._number = {f"advertiser_{i}": i for i in able(game)}
        self.game, self.handle, self.stays = game, handle_named(head), stays
        self.scale = scale_of(game, scale)
        self.render_mode = None
        self.possible_agents = list(self._number)
        self.agents: list[str] = []
        self.observation_spaces = {name: observation_box(game.observer) for name in self._number}
        self.action_spaces = {name: action_box() for name in self._number}
        self.state_space = observation_box(game.observer, len(self._number))
        self._random, _ = np_random()
        self._state: GameState | None = None
        self._free: set[str] = set()
        self._table = np.zeros((len(self._number), game.features), np.float32)

    def observation_space(self, agent: str) -> Space[Vector]:
        """[F]."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Vector]:
        """[1], from -1 to 1."""
        return self.action_spaces[agent]

    def state(self) -> npt.NDArray[np.float32]:
        """What all possible agents see, one row each."""
        return self._table.copy()

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Vector], Infos]:
        """Open a period; see `pettingzoo.ParallelEnv.reset`.

        Raises:
            InputError: there is no such period, or opponents drive everybody each time.
        """
        refuse_fork()
        if seed is not None:
            self._random, _ = np_random(seed)
        for _ in range(TRIES):
            chance, period = drawn(self._random, self.game, options)
            state, view = opened(self.game, chance, period)
            free = np.asarray(state.seat) == 0
            self.agents = [name for name, i in self._number.items() if free[i]]
            if self.agents:
                self._state, self._free = state, set(self.agents)
                break
        else:
            raise InputError("opponents drive all advertisers; set opponent_prob below 1")
        seen, infos = self._told(view)
        return seen, {name: info | {"period": period} for name, info in infos.items()}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Vector], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Sell a tick, or an impression; see `pettingzoo.ParallelEnv.step`.

        Raises:
            InputError: an agent has no action or no finite one, or one acts that is no agent now.
        """
        refuse_fork()
        if self._state is None:
            raise InputError("the market has not been opened; call reset()")
        agents = self.agents
        if not agents:
            return {}, {}, {}, {}, {}
        missing = [name for name in agents if name not in actions]
        if missing:
            raise InputError(f"every agent acts; {missing[0]} has no action")
        strange = set(actions) - self._free
        if strange:
            raise InputError(f"{min(strange)} is no agent of this period; see env.agents")
        number = [self._number[name] for name in agents]
        table = np.zeros(self.game.agents)
        table[number] = finite([actions[name] for name in agents], agents)
        self._state, view = stepped(self.game, self.handle, self._state, table)
        reward = (np.asarray(view.reward)[number] / self.scale[number]).tolist()
        goes = np.full(len(agents), bool(view.done))
        if not self.stays:
            goes |= ~np.asarray(view.present)[number]
        seen, infos = self._told(view)
        ends = dict(zip(agents, goes.tolist(), strict=True))
        self.agents = [name for name in agents if not ends[name]]
        rewards = dict(zip(agents, reward, strict=True))
        return seen, rewards, ends, dict.fromkeys(agents, False), infos

    def _told(self, view: View) -> tuple[dict[str, Vector], Infos]:
        """Observations and infos of the agents that are there."""
        possible = list(self._number.values())
        self._table = np.asarray(view.seen)[possible]
        number = [self._number[name] for name in self.agents]
        seen, counts = np.asarray(view.seen)[number], np.asarray(view.counts)[:, number].T.tolist()
        infos: list[dict[str, Any]] = [dict(zip(COUNTS, row, strict=True)) for row in counts]
        return (
            dict(zip(self.agents, seen, strict=True)),
            dict(zip(self.agents, infos, strict=True)),
        )
