"""MAAB: bidders between competition and cooperation, by deep Q-learning.

    every step:
        play E periods; each agent bids the level of the best Q, or a random one, times its start
        credit what was won (`credit`); bar agents set levels to be cleared, in training alone
        keep the periods; draw steps from them
        a double-Q step on the bidders' network, `bar_updates` on the bar agents'

A level is a multiple of the factor of the day before, one of `levels` from 0 to `highest`; the bid
is level · start · v. All agents share a network, told apart by what they see of themselves. Mean
agents (`groups`) see the mean of their group, and draw and are paid as one.

Source: Wen et al., "A cooperative-competitive multi-agent framework for auto-bidding in online
advertising", WSDM 2022.
"""

from dataclasses import dataclass
from functools import partial
from math import ceil, floor
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.maab.credit import Credit, credited, meeting
from equibid.learning.algorithms.maab.learner import Kind, Learner, descend, init_learner, optimiser
from equibid.learning.algorithms.maab.replay import KernelRule, Periods, batch, one_period, pooled
from equibid.learning.clusters import advertiser_clusters
from equibid.learning.config import (
    Count,
    NotNegative,
    ObservedConfig,
    PeriodReplayConfig,
    Positive,
    Share,
)
from equibid.learning.losses.deep_q import Greedy, Grid, epsilon, explored, levels
from equibid.learning.losses.potential import (
    Slopes,
    elasticity,
    guessed_elasticity,
    no_slopes,
    seen_slopes,
)
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import Replay, add, replay
from equibid.learning.training.rollout import Episodes, play
from equibid.settings import Within

# Levels this near to the start tell what a little more money buys.
NEAR = 0.5


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
class MAAB(PeriodReplayConfig, ObservedConfig):
    """Settings; what was published is marked."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 150
    num_envs: Count = 4
    credit: Credit = "tempered"
    """How the reward of a step is shared: each its own ("own", CM-IL), the total for all ("total",
    CO-IL), or by temperature ("tempered", TRCA)."""
    temperature: Positive = 8.0
    """τ over the highest multiple, of the credit; published: 4 for bids of up to 5."""
    local_credit: bool = True
    """Whether credit goes by how much targeting overlaps; published: all alike."""
    bar_agents: Literal["learned", "fixed", "none"] = "learned"
    """What keeps bids up: bar agents that learn ("learned", published), one bar for all ("fixed",
    MAAB-fix), or nothing ("none", MIX-IL)."""
    fixed_bar: float = 0.5
    """The one bar for all, as a multiple of the start."""
    grouping: Literal["each", "category", "clusters"] = "each"
    """Who is one agent: each advertiser, a category of advertisers (published), or clusters of
    advertisers of about equal presence."""
    num_clusters: Count = 3
    """Clusters of advertisers, under grouping=clusters."""
    num_actions: Annotated[int, Within(least=2)] = 21
    """Factors to choose from, evenly from 0 to max_multiple; published: 21."""
    max_multiple: Positive = 2.0
    """The highest factor, as a multiple of that of the day before."""
    action_smoothing: NotNegative = 2.0
    """Actions over which Q is averaged; published: 0, each for itself."""
    shaping: bool = True
    """Whether rewards are shaped by what the money left could earn; not published."""
    num_updates: Count = 8
    num_bar_updates: Count = 2
    """Batches that the bar agents learn from for each of the bidders'; published: 2."""
    batch_size: Count = 64
    buffer_size: Count = 200
    gamma: Share = 0.9
    """Discount a step of the game."""
    hidden_size: Count = 64
    """Width of the three hidden layers of a network; published: 64."""
    optimizer: Kind = "adam"
    """How networks are moved: "adam", or "rmsprop", which is published."""
    learning_rate: Positive = 5e-4
    """Learning rate of all networks."""
    max_grad_norm: Positive = 10.0
    """Norm to which gradients are clipped; 10 in the published program."""
    target_update_every: Count = 50
    """Updates from copy to copy of the target network."""
    epsilon: tuple[Share, Share] = (1.0, 0.05)
    """Share of random actions, at first and at last; published: 1 and 0.05."""
    anneal_episodes: Count = 100
    """Periods in which the share of random actions goes from its first to its last value."""

    @property
    def head(self) -> Grid:
        """From numbers of levels to factors."""
        return Grid(self.num_actions, self.max_multiple)

    def init(self, task: Task, key: jax.Array) -> State:
        """Untrained networks and an empty memory."""
        one, two, rest = jax.random.split(key, 3)
        game = task.game
        return State(
            bidder=self._learner(one, game.features),
            bar=self._learner(two, game.features),
            memory=replay(
                one_period(game.steps, game.agents, game.features), self.buffer_size, game.steps
            ),
            slopes=no_slopes(game.agents),
            group=self._group(task),
            played=jnp.asarray(0, jnp.int32),
            updates=jnp.asarray(0, jnp.int32),
            key=jax.random.key_data(rest),
        )

    def step(self, task: Task, state: State) -> tuple[State, dict[str, Array]]:
        """Play periods, keep them, learn."""
        key, chance, draws = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        periods = play(task.game, partial(self._act, task, state), chance, self.num_envs)
        kept = self._kept(task, state, periods)
        memory = add(state.memory, kept)
        slopes = self._slopes(task, state, periods, kept)
        terms = self._terms(task, state, slopes)

        def learn(carry: tuple[Learner, Learner, Array], key: jax.Array) -> Any:
            return self._learn(memory, terms, *carry, key)

        (bidder, bar, updates), told = jax.lax.scan(
            learn,
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

    @property
    def _rule(self) -> optax.GradientTransformation:
        return optimiser(self.optimizer, self.learning_rate, self.max_grad_norm)

    def _learner(self, key: jax.Array, features: int) -> Learner:
        return init_learner(
            levels(key, features, self.hidden_size, self.num_actions, self.action_smoothing),
            self._rule,
        )

    def _group(self, task: Task) -> Int[Array, " N"]:
        N = task.game.agents
        if self.grouping == "category":
            return jnp.broadcast_to(task.game.campaigns.category, (N,)).astype(jnp.int32)
        if self.grouping == "clusters":
            return advertiser_clusters(task, self.num_clusters)
        return jnp.arange(N, dtype=jnp.int32)

    def _pools(self, state: State) -> Int[Array, " N"] | None:
        return None if self.grouping == "each" else state.group

    def _terms(self, task: Task, state: State, slopes: Slopes) -> KernelRule:
        e = elasticity(slopes, guessed_elasticity(task)) if self.shaping else None
        meets = meeting(task.overlap, self.local_credit)
        return KernelRule(self.credit, meets, self._pools(state), e, self.gamma)

    def _epsilon(self, state: State) -> Float[Array, ""]:
        return epsilon(state.played, *self.epsilon, self.anneal_episodes)

    def _seen(self, state: State, seen: Float[Array, "... N F"], present: Array) -> Array:
        """Of mean agents: the means of the members present."""
        columns = jnp.swapaxes(seen, -1, -2)
        return jnp.swapaxes(pooled(columns, self._pools(state), present[..., None, :]), -1, -2)

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
        seen = self._seen(run, seen, jax.vmap(task.game.acts)(state))
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

    def _kept(self, task: Task, state: State, periods: Episodes) -> Periods:
        now, pools = periods.present[:, :-1], self._pools(state)
        chosen, bar, _ = jnp.moveaxis(periods.action.astype(jnp.int32), -1, 0)
        budget = task.game.campaigns.budget
        budget = jnp.where(budget > 0, budget, 1)
        # What an opponent wins on its seat is nobody's to share.
        won = jnp.where(periods.present[:, :1], periods.reward / task.best, 0)
        paid = credited(
            self.credit,
            won.astype(jnp.float32),
            self.head.level(chosen).astype(jnp.float32),
            now,
            meeting(task.overlap, self.local_credit),
            self.temperature * self.max_multiple,
        )
        return Periods(
            seen=self._seen(state, periods.observation, periods.present),
            money=jnp.where(periods.present, periods.remaining / budget, 0).astype(jnp.float32),
            present=periods.present,
            chosen=chosen,
            bar=bar,
            reward=pooled(paid, pools, now),
            paid=pooled((periods.tally.spend / budget).astype(jnp.float32), pools, now),
        )

    def _slopes(self, task: Task, state: State, periods: Episodes, kept: Periods) -> Slopes:
        """What random levels near the start bought."""
        step = self.max_multiple / (self.num_actions - 1)
        # As numbers: levels that just fall within may be rounded either way in one program.
        least, most = ceil((1 - NEAR) / step), floor((1 + NEAR) / step)
        near = (kept.chosen >= least) & (kept.chosen <= most)
        budget = task.game.campaigns.budget
        return seen_slopes(
            state.slopes,
            moved=kept.chosen * step,
            value=periods.reward / task.best,
            spend=periods.tally.spend / jnp.where(budget > 0, budget, 1),
            random=(periods.action[..., 2] > 0) & near & kept.present[:, :-1],
        )

    def _learn(
        self,
        memory: Replay,
        terms: KernelRule,
        bidder: Learner,
        bar: Learner,
        updates: Array,
        key: jax.Array,
    ) -> tuple[tuple[Learner, Learner, Array], dict[str, Array]]:
        """A step of the bidders, some of the bar agents, and copies where they are due."""
        first, *others = jax.random.split(key, 1 + self.num_bar_updates)
        due = (updates + 1) % self.target_update_every == 0
        steps = batch(memory, first, self.batch_size, terms)
        bidder, of_bidder = descend(bidder, steps, self._rule, due)
        told = {f"bidder/{name}": x for name, x in of_bidder.items()}
        for number, other in enumerate(others if self.bar_agents == "learned" else ()):
            steps = batch(memory, other, self.batch_size, terms, of_bar=True)
            last = number == len(others) - 1
            bar, of_bar = descend(bar, steps, self._rule, due & last)
            told |= {f"bar/{name}": x for name, x in of_bar.items()}
        return (bidder, bar, updates + 1), told

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
