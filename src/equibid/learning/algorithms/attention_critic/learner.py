"""What an update of attention-critic coordinated bidding moves, and how."""

from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.attention_critic.actions import ceiling
from equibid.learning.algorithms.attention_critic.config import AttentionCriticConfig
from equibid.learning.algorithms.attention_critic.losses import (
    Batch,
    Critics,
    actor_loss,
    critic_loss,
    targets,
)
from equibid.learning.algorithms.attention_critic.networks import (
    untrained_actors,
    untrained_critics,
)
from equibid.learning.algorithms.attention_critic.replay import draw, empty_replay
from equibid.learning.losses.actor_critic import adam, masked_mean, moved
from equibid.learning.losses.targets import polyak
from equibid.learning.networks.mlp import Policies
from equibid.learning.networks.normalise import Moments, moments, observe, standard_deviation
from equibid.learning.replay.buffer import Replay, reprioritise

# Longest gradients.
ACTOR_CLIP, CRITIC_CLIP = 0.5, 10.0


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        actor: policies of all agents.
        critics: one, or several of which the least value is believed.
        target_actor: that trails the actor.
        target_critics: that trail the critics.
        actor_opt_state: of the optimiser.
        critic_opt_state: of the optimiser.
        replay: the episodes.
        values: of what the first critic said, own and team.
    """

    actor: Policies
    critics: Critics
    target_actor: Policies
    target_critics: Critics
    actor_opt_state: optax.OptState
    critic_opt_state: optax.OptState
    replay: Replay
    values: Moments


def init_learner(settings: AttentionCriticConfig, task: Task, key: jax.Array) -> Learner:
    """Untrained networks, actors that bid the reference factor, and an empty replay."""
    for_actor, for_critic = jax.random.split(key)
    actor = untrained_actors(settings, task, for_actor)
    critics = untrained_critics(settings, task, for_critic)
    return Learner(
        actor,
        critics,
        jax.tree.map(jnp.array, actor),
        jax.tree.map(jnp.array, critics),
        adam(settings.actor_learning_rate, ACTOR_CLIP).init(cast(Any, actor)),
        adam(settings.critic_learning_rate, CRITIC_CLIP).init(cast(Any, critics)),
        empty_replay(settings, task),
        moments((2,)),
    )


def update(
    settings: AttentionCriticConfig,
    task: Task,
    progress: Float[Array, ""],
    moving: Bool[Array, ""],
    learner: Learner,
    at: tuple[Array, jax.Array],
) -> tuple[Learner, dict[str, Array]]:
    """Some critic steps, one actor step, and the targets follow.

    Args:
        settings: of the algorithm.
        task: what is learned.
        progress: of the schedules, 0 to 1.
        moving: whether the actor moves yet.
        learner: before.
        at: number of the update since the last episodes came, and its key.

    Returns:
        The learner after it, and metrics.
    """
    number, key = at
    for_actor, for_critic = jax.random.split(key)
    fit = partial(_fit_critics, settings, task, progress, number)
    learner, (batches, losses) = jax.lax.scan(
        fit, learner, jax.random.split(for_critic, settings.policy_delay)
    )
    batch = jax.tree.map(lambda x: x[-1], batches)
    learner, told = _move_actor(settings, task, moving, learner, batch, for_actor)
    learner = learner._replace(
        target_actor=polyak(learner.target_actor, learner.actor, settings.tau),
        target_critics=polyak(learner.target_critics, learner.critics, settings.tau),
    )
    return learner, jax.tree.map(jnp.mean, losses) | told


def _fit_critics(
    settings: AttentionCriticConfig,
    task: Task,
    progress: Array,
    number: Array,
    learner: Learner,
    key: jax.Array,
) -> tuple[Learner, tuple[Batch, dict[str, Array]]]:
    """A step of the critics; gives also the batch it learned from, and metrics."""
    drawing, dropping, smoothing = jax.random.split(key, 3)
    beta, share = between(settings.per_beta, progress), between(settings.return_mix, progress)
    drawn, batch = draw(settings, learner.replay, drawing, beta, number)
    noise = jax.random.normal(smoothing, batch.action.shape, jnp.float32)
    noise = settings.target_noise_std * jnp.clip(noise, -2, 2)
    y = targets(learner.target_actor, learner.target_critics, batch, noise, share, task.overlap)
    (loss, (error, q)), gradients = jax.value_and_grad(critic_loss, has_aux=True)(
        learner.critics, batch, y, dropping, task.overlap
    )
    critics, memory = moved(
        adam(settings.critic_learning_rate, CRITIC_CLIP),
        learner.critics,
        gradients,
        learner.critic_opt_state,
    )
    learner = learner._replace(
        critics=critics,
        critic_opt_state=memory,
        replay=reprioritise(learner.replay, drawn, error, settings.per_alpha),
        values=observe(learner.values, q, batch.present.astype(jnp.float32)),
    )
    return learner, (
        batch,
        {"critic/loss": loss, "critic/gradient": optax.tree.norm(gradients)},
    )


def _move_actor(
    settings: AttentionCriticConfig,
    task: Task,
    moving: Array,
    learner: Learner,
    batch: Batch,
    key: jax.Array,
) -> tuple[Learner, dict[str, Array]]:
    """A step of the actor, if it moves yet, and metrics."""
    spread = standard_deviation(learner.values)
    (loss, logit), gradients = jax.value_and_grad(actor_loss, has_aux=True)(
        learner.actor, learner.critics[0], batch, spread, key, task.overlap, settings.action_l2
    )
    after, memory = moved(
        adam(settings.actor_learning_rate, ACTOR_CLIP),
        learner.actor,
        gradients,
        learner.actor_opt_state,
    )
    actor = jax.tree.map(lambda new, old: jnp.where(moving, new, old), after, learner.actor)
    _, head, _ = ceiling(settings, task)
    u = jax.nn.sigmoid(logit - jnp.log(head.cap - 1))
    told = {
        "actor/loss": loss,
        "actor/gradient": optax.tree.norm(gradients),
        "actor/level": masked_mean(u, batch.present),
        "actor/saturated": masked_mean((u * (1 - u) < 0.01).astype(u.dtype), batch.present),
        "critic/own": spread[0],
        "critic/team": spread[1],
    }
    return learner._replace(actor=actor, actor_opt_state=memory), told


def between(ends: tuple[float, float], progress: Float[Array, ""]) -> Float[Array, ""]:
    """The first at no progress, the last at all of it."""
    return ends[0] + (ends[1] - ends[0]) * progress
