"""Few agents for many advertisers: clusters of advertisers, and groups of a day's ticks.

Both are cut from a line, so that every part weighs about the same:

- advertisers, ranked by what they bought on the log, the smallest first, into I clusters with about
  as many presences each, a presence being an impression of value to an advertiser: cluster 0 holds
  many small advertisers, the last one few big ones;
- the ticks of a day into J groups, one after the other, with about as many impressions each.

Source: Jin et al., "Real-time bidding with multi-agent reinforcement learning in display
advertising" (DCMAB), CIKM 2018, section 3.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.envs.problem import Task


def cut(weight: Float[Array, " K"], parts: int) -> Int[Array, " K"]:
    """The part, 0 on, of each item of a line cut into parts of about equal weight.

    An item belongs where its middle lies, so a heavy one may leave a part empty. The first item is
    in part 0 only if half of it is.

    Args:
        weight: of each item, at least 0, in the order of the line.
        parts: how many.
    """
    weight = jnp.asarray(weight, jnp.float64)
    middle = weight.cumsum() - weight / 2
    whole = jnp.where(weight.sum() > 0, weight.sum(), 1)
    return jnp.clip((middle / whole * parts).astype(jnp.int32), 0, parts - 1)


def clustered(
    revenue: Float[Array, " N"], presences: Float[Array, " N"], clusters: int
) -> Int[Array, " N"]:
    """The cluster of each advertiser, smallest revenue first, with about equal presences.

    Args:
        revenue: of each advertiser, currency; equals are ranked by their ids.
        presences: impressions of value to each.
        clusters: I.
    """
    order = jnp.argsort(revenue, stable=True)
    return jnp.zeros(revenue.shape, jnp.int32).at[order].set(cut(presences[order], clusters))


def worth(task: Task) -> Float[Array, " N"]:
    """What a value unit is worth to each advertiser, currency: its target, or its start factor."""
    target = jnp.asarray(task.game.campaigns.target_cpa, jnp.float64)
    return jnp.where(jnp.isfinite(target) & (target > 0), target, task.reference.factor)


def advertiser_clusters(task: Task, clusters: int) -> Int[Array, " N"]:
    """Clusters by what the log's best factor bought, and by presences on the log."""
    return clustered(task.best * worth(task), task.reference.offered, clusters)


def tick_groups(task: Task, groups: int) -> Int[Array, " T"]:
    """The group of each tick of a day, by the traffic of all training periods."""
    game = task.game
    traffic = jnp.diff(game.tick_start).reshape(game.periods, game.ticks).sum(axis=0)
    return cut(traffic.astype(jnp.float64), groups)


def by_cluster(x: Float[Array, "... N"], cluster: Int[Array, " N"], clusters: int) -> Array:
    """Sums over the advertisers of each cluster, [..., I]."""
    return x @ jax.nn.one_hot(cluster, clusters, dtype=x.dtype)
