"""What all agents of DCMAB share: the money each cluster spent on each group of ticks, and earned.

    g_ij = (cost_ij / budget_i, revenue_ij / plan_i)

of cluster i on group j since the day began; budget_i and plan_i are the cluster's sums of budgets
and of what the log's best factors earned, so both run from 0 to about 1. The books are read once an
interval of ticks, at its start, and everybody reads the same. They are of the advertisers that the
agents drive: of seats that other bidders have, neither money nor earnings stand there.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Observation, pytree
from equibid.envs.problem import Task
from equibid.learning.algorithms.dcmab.config import DCMABConfig
from equibid.learning.clusters import by_cluster, worth
from equibid.markets.market import Campaigns


class Pages(NamedTuple):
    """Spend and earnings of each advertiser in each group of ticks, currency.

    Attributes:
        open: written to after every tick.
        read: as of the start of the interval.
        tick: ticks that have ended.
    """

    open: Float[Array, "N J 2"]
    read: Float[Array, "N J 2"]
    tick: Int[Array, ""]


@pytree("clusters", "groups", "interval", "clock")
class Books:
    """An observer of the game that shows every agent the same row.

    Attributes:
        cluster: of each advertiser.
        group: of each tick of a day.
        worth: of a value unit, currency.
        budget: of each advertiser, currency.
        plan: revenue of each on the log, currency.
        clusters: I.
        groups: J.
        interval: ticks from reading to reading.
        clock: whether the row ends with the share of the day that is over.
    """

    cluster: Int[Array, " N"]
    group: Int[Array, " T"]
    worth: Float[Array, " N"]
    budget: Float[Array, " N"]
    plan: Float[Array, " N"]
    clusters: int
    groups: int
    interval: int
    clock: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Cost and revenue of each pair, then the clock."""
        pairs = [(i, j) for i in range(self.clusters) for j in range(self.groups)]
        books = tuple(f"{what} {i} {j}" for i, j in pairs for what in ("cost", "revenue"))
        return (*books, "clock") if self.clock else books

    @property
    def sizes(self) -> Float[Array, "N 2"]:
        """Of which cost and revenue are shares, currency."""
        return jnp.stack([self.budget, self.plan], axis=-1)

    @property
    def needs_forecast(self) -> bool:
        """Books are of the past."""
        return False

    def init(self, campaigns: Campaigns) -> Pages:
        """Empty."""
        empty = jnp.zeros((len(self.cluster), self.groups, 2))
        return Pages(empty, empty, jnp.asarray(0, jnp.int32))

    def read(self, memory: Pages, driven: Bool[Array, " N"] | None = None) -> Float[Array, " F"]:
        """Books as of the start of the interval, float32.

        Args:
            memory: what was booked.
            driven: whose books they are; None for all advertisers.
        """
        mine = jnp.ones(self.cluster.shape) if driven is None else driven.astype(jnp.float64)
        booked = by_cluster(jnp.moveaxis(memory.read, 0, -1) * mine, self.cluster, self.clusters)
        whole = by_cluster(self.sizes.T * mine, self.cluster, self.clusters)
        pairs = booked / jnp.where(whole > 0, whole, 1)
        seen = jnp.moveaxis(pairs, -1, 0).reshape(-1)
        if self.clock:
            begun = memory.tick // self.interval * self.interval
            seen = jnp.append(seen, begun / self.group.shape[0])
        return seen.astype(jnp.float32)

    def observe(self, memory: Pages, observation: Observation) -> Float[Array, "N F"]:
        """The same row for everybody."""
        seen = self.read(memory, observation.driven)
        return jnp.broadcast_to(seen, (self.cluster.shape[0], *seen.shape))

    def update(self, memory: Pages, feedback: Tally) -> Pages:
        """Book the tick."""
        row = jnp.stack([feedback.spend, feedback.value * self.worth], axis=-1)
        book = memory.open.at[:, self.group_of(memory.tick)].add(row)
        tick = memory.tick + 1
        return Pages(book, jnp.where(tick % self.interval == 0, book, memory.read), tick)

    def group_of(self, tick: Int[Array, "..."]) -> Int[Array, "..."]:
        """The group of a tick; a day that goes on longer stays in the last."""
        return self.group[jnp.minimum(tick, self.group.shape[0] - 1)]


def books_of(
    settings: DCMABConfig, task: Task, cluster: Int[Array, " N"], group: Int[Array, " T"]
) -> Books:
    """The books of a task.

    Args:
        settings: of the algorithm.
        task: what is learned.
        cluster: of each advertiser.
        group: of each tick of a day.
    """
    return Books(
        cluster=cluster,
        group=group,
        worth=worth(task),
        budget=jnp.asarray(task.game.campaigns.budget, jnp.float64),
        plan=task.best * worth(task),
        clusters=settings.num_clusters,
        groups=settings.num_tick_groups,
        interval=settings.decision_ticks,
        clock=settings.observe_time,
    )
