"""MAAB: bidders between competition and cooperation, by deep Q-learning.

    every step:
        play E periods; each agent bids the level of the best Q, or a random one, times its start
        credit what was won (`credit`); bar agents set levels to be cleared, in training alone
        keep the periods; draw steps from them
        a double-Q step on the bidders' network, `num_bar_updates` on the bar agents'

A level is a multiple of the factor of the day before, one of `num_actions` from 0 to
`max_multiple`; the bid is level · start · v. All agents share a network, told apart by what they
see of themselves. Mean agents (`groups`) see the mean of their group, and draw and are paid as one.

Source: Wen et al., "A cooperative-competitive multi-agent framework for auto-bidding in online
advertising", WSDM 2022.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.maab.config import MAABConfig
from equibid.learning.algorithms.maab.credit import Terms, meeting
from equibid.learning.algorithms.maab.groups import groups, seen_by_members
from equibid.learning.algorithms.maab.learner import Learner, init_learner, update
from equibid.learning.algorithms.maab.replay import Periods, empty_replay, level_slopes, remember
from equibid.learning.losses.deep_q import Greedy, epsilon, explored
from equibid.learning.losses.potential import (
    Slopes,
    elasticity,
    guessed_elasticity,
    no_slopes,
)
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import Replay, add
from equibid.learning.training.rollout import Episodes, play


class State(NamedTuple):
    """All of a run.

    Attributes:
        bidder: of all agents.
        bar: of all bar agents.
        memory: of periods.
        slopes: what a little more money was seen to buy.
        group: of each agent.
        played: periods so far.
        updates: of the bidders' network so far.
        key: key data.
    """

    bidder: Learner
    bar: Learner
    memory: Replay
    slopes: Slopes
    group: Int[Array, " N"]
    played: Int[Array, ""]
    updates: Int[Array, ""]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class MAAB(MAABConfig):
    """MAAB with its settings."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 150

    def init(self, task: Task, key: jax.Array) -> State:
        """Untrained networks and an empty memory."""
        one, two, rest = jax.random.split(key, 3)
        game = task.game
        return State(
            bidder=init_learner(self, game.features, one),
            bar=init_learner(self, game.features, two),
            memory=empty_replay(self, task),
            slopes=no_slopes(game.agents),
            group=groups(self, task),
            played=jnp.asarray(0, jnp.int32),
            updates=jnp.asarray(0, jnp.int32),
            key=jax.random.key_data(rest),
        )

    def step(self, task: Task, state: State) -> tuple[State, dict[str, Array]]:
        """Play periods, keep them, learn."""
        key, chance, draws = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        periods = play(task.game, partial(self._act, task, state), chance, self.num_envs)
        kept = remember(self, task, self._pools(state), periods)
        memory = add(state.memory, kept)
        slopes = level_slopes(self, state.slopes, task, periods, kept)
        terms = self._terms(task, state, slopes)
        (bidder, bar, updates), told = jax.lax.scan(
            partial(update, self, memory, terms),
            (state.bidder, state.bar, state.updates),
            jax.random.split(draws, self.num_updates),
        )
        after = state._replace(
            bidder=bidder,
            bar=bar,
            memory=memory,
            slopes=slopes,
            played=state.played + self.num_envs,
            updates=updates,
            key=jax.random.key_data(key),
        )
        metrics = self._told(task, state, periods, kept)
        if self.shaping:
            metrics["elasticity"] = elasticity(slopes, guessed_elasticity(task)).mean()
        return after, metrics | {name: x.mean() for name, x in told.items()}

    def policy(self, task: Task, state: State) -> Bidder:
        """Every advertiser takes the best level for what it sees itself; there are no bars."""
        network = Greedy(state.bidder.online)
        return Learned(network, task.game.observer, task.game.start_factor, self.head)

    def _pools(self, state: State) -> Int[Array, " N"] | None:
        return None if self.grouping == "each" else state.group

    def _terms(self, task: Task, state: State, slopes: Slopes) -> Terms:
        e = elasticity(slopes, guessed_elasticity(task)) if self.shaping else None
        meets = meeting(task.overlap, self.local_credit)
        return Terms(self.credit, meets, self._pools(state), e, self.gamma)

    def _epsilon(self, state: State) -> Float[Array, ""]:
        return epsilon(state.played, *self.epsilon, self.anneal_episodes)

    def _act(
        self,
        task: Task,
        run: State,
        key: jax.Array,
        seen: Float[Array, "E N F"],
        state: GameState,
    ) -> tuple[Float[Array, "E N 3"], Float[Array, "E N"]]:
        """Numbers of the bid's and of the bar's level, whether the first is random; factors."""
        one, two = jax.random.split(key)
        seen = seen_by_members(seen, self._pools(run), jax.vmap(task.game.acts)(state))
        share, pools = self._epsilon(run), self._pools(run)
        chosen, random = explored(one, run.bidder.online(seen), share, pools)
        number = self.fixed_bar / self.max_multiple * (self.num_actions - 1)
        bar = jnp.full_like(chosen, round(number) if self.bar_agents == "fixed" else 0)
        if self.bar_agents == "learned":
            bar, _ = explored(two, run.bar.online(seen), share, pools)
        action = jnp.stack([chosen, bar, random], axis=-1).astype(jnp.float32)
        return action, self.head(
            action.astype(jnp.float64), state.last_factor, task.game.start_factor
        )

    def _told(self, task: Task, state: State, periods: Episodes, kept: Periods) -> dict[str, Array]:
        """Metrics of the periods played."""
        learns, budget = task.game.learns, task.game.campaigns.budget
        here = kept.present[:, :-1]
        count = jnp.maximum(here.sum(), 1)
        gain = periods.reward.sum(axis=1) / task.best * learns
        spend = (periods.tally.spend * learns).sum(axis=(1, 2)).mean()
        told = {
            "value": (periods.tally.value * learns).sum(axis=(1, 2)).mean(),
            "return": gain.sum(axis=-1).mean() / jnp.maximum(learns.sum(), 1),
            "spend": spend / jnp.maximum((budget * learns).sum(), 1e-300),
            "level": jnp.where(here, self.head.level(kept.chosen), 0).sum() / count,
            "epsilon": self._epsilon(state),
        }
        if self.bar_agents != "none":
            told["bar/level"] = jnp.where(here, self.head.level(kept.bar), 0).sum() / count
            told["bar/cleared"] = (here & (kept.chosen >= kept.bar)).sum() / count
        return told


ALGORITHMS.add("maab", "Deep Q bidders that share credit by temperature, held up by bars (MAAB).")(
    MAAB
)
ALGORITHMS.add("maab-competitive", "MAAB's bidders each for itself: CM-IL.")(
    partial(MAAB, credit="own", bar_agents="none")
)
ALGORITHMS.add("maab-cooperative", "MAAB's bidders all for the total: CO-IL.")(
    partial(MAAB, credit="total", bar_agents="none")
)
ALGORITHMS.add(
    "maab-published", "MAAB as published: mean agents by category, no shaping, RMSprop."
)(
    partial(
        MAAB,
        temperature=0.8,
        local_credit=False,
        grouping="category",
        max_multiple=5.0,
        action_smoothing=0.0,
        shaping=False,
        num_envs=1,
        num_updates=1,
        batch_size=1920,
        buffer_size=5000,
        gamma=0.99,
        optimizer="rmsprop",
        learning_rate=5e-4,
        target_update_every=200,
        anneal_episodes=833,
    )
)
