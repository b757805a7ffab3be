"""DCMAB: clusters of advertisers learn to coordinate, each with an actor and a critic of all.

    every step:
        play E days; cluster i in group j of the day's ticks bids by a_ij = μ_i([g, x_j]) + noise
        book r, g and d by intervals of ticks, and keep them
        draw batches of intervals; a step on every Q_i, a step on every μ_i, targets follow

An agent is a cluster of advertisers (`clusters`). All read the same books of money spent and earned
(`cluster_stats`). What an action does to a bid is in `actions`, what is paid in `rewards`.

Source: Jin et al., "Real-time bidding with multi-agent reinforcement learning in display
advertising", CIKM 2018.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.dcmab.actions import (
    Coordinated,
    CoordinatedFactors,
    Tilt,
    TiltedSeat,
    tilted_factor,
)
from equibid.learning.algorithms.dcmab.cluster_stats import Books, books_of
from equibid.learning.algorithms.dcmab.config import DCMABConfig
from equibid.learning.algorithms.dcmab.learner import Learner, init_learner, update
from equibid.learning.algorithms.dcmab.replay import (
    draw,
    empty_replay,
    history_of,
    intervals,
    noise_slopes,
    remember,
)
from equibid.learning.algorithms.dcmab.rewards import cluster_sums, future_of
from equibid.learning.clusters import advertiser_clusters, by_cluster, tick_groups
from equibid.learning.losses.potential import (
    Slopes,
    elasticity,
    guessed_elasticity,
    no_slopes,
)
from equibid.learning.replay.buffer import Replay, add
from equibid.learning.training.rollout import Episodes, play

# Weight of new days in what is known of past ones.
FRESH = 0.1


class State(NamedTuple):
    """All of a run.

    Attributes:
        learner: what is fitted.
        memory: of days.
        slopes: what a little more money was seen to buy.
        history: cost and revenue of each group of ticks on past days, shares of budgets and plans.
        cluster: of each advertiser.
        group: of each tick.
        played: days so far.
        key: key data.
    """

    learner: Learner
    memory: Replay
    slopes: Slopes
    history: Float[Array, "J 2"]
    cluster: Int[Array, " N"]
    group: Int[Array, " T"]
    played: Int[Array, ""]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class DCMAB(DCMABConfig):
    """DCMAB with its settings."""

    steps: ClassVar[int] = 100

    @property
    def observer(self) -> str:
        """Of the task; a cheap one, as the agents' own books take its place."""
        return "traits"

    @property
    def agent(self) -> Bidder | None:
        """What turns actions into bids; None where they are factors."""
        return None if self.bid_form == "none" else TiltedSeat(self.bid_form, self.max_change)

    def init(self, task: Task, key: jax.Array) -> State:
        """Untrained networks and an empty memory.

        Raises:
            InputError: the game's steps are impressions.
        """
        if task.game.by_impression:
            raise InputError("dcmab decides by the tick; learn on a market that is played by tick")
        one, two, rest = jax.random.split(key, 3)
        return State(
            learner=init_learner(self, one, two),
            memory=empty_replay(self, task),
            slopes=no_slopes(task.game.agents),
            history=jnp.full((self.num_tick_groups, 2), 1 / self.num_tick_groups, jnp.float32),
            cluster=advertiser_clusters(task, self.num_clusters),
            group=tick_groups(task, self.num_tick_groups),
            played=jnp.asarray(0, jnp.int32),
            key=jax.random.key_data(rest),
        )

    def step(self, task: Task, state: State) -> tuple[State, dict[str, Array]]:
        """Play days, keep them, learn."""
        keys = jax.random.split(jax.random.wrap_key_data(state.key), 4)
        key, chance, luck, draws = keys
        books = books_of(self, task, state.cluster, state.group)
        noise = self._noise(luck, state, task)
        act = partial(self._act, task, state, books, noise)
        days = play(replace(task.game, observer=books), act, chance, self.num_envs)
        fresh = remember(self, task, books, days)
        memory = add(state.memory, fresh)
        slopes = noise_slopes(state.slopes, task, books, days, noise)
        e = elasticity(slopes, guessed_elasticity(task))
        future = future_of(self, task, books, e)

        def learn(learner: Learner, key: jax.Array) -> tuple[Learner, dict[str, Array]]:
            drawn = draw(memory, key, self.batch_size, self.gamma, future)
            return update(self, learner, drawn, state.history)

        learner, told = jax.lax.scan(
            learn, state.learner, jax.random.split(draws, self.num_updates)
        )
        after = state._replace(
            learner=learner,
            memory=memory,
            slopes=slopes,
            history=state.history + FRESH * (history_of(fresh, books) - state.history),
            played=state.played + self.num_envs,
            key=jax.random.key_data(key),
        )
        metrics = self._told(task, books, days)
        metrics |= {"noise": self._spread(state), "elasticity": e.mean()}
        return after, metrics | {name: x.mean() for name, x in told.items()}

    def policy(self, task: Task, state: State) -> Bidder:
        """The actors without noise, over books of their own."""
        kind = CoordinatedFactors if self.bid_form == "none" else Coordinated
        return kind(
            actors=state.learner.actors,
            history=state.history,
            books=books_of(self, task, state.cluster, state.group),
            start=task.reference.factor,
            mean_value=task.reference.mean_value,
            ratio=self.bid_form,
            largest=self.max_change,
        )

    def _spread(self, state: State) -> Float[Array, ""]:
        """Standard deviation of the noise now."""
        done = jnp.clip(state.played / max(self.anneal_episodes, 1), 0, 1).astype(jnp.float32)
        return self.noise_std[0] + (self.noise_std[1] - self.noise_std[0]) * done

    def _noise(self, key: jax.Array, state: State, task: Task) -> Float[Array, "E Q I J"]:
        """Of whole days: an action is held for an interval, and its noise with it."""
        shape = (self.num_envs, intervals(self, task), self.num_clusters, self.num_tick_groups)
        return self._spread(state) * jax.random.normal(key, shape, jnp.float32)

    def _act(
        self,
        task: Task,
        run: State,
        books: Books,
        noise: Float[Array, "E Q I J"],
        key: jax.Array,
        seen: Float[Array, "E N F"],
        state: GameState,
    ) -> tuple[Float[Array, "E I J"], Any]:
        """The clusters' actions, and what the game takes of each advertiser."""
        tick = state.step[0]
        action = run.learner.actors(seen[:, 0], run.history) + noise[:, tick // self.decision_ticks]
        action = jnp.clip(action, -1, 1)
        own = action[:, run.cluster, books.group_of(tick)].astype(jnp.float64)
        start, mean = task.reference.factor, task.reference.mean_value
        if self.bid_form == "none":
            return action, tilted_factor(own, start, self.max_change)
        return action, Tilt(own, *(jnp.broadcast_to(x, own.shape) for x in (start, mean)))

    def _told(self, task: Task, books: Books, days: Episodes) -> dict[str, Array]:
        """Metrics of the days played."""
        learns = days.present[:, :1]
        paid = cluster_sums(task, books, self.reward_sharing, days.reward, learns)
        filled = by_cluster(learns.astype(jnp.float32), books.cluster, books.clusters) > 0
        level = jnp.abs(days.action)
        return {
            "value": (days.tally.value * learns).sum(axis=(1, 2)).mean(),
            "return": (paid * filled).sum() / jnp.maximum(filled.sum(), 1),
            "action": days.action.mean(),
            "action/size": level.mean(),
            "action/saturated": (level >= self.max_change).mean(),
        }


# What turns actions into bids is a matter of the settings here, of the class elsewhere.
_MADE = cast(Any, DCMAB)
ALGORITHMS.add("dcmab", "Clusters of advertisers with critics of all, each for itself (DCMAB).")(
    _MADE
)
ALGORITHMS.add("dcmab-coord", "DCMAB with everybody's revenue as each cluster's reward.")(
    partial(_MADE, reward_sharing="coord")
)
ALGORITHMS.add("dcmab-published", "DCMAB as published: bids by value, books alone, no shaping.")(
    partial(_MADE, bid_form="paper", observe_time=False, shaping=False, action_l2=0.0)
)
