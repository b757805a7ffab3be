"""MADDPG: deterministic actors that bid from what they see, led by critics that see everybody.

    a_i = tanh μ_i(o_i)
    y_i = (1 - η) (r_i + γ Q'_i(o', a')) + η G_i         nothing follows the last step
    critic: (Q_i(o, a) - y_i)²       actor: -Q_i(o, a_1 … tanh μ_i(o_i) … a_N) + c μ_i²

Rewards are counted in mean ticks, so a usual step brings 1. Q is a period's usual return times the
share of money and time that is left, plus what the critic learns (as in `mappo`).

Sources: Lowe et al., "Multi-agent actor-critic for mixed cooperative-competitive environments",
NeurIPS 2017, and its published code; Lillicrap et al. 2016 for the parts.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.maddpg.config import MaddpgConfig
from equibid.learning.algorithms.maddpg.learner import Learner, init_learner, update
from equibid.learning.algorithms.maddpg.replay import empty_replay, remember
from equibid.learning.losses.actor_critic import Steering, experience, followed, summary
from equibid.learning.networks.communication import CommActor
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import Replay, add
from equibid.learning.structure import structure_named
from equibid.learning.training.rollout import play


class MaddpgState(NamedTuple):
    """A run.

    Attributes:
        learner: networks and optimisers.
        replay: episodes.
        worth: a period's usual return to each agent, in mean ticks; 0 without a baseline.
        key: key data.
    """

    learner: Learner
    replay: Replay
    worth: Float[Array, " N"]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Maddpg(MaddpgConfig):
    """MADDPG with its settings, and independent DDPG."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 75

    def init(self, task: Task, key: jax.Array) -> MaddpgState:
        """Untrained networks, whose actors keep the day before's factors, and an empty replay."""
        one, two, rest = jax.random.split(key, 3)
        usual = task.game.steps if self.critic_baseline == "money" else 0
        return MaddpgState(
            init_learner(self, task, one, two),
            empty_replay(self, task),
            jnp.full(task.game.agents, usual, jnp.float32),
            jax.random.key_data(rest),
        )

    def step(self, task: Task, state: MaddpgState) -> tuple[MaddpgState, dict[str, Array]]:
        """Play with noise, remember, and learn from what is remembered."""
        key, playing, learning = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        teams = structure_named(self.structure).teams(task.game.campaigns)
        policy, T = state.learner.actor, task.game.steps

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            said = jnp.tanh(policy(seen, teams, jax.vmap(task.game.acts)(state)))
            noise = self.noise_std * jax.random.normal(key, said.shape, said.dtype)
            action = jnp.clip(said + noise, -1, 1)
            return action, self._steering().factor(action, state, task.game)

        episodes = play(task.game, act, playing, self.num_envs)
        seen = experience(task, episodes, teams)
        memory = add(state.replay, remember(self, episodes, seen))
        learner, losses = jax.lax.scan(
            partial(update, self, memory, state.worth, teams),
            state.learner,
            jax.random.split(learning, self.num_updates),
        )
        worth = state.worth
        if self.critic_baseline == "money":
            worth = T * followed(worth / T, seen)
        metrics = summary(task, episodes, seen) | jax.tree.map(jnp.mean, losses)
        return MaddpgState(learner, memory, worth, jax.random.key_data(key)), metrics

    def policy(self, task: Task, state: MaddpgState) -> Bidder:
        """The actors without noise, each on what it and its mates see."""
        learner = state.learner
        steering = self._steering()
        network = CommActor(
            learner.target_actor if self.result == "target" else learner.actor,
            structure_named(self.structure).teams(task.game.campaigns),
            steering.scale,
            bounded=True,
        )
        rule, follows = steering.rule, steering.follows
        return Learned(network, task.game.observer, task.game.start_factor, rule, follows)

    def _steering(self) -> Steering:
        return Steering(self.head, self.action_scale, 1.0)


# The published rates and sizes. A million steps of a hundred agents would need 9 GB; 4 updates a
# step are one in about a hundred steps played on 48 ticks.
PUBLISHED: dict[str, Any] = {
    "parameter_sharing": "separate",
    "buffer_size": 512,
    "batch_size": 1024,
    "max_rows": 10**9,
    "num_updates": 4,
    "gamma": 0.95,
    "return_mix": 0.0,
    "tau": 0.01,
    "actor_learning_rate": 1e-2,
    "critic_learning_rate": 1e-2,
    "layer_norm": False,
    "critic_baseline": "none",
    "result": "online",
}

ALGORITHMS.add("maddpg", "Deterministic actors, led by critics that see everybody.")(Maddpg)
ALGORITHMS.add("maddpg-published", "MADDPG with the published rates and sizes; slow.")(
    partial(Maddpg, **PUBLISHED)
)
