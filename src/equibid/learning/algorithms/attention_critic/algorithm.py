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
from typing import Annotated, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.heads import Follows, ScaledSigmoid, starts_now
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.attention_critic.learner import (
    Learner,
    between,
    init_learner,
    update,
)
from equibid.learning.algorithms.attention_critic.replay import remember, usual_price
from equibid.learning.config import (
    ActorCriticConfig,
    Count,
    NotNegative,
    ObservedConfig,
    PeriodReplayConfig,
    Positive,
    Share,
    Sizes,
)
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import add
from equibid.learning.training.rollout import play
from equibid.settings import Within

# Where actors may bid all the money left, a bid of the day before's is a share of it within these.
LEAST, MOST = 1e-9, 0.5


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
class AttentionCriticBidding(PeriodReplayConfig, ActorCriticConfig, ObservedConfig):
    """Settings of attention-critic coordinated bidding."""

    steps: ClassVar[int] = 150
    agent: ClassVar[Bidder | None] = None
    observer: str = "auction+traits"
    temperature: NotNegative | Literal["adaptive", "team", "independent"] = "adaptive"
    """How far an agent learns for itself: by how much it competes ("adaptive"), or by a fixed
    temperature; 0 is "team", without end is "independent"."""
    temperature_step: float = 0.25
    """How much more an agent that falls behind learns for itself, under "adaptive"."""
    parameter_sharing: Literal["shared", "separate"] = "shared"
    """Whether agents share one actor, told apart by what they see, or have their own."""
    bid_cap: Literal["factor", "paced", "budget"] = "factor"
    """The highest bid: a multiple of the day before's factor ("factor"), that multiple raised and
    lowered with money left over time left ("paced"), or all the money that is left ("budget")."""
    max_multiple: Annotated[float, Within(above=1)] = 4.0
    """The highest factor, as a multiple of that of the day before."""
    actor_hidden_sizes: Sizes = (64, 64)
    """Widths of the hidden layers of an actor."""
    critic_hidden_size: Count = 64
    """Width of the critic; its head is twice as wide."""
    num_heads: Count = 4
    """Heads of the critic's attention; divides critic_hidden_size."""
    num_neighbours: Count = 16
    """Competitors that the critic attends to one by one, where there are more than 64 agents."""
    num_critics: Count = 1
    """Critics; of two the lower value is believed."""
    dropout: Share = 0.1
    """Share of the critic's hidden units that are dropped in training."""
    num_updates: Count = 8
    """Updates of the actors in a training step."""
    policy_delay: Count = 2
    """Updates of the critic for each of the actors."""
    batch_size: Count = 128
    max_rows: Count | None = 4096
    """Most agents' steps in a batch; among many agents it holds fewer steps of the game; none for
    no limit."""
    buffer_size: Count = 128
    actor_learning_rate: Positive = 1e-4
    critic_learning_rate: Positive = 1e-3
    tau: Share = 0.02
    """Share by which target networks move towards the networks at every update."""
    reward_scale: Positive = 10.0
    """What rewards are multiplied by, so that critics see numbers near 1."""
    shaping_coef: NotNegative = 1.0
    """Weight of the potential by which rewards are shaped; 0 for none."""
    noise_std: tuple[NotNegative, NotNegative] = (0.5, 0.05)
    """Standard deviation of the noise on the actor's logit, at first and at last."""
    return_mix: tuple[Share, Share] = (0.5, 0.1)
    """Share of the return in a critic's target, at first and at last; the rest is
    bootstrapped."""
    per_alpha: NotNegative = 0.6
    """Exponent of errors in the priorities of prioritised replay."""
    per_beta: tuple[Share, Share] = (0.4, 1.0)
    """Share of the bias of prioritised replay that weights take away, at first and at last."""
    anneal_steps: Count = 150
    """Training steps in which settings go from their first to their last value."""
    critic_warmup: Annotated[int, Within(least=0)] = 10
    """Training steps, at first, in which critics learn and actors do not."""
    max_return_age: Count = 20
    """Training steps after which the return of a period no longer counts in targets."""
    target_noise_std: NotNegative = 0.1
    """Standard deviation of the noise on target actions, clipped at twice that."""
    action_l2: NotNegative = 1e-3
    """Weight of the mean squared logit in the actor's loss."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse(self.temperature == float("inf"), "write temperature=independent for no end")

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
            return logit, self._factor(task, logit, state)

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
        start, head, follows = self.ceiling(task)
        return Learned(state.learner.actor, task.game.observer, start, head, follows)

    @partial(jax.jit, static_argnums=0)
    def attention(
        self, task: Task, state: AttentionCriticState, key: jax.Array
    ) -> Float[Array, "N N"]:
        """Mean weight of each agent (row) on each other in an episode, over heads and steps."""
        actor = state.learner.actor

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            logit = actor(seen)
            return logit, self._factor(task, logit, state)

        episodes = play(task.game, act, key, 1)
        seen, present = episodes.observation[0, :-1], episodes.present[0, :-1]
        critic = state.learner.critics[0]
        weights = critic.weights(seen, episodes.action[0], present, task.overlap).mean(axis=-3)
        # An agent without money attends to nobody; that is no part of its mean.
        count = jnp.maximum(present.sum(axis=0), 1)
        return jnp.where(present[..., None], weights, 0).sum(axis=0) / count[:, None]

    def _factor(self, task: Task, logit: Array, states: GameState) -> Array:
        """Of logits [E, N, 1]."""
        start, head, follows = self.ceiling(task)
        now = starts_now(follows, start, task.game, states)
        return head(logit.astype(jnp.float64), states.last_factor, now)

    def ceiling(self, task: Task) -> tuple[Float[Array, " N"], ScaledSigmoid, Follows]:
        """What silence bids, the share of its ceiling that a logit bids, and what both follow."""
        if self.bid_cap == "budget":
            # All the money on an impression of usual value is the factor m / v̄, of which silence
            # bids the share that the day before's factor was.
            budget, value = (
                jnp.where(x > 0, x, 1.0)
                for x in (task.game.campaigns.budget, task.reference.mean_value)
            )
            part = jnp.clip(task.reference.factor * value / budget, LEAST, MOST)
            return part * budget / value, ScaledSigmoid(1 / part), "money"
        follows: Follows = "pace" if self.bid_cap == "paced" else "nothing"
        return task.game.start_factor, ScaledSigmoid(self.max_multiple), follows


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
