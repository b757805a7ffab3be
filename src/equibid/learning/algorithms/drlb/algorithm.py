"""DRLB: a Q-network regulates λ by percents, and is paid with the best return a step ever led to.

A campaign bids ``v / λ`` and multiplies λ by ``1 + β``, β from a short list, at every tick. A step
is not paid with the value it won, which more money spent now always raises, but with

    r(s, a) = max of the return of all episodes that took a in s

as a network (RewardNet) fits it: an aim for the whole period. Double Q-learning with priorities
maximises the sum of it over a period. Exploration is of ε; where the values of the ordered actions
have more than one peak they are wrong, and more is tried.

All advertisers are campaigns of one network. Returns are shares of R*, what the day before's best
factor buys, and r counts 1/T, so that values are near one.

Source: Wu et al., "Budget constrained bidding by model-free reinforcement learning in display
advertising", CIKM 2018 (arXiv 1802.08365). `docs/bidders/drlb.md` lists departures.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.drlb.actions import Regulation
from equibid.learning.algorithms.drlb.config import ELEVEN, DrlbConfig
from equibid.learning.algorithms.drlb.learner import Learner, init_learner, update
from equibid.learning.algorithms.drlb.replay import remember
from equibid.learning.algorithms.drlb.returns import Returns, credit, returns_table
from equibid.learning.losses.deep_q import epsilon, explored
from equibid.learning.losses.targets import ranked_unimodal
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import add
from equibid.learning.training.rollout import play


class DrlbState(NamedTuple):
    """A run.

    Attributes:
        learner: networks and replay.
        table: the dictionary M.
        iteration: steps of the trainer so far.
        key: key data.
    """

    learner: Learner
    table: Returns
    iteration: Int32[Array, ""]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Drlb(DrlbConfig):
    """DRLB with its settings."""

    steps: ClassVar[int] = 150
    agent: ClassVar[Bidder | None] = None

    @property
    def rule(self) -> Regulation:
        """From values of actions to factors."""
        return Regulation(self.action_values)

    def init(self, task: Task, key: jax.Array) -> DrlbState:
        """Networks that know nothing, an empty replay and dictionary."""
        one, two, rest = jax.random.split(key, 3)
        learner = init_learner(self, task, one, two)
        zero = jnp.zeros((), jnp.int32)
        return DrlbState(learner, returns_table(self.table_size), zero, jax.random.key_data(rest))

    def step(self, task: Task, state: DrlbState) -> tuple[DrlbState, dict[str, Array]]:
        """Play, credit, learn."""
        key, first, playing, learning = jax.random.split(jax.random.wrap_key_data(state.key), 4)
        game, E = task.game, self.num_envs
        reach = jnp.log(self.init_ratio)
        start = jax.random.uniform(first, (E, game.agents), minval=-reach, maxval=reach)
        share = epsilon(state.iteration, *self.epsilon, self.anneal_steps)
        network = state.learner.q

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            q = network(seen)
            tried = jnp.where(
                ranked_unimodal(q), share, jnp.maximum(share, self.multimodal_epsilon)
            )
            chosen, _ = explored(key, q, tried)
            opens = state.step[:, None] == 0
            last_factor = jnp.where(opens, state.last_factor * jnp.exp(start), state.last_factor)
            return chosen[..., None], self.rule.regulated(chosen, last_factor, game.start_factor)

        episodes = play(game, act, playing, E)
        fresh = remember(self, task, episodes, start)
        table = credit(
            state.table,
            fresh.key.reshape(-1),
            fresh.own.reshape(-1),
            fresh.present.reshape(-1),
            state.iteration,
            self.return_window,
        )
        ready = (state.iteration >= self.reward_warmup) | (self.step_reward == "direct")
        learner, losses = jax.lax.scan(
            partial(update, self, table, ready),
            state.learner._replace(replay=add(state.learner.replay, fresh)),
            jax.random.split(learning, self.num_updates),
        )
        learns = episodes.present[:, :1]
        agents = jnp.maximum(learns.sum(), 1)
        budget = jnp.where(game.campaigns.budget > 0, game.campaigns.budget, 1.0)
        q = learner.q(episodes.observation[:, :-1])
        here = episodes.present[:, :-1]
        peaked = jnp.where(here, ranked_unimodal(q), False).sum() / jnp.maximum(here.sum(), 1)
        metrics = {
            "value": jnp.where(learns, episodes.tally.value, 0).sum() / E,
            "return": jnp.where(learns, episodes.reward / task.best, 0).sum() / agents,
            "spend": jnp.where(learns, episodes.tally.spend / budget, 0).sum() / agents,
            "epsilon": share,
            "unimodal": peaked,
        } | jax.tree.map(jnp.mean, losses)
        after = DrlbState(learner, table, state.iteration + 1, jax.random.key_data(key))
        return after, metrics

    def policy(self, task: Task, state: DrlbState) -> Bidder:
        """The action of highest value, each agent on what it sees."""
        return Learned(state.learner.target, task.game.observer, task.game.start_factor, self.rule)


ALGORITHMS.add("drlb", "DRLB: λ in steps of percents, paid with the best return a step led to.")(
    Drlb
)
ALGORITHMS.add("drlb-11", "DRLB with the eleven actions of its first version.")(
    partial(Drlb, action_values=ELEVEN)
)
ALGORITHMS.add("drlb-published", "DRLB with the published state, batch and annealing.")(
    partial(
        Drlb,
        observer="drlb",
        tau=1.0,
        target_update_every=100,
        batch_size=32,
        buffer_size=100_000,
        reward_warmup=0,
    )
)
