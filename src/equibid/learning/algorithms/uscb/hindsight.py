"""The factor that campaigns start from, and the reward that they are measured by."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.uscb.config import UscbConfig
from equibid.learning.algorithms.uscb.probe_rollouts import Played, play_and_hold

# Constant factors tried for the best that keeps a target, multiples of the start.
TRIED = 2.0 ** jnp.arange(-6, 2.01, 0.25)


def start_and_best(
    settings: UscbConfig, task: Task, key: jax.Array
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    """The start and R*: of the day before, or of the best constant factor within the target.

    The target is one of all training periods together.

    Returns:
        A factor for each agent, currency per value unit, and its reward, in the reward's unit.
    """
    game = task.game
    if settings.target == "none":
        return game.start_factor, jnp.asarray(task.best, jnp.float64)
    G, N = len(TRIED), game.agents
    tried = TRIED[:, None] * game.start_factor
    none = jnp.zeros((G, 0), jnp.int32)
    calm, spread = jnp.ones((G, N)), jnp.ones((G, 0, N))

    def period(number: Array) -> Played:
        own = jax.random.fold_in(key, number)
        start = jax.vmap(game.reset)(jax.random.split(own, G), jnp.full(G, number))
        _, played = play_and_hold(game, lambda *_: tried, start, none, calm, spread, own)
        return played

    each = jax.lax.map(period, jnp.arange(game.periods, dtype=jnp.int32))
    # Periods in which an opponent drove an advertiser say nothing of its factor.
    count = jnp.maximum(each.learns.sum(axis=0), 1)
    gain, value, spend = (
        jnp.where(each.learns, x, 0.0).sum(axis=0) / count
        for x in (each.gain, each.value, each.spend)
    )
    within = spend <= game.campaigns.target_cpa * value
    gain = jnp.where(within & (value > 0), gain, 0.0)
    chosen = gain.argmax(axis=0)
    # Who cannot keep its target with any of them aims at a hundredth of what it could buy.
    best = jnp.maximum(gain.max(axis=0), 0.01 * task.best)
    return jnp.take_along_axis(tried, chosen[None], axis=0)[0], best
