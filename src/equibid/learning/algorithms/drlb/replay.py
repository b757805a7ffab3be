"""What DRLB remembers of the periods it played: every campaign's by itself."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32, UInt32

from equibid.envs.problem import Task
from equibid.learning.algorithms.drlb.config import DrlbConfig
from equibid.learning.algorithms.drlb.returns import keys_of
from equibid.learning.replay.buffer import Replay, replay
from equibid.learning.training.rollout import Episodes


class Transition(NamedTuple):
    """What is kept of a campaign's episode.

    Attributes:
        seen: before each step and after the last.
        chosen: number of the action.
        key: of the step in the dictionary.
        own: return of the episode, share of R*.
        direct: value of the step over R*.
        present: it had money before the step and learns.
        goes_on: it has money after the step, and the period goes on.
        rest: what is paid after the step where it does not go on, share of R*.
    """

    seen: Float[Array, "*M T+1 F"]
    chosen: Int32[Array, "*M T"]
    key: UInt32[Array, "*M T"]
    own: Float[Array, "*M T"]
    direct: Float[Array, "*M T"]
    present: Bool[Array, "*M T"]
    goes_on: Bool[Array, "*M T"]
    rest: Float[Array, "*M T"]


def empty_replay(settings: DrlbConfig, task: Task) -> Replay:
    """A replay of as many campaigns' episodes as hold about `buffer_size` steps."""
    T, F = task.game.steps, task.game.features
    flat = [((T,), x) for x in ("int32", "uint32", "float32", "float32", "bool", "bool")]
    shapes = (((T + 1, F), "float32"), *flat, ((T,), "float32"))
    example = Transition(*(jnp.zeros(shape, dtype) for shape, dtype in shapes))
    kept = max(settings.buffer_size // T, settings.num_envs * task.game.agents)
    return replay(example, kept, T)


def remember(
    settings: DrlbConfig, task: Task, episodes: Episodes, start: Float[Array, "E N"]
) -> Transition:
    """Every campaign's episodes, [E·N, T, …].

    Args:
        settings: of the algorithm.
        task: what is learned.
        episodes: as played.
        start: logarithm of the first factor over that of the day before.
    """
    seen = episodes.observation
    E, T, N = episodes.reward.shape
    direct = (episodes.reward / task.best).astype(jnp.float32)
    own = jnp.broadcast_to(direct.sum(axis=1, keepdims=True), direct.shape)
    tick = jnp.arange(T)[:, None]
    chosen = episodes.action[..., 0].astype(jnp.int32)
    which = jnp.arange(N), episodes.period[:, None, None], start[:, None]
    key = keys_of(*which, tick, seen[:, :-1], chosen, settings.bin_width)
    present, goes_on = episodes.present[:, :-1], episodes.present[:, 1:]
    # An episode without money is paid its return until the end: nothing can change it.
    rest = jnp.where(goes_on, 0, (T - 1 - tick) / T * own).astype(jnp.float32)
    rows = Transition(seen, chosen, key, own, direct, present, goes_on, rest)
    return jax.tree.map(lambda x: jnp.moveaxis(x, 2, 1).reshape(E * N, *_without(x)), rows)


def _without(x: Array) -> tuple[int, ...]:
    """Shape of a campaign's episode in [E, T, N, …]."""
    return (x.shape[1], *x.shape[3:])
