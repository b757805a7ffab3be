"""DCMAB's days as they are kept, and the intervals drawn from them."""

from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.dcmab.cluster_stats import Books
from equibid.learning.algorithms.dcmab.config import DCMABConfig
from equibid.learning.algorithms.dcmab.losses import Intervals
from equibid.learning.algorithms.dcmab.rewards import Future, cluster_sums
from equibid.learning.clusters import by_cluster
from equibid.learning.losses.potential import Slopes, seen_slopes
from equibid.learning.replay.buffer import Replay, following, gather, replay, uniform
from equibid.learning.training.rollout import Episodes


class Days(NamedTuple):
    """E days of Q intervals.

    Attributes:
        books: g at the start of each interval and after the last.
        action: a of each cluster in each group; 0 where it does not act.
        use: d of each interval; zeros after the last.
        reward: of each cluster, not shaped.
        money: left to bid with, share of the budget, at the start of each interval and after the
            last; 0 for who does not act.
        learns: who is driven by its cluster that day.
        acts: whether any member of each cluster does in each interval; after the last, none.
        concerned: which clusters still have something to come.
    """

    books: Float[Array, "E Q+1 F"]
    action: Float[Array, "E Q I J"]
    use: Float[Array, "E Q+1 I J"]
    reward: Float[Array, "E Q I"]
    money: Float[Array, "E Q+1 N"]
    learns: Bool[Array, "E Q N"]
    acts: Bool[Array, "E Q+1 I"]
    concerned: Bool[Array, "E Q+1 I"]


def intervals(settings: DCMABConfig, task: Task) -> int:
    """Q, from decision to decision, of a day; the last may be short."""
    return -(-task.game.ticks // settings.decision_ticks)


def empty_replay(settings: DCMABConfig, task: Task) -> Replay:
    """A replay of `buffer_size` days."""
    clusters, groups, books = settings.sizes
    Q, N, IJ = intervals(settings, task), task.game.agents, (clusters, groups)
    sizes = (Q + 1, books), (Q, *IJ), (Q + 1, *IJ), (Q, clusters), (Q + 1, N)
    masks = (jnp.zeros(size, bool) for size in ((Q, N), (Q + 1, clusters), (Q + 1, clusters)))
    example = Days(*(jnp.zeros(size, jnp.float32) for size in sizes), *masks)
    return replay(example, settings.buffer_size, Q)


def by_interval(x: Float[Array, "E T ..."], interval: int) -> Float[Array, "E Q ..."]:
    """Sums over the ticks of each interval, the last of which may be short."""
    E, T = x.shape[:2]
    padded = jnp.pad(x, [(0, 0), (0, -T % interval)] + [(0, 0)] * (x.ndim - 2))
    return padded.reshape(E, -1, interval, *x.shape[2:]).sum(axis=2)


def remember(settings: DCMABConfig, task: Task, books: Books, days: Episodes) -> Days:
    """What the replay keeps of days.

    Args:
        settings: of the algorithm.
        task: that was played.
        books: observer of all agents in the days.
        days: actions [E, T, I, J], the same through an interval.
    """
    every, share = books.interval, settings.reward_sharing

    def at_starts(x: Array) -> Array:
        return jnp.concatenate([x[:, :-1:every], x[:, -1:]], axis=1).astype(jnp.float32)

    learns = days.present[:, :1]
    reward = cluster_sums(task, books, share, days.reward, learns)
    budget = task.game.campaigns.budget
    money = jnp.where(days.present, days.remaining / jnp.where(budget > 0, budget, 1), 0)
    acts = by_cluster(at_starts(days.present), books.cluster, books.clusters) > 0
    concerned = acts if share == "self" else acts[:, :1] & acts.any(axis=-1, keepdims=True)
    return Days(
        books=at_starts(days.observation[:, :, 0]),
        action=jnp.where(acts[:, :-1, :, None], days.action[:, ::every], 0),
        use=jnp.pad(use_of(books, days), [(0, 0), (0, 1), (0, 0), (0, 0)]),
        reward=by_interval(reward, every).astype(jnp.float32),
        money=at_starts(money),
        learns=jnp.broadcast_to(learns, days.present[:, :-1:every].shape),
        acts=acts,
        concerned=concerned,
    )


def use_of(books: Books, days: Episodes) -> Float[Array, "E Q I J"]:
    """d: the share of an interval's bids that cluster i placed in group j, by a_ij."""
    placed = by_cluster(days.tally.offered * days.present[:, :1], books.cluster, books.clusters)
    ticks = jax.nn.one_hot(books.group, books.groups, dtype=placed.dtype)
    use = by_interval(placed[..., None] * ticks[:, None], books.interval)
    return (use / jnp.maximum(use.sum(axis=(-2, -1), keepdims=True), 1)).astype(jnp.float32)


def draw(
    memory: Replay,
    key: jax.Array,
    size: int,
    discount: float,
    future: Future | None,
) -> Intervals:
    """Intervals drawn at random.

    Args:
        memory: of `Days`.
        key: of the draws.
        size: B.
        discount: γ.
        future: Φ of each cluster; None does not shape.
    """
    drawn = uniform(memory, key, size)
    days: Days = memory.episodes
    Q = memory.written.shape[1]
    now: Days = gather(memory, drawn, days)
    ends = days.books, days.use, days.money, days.acts, days.concerned
    books, use, money, acts, concerned = following(memory, drawn, ends)
    reward = now.reward
    if future is not None:
        # Counted in whole intervals: the end is exactly zero.
        time, left = ((n - drawn.tick).astype(jnp.float32) / Q for n in (Q, Q - 1))
        before = future(now.money, time, now.learns)
        reward = reward + future(money, left, now.learns) - before
    return Intervals(
        books=now.books,
        action=now.action,
        use=now.use,
        reward=reward,
        acts=now.acts,
        concerned=now.concerned,
        next_books=books,
        next_use=use,
        next_acts=acts,
        discount=jnp.where(concerned, discount, 0).astype(jnp.float32),
    )


def noise_slopes(
    slopes: Slopes, task: Task, books: Books, days: Episodes, noise: Float[Array, "E Q I J"]
) -> Slopes:
    """What the noise of actions bought each advertiser."""
    ticks = jnp.arange(days.reward.shape[1])
    own = noise[:, ticks // books.interval, :, books.group_of(ticks)]
    moved = jnp.moveaxis(own, 0, 1)[..., books.cluster]
    budget = task.game.campaigns.budget
    spend = days.tally.spend / jnp.where(budget > 0, budget, 1)
    return seen_slopes(slopes, moved, days.reward / task.best, spend, days.present[:, :-1])


def history_of(days: Days, books: Books) -> Float[Array, "J 2"]:
    """Cost and revenue of each group of ticks, as shares of all budgets and plans."""
    shape = (books.clusters, books.groups, 2)
    pairs = days.books[:, -1, : prod(shape)].reshape(-1, *shape).mean(axis=0)
    weight = by_cluster(books.sizes.T, books.cluster, books.clusters).T
    weight = (weight / weight.sum(axis=0)).astype(jnp.float32)
    return (pairs * weight[:, None]).sum(axis=0)
