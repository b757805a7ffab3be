"""How attention-critic coordinated bidding moves its networks."""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.attention_critic.losses import (
    Batch,
    Critics,
    actor_loss,
    critic_loss,
    targets,
)
from equibid.learning.algorithms.attention_critic.replay import blank, draw
from equibid.learning.losses.actor_critic import masked_mean
from equibid.learning.losses.targets import polyak
from equibid.learning.networks.attention import attention_critic
from equibid.learning.networks.mlp import MLP, Policies, mlp, policies
from equibid.learning.networks.normalise import Moments, moments, observe, standard_deviation
from equibid.learning.replay.buffer import Replay, replay, reprioritise

if TYPE_CHECKING:
    from equibid.learning.algorithms.attention_critic.algorithm import AttentionCriticBidding

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


def init_learner(settings: "AttentionCriticBidding", task: Task, key: jax.Array) -> Learner:
    """Untrained networks, actors that bid the reference factor, and an empty replay."""
    N, F = task.game.agents, task.game.features
    for_actor, for_critic = jax.random.split(key)

    def network(key: jax.Array) -> MLP:
        sizes = [F, *settings.actor_hidden_sizes, 1]
        return mlp(key, sizes, layer_norm=True, last_scale=0.01)

    actor = policies(
        for_actor, network, range(N) if settings.parameter_sharing == "separate" else None
    )
    critics = tuple(
        attention_critic(
            key,
            F,
            1,
            width=settings.critic_hidden_size,
            heads=settings.num_heads,
            dropout=settings.dropout,
            nearest=settings.num_neighbours,
        )
        for key in jax.random.split(for_critic, settings.num_critics)
    )
    return Learner(
        actor,
        critics,
        jax.tree.map(jnp.array, actor),
        jax.tree.map(jnp.array, critics),
        _optimiser(ACTOR_CLIP, settings.actor_learning_rate).init(_arrays(actor)),
        _optimiser(CRITIC_CLIP, settings.critic_learning_rate).init(_arrays(critics)),
        replay(blank(task), settings.buffer_size, task.game.steps),
        moments((2,)),
    )


def update(
    settings: "AttentionCriticBidding",
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
    settings: "AttentionCriticBidding",
    task: Task,
    progress: Array,
    number: Array,
    learner: Learner,
    key: jax.Array,
) -> tuple[Learner, tuple[Batch, dict[str, Array]]]:
    drawing, dropping, smoothing = jax.random.split(key, 3)
    beta, share = between(settings.per_beta, progress), between(settings.return_mix, progress)
    drawn, batch = draw(settings, learner.replay, drawing, beta, number)
    noise = jax.random.normal(smoothing, batch.action.shape, jnp.float32)
    noise = settings.target_noise_std * jnp.clip(noise, -2, 2)
    y = targets(learner.target_actor, learner.target_critics, batch, noise, share, task.overlap)
    (loss, (error, q)), gradients = jax.value_and_grad(critic_loss, has_aux=True)(
        learner.critics, batch, y, dropping, task.overlap
    )
    critics, memory, length = _descended(
        _optimiser(CRITIC_CLIP, settings.critic_learning_rate),
        gradients,
        learner.critic_opt_state,
        learner.critics,
    )
    learner = learner._replace(
        critics=critics,
        critic_opt_state=memory,
        replay=reprioritise(learner.replay, drawn, error, settings.per_alpha),
        values=observe(learner.values, q, batch.present.astype(jnp.float32)),
    )
    return learner, (batch, {"critic/loss": loss, "critic/gradient": length})


def _move_actor(
    settings: "AttentionCriticBidding",
    task: Task,
    moving: Array,
    learner: Learner,
    batch: Batch,
    key: jax.Array,
) -> tuple[Learner, dict[str, Array]]:
    spread = standard_deviation(learner.values)
    (loss, logit), gradients = jax.value_and_grad(actor_loss, has_aux=True)(
        learner.actor, learner.critics[0], batch, spread, key, task.overlap, settings.action_l2
    )
    moved, memory, length = _descended(
        _optimiser(ACTOR_CLIP, settings.actor_learning_rate),
        gradients,
        learner.actor_opt_state,
        learner.actor,
    )
    actor = jax.tree.map(lambda new, old: jnp.where(moving, new, old), moved, learner.actor)
    _, head, _ = settings.ceiling(task)
    u = jax.nn.sigmoid(logit - jnp.log(head.cap - 1))
    told = {
        "actor/loss": loss,
        "actor/gradient": length,
        "actor/level": masked_mean(u, batch.present),
        "actor/saturated": masked_mean((u * (1 - u) < 0.01).astype(u.dtype), batch.present),
        "critic/own": spread[0],
        "critic/team": spread[1],
    }
    return learner._replace(actor=actor, actor_opt_state=memory), told


def _descended(
    optimiser: optax.GradientTransformation, gradients: Any, memory: Any, network: Any
) -> tuple[Any, Any, Float[Array, ""]]:
    """A network one step further, the optimiser's memory, and the gradient's length."""
    change, memory = optimiser.update(gradients, memory)
    return optax.apply_updates(network, change), memory, optax.tree.norm(gradients)


def _optimiser(clip: float, rate: float) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(clip), optax.adam(rate))


def _arrays(network: Any) -> Any:
    """Modules are trees of arrays, which optax's types do not know."""
    return network


def between(ends: tuple[float, float], progress: Float[Array, ""]) -> Float[Array, ""]:
    """The first at no progress, the last at all of it."""
    return ends[0] + (ends[1] - ends[0]) * progress
