"""Attention-critic coordinated bidding: decentralised actors, one critic that attends to all.

Each agent bids ``cap · sigmoid(logit)``, the logit an actor's answer to what the agent itself sees.
A critic that sees everybody, with attention over the agents that still have money, tells for each
agent the value of its own return and of the team's; how much an actor follows the one or the other
is set by how hard bidders compete (`competition`). Steps are replayed by priority and critics
fitted to a mix of bootstrapped targets and returns. At run time there are actors only.

Source: the multi-agent framework of dynamic resource allocation in real-time bidding with an
attention critic; where it is silent, after Lillicrap et al. 2016 (DDPG), Iqbal and Sha 2019 (MAAC),
Schaul et al. 2016 (replay), Fujimoto et al. 2018 (TD3). `docs/bidders/attention-critic.md` lists
departures.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.attention_critic.actions import ceiling, factor_of
from equibid.learning.algorithms.attention_critic.config import AttentionCriticConfig
from equibid.learning.algorithms.attention_critic.learner import (
    Learner,
    between,
    init_learner,
    update,
)
from equibid.learning.algorithms.attention_critic.replay import remember
from equibid.learning.algorithms.attention_critic.temperature import usual_price
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import add
from equibid.learning.training.rollout import play


class AttentionCriticState(NamedTuple):
    """A run.

    Attributes:
        learner: networks and replay.
        iteration: steps of the trainer so far.
        price: usual mean market price, currency per impression.
        key: key data.
    """

    learner: Learner
    iteration: Int32[Array, ""]
    price: Float[Array, ""]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class AttentionCriticBidding(AttentionCriticConfig):
    """Attention-critic coordinated bidding with its settings."""

    steps: ClassVar[int] = 150
    agent: ClassVar[Bidder | None] = None

    def init(self, task: Task, key: jax.Array) -> AttentionCriticState:
        """Untrained networks: actors that bid the reference factor, and an empty replay."""
        making, rest = jax.random.split(key)
        learner = init_learner(self, task, making)
        zero = jnp.zeros((), jnp.int32)
        return AttentionCriticState(learner, zero, jnp.zeros(()), jax.random.key_data(rest))

    def step(
        self, task: Task, state: AttentionCriticState
    ) -> tuple[AttentionCriticState, dict[str, Array]]:
        """Play, remember, learn."""
        key, playing, learning = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        progress = jnp.minimum(state.iteration / self.anneal_steps, 1.0).astype(jnp.float32)
        noise, actor = between(self.noise_std, progress), state.learner.actor

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            logit = actor(seen)
            logit = logit + noise * jax.random.normal(key, logit.shape, jnp.float32)
            return logit, factor_of(self, task, logit, state)

        episodes = play(task.game, act, playing, self.num_envs)
        price = usual_price(episodes, state.price, state.iteration)
        memory, told = remember(self, task, episodes, price)
        learner, losses = jax.lax.scan(
            partial(update, self, task, progress, state.iteration >= self.critic_warmup),
            state.learner._replace(replay=add(state.learner.replay, memory)),
            (jnp.arange(self.num_updates), jax.random.split(learning, self.num_updates)),
        )
        metrics = told | {"noise": noise} | jax.tree.map(jnp.mean, losses)
        after = AttentionCriticState(learner, state.iteration + 1, price, jax.random.key_data(key))
        return after, metrics

    def policy(self, task: Task, state: AttentionCriticState) -> Bidder:
        """The actors, without noise, each on what its agent sees."""
        start, head, follows = ceiling(self, task)
        return Learned(state.learner.actor, task.game.observer, start, head, follows)

    @partial(jax.jit, static_argnums=0)
    def attention(
        self, task: Task, state: AttentionCriticState, key: jax.Array
    ) -> Float[Array, "N N"]:
        """Mean weight of each agent (row) on each other in an episode, over heads and steps."""
        actor = state.learner.actor

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            logit = actor(seen)
            return logit, factor_of(self, task, logit, state)

        episodes = play(task.game, act, key, 1)
        seen, present = episodes.observation[0, :-1], episodes.present[0, :-1]
        critic = state.learner.critics[0]
        weights = critic.weights(seen, episodes.action[0], present, task.overlap).mean(axis=-3)
        # An agent without money attends to nobody; that is no part of its mean.
        count = jnp.maximum(present.sum(axis=0), 1)
        return jnp.where(present[..., None], weights, 0).sum(axis=0) / count[:, None]


ALGORITHMS.add(
    "attention-critic", "Attention-critic coordinated bidding: actors led by a critic of all."
)(AttentionCriticBidding)
ALGORITHMS.add(
    "attention-critic-cpa", "For targets that bind: learns AuctionNet's score, from returns alone."
)(
    partial(
        AttentionCriticBidding,
        reward="cpa-score:dense=1",
        return_mix=(1.0, 1.0),
        max_return_age=128,
    )
)
ALGORITHMS.add(
    "attention-critic-paced", "For logs: the highest bid follows money left over time left."
)(partial(AttentionCriticBidding, bid_cap="paced"))
ALGORITHMS.add(
    "attention-critic-budget-cap", "The same with all the money left as the highest bid."
)(partial(AttentionCriticBidding, bid_cap="budget"))
ALGORITHMS.add(
    "attention-critic-segments", "Coarse to fine: actors also see a plan over segments."
)(partial(AttentionCriticBidding, observer="auction+traits+segments"))
# The source tells no sizes; these are those of the methods it is made of.
ALGORITHMS.add(
    "attention-critic-published", "The same in the sizes of the methods it is made of; slow."
)(
    partial(
        AttentionCriticBidding,
        actor_hidden_sizes=(256, 128),
        critic_hidden_size=128,
        batch_size=1024,
        max_rows=None,
        num_updates=16,
        buffer_size=1024,
        critic_learning_rate=3e-4,
        tau=0.005,
        critic_warmup=1,
        anneal_steps=2000,
    )
)
