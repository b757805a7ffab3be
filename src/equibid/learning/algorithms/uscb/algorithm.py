"""USCB: one network sets the factor, one knows what holding a factor to the end is worth.

An actor says from what its campaign sees how to move the factor, ``w_{t+1} = w_t · exp(a_t)``. A
critic tells what a period ends with if a factor is held from now on,

    G = min(R / R*, 1) − λ (γ^e − 1),

R the whole period's reward, R* that of the best constant factor in hindsight, e the share by which
the cost per value unit exceeds its target, if that is asked for. Nothing is bootstrapped: G is had
by playing the rest of the period with the factor held (`probe_rollouts`). The critic is fitted to
it, the actor climbs the critic.

All advertisers are campaigns of one network. In the log world each buys at logged prices that no
bid moves, as published; in the market world all factors are held at once, and prices answer.

Source: He et al., "A unified solution to constrained bidding in online display advertising", KDD
2021, with the program published with Mou et al., NeurIPS 2022. `docs/bidders/uscb.md` lists
departures.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int32, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.heads import Head, Increment, ScaledSigmoid
from equibid.envs.problem import EnvMode, Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.uscb.constrained import fine
from equibid.learning.algorithms.uscb.probe_rollouts import (
    Played,
    Probes,
    play_and_hold,
    probe_ticks,
)
from equibid.learning.config import (
    ActorCriticConfig,
    Count,
    NotNegative,
    ObservedConfig,
    Positive,
    ReplayConfig,
    Sizes,
)
from equibid.learning.networks.mlp import MLP, mlp
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import Replay, add, gather, replay, uniform
from equibid.settings import Within

# Constant factors tried for the best that keeps a target, multiples of the start.
TRIED = 2.0 ** jnp.arange(-6, 2.01, 0.25)


class Actor(eqx.Module):
    """A perceptron whose answer stays within a reach; shared by all agents.

    Attributes:
        network: from what is seen to one number.
        reach: bound of the action; infinite for none.
    """

    network: MLP
    reach: float = eqx.field(static=True)

    def __call__(self, seen: Float[Array, "... F"]) -> Float[Array, "... 1"]:
        """The action."""
        said = self.network(seen)
        return said if self.reach == float("inf") else self.reach * jnp.tanh(said)


class Transition(NamedTuple):
    """What is kept of the P probes of an episode.

    Attributes:
        seen: before the probe.
        present: who had money and learns.
        last_factor: log of the factor bid before it over the start.
        held: log of the factor held over the start.
        gained: reward before it over R*.
        score: G.
    """

    seen: Float[Array, "*E P N F"]
    present: Array
    last_factor: Float[Array, "*E P N"]
    held: Float[Array, "*E P N"]
    gained: Float[Array, "*E P N"]
    score: Float[Array, "*E P N"]


class UscbState(NamedTuple):
    """A run.

    Attributes:
        actor: the policy.
        critic: G of a factor held.
        actor_opt_state: of the optimiser.
        critic_opt_state: of the optimiser.
        replay: of probes.
        start: the factor before the first tick, currency per value unit.
        best: R*, in the reward's unit.
        iteration: steps of the trainer so far.
        key: key data.
    """

    actor: Actor
    critic: MLP
    actor_opt_state: optax.OptState
    critic_opt_state: optax.OptState
    replay: Replay
    start: Float[Array, " N"]
    best: Float[Array, " N"]
    iteration: Int32[Array, ""]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Uscb(ReplayConfig, ActorCriticConfig, ObservedConfig):
    """Settings of USCB."""

    steps: ClassVar[int] = 100
    agent: ClassVar[Bidder | None] = None
    env_mode: EnvMode = "log"
    target: Literal["none", "cpa"] = "none"
    """"cpa" fines a cost per value unit above each advertiser's target, and its R* keeps the
    target; "none" knows no targets."""
    num_envs: Count = 4
    num_probes: Count = 8
    """Ticks of each period at which a copy of the market plays on with the factors held."""
    head: Literal["increment", "multiple"] = "increment"
    """What the actor says: how to move the factor bid last ("increment"), or what multiple of the
    start it is ("multiple")."""
    action_scale: Positive = 0.2
    """The most that the natural logarithm of the factor moves in a tick, under "increment"."""
    max_multiple: Annotated[float, Within(above=1)] = 10.0
    """The highest factor, as a multiple of that of the day before, under "multiple"."""
    init_noise_std: NotNegative = 0.5
    """Standard deviation of the logarithm of what the first factor is multiplied by, in
    training."""
    noise_std: NotNegative = 0.1
    """Standard deviation of the noise on actions."""
    probe_std: NotNegative = 0.3
    """Standard deviation of the logarithm of the factor held over the policy's."""
    actor_hidden_sizes: Sizes = (64, 64)
    """Widths of the hidden layers of the actor."""
    critic_hidden_sizes: Sizes = (64, 64)
    """Widths of the hidden layers of the critic."""
    critic_warmup: Annotated[int, Within(least=0)] = 5
    """Training steps, at first, in which the critic learns and the actor does not."""
    num_updates: Count = 20
    batch_size: Count = 2048
    """Probes of one agent in a batch."""
    buffer_size: Count = 100_000
    """Probes of one agent that the replay keeps, about."""
    max_reward: float = 1.0
    """The most that R / R* counts."""
    penalty_coef: NotNegative = 1.0
    """λ, the weight of the fine."""
    penalty_base: Annotated[float, Within(above=1)] = 3.0
    """γ, the base of the fine, which grows as a power of it."""

    @property
    def rule(self) -> Head:
        """From actions to factors."""
        return (
            Increment(self.action_scale)
            if self.head == "increment"
            else ScaledSigmoid(self.max_multiple)
        )

    def init(self, task: Task, key: jax.Array) -> UscbState:
        """An actor that bids the start, a critic that knows nothing, an empty replay."""
        game = task.game
        N, F, P = game.agents, game.features, self.num_probes
        one, two, three, rest = jax.random.split(key, 4)
        reach = self.action_scale if self.head == "increment" else float("inf")
        actor = Actor(mlp(one, [F, *self.actor_hidden_sizes, 1], last_scale=0.01), reach)
        critic = mlp(two, [F + 2, *self.critic_hidden_sizes, 1])
        number = jnp.zeros((P, N), jnp.float32)
        seen = jnp.zeros((P, N, F), jnp.float32)
        example = Transition(seen, jnp.zeros((P, N), bool), number, number, number, number)
        kept = max(self.buffer_size // (P * N), self.num_envs)
        start, best = self._hindsight(task, three)
        return UscbState(
            actor,
            critic,
            optax.adam(self.actor_learning_rate).init(cast(Any, actor)),
            optax.adam(self.critic_learning_rate).init(cast(Any, critic)),
            replay(example, kept, P),
            start,
            best,
            jnp.zeros((), jnp.int32),
            jax.random.key_data(rest),
        )

    def step(self, task: Task, state: UscbState) -> tuple[UscbState, dict[str, Array]]:
        """Play and probe, remember, learn."""
        key, playing, learning = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        probes, played = self._play(task, state, playing)
        memory = self._remember(task, state, probes)
        state = state._replace(replay=add(state.replay, memory))
        state, losses = jax.lax.scan(
            partial(self._update, task), state, jax.random.split(learning, self.num_updates)
        )
        learns = played.learns
        agents = jnp.maximum(learns.sum(), 1)
        budget = jnp.where(task.game.campaigns.budget > 0, task.game.campaigns.budget, 1.0)
        seen = memory.present
        metrics = {
            "value": jnp.where(learns, played.value, 0).sum() / self.num_envs,
            "return": jnp.where(learns, played.gain / state.best, 0).sum() / agents,
            "spend": jnp.where(learns, played.spend / budget, 0).sum() / agents,
            "held": jnp.where(seen, memory.score, 0).sum() / jnp.maximum(seen.sum(), 1),
        } | jax.tree.map(jnp.mean, losses)
        state = state._replace(iteration=state.iteration + 1, key=jax.random.key_data(key))
        return state, metrics

    def policy(self, task: Task, state: UscbState) -> Bidder:
        """The actor, each agent on what it sees."""
        return Learned(state.actor, task.game.observer, state.start, self.rule)

    def score(self, task: Task, best: Array, gain: Array, value: Array, spend: Array) -> Array:
        """G of periods, [..., N]."""
        share = jnp.minimum(gain / best, self.max_reward)
        if self.target == "none":
            return share
        return share - self.penalty_coef * fine(
            value, spend, task.game.campaigns.target_cpa, self.penalty_base
        )

    def _play(self, task: Task, state: UscbState, key: jax.Array) -> tuple[Probes, Played]:
        """The policy with noise, its first factor disordered."""
        game, E, P = task.game, self.num_envs, self.num_probes
        N = game.agents
        drawing, chance, ticks, first, widths, own = jax.random.split(key, 6)
        period = jax.random.permutation(drawing, jnp.arange(E) % game.periods)
        if game.periods > E:
            period = jax.random.choice(drawing, game.periods, (E,), replace=False)
        start = jax.vmap(game.reset)(jax.random.split(chance, E), period)
        start = start._replace(last_factor=jnp.broadcast_to(state.start, (E, N)))
        disorder = jnp.exp(self.init_noise_std * jax.random.normal(first, (E, N)))

        def factors(key: jax.Array, seen: Array, last_factor: Array) -> Array:
            action = state.actor(seen)
            action = action + self.noise_std * jax.random.normal(key, action.shape, jnp.float32)
            return self.rule(action.astype(jnp.float64), last_factor, state.start)

        tick = probe_ticks(ticks, E, P, game.steps)
        spread = jnp.exp(self.probe_std * jax.random.normal(widths, (E, P, N)))
        return play_and_hold(game, factors, start, tick, disorder, spread, own)

    def _remember(self, task: Task, state: UscbState, probes: Probes) -> Transition:
        """What the replay keeps of probes."""
        score = self.score(task, state.best, probes.gain, probes.value, probes.spend)
        return Transition(
            probes.seen,
            probes.present,
            self._depth(state, probes.last_factor),
            self._depth(state, probes.held),
            (probes.gained / state.best).astype(jnp.float32),
            score.astype(jnp.float32),
        )

    def _depth(self, state: UscbState, factor: Array) -> Array:
        return jnp.log(factor / state.start).astype(jnp.float32)

    def _update(
        self, task: Task, state: UscbState, key: jax.Array
    ) -> tuple[UscbState, dict[str, Array]]:
        """One step of the critic, then one of the actor."""
        drawn = uniform(state.replay, key, max(self.batch_size // task.game.agents, 1))
        batch = gather(state.replay, drawn, state.replay.episodes)
        loss, slope = jax.value_and_grad(critic_loss)(state.critic, batch)
        critic, critic_opt_state = moved(
            self.critic_learning_rate, state.critic, slope, state.critic_opt_state
        )
        aim, climb = jax.value_and_grad(actor_loss)(state.actor, critic, batch, self.rule)
        before = state.actor, state.actor_opt_state
        after = moved(self.actor_learning_rate, state.actor, climb, state.actor_opt_state)
        # An actor that climbs a critic that knows nothing only gets lost.
        ready = state.iteration >= self.critic_warmup
        actor, actor_opt_state = jax.tree.map(
            lambda new, old: jnp.where(ready, new, old), after, before
        )
        told = {
            "critic/loss": loss,
            "critic/gradient": optax.tree.norm(slope),
            "actor/score": -aim,
            "actor/gradient": optax.tree.norm(climb),
        }
        state = state._replace(
            actor=actor,
            critic=critic,
            actor_opt_state=actor_opt_state,
            critic_opt_state=critic_opt_state,
        )
        return state, told

    def _hindsight(self, task: Task, key: jax.Array) -> tuple[Array, Array]:
        """The start and R*: of the day before, or of the best constant factor within the target.

        The target is one of all training periods together.
        """
        game = task.game
        if self.target == "none":
            return game.start_factor, jnp.asarray(task.best, jnp.float64)
        G, N = len(TRIED), game.agents
        tried = TRIED[:, None] * game.start_factor
        none = jnp.zeros((G, 0), jnp.int32)
        calm, spread = jnp.ones((G, N)), jnp.ones((G, 0, N))

        def period(number: Array) -> Played:
            own = jax.random.fold_in(key, number)
            start = jax.vmap(game.reset)(jax.random.split(own, G), jnp.full(G, number))
            _, played = play_and_hold(game, lambda *_: tried, start, none, calm, spread, own)
            return played

        each = jax.lax.map(period, jnp.arange(game.periods, dtype=jnp.int32))
        # Periods in which an opponent drove an advertiser say nothing of its factor.
        count = jnp.maximum(each.learns.sum(axis=0), 1)
        gain, value, spend = (
            jnp.where(each.learns, x, 0.0).sum(axis=0) / count
            for x in (each.gain, each.value, each.spend)
        )
        within = spend <= game.campaigns.target_cpa * value
        gain = jnp.where(within & (value > 0), gain, 0.0)
        chosen = gain.argmax(axis=0)
        # Who cannot keep its target with any of them aims at a hundredth of what it could buy.
        best = jnp.maximum(gain.max(axis=0), 0.01 * task.best)
        return jnp.take_along_axis(tried, chosen[None], axis=0)[0], best


def moved(rate: float, network: Any, slope: Any, memory: Any) -> tuple[Any, Any]:
    """A step of Adam: the network and the optimiser's memory after it."""
    change, memory = optax.adam(rate).update(slope, memory)
    return optax.apply_updates(network, change), memory


def critic_input(batch: Transition, depth: Array) -> Float[Array, "B N F+2"]:
    """What the critic reads: what was seen, what was gained so far, and the factor."""
    return jnp.concatenate([batch.seen, batch.gained[..., None], depth[..., None]], axis=-1)


def critic_loss(critic: MLP, batch: Transition) -> Float[Array, ""]:
    """Mean squared error of G over the agents that were present."""
    error = critic(critic_input(batch, batch.held))[..., 0] - batch.score
    return jnp.where(batch.present, error**2, 0).sum() / jnp.maximum(batch.present.sum(), 1)


def actor_loss(actor: Actor, critic: MLP, batch: Transition, rule: Head) -> Float[Array, ""]:
    """Less the mean of what the critic says of the actor's factors."""
    action = actor(batch.seen)
    depth = jnp.log(rule(action, jnp.exp(batch.last_factor), jnp.ones(()))).astype(jnp.float32)
    said = critic(critic_input(batch, depth))[..., 0]
    return -jnp.where(batch.present, said, 0).sum() / jnp.maximum(batch.present.sum(), 1)


ALGORITHMS.add("uscb", "USCB: the worth of holding a factor is played out, and climbed.")(Uscb)
ALGORITHMS.add("uscb-cpa", "USCB with a fine for a cost per value unit above the target.")(
    partial(Uscb, target="cpa", observer="pace+traits+cost-status")
)
ALGORITHMS.add("uscb-published", "USCB with the published program's state, sizes and rates.")(
    partial(
        Uscb,
        observer="uscb",
        head="multiple",
        init_noise_std=0.0,
        probe_std=0.0,
        actor_hidden_sizes=(100, 10),
        critic_hidden_sizes=(50, 10),
        actor_learning_rate=1e-4,
        critic_learning_rate=1e-4,
        batch_size=20_000,
    )
)
