"""MAPPO: Gaussian actors that bid from what they see, led by a value that sees everybody.

    step: E periods with the actors' own chance
          V = w · credit + normalised critic,  A, G = GAE(λ)      credit: money and time left
          epochs × minibatches of the losses of `equibid.learning.losses.ppo`

The return that is still to come is nearly the share of money that is left times a period's usual
return w, so the critic learns what differs from that. Subtracting it changes no expected gradient,
only its noise. Nothing is bootstrapped past the period's end.

Sources: Yu et al., "The surprising effectiveness of PPO in cooperative multi-agent games", NeurIPS
2022; advantages after Schulman et al. 2016; a start of values by a potential, Wiewiora 2003.
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
from equibid.learning.algorithms.mappo.config import MappoConfig
from equibid.learning.algorithms.mappo.learner import Learner, init_learner, learn
from equibid.learning.algorithms.mappo.losses import judged
from equibid.learning.losses.actor_critic import Steering, experience, followed, summary
from equibid.learning.networks.communication import CommActor
from equibid.learning.networks.normalise import Moments, moments
from equibid.learning.policy import Learned
from equibid.learning.structure import structure_named
from equibid.learning.training.rollout import play

# A factor changes by at most this many strides in a step.
LARGEST = 5.0


class MappoState(NamedTuple):
    """A run.

    Attributes:
        learner: networks and optimisers.
        moments: of what the critic is fitted to.
        worth: a period's usual return to each agent; 0 without a baseline.
        key: key data.
    """

    learner: Learner
    moments: Moments
    worth: Float[Array, " N"]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Mappo(MappoConfig):
    """MAPPO with its settings, and independent PPO."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 200

    def init(self, task: Task, key: jax.Array) -> MappoState:
        """Untrained networks; the actors' mean keeps the day before's factors."""
        one, two, rest = jax.random.split(key, 3)
        learner = init_learner(self, task, one, two)
        usual = float(self.critic_baseline == "money")
        worth = jnp.full(task.game.agents, usual, jnp.float32)
        return MappoState(learner, moments(), worth, jax.random.key_data(rest))

    def step(self, task: Task, state: MappoState) -> tuple[MappoState, dict[str, Array]]:
        """Play, judge what was done, and learn from it."""
        key, playing, learning = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        teams = structure_named(self.structure).teams(task.game.campaigns)
        policy = state.learner.policy

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            action = policy.draw(key, seen, teams, jax.vmap(task.game.acts)(state))
            return action, self._steering().factor(action, state, task.game)

        episodes = play(task.game, act, playing, self.num_envs)
        seen = experience(task, episodes, teams)
        rows, now, told = judged(
            self,
            policy,
            state.learner.critic,
            state.moments,
            state.worth,
            teams,
            episodes,
            seen,
        )
        learner, losses = learn(self, state.learner, rows, teams, learning)
        worth = followed(state.worth, seen) if self.critic_baseline == "money" else state.worth
        metrics = summary(task, episodes, seen)
        metrics |= {"std": jnp.exp(learner.policy.log_std).mean()} | told
        metrics |= jax.tree.map(jnp.mean, losses)
        return MappoState(learner, now, worth, jax.random.key_data(key)), metrics

    def policy(self, task: Task, state: MappoState) -> Bidder:
        """The actors' means: no chance, and each agent from what it and its mates see."""
        teams = structure_named(self.structure).teams(task.game.campaigns)
        steering = self._steering()
        network = CommActor(state.learner.policy.actor, teams, steering.scale)
        rule, follows = steering.rule, steering.follows
        return Learned(network, task.game.observer, task.game.start_factor, rule, follows)

    def _steering(self) -> Steering:
        return Steering(self.head, self.action_scale, LARGEST)


# The published rates and sizes; rewards and actions stay those of this market.
PUBLISHED: dict[str, Any] = {
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "num_epochs": 15,
    "num_minibatches": 1,
    "max_rows": 10**9,
    "entropy_coef": 0.01,
    "actor_learning_rate": 5e-4,
    "critic_learning_rate": 5e-4,
    "critic_baseline": "none",
}

ALGORITHMS.add("mappo", "Proximal policy optimisation, led by a value that sees everybody.")(Mappo)
ALGORITHMS.add("mappo-paced", "For logs: silence follows money left over time left.")(
    partial(Mappo, head="paced")
)
ALGORITHMS.add("mappo-published", "MAPPO with the published rates and epochs.")(
    partial(Mappo, **PUBLISHED)
)
