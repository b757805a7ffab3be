"""What MADDPG remembers of the periods it played."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.maddpg.config import MaddpgConfig
from equibid.learning.losses.actor_critic import Experience
from equibid.learning.losses.targets import returns
from equibid.learning.replay.buffer import Replay, replay
from equibid.learning.training.rollout import Episodes


class Transition(NamedTuple):
    """What is kept of an episode; T steps, and one more where the end is kept too.

    Attributes:
        seen: by each agent.
        present: who acts; at the end nobody.
        concerned: who learns and whose team still has somebody in the market.
        action: a, in [-1, 1].
        reward: in mean ticks.
        returns: its sum to go.
        credit: the share of money and time that is left.
    """

    seen: Float[Array, "*E T+1 N F"]
    present: Bool[Array, "*E T+1 N"]
    concerned: Bool[Array, "*E T+1 N"]
    action: Float[Array, "*E T N 1"]
    reward: Float[Array, "*E T N"]
    returns: Float[Array, "*E T N"]
    credit: Float[Array, "*E T+1 N"]


def empty_replay(settings: MaddpgConfig, task: Task) -> Replay:
    """A replay of `buffer_size` periods."""
    N, F, T = task.game.agents, task.game.features, task.game.steps
    some, whole = (T, N), (T + 1, N)
    example = Transition(
        seen=jnp.zeros((*whole, F), jnp.float32),
        present=jnp.zeros(whole, bool),
        concerned=jnp.zeros(whole, bool),
        action=jnp.zeros((*some, 1), jnp.float32),
        reward=jnp.zeros(some, jnp.float32),
        returns=jnp.zeros(some, jnp.float32),
        credit=jnp.zeros(whole, jnp.float32),
    )
    return replay(example, settings.buffer_size, T)


def remember(settings: MaddpgConfig, episodes: Episodes, seen: Experience) -> Transition:
    """What the replay keeps of episodes.

    Args:
        settings: of the algorithm.
        episodes: as played.
        seen: what they teach.
    """
    reward = seen.reward.shape[1] * seen.reward
    return Transition(
        seen=episodes.observation,
        present=episodes.present,
        concerned=seen.concerned,
        action=episodes.action,
        reward=reward,
        returns=returns(reward, settings.gamma),
        credit=seen.credit,
    )
