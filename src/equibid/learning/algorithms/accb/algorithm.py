"""Attention-critic coordinated bidding: decentralised actors, one critic that attends to all.

Each agent bids ``cap · sigmoid(logit)``, the logit an actor's answer to what the agent itself sees.
A critic that sees everybody, with attention over the agents that still have money, tells for each
agent the value of its own return and of the team's; how much an actor follows the one or the other
is set by how hard bidders compete (`competition`). Steps are replayed by priority and critics
fitted to a mix of bootstrapped targets and returns. At run time there are actors only.

Source: the multi-agent framework of dynamic resource allocation in real-time bidding with an
attention critic; where it is silent, after Lillicrap et al. 2016 (DDPG), Iqbal and Sha 2019 (MAAC),
Schaul et al. 2016 (replay), Fujimoto et al. 2018 (TD3). `docs/bidders/accb.md` lists departures.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.heads import Follows, ScaledSigmoid, starts_now
from equibid.envs.problem import Task, World
from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.accb.learner import Learner, between, newborn, update
from equibid.learning.algorithms.accb.memory import remember, usual_price
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import add
from equibid.learning.training.rollout import play

# Where actors may bid all the money left, a bid of the day before's is a share of it within these.
LEAST, MOST = 1e-9, 0.5


class AccbState(NamedTuple):
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
class Accb:
    """Settings of attention-critic coordinated bidding."""

    steps: ClassVar[int] = 150
    agent: ClassVar[Bidder | None] = None
    observer: str = "auction+traits"
    """What agents see."""
    reward: str = "value"
    """What they learn to collect."""
    world: World = "market"
    """Where they learn."""
    num_envs: int = 8
    """Periods played at once in an iteration."""
    temperature: float | Literal["adaptive", "team", "independent"] = "adaptive"
    """How independent agents are: by competition, or always as much; 0 is "team"."""
    temperature_step: float = 0.25
    """How much an agent that falls behind becomes more independent."""
    parameter_sharing: Literal["shared", "separate"] = "shared"
    """Whether agents share one actor, told apart by what they see, or have their own."""
    bid_cap: Literal["factor", "paced", "budget"] = "factor"
    """The highest bid: a multiple of the day before's, that multiple raised and lowered with money
    left over time left, or all the money that is left."""
    max_multiple: float = 4.0
    """That multiple."""
    actor_hidden_sizes: tuple[int, ...] = (64, 64)
    """Hidden layers of an actor."""
    critic_hidden_size: int = 64
    """Width of the critic; its head is twice as wide."""
    num_heads: int = 4
    """Of attention."""
    num_neighbours: int = 16
    """Competitors attended to among more than 64 agents."""
    num_critics: int = 1
    """Two believe the lesser value."""
    dropout: float = 0.1
    """Share of the critic's hidden units dropped in training."""
    num_updates: int = 8
    """Actor steps an iteration."""
    policy_delay: int = 2
    """Critic steps to each actor step."""
    batch_size: int = 128
    """Joint steps learned from at once."""
    max_rows: int | None = 4096
    """Most agents' steps of a batch: among many agents it holds fewer joint steps."""
    buffer_size: int = 128
    """Episodes kept."""
    actor_learning_rate: float = 1e-4
    """Learning rate."""
    critic_learning_rate: float = 1e-3
    """Learning rate."""
    tau: float = 0.02
    """How fast targets follow."""
    reward_scale: float = 10.0
    """Of rewards, so that critics see numbers near one."""
    shaping_coef: float = 1.0
    """Weight of the potential; 0 for none."""
    noise_std: tuple[float, float] = (0.5, 0.05)
    """Standard deviation of exploration on the logit, at first and at last."""
    return_mix: tuple[float, float] = (0.5, 0.1)
    """Share of returns in targets, at first and at last."""
    per_beta: tuple[float, float] = (0.4, 1.0)
    """Share of the replay's bias that weights take away, at first and at last."""
    anneal_steps: int = 150
    """Iterations from first to last."""
    critic_warmup: int = 10
    """Iterations before actors move."""
    max_return_age: int = 20
    """Returns count in targets while younger than so many actor steps."""
    target_noise_std: float = 0.1
    """Standard deviation of noise on target actions, cut at twice that."""
    per_alpha: float = 0.6
    """Of errors in priorities."""
    action_l2: float = 1e-3
    """Weight of squared logits."""

    def __post_init__(self) -> None:
        whole = ("episodes", "updates", "delay", "batch", "capacity", "anneal", "recent", "critics")
        for name in whole:
            if getattr(self, name) < 1:
                raise InputError(f"accb: {name} must be at least 1, not {getattr(self, name)}")
        if self.max_multiple <= 1:
            raise InputError(f"accb: highest must be above 1, not {self.max_multiple:g}")
        if self.buffer_size < self.num_envs:
            raise InputError("accb: capacity must hold the episodes of an iteration; raise it")
        fixed = self.temperature
        if not isinstance(fixed, str) and not 0 <= fixed < float("inf"):
            raise InputError('accb: temperature is 0 or more, "adaptive", "team" or "independent"')

    def init(self, task: Task, key: jax.Array) -> AccbState:
        """Untrained networks: actors that bid the reference factor, and an empty replay."""
        making, rest = jax.random.split(key)
        learner = newborn(self, task, making)
        zero = jnp.zeros((), jnp.int32)
        return AccbState(learner, zero, jnp.zeros(()), jax.random.key_data(rest))

    def step(self, task: Task, state: AccbState) -> tuple[AccbState, dict[str, Array]]:
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
        after = AccbState(learner, state.iteration + 1, price, jax.random.key_data(key))
        return after, metrics

    def policy(self, task: Task, state: AccbState) -> Bidder:
        """The actors, without noise, each on what its agent sees."""
        start, head, follows = self.ceiling(task)
        return Learned(state.learner.actor, task.game.observer, start, head, follows)

    @partial(jax.jit, static_argnums=0)
    def attention(self, task: Task, state: AccbState, key: jax.Array) -> Float[Array, "N N"]:
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
        return head(logit.astype(jnp.float64), states.level, now)

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
        return task.game.level, ScaledSigmoid(self.max_multiple), follows


ALGORITHMS.add("accb", "Attention-critic coordinated bidding: actors led by a critic of all.")(Accb)
ALGORITHMS.add("accb-cpa", "For targets that bind: learns AuctionNet's score, from returns alone.")(
    partial(Accb, reward="cpa-score:dense=1", mixing=(1.0, 1.0), recent=128)
)
ALGORITHMS.add("accb-paced", "For logs: the highest bid follows money left over time left.")(
    partial(Accb, cap="paced")
)
ALGORITHMS.add("accb-budget-cap", "The same with all the money left as the highest bid.")(
    partial(Accb, cap="budget")
)
ALGORITHMS.add("accb-segments", "Coarse to fine: actors also see a plan over segments.")(
    partial(Accb, observer="auction+traits+segments")
)
# The source tells no sizes; these are those of the methods it is made of.
ALGORITHMS.add("accb-published", "The same in the sizes of the methods it is made of; slow.")(
    partial(
        Accb,
        actor_width=(256, 128),
        critic_width=128,
        batch=1024,
        rows=None,
        updates=16,
        capacity=1024,
        critic_rate=3e-4,
        tau=0.005,
        warmup=1,
        anneal=2000,
    )
)
