"""What an update of MADDPG moves, and how."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from equibid.envs.problem import Task
from equibid.learning.algorithms.maddpg.config import MaddpgConfig
from equibid.learning.algorithms.maddpg.losses import actor_loss, critic_loss, targets
from equibid.learning.algorithms.maddpg.replay import Transition
from equibid.learning.losses.actor_critic import adam, moved
from equibid.learning.losses.targets import polyak
from equibid.learning.networks.communication import Actor, actor
from equibid.learning.networks.joint_critic import JointCritic, joint_critic
from equibid.learning.replay.buffer import Replay, gather, uniform
from equibid.learning.structure import structure_named


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        actor: the policies.
        critic: of all.
        target_actor: trails the actor.
        target_critic: trails the critic.
        actor_opt_state: of the optimiser.
        critic_opt_state: of the optimiser.
    """

    actor: Actor
    critic: JointCritic
    target_actor: Actor
    target_critic: JointCritic
    actor_opt_state: optax.OptState
    critic_opt_state: optax.OptState


def init_learner(
    settings: MaddpgConfig, task: Task, for_actor: jax.Array, for_critic: jax.Array
) -> Learner:
    """Untrained networks, whose actors keep the day before's factors.

    Args:
        settings: of the algorithm.
        task: what is learned.
        for_actor: key.
        for_critic: key.
    """
    N, F = task.game.agents, task.game.features
    policy = actor(
        for_actor,
        F,
        1,
        N,
        hidden=settings.hidden_sizes,
        sharing=settings.parameter_sharing,
        bandwidth=settings.message_size,
    )
    critic = joint_critic(
        for_critic,
        F,
        1,
        N,
        central=structure_named(settings.structure).central,
        sharing=settings.parameter_sharing,
        hidden=settings.hidden_sizes,
        layer_norm=settings.layer_norm,
    )
    memories = (
        optimiser.init(eqx.filter(weights, eqx.is_array))
        for optimiser, weights in zip(optimisers(settings), (policy, critic), strict=True)
    )
    return Learner(
        policy,
        critic,
        jax.tree.map(jnp.array, policy),
        jax.tree.map(jnp.array, critic),
        *memories,
    )


def update(
    settings: MaddpgConfig,
    memory: Replay,
    worth: Float[Array, " N"],
    teams: Int[Array, " N"],
    learner: Learner,
    key: jax.Array,
) -> tuple[Learner, dict[str, Array]]:
    """A step of critics, actors and targets.

    Args:
        settings: of the algorithm.
        memory: of periods; not empty.
        worth: a period's usual return to each agent, in mean ticks.
        teams: of each agent.
        learner: before.
        key: of the draw.

    Returns:
        The learner after it, and metrics.
    """
    steps = settings.max_rows // teams.shape[0]
    drawn = uniform(memory, key, max(1, min(settings.batch_size, steps)))
    now: Transition = gather(memory, drawn, memory.episodes)
    target = targets(
        settings, learner.target_actor, learner.target_critic, memory, drawn, worth, teams
    )
    missed, rise = jax.value_and_grad(critic_loss)(learner.critic, now, target, teams)
    lost, slope = jax.value_and_grad(actor_loss)(
        learner.actor, learner.critic, now, teams, settings.action_l2
    )
    of_actor, of_critic = optimisers(settings)
    policy, actor_opt_state = moved(of_actor, learner.actor, slope, learner.actor_opt_state)
    critic, critic_opt_state = moved(of_critic, learner.critic, rise, learner.critic_opt_state)
    told = {
        "critic/loss": missed,
        "critic/gradient": optax.tree.norm(rise),
        "actor/loss": lost,
        "actor/gradient": optax.tree.norm(slope),
    }
    return Learner(
        policy,
        critic,
        polyak(learner.target_actor, policy, settings.tau),
        polyak(learner.target_critic, critic, settings.tau),
        actor_opt_state,
        critic_opt_state,
    ), told


def optimisers(
    settings: MaddpgConfig,
) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    """Of the actor and of the critic."""
    return adam(settings.actor_learning_rate, settings.max_grad_norm), adam(
        settings.critic_learning_rate, settings.max_grad_norm
    )
