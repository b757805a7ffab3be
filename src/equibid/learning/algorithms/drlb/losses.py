"""What DRLB minimises: RewardNet's error, and that of Q, which RewardNet pays.

The loss of Q is `learning.losses.deep_q.double_q_loss`, of the steps that `paid_steps` makes.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.learning.algorithms.drlb.config import DrlbConfig
from equibid.learning.algorithms.drlb.replay import Transition
from equibid.learning.losses.deep_q import Steps, q_values
from equibid.learning.networks.mlp import MLP
from equibid.learning.replay.buffer import Replay, Sample, following, gather


def wish_loss(
    wish: MLP, batch: Transition, wanted: Float[Array, " B"], quantile: float | None
) -> Float[Array, ""]:
    """Of RewardNet: half the squared error, or the pinball loss of a quantile of returns."""
    error = wanted - q_values(wish(batch.seen), batch.chosen)
    cost = (
        error**2 / 2 if quantile is None else jnp.maximum(quantile * error, (quantile - 1) * error)
    )
    return jnp.where(batch.present, cost, 0).sum() / jnp.maximum(batch.present.sum(), 1)


def paid_steps(settings: DrlbConfig, wish: MLP, memory: Replay, drawn: Sample) -> Steps:
    """Steps of single campaigns as Q learns from them.

    Args:
        settings: of the algorithm.
        wish: RewardNet, which pays them unless `step_reward` is "direct".
        memory: of campaigns' episodes.
        drawn: from it.
    """
    batch: Transition = gather(memory, drawn, memory.episodes)
    after = following(memory, drawn, memory.episodes.seen)
    T = memory.written.shape[1]
    if settings.step_reward == "direct":
        reward = batch.direct
    else:
        reward = q_values(wish(batch.seen), batch.chosen) / T + batch.rest
    return Steps(
        batch.seen[:, None],
        batch.chosen[:, None],
        jax.lax.stop_gradient(reward)[:, None],
        batch.goes_on.astype(jnp.float32)[:, None],
        after[:, None],
        (drawn.weight * batch.present)[:, None],
    )
