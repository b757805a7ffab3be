"""How independent agents were in the periods played: what `competition` makes of them."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.attention_critic.competition import (
    adjustment,
    competition_index,
    mean_price,
    scheduled_temperature,
)
from equibid.learning.algorithms.attention_critic.config import AttentionCriticConfig
from equibid.learning.training.rollout import Episodes, time_left

# The usual price is that of about the last ten iterations.
FADING = 0.9
# It counts as much as this share of a period's bids.
PRIOR = 0.1


def usual_price(episodes: Episodes, before: Float[Array, ""], iteration: Array) -> Float[Array, ""]:
    """The mean market price of late, these episodes' included; currency per impression."""
    tally = episodes.tally
    now = tally.market_price.sum() / jnp.maximum(tally.offered.sum(), 1)
    return jnp.where(iteration > 0, FADING * before + (1 - FADING) * now, now)


def relative_index(task: Task, episodes: Episodes, price: Float[Array, ""]) -> Float[Array, "E T"]:
    """The competition index before each step, over that of a period's start."""
    game, tally = task.game, episodes.tally
    left = game.tick_start[-1] / game.periods * time_left(game.steps)[:-1]
    prior = PRIOR * game.ticks * jnp.maximum(task.reference.offered.sum(), 1)
    prices = mean_price(tally.market_price, tally.offered, price, prior)
    usual = competition_index(game.campaigns.budget[None], price[None], left[:1])
    # What is left to an agent that is out buys nothing.
    out = episodes.present[:, :1] & ~episodes.present[:, :-1]
    money = jnp.where(out, 0, episodes.remaining[:, :-1])
    index = competition_index(money, prices, left)
    return jnp.where(usual > 0, index / jnp.where(usual > 0, usual, 1), 1.0)


def temperatures(
    settings: AttentionCriticConfig, task: Task, episodes: Episodes, index: Float[Array, "E T"]
) -> Float[Array, "E T N"]:
    """How independent each agent is before each step."""
    if settings.temperature != "adaptive":
        words = {"team": 0.0, "independent": jnp.inf}
        fixed = settings.temperature
        number = words[fixed] if isinstance(fixed, str) else fixed
        return jnp.full(episodes.reward.shape, number, jnp.float64)
    value, budget = episodes.tally.value, task.game.campaigns.budget
    behind = adjustment(value, budget, episodes.present[:, :1], settings.temperature_step)
    return scheduled_temperature(index, 1.0)[..., None] + behind
