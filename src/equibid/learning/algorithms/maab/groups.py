"""Who is one agent in MAAB: an advertiser, or the mean agent of a group of them."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.envs.problem import Task
from equibid.learning.algorithms.maab.config import MAABConfig
from equibid.learning.clusters import advertiser_clusters


def groups(settings: MAABConfig, task: Task) -> Int[Array, " N"]:
    """The group of each advertiser."""
    N = task.game.agents
    if settings.grouping == "category":
        return jnp.broadcast_to(task.game.campaigns.category, (N,)).astype(jnp.int32)
    if settings.grouping == "clusters":
        return advertiser_clusters(task, settings.num_clusters)
    return jnp.arange(N, dtype=jnp.int32)


def pooled(
    x: Float[Array, "... N"],
    group: Int[Array, " N"] | None,
    weight: Bool[Array, "... N"] | None = None,
) -> Float[Array, "... N"]:
    """The weighted mean over each agent's group, for each; its own where none has weight."""
    if group is None:
        return x
    same = (group[:, None] == group).astype(x.dtype)
    each = jnp.ones_like(x) if weight is None else weight.astype(x.dtype)
    count = each @ same
    return jnp.where(count > 0, (x * each) @ same / jnp.where(count > 0, count, 1), x)


def seen_by_members(
    seen: Float[Array, "... N F"],
    group: Int[Array, " N"] | None,
    present: Bool[Array, "... N"],
) -> Float[Array, "... N F"]:
    """The mean of what the members present of each agent's group see."""
    columns = jnp.swapaxes(seen, -1, -2)
    return jnp.swapaxes(pooled(columns, group, present[..., None, :]), -1, -2)
