"""What an update of MAPPO moves, and how."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from equibid.envs.problem import Task
from equibid.learning.algorithms.mappo.config import MappoConfig
from equibid.learning.losses.actor_critic import adam, moved
from equibid.learning.losses.ppo import Gaussian, Rows, policy_loss, value_loss
from equibid.learning.networks.central_value import CentralValue, central_value
from equibid.learning.networks.communication import actor
from equibid.learning.structure import structure_named


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        policy: the actors.
        critic: of all.
        policy_opt_state: of the optimiser.
        critic_opt_state: of the optimiser.
    """

    policy: Gaussian
    critic: CentralValue
    policy_opt_state: optax.OptState
    critic_opt_state: optax.OptState


def init_learner(
    settings: MappoConfig, task: Task, for_policy: jax.Array, for_critic: jax.Array
) -> Learner:
    """Untrained networks; the actors' mean keeps the day before's factors.

    Args:
        settings: of the algorithm.
        task: what is learned.
        for_policy: key.
        for_critic: key.
    """
    structure = structure_named(settings.structure)
    N, F = task.game.agents, task.game.features
    networks = actor(
        for_policy,
        F,
        1,
        N,
        hidden=settings.hidden_sizes,
        sharing=settings.parameter_sharing,
        bandwidth=settings.message_size,
    )
    G = 1 if settings.parameter_sharing == "shared" else N
    policy = Gaussian(networks, jnp.log(jnp.full((G, 1), settings.init_std, jnp.float32)))
    critic = central_value(
        for_critic, F, N, structure, settings.parameter_sharing, settings.hidden_sizes
    )
    memories = (
        optimiser.init(eqx.filter(weights, eqx.is_array))
        for optimiser, weights in zip(optimisers(settings), (policy, critic), strict=True)
    )
    return Learner(policy, critic, *memories)


def learn(
    settings: MappoConfig, learner: Learner, rows: Rows, teams: Int[Array, " N"], key: jax.Array
) -> tuple[Learner, dict[str, Array]]:
    """Epochs of minibatches.

    Args:
        settings: of the algorithm.
        learner: before.
        rows: joint steps.
        teams: of each agent.
        key: of the order of the rows.

    Returns:
        The learner after it, and metrics of every update.
    """
    B, N = rows.present.shape
    size = max(1, min(B // settings.num_minibatches, settings.max_rows // N))
    count = min(settings.num_minibatches, B // size)
    of_policy, of_critic = optimisers(settings)

    def update(learner: Learner, which: Array) -> tuple[Learner, dict[str, Array]]:
        batch = jax.tree.map(lambda x: x[which], rows)
        graded = jax.value_and_grad(policy_loss, has_aux=True)
        (lost, apart), slope = graded(
            learner.policy, batch, teams, settings.clip_eps, settings.entropy_coef
        )
        missed, rise = jax.value_and_grad(value_loss)(
            learner.critic, batch, teams, settings.clip_eps, settings.huber_delta
        )
        policy, policy_opt_state = moved(of_policy, learner.policy, slope, learner.policy_opt_state)
        critic, critic_opt_state = moved(of_critic, learner.critic, rise, learner.critic_opt_state)
        told = {
            "policy/loss": lost,
            "policy/kl": apart,
            "policy/gradient": optax.tree.norm(slope),
            "critic/loss": missed,
            "critic/gradient": optax.tree.norm(rise),
        }
        return Learner(policy, critic, policy_opt_state, critic_opt_state), told

    def epoch(learner: Learner, key: jax.Array) -> tuple[Learner, dict[str, Array]]:
        order = jax.random.permutation(key, B)[: count * size].reshape(count, size)
        return jax.lax.scan(update, learner, order)

    return jax.lax.scan(epoch, learner, jax.random.split(key, settings.num_epochs))


def optimisers(
    settings: MappoConfig,
) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    """Of the policy and of the critic."""
    return (
        adam(settings.actor_learning_rate, settings.max_grad_norm, 1e-5),
        adam(settings.critic_learning_rate, settings.max_grad_norm, 1e-5),
    )
