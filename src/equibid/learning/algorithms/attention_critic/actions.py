"""What a logit of attention-critic coordinated bidding bids: a share of a ceiling."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.envs.game import GameState
from equibid.envs.heads import Follows, ScaledSigmoid, starts_now
from equibid.envs.problem import Task
from equibid.learning.algorithms.attention_critic.config import AttentionCriticConfig

# Where actors may bid all the money left, a bid of the day before's is a share of it within these.
LEAST, MOST = 1e-9, 0.5


def ceiling(
    settings: AttentionCriticConfig, task: Task
) -> tuple[Float[Array, " N"], ScaledSigmoid, Follows]:
    """What silence bids, the share of its ceiling that a logit bids, and what both follow."""
    if settings.bid_cap == "budget":
        # All the money on an impression of usual value is the factor m / v̄, of which silence
        # bids the share that the day before's factor was.
        budget, value = (
            jnp.where(x > 0, x, 1.0)
            for x in (task.game.campaigns.budget, task.reference.mean_value)
        )
        part = jnp.clip(task.reference.factor * value / budget, LEAST, MOST)
        return part * budget / value, ScaledSigmoid(1 / part), "money"
    follows: Follows = "pace" if settings.bid_cap == "paced" else "nothing"
    return task.game.start_factor, ScaledSigmoid(settings.max_multiple), follows


def factor_of(
    settings: AttentionCriticConfig, task: Task, logit: Float[Array, "E N 1"], states: GameState
) -> Float[Array, "E N"]:
    """The factors that logits bid in E states of the game, currency per value unit."""
    start, head, follows = ceiling(settings, task)
    now = starts_now(follows, start, task.game, states)
    return head(logit.astype(jnp.float64), states.last_factor, now)
