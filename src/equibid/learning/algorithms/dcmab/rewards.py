"""What DCMAB pays a cluster.

Cluster i's reward is what its members earned, r_i = Σ w_k r_k, w what a value unit is worth to them
in currency, over what the log's best factors earn them in a day. Members that an opponent drives
for a day count on neither side: no action of the cluster moves them. Shaped rewards add the change
of

    Φ_i = Σ w_k V_k Φ_k

over the same, what the members' money could still buy (`prospects`); best policies do not change.
"""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.dcmab.cluster_stats import Books
from equibid.learning.algorithms.dcmab.config import ClusterReward, DCMABConfig
from equibid.learning.clusters import by_cluster, worth
from equibid.learning.losses.potential import prospects

# Φ of each cluster [B, I], of the money and time left [B, N] and [B], and of who learns [B, N].
Future = Callable[[Array, Array, Array], Array]


def cluster_sums(
    task: Task,
    books: Books,
    share: ClusterReward,
    value: Float[Array, "... N"],
    learns: Bool[Array, "... N"],
) -> Float[Array, "... I"]:
    """Worth of value units of each cluster's members, or of all, over what is earned in a day.

    Args:
        task: that was played.
        books: which say who is in which cluster.
        share: whether a cluster is paid its own members' or everybody's.
        value: of each advertiser.
        learns: who counts, above and below.
    """
    count = worth(task) * learns
    own = by_cluster(value * count, books.cluster, books.clusters)
    plan = by_cluster(task.best * count, books.cluster, books.clusters)
    if share == "coord":
        own, plan = (jnp.broadcast_to(x.sum(axis=-1, keepdims=True), x.shape) for x in (own, plan))
    return own / jnp.where(plan > 0, plan, 1)


def future_of(
    settings: DCMABConfig, task: Task, books: Books, e: Float[Array, " N"]
) -> Future | None:
    """What rewards are shaped by; bandits look no further than their interval.

    Args:
        settings: of the algorithm.
        task: what is learned.
        books: which say who is in which cluster.
        e: elasticity of what an advertiser's money buys.
    """
    if not settings.shaping or settings.gamma == 0:
        return None
    return partial(futures, task, books, settings.reward_sharing, e)


def futures(
    task: Task,
    books: Books,
    share: ClusterReward,
    e: Float[Array, " N"],
    money: Float[Array, "B N"],
    time: Float[Array, " B"],
    learns: Bool[Array, "B N"],
) -> Float[Array, "B I"]:
    """Φ of each cluster."""
    own = task.best * prospects(money, time, e)
    return cluster_sums(task, books, share, own, learns).astype(jnp.float32)
