"""What an update of DCMAB moves, and how."""

from typing import Any, NamedTuple, cast

import jax
import optax
from jaxtyping import Array, Float

from equibid.learning.algorithms.dcmab.config import DCMABConfig
from equibid.learning.algorithms.dcmab.losses import Intervals, actor_loss, critic_loss
from equibid.learning.algorithms.dcmab.networks import Actors, Critics, actors, critics
from equibid.learning.losses.actor_critic import masked_mean, moved
from equibid.learning.losses.targets import polyak


class Learner(NamedTuple):
    """All that is fitted.

    Attributes:
        actors: μ.
        critics: Q.
        slow_actors: μ'.
        slow_critics: Q'.
        actor_moments: of its optimiser.
        critic_moments: of its optimiser.
    """

    actors: Actors
    critics: Critics
    slow_actors: Actors
    slow_critics: Critics
    actor_moments: Any
    critic_moments: Any


def init_learner(settings: DCMABConfig, for_actors: jax.Array, for_critics: jax.Array) -> Learner:
    """Untrained networks.

    Args:
        settings: of the algorithm.
        for_actors: key.
        for_critics: key.
    """
    some = actors(for_actors, *settings.sizes, settings.actor_hidden_size)
    judges = critics(for_critics, *settings.sizes, settings.critic_hidden_size)
    return Learner(
        some,
        judges,
        some,
        judges,
        optax.adam(settings.actor_learning_rate).init(cast(Any, some)),
        optax.adam(settings.critic_learning_rate).init(cast(Any, judges)),
    )


def update(
    settings: DCMABConfig, learner: Learner, batch: Intervals, history: Float[Array, "J 2"]
) -> tuple[Learner, dict[str, Array]]:
    """A step on every Q_i, then one on every μ_i, and the copies follow.

    Args:
        settings: of the algorithm.
        learner: before.
        batch: of intervals.
        history: of the groups of ticks.

    Returns:
        The learner after it, and metrics.
    """
    joint = settings.critic_sees == "joint"
    (loss, y), gradient = jax.value_and_grad(critic_loss, has_aux=True)(
        learner.critics, (learner.slow_actors, learner.slow_critics), batch, history, joint
    )
    new_critics, critic_moments = moved(
        optax.adam(settings.critic_learning_rate), learner.critics, gradient, learner.critic_moments
    )
    aim, slope = jax.value_and_grad(actor_loss)(
        learner.actors, new_critics, batch, history, joint, settings.action_l2
    )
    new_actors, actor_moments = moved(
        optax.adam(settings.actor_learning_rate), learner.actors, slope, learner.actor_moments
    )
    clusters = batch.reward.shape[1]
    told = {
        "critic/loss": loss / clusters,
        "critic/target": masked_mean(y, batch.concerned),
        "critic/gradient": optax.tree.norm(gradient),
        "actor/loss": aim / clusters,
        "actor/gradient": optax.tree.norm(slope),
    }
    after = Learner(
        actors=new_actors,
        critics=new_critics,
        slow_actors=polyak(learner.slow_actors, new_actors, settings.tau),
        slow_critics=polyak(learner.slow_critics, new_critics, settings.tau),
        actor_moments=actor_moments,
        critic_moments=critic_moments,
    )
    return after, told
