"""What attention-critic coordinated bidding remembers of the periods it played.

Rewards are kept as shares of what the day before's best factor buys, less what money and time of
the step were worth by a rule of thumb: r_t / best - (Φ(s_t) - Φ(s_t+1)), with Φ the root of the
share of the budget left times the share of the period left. A potential changes no policy (Ng et
al. 1999); without it a critic would have to tell a thousandth of the return from the return.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.attention_critic.competition import cooperation
from equibid.learning.algorithms.attention_critic.config import AttentionCriticConfig
from equibid.learning.algorithms.attention_critic.losses import Batch
from equibid.learning.algorithms.attention_critic.temperature import relative_index, temperatures
from equibid.learning.losses.targets import returns
from equibid.learning.replay.buffer import Replay, Sample, age, following, gather, replay, sample
from equibid.learning.training.rollout import Episodes, time_left

# The least joint steps of a batch.
FEWEST = 16


class Transition(NamedTuple):
    """What is kept of an episode; T steps, and one more where the end is kept too.

    Attributes:
        observation: what each agent saw.
        present: who had money and learns; at the start, who learns at all; at the end, nobody.
        action: logits that were bid; 0 for who is not present.
        reward: shaped, own and team.
        returns: its sum to go.
        cooperation: κ.
    """

    observation: Float[Array, "*E T+1 N F"]
    present: Bool[Array, "*E T+1 N"]
    action: Float[Array, "*E T N 1"]
    reward: Float[Array, "*E T N 2"]
    returns: Float[Array, "*E T N 2"]
    cooperation: Float[Array, "*E T N"]


def empty_replay(settings: AttentionCriticConfig, task: Task) -> Replay:
    """A replay of `buffer_size` periods."""
    T, N, F = task.game.steps, task.game.agents, task.game.features
    real, truth = jnp.float32, jnp.bool_
    shapes: tuple[Any, ...] = (
        jax.ShapeDtypeStruct((T + 1, N, F), real),
        jax.ShapeDtypeStruct((T + 1, N), truth),
        jax.ShapeDtypeStruct((T, N, 1), real),
        jax.ShapeDtypeStruct((T, N, 2), real),
        jax.ShapeDtypeStruct((T, N, 2), real),
        jax.ShapeDtypeStruct((T, N), real),
    )
    return replay(Transition(*shapes), settings.buffer_size, T)


def remember(
    settings: AttentionCriticConfig, task: Task, episodes: Episodes, price: Float[Array, ""]
) -> tuple[Transition, dict[str, Array]]:
    """What the replay keeps of episodes, and what is told of them.

    Args:
        settings: of the algorithm.
        task: what is learned.
        episodes: as played.
        price: the usual one.
    """
    game, tally = task.game, episodes.tally
    # In this period; who has no budget does not.
    learns = episodes.present[:, :1]
    budget = jnp.where(game.campaigns.budget > 0, game.campaigns.budget, 1.0)
    gain = episodes.reward / task.best
    money = jnp.where(episodes.present, episodes.remaining / budget, 0.0)
    phi = settings.shaping_coef * jnp.sqrt(money * time_left(game.steps)[:, None])
    own = jnp.where(learns, gain + jnp.diff(phi, axis=1), 0.0)
    worth = jnp.where(learns, task.best, 0.0)
    worth /= jnp.maximum(worth.sum(axis=-1, keepdims=True), 1e-300)
    reward = (settings.reward_scale * both(own, worth)).astype(jnp.float32)

    index = relative_index(task, episodes, price)
    kappa = cooperation(temperatures(settings, task, episodes, index))
    memory = Transition(
        episodes.observation,
        episodes.present,
        jnp.where(episodes.present[:, :-1, :, None], episodes.action, 0),
        reward,
        returns(reward, 1.0, axis=1),
        kappa.astype(jnp.float32),
    )
    here, agents = episodes.present[:, :-1], jnp.maximum(learns.sum(), 1)
    told = {
        "value": jnp.where(learns, tally.value, 0).sum() / settings.num_envs,
        "return": jnp.where(learns, gain, 0).sum() / agents,
        "spend": jnp.where(learns, tally.spend / budget, 0).sum() / agents,
        "cooperation": jnp.where(here, kappa, 0).sum() / jnp.maximum(here.sum(), 1),
        "competition/index": index.mean(),
    }
    return memory, told


def both(own: Float[Array, "... N"], weight: Float[Array, "... N"]) -> Float[Array, "... N 2"]:
    """An agent's own number, and the weighted sum of all agents' that each of them gets."""
    team = (own * weight).sum(axis=-1, keepdims=True)
    return jnp.stack([own, jnp.broadcast_to(team, own.shape)], axis=-1)


def draw(
    settings: AttentionCriticConfig,
    memory: Replay,
    key: jax.Array,
    beta: Float[Array, ""],
    done: Array,
) -> tuple[Sample, Batch]:
    """A batch by priority.

    Args:
        settings: of the algorithm.
        memory: not empty.
        key: of the draw.
        beta: share of the bias that weights take away.
        done: actor steps since the last episodes came.
    """
    stored: Transition = memory.episodes
    N = stored.observation.shape[2]
    joint = settings.batch_size
    if settings.max_rows is not None:
        joint = min(joint, max(settings.max_rows // N, FEWEST))
    drawn = sample(memory, key, joint, beta)
    now: Transition = gather(memory, drawn, stored)
    after, staying = following(memory, drawn, (stored.observation, stored.present))
    batch = Batch(
        observation=now.observation,
        following=after,
        learns=stored.present[drawn.episode, 0],
        present=now.present,
        staying=staying,
        action=now.action,
        reward=now.reward,
        returns=now.returns,
        cooperation=now.cooperation,
        weight=drawn.weight,
        fresh=age(memory, drawn) * settings.num_updates + done < settings.max_return_age,
    )
    return drawn, batch
