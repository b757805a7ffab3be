"""Many copies of `BidderEnv` in one compiled step: the vector environment of `equibid/Bidder-v0`.

    envs = gymnasium.make_vec("equibid/Bidder-v0", num_envs=64, market="demo")

Copies differ in period, chance, opponents and learner alone, so all of them are sold their tick in
one call. Each gives the numbers of a `BidderEnv` with its seed.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Array, Bool, Float, Int

from equibid.envs.episode import COUNTS, View, advance_one, begin_one, finite
from equibid.envs.forked import refuse_fork
from equibid.envs.game import GameState, MarkovGame
from equibid.envs.handles import Handle
from equibid.envs.single_env import Seat
from equibid.envs.spaces import Vector, action_box, observation_box
from equibid.errors import InputError

Infos = dict[str, Any]
# Chance, period and learner of each copy's next period: [E] each.
Start = tuple[Any, Any, Any]


@partial(jax.jit, static_argnames="drawn")
def opened(game: MarkovGame, drawn: bool, start: Start) -> tuple[GameState, View]:
    """Every copy at the start of its period."""
    return jax.vmap(lambda *one: begin_one(game, drawn, *one))(*start)


@partial(jax.jit, static_argnames="drawn")
def stepped(
    game: MarkovGame,
    handle: Handle,
    drawn: bool,
    states: GameState,
    agent: Int[Array, " E"],
    number: Float[Array, " E"],
    anew: Bool[Array, " E"],
    start: Start,
) -> tuple[GameState, View]:
    """A step of every copy, or the start of its next period where it begins anew."""
    going = jax.vmap(lambda *one: advance_one(game, handle, *one))(states, agent, number)

    def renewed() -> tuple[GameState, View]:
        def pick(new: Array, old: Array) -> Array:
            return jnp.where(anew.reshape(-1, *[1] * (old.ndim - 1)), new, old)

        return jax.tree.map(pick, opened(game, drawn, start), going)

    return jax.lax.cond(anew.any(), renewed, lambda: going)


class BidderVectorEnv(VectorEnv[Vector, Vector, npt.NDArray[Any]]):
    """E copies of a `BidderEnv`; observation, action, reward and infos as there, in rows.

    A copy whose period has ended begins the next one at the step after, whatever its action, with
    a reward of zero (`AutoresetMode.NEXT_STEP`).

    Args:
        num_envs: E.
        game: with opponents, if more than one advertiser could learn.
        further: as of `BidderEnv`.

    Raises:
        InputError: as `BidderEnv`, or there is not at least one copy.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP, "render_modes": []}  # noqa: RUF012

    def __init__(self, num_envs: int, game: MarkovGame, **further: Any) -> None:
        if num_envs < 1:
            raise InputError(f"num_envs={num_envs}: there must be at least one copy")
        self.seat, self.num_envs, self.render_mode = Seat(game, **further), num_envs, None
        self.single_observation_space = observation_box(game.observer)
        self.observation_space = observation_box(game.observer, num_envs)
        self.single_action_space, self.action_space = action_box(), action_box(num_envs)
        self._random = [np_random()[0] for _ in range(num_envs)]
        self._states: GameState | None = None
        self._agent = np.zeros(num_envs, np.int64)
        self._over = np.zeros(num_envs, np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Infos | None = None
    ) -> tuple[Vector, Infos]:
        """Open a period in every copy; the seed of copy i is ``seed + i``, or the i-th.

        Raises:
            InputError: there is no such period or learner, or not a seed for every copy.
        """
        refuse_fork()
        E = self.num_envs
        seeds = (
            [None if seed is None else seed + i for i in range(E)]
            if (seed is None or isinstance(seed, int))
            else list(seed)
        )
        if len(seeds) != E:
            raise InputError(f"{len(seeds)} seeds for {E} copies; give one, or one for each")
        for number, own in enumerate(seeds):
            if own is not None:
                self._random[number] = np_random(own)[0]
        everybody = np.ones(E, np.bool_)
        start = self._taken(everybody, options)
        self._agent, self._over = start[2], ~everybody
        self._states, view = opened(self.seat.game, self.seat.drawn, start)
        return np.array(view.seen), self._infos(view, everybody, start)

    def step(
        self, actions: Any
    ) -> tuple[Vector, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], Infos]:
        """A step of every copy; see `gymnasium.vector.VectorEnv.step`."""
        refuse_fork()
        if self._states is None:
            raise InputError("no period has begun; call reset()")
        anew, seat = self._over, self.seat
        try:
            rows = np.asarray(actions, np.float64).reshape(self.num_envs)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"actions are one number for each of {self.num_envs} copies"
            ) from error
        number = finite(np.where(anew, 0.0, rows), [f"copy {i}" for i in range(self.num_envs)])
        start = self._taken(anew, None)
        self._states, view = stepped(
            seat.game, seat.handle, seat.drawn, self._states, self._agent, number, anew, start
        )
        self._agent = start[2]
        reward = np.where(anew, 0.0, np.asarray(view.reward) / seat.scale[self._agent])
        gone = np.asarray(view.done) | ~(seat.stays | np.asarray(view.present))
        self._over = gone & ~anew
        cut = np.zeros(self.num_envs, np.bool_)
        return np.array(view.seen), reward, self._over.copy(), cut, self._infos(view, anew, start)

    def _taken(self, anew: npt.NDArray[np.bool_], options: Infos | None) -> Start:
        """Chance, period and learner of each copy that begins anew; zeros for the others."""
        taken = np.zeros((3, self.num_envs), np.int64)
        taken[2] = self._agent
        for number in np.flatnonzero(anew):
            taken[:, number] = self.seat.taken(self._random[number], options)
        return taken[0], taken[1], taken[2]

    def _infos(self, view: View, anew: npt.NDArray[np.bool_], start: Start) -> Infos:
        """As Gymnasium lays them out: a row for every copy, and which of them say it."""
        counts, infos = np.asarray(view.counts), dict[str, Any]()
        everybody = np.ones(self.num_envs, np.bool_)
        for row, name in enumerate(COUNTS):
            infos |= {name: counts[:, row].copy(), f"_{name}": everybody.copy()}
        if anew.any():
            for name, told in (("period", start[1]), ("advertiser", start[2])):
                infos |= {name: np.where(anew, told, 0), f"_{name}": anew.copy()}
        return infos
