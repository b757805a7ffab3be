"""What an update of USCB moves, and how."""

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool

from equibid.learning.algorithms.uscb.config import UscbConfig
from equibid.learning.algorithms.uscb.losses import actor_loss, critic_loss
from equibid.learning.algorithms.uscb.networks import Actor, untrained_actor, untrained_critic
from equibid.learning.algorithms.uscb.replay import Transition
from equibid.learning.losses.actor_critic import moved
from equibid.learning.networks.mlp import MLP
from equibid.learning.replay.buffer import Replay, gather, uniform


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        actor: the policy.
        critic: G of a factor held.
        actor_opt_state: of the optimiser.
        critic_opt_state: of the optimiser.
    """

    actor: Actor
    critic: MLP
    actor_opt_state: optax.OptState
    critic_opt_state: optax.OptState


def init_learner(
    settings: UscbConfig, features: int, for_actor: jax.Array, for_critic: jax.Array
) -> Learner:
    """An actor that bids the start, and a critic that knows nothing.

    Args:
        settings: of the algorithm.
        features: numbers that an agent sees.
        for_actor: key.
        for_critic: key.
    """
    actor = untrained_actor(settings, features, for_actor)
    critic = untrained_critic(settings, features, for_critic)
    return Learner(
        actor,
        critic,
        optax.adam(settings.actor_learning_rate).init(cast(Any, actor)),
        optax.adam(settings.critic_learning_rate).init(cast(Any, critic)),
    )


def update(
    settings: UscbConfig,
    memory: Replay,
    ready: Bool[Array, ""],
    learner: Learner,
    key: jax.Array,
) -> tuple[Learner, dict[str, Array]]:
    """One step of the critic, then one of the actor.

    Args:
        settings: of the algorithm.
        memory: of probes; not empty.
        ready: whether the actor moves yet.
        learner: before.
        key: of the draw.

    Returns:
        The learner after it, and metrics.
    """
    agents = memory.episodes.score.shape[-1]
    drawn = uniform(memory, key, max(settings.batch_size // agents, 1))
    batch: Transition = gather(memory, drawn, memory.episodes)
    loss, slope = jax.value_and_grad(critic_loss)(learner.critic, batch)
    critic, critic_opt_state = moved(
        optax.adam(settings.critic_learning_rate), learner.critic, slope, learner.critic_opt_state
    )
    aim, climb = jax.value_and_grad(actor_loss)(learner.actor, critic, batch, settings.rule)
    before = learner.actor, learner.actor_opt_state
    after = moved(
        optax.adam(settings.actor_learning_rate), learner.actor, climb, learner.actor_opt_state
    )
    # An actor that climbs a critic that knows nothing only gets lost.
    actor, actor_opt_state = jax.tree.map(
        lambda new, old: jnp.where(ready, new, old), after, before
    )
    told = {
        "critic/loss": loss,
        "critic/gradient": optax.tree.norm(slope),
        "actor/score": -aim,
        "actor/gradient": optax.tree.norm(climb),
    }
    return Learner(actor, critic, actor_opt_state, critic_opt_state), told
