"""What an update of DRLB moves, and how."""

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int32

from equibid.envs.problem import Task
from equibid.learning.algorithms.drlb.config import DrlbConfig
from equibid.learning.algorithms.drlb.losses import paid_steps, wish_loss
from equibid.learning.algorithms.drlb.replay import Transition, empty_replay
from equibid.learning.algorithms.drlb.returns import Returns, best_return
from equibid.learning.losses.actor_critic import moved
from equibid.learning.losses.deep_q import double_q_loss
from equibid.learning.losses.targets import polyak
from equibid.learning.networks.mlp import MLP, mlp
from equibid.learning.replay.buffer import Replay, gather, reprioritise, sample, uniform


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        q: values of the actions.
        target: a copy of it as of some updates ago.
        wish: RewardNet, r of the actions.
        q_memory: of the optimiser.
        wish_memory: of the optimiser.
        replay: of campaigns' episodes.
        updates: of Q so far.
    """

    q: MLP
    target: MLP
    wish: MLP
    q_memory: optax.OptState
    wish_memory: optax.OptState
    replay: Replay
    updates: Int32[Array, ""]


def init_learner(
    settings: DrlbConfig, task: Task, for_q: jax.Array, for_wish: jax.Array
) -> Learner:
    """Networks that know nothing, and an empty replay.

    Args:
        settings: of the algorithm.
        task: what is learned.
        for_q: key.
        for_wish: key.
    """
    sizes = [task.game.features, *settings.hidden_sizes, len(settings.action_values)]
    q, wish = (mlp(key, sizes, last_scale=0.1) for key in (for_q, for_wish))
    return Learner(
        q,
        jax.tree.map(jnp.array, q),
        wish,
        optax.adam(settings.learning_rate).init(cast(Any, q)),
        optax.adam(settings.learning_rate).init(cast(Any, wish)),
        empty_replay(settings, task),
        jnp.zeros((), jnp.int32),
    )


def update(
    settings: DrlbConfig, table: Returns, ready: Bool[Array, ""], learner: Learner, key: jax.Array
) -> tuple[Learner, dict[str, Array]]:
    """One step of RewardNet, one of Q.

    Args:
        settings: of the algorithm.
        table: the dictionary M.
        ready: whether Q moves yet.
        learner: before.
        key: of the draws.

    Returns:
        The learner after it, and metrics.
    """
    one, two = jax.random.split(key)
    wish, wish_memory, loss = fit_wish(settings, table, learner, one)
    drawn = sample(learner.replay, two, settings.batch_size, settings.per_beta)
    steps = paid_steps(settings, wish, learner.replay, drawn)
    (cost, error), slope = jax.value_and_grad(double_q_loss, has_aux=True)(
        learner.q, learner.target, steps
    )
    # A RewardNet that knows nothing pays nothing worth learning.
    q, q_memory = jax.tree.map(
        lambda new, old: jnp.where(ready, new, old),
        moved(optax.adam(settings.learning_rate), learner.q, slope, learner.q_memory),
        (learner.q, learner.q_memory),
    )
    updates = learner.updates + 1
    copied = updates % settings.target_update_every == 0
    present = gather(learner.replay, drawn, learner.replay.episodes.present)
    error = jnp.where(present, error[:, 0], 0)
    after = Learner(
        q,
        polyak(learner.target, q, jnp.where(copied, settings.tau, 0.0)),
        wish,
        q_memory,
        wish_memory,
        reprioritise(learner.replay, drawn, error, settings.per_alpha),
        updates,
    )
    return after, {"wish/loss": loss, "q/loss": cost, "q/gradient": optax.tree.norm(slope)}


def fit_wish(
    settings: DrlbConfig, table: Returns, learner: Learner, key: jax.Array
) -> tuple[MLP, optax.OptState, Array]:
    """A step of RewardNet on steps drawn alike: priorities are Q's, and would tilt its mean."""
    drawn = uniform(learner.replay, key, settings.batch_size)
    batch: Transition = gather(learner.replay, drawn, learner.replay.episodes)
    tau = settings.quantile if settings.step_reward == "quantile" else None
    wanted = best_return(table, batch.key, batch.own) if tau is None else batch.own
    loss, slope = jax.value_and_grad(wish_loss)(learner.wish, batch, wanted, tau)
    optimiser = optax.adam(settings.learning_rate)
    return *moved(optimiser, learner.wish, slope, learner.wish_memory), loss
