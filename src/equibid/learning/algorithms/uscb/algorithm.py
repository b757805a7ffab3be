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
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.uscb.config import UscbConfig
from equibid.learning.algorithms.uscb.hindsight import start_and_best
from equibid.learning.algorithms.uscb.learner import Learner, init_learner, update
from equibid.learning.algorithms.uscb.probe_rollouts import (
    Played,
    Probes,
    play_and_hold,
    probe_ticks,
)
from equibid.learning.algorithms.uscb.replay import empty_replay, remember
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import Replay, add


class UscbState(NamedTuple):
    """A run.

    Attributes:
        learner: networks and optimisers.
        replay: of probes.
        start: the factor before the first tick, currency per value unit.
        best: R*, in the reward's unit.
        iteration: steps of the trainer so far.
        key: key data.
    """

    learner: Learner
    replay: Replay
    start: Float[Array, " N"]
    best: Float[Array, " N"]
    iteration: Int32[Array, ""]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Uscb(UscbConfig):
    """USCB with its settings."""

    steps: ClassVar[int] = 100
    agent: ClassVar[Bidder | None] = None

    def init(self, task: Task, key: jax.Array) -> UscbState:
        """An actor that bids the start, a critic that knows nothing, an empty replay."""
        one, two, three, rest = jax.random.split(key, 4)
        start, best = start_and_best(self, task, three)
        return UscbState(
            init_learner(self, task.game.features, one, two),
            empty_replay(self, task),
            start,
            best,
            jnp.zeros((), jnp.int32),
            jax.random.key_data(rest),
        )

    def step(self, task: Task, state: UscbState) -> tuple[UscbState, dict[str, Array]]:
        """Play and probe, remember, learn."""
        key, playing, learning = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        probes, played = self._play(task, state, playing)
        fresh = remember(self, task, state.start, state.best, probes)
        memory = add(state.replay, fresh)
        ready = state.iteration >= self.critic_warmup
        learner, losses = jax.lax.scan(
            partial(update, self, memory, ready),
            state.learner,
            jax.random.split(learning, self.num_updates),
        )
        learns = played.learns
        agents = jnp.maximum(learns.sum(), 1)
        budget = jnp.where(task.game.campaigns.budget > 0, task.game.campaigns.budget, 1.0)
        seen = fresh.present
        metrics = {
            "value": jnp.where(learns, played.value, 0).sum() / self.num_envs,
            "return": jnp.where(learns, played.gain / state.best, 0).sum() / agents,
            "spend": jnp.where(learns, played.spend / budget, 0).sum() / agents,
            "held": jnp.where(seen, fresh.score, 0).sum() / jnp.maximum(seen.sum(), 1),
        } | jax.tree.map(jnp.mean, losses)
        after = state._replace(
            learner=learner,
            replay=memory,
            iteration=state.iteration + 1,
            key=jax.random.key_data(key),
        )
        return after, metrics

    def policy(self, task: Task, state: UscbState) -> Bidder:
        """The actor, each agent on what it sees."""
        return Learned(state.learner.actor, task.game.observer, state.start, self.rule)

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
            action = state.learner.actor(seen)
            action = action + self.noise_std * jax.random.normal(key, action.shape, jnp.float32)
            return self.rule(action.astype(jnp.float64), last_factor, state.start)

        tick = probe_ticks(ticks, E, P, game.steps)
        spread = jnp.exp(self.probe_std * jax.random.normal(widths, (E, P, N)))
        return play_and_hold(game, factors, start, tick, disorder, spread, own)


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
