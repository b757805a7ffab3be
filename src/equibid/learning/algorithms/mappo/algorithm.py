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

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, UInt32

from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.config import (
    ActorCriticConfig,
    CooperationConfig,
    Count,
    HeadConfig,
    NotNegative,
    ObservedConfig,
    Positive,
    Share,
)
from equibid.learning.losses.actor_critic import (
    Experience,
    Steering,
    adam,
    experience,
    followed,
    masked_mean,
    moved,
    summary,
)
from equibid.learning.losses.ppo import (
    Gaussian,
    Rows,
    normalised_advantage,
    policy_loss,
    value_loss,
)
from equibid.learning.losses.targets import gae
from equibid.learning.networks.central_value import CentralValue, central_value
from equibid.learning.networks.communication import CommActor, actor, check_talk
from equibid.learning.networks.normalise import Moments, moments, observe, standard_deviation
from equibid.learning.policy import Learned
from equibid.learning.structure import structure_named
from equibid.learning.training.rollout import Episodes, play

# A factor changes by at most this many strides in a step.
LARGEST = 5.0


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        policy: the actors.
        critic: of all.
        policy_opt_state: of the optimiser.
        critic_opt_state: of the optimiser.
    """

    policy: Gaussian
    critic: CentralValue
    policy_opt_state: optax.OptState
    critic_opt_state: optax.OptState


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
class Mappo(HeadConfig, ActorCriticConfig, CooperationConfig, ObservedConfig):
    """Settings of MAPPO, and of independent PPO."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 200

    num_epochs: Count = 5
    """Times that the periods of a training step are learned from."""
    num_minibatches: Count = 4
    """Parts of an epoch, each of which is an update."""
    max_rows: Count = 16384
    """Most agents' steps in a minibatch; among many agents an epoch does not use all of them."""
    gamma: Share = 1.0
    """Discount a step of the game."""
    gae_lambda: Share = 0.98
    """λ of generalised advantage estimation."""
    clip_eps: Positive = 0.2
    """ε within which ratios of probabilities, and changes of values, count."""
    entropy_coef: NotNegative = 0.0
    """Weight of the policy's entropy in the loss."""
    huber_delta: Positive = 10.0
    """Error from which the critic's Huber loss is linear, in standard deviations of returns."""
    actor_learning_rate: Positive = 1e-3
    critic_learning_rate: Positive = 3e-3
    max_grad_norm: Positive = 10.0
    """Norm to which gradients are clipped."""
    init_std: Positive = 0.5
    """Standard deviation of actions before training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_talk(structure_named(self.structure), self.message_size)

    def init(self, task: Task, key: jax.Array) -> MappoState:
        """Untrained networks; the actors' mean keeps the day before's factors."""
        structure = structure_named(self.structure)
        N, F = task.game.agents, task.game.features
        one, two, rest = jax.random.split(key, 3)
        networks = actor(
            one,
            F,
            1,
            N,
            hidden=self.hidden_sizes,
            sharing=self.parameter_sharing,
            bandwidth=self.message_size,
        )
        G = 1 if self.parameter_sharing == "shared" else N
        policy = Gaussian(networks, jnp.log(jnp.full((G, 1), self.init_std, jnp.float32)))
        critic = central_value(two, F, N, structure, self.parameter_sharing, self.hidden_sizes)
        memories = (
            optimiser.init(eqx.filter(weights, eqx.is_array))
            for optimiser, weights in zip(self._optimisers(), (policy, critic), strict=True)
        )
        learner = Learner(policy, critic, *memories)
        worth = jnp.full(N, float(self.critic_baseline == "money"), jnp.float32)
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
        rows, now, told = self._rows(episodes, seen, state, teams)
        learner, losses = self._learn(state.learner, rows, teams, learning)
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

    def _optimisers(self) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
        return (
            adam(self.actor_learning_rate, self.max_grad_norm, 1e-5),
            adam(self.critic_learning_rate, self.max_grad_norm, 1e-5),
        )

    def _rows(
        self, episodes: Episodes, seen: Experience, state: MappoState, teams: Int[Array, " N"]
    ) -> tuple[Rows, Moments, dict[str, Array]]:
        """Joint steps with advantages and targets, the new moments, and what is told of them."""
        learner, before = state.learner, state.moments
        base = state.worth * seen.credit
        said = learner.critic(episodes.observation, episodes.present, teams)
        residual = _restored(before, said)
        value = jnp.where(seen.concerned, base + residual, 0.0)
        advantage, target = gae(seen.reward, value, self.gamma, self.gae_lambda)
        target = target - base[:, :-1]

        present, concerned = episodes.present[:, :-1], seen.concerned[:, :-1]
        now = observe(before, target, concerned)
        rows = Rows(
            seen=episodes.observation[:, :-1],
            present=present,
            concerned=concerned,
            action=episodes.action,
            log_density=learner.policy.log_density(
                episodes.observation[:, :-1], episodes.action, teams, present
            ),
            advantage=normalised_advantage(advantage, present),
            value=said[:, :-1],
            target=_normal(now, target),
        )
        wrong = masked_mean(advantage**2, concerned)
        spread = masked_mean((target - masked_mean(target, concerned)) ** 2, concerned)
        told = {"critic/explained": 1 - wrong / jnp.maximum(spread, 1e-12)}
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rows), now, told

    def _learn(
        self, learner: Learner, rows: Rows, teams: Int[Array, " N"], key: jax.Array
    ) -> tuple[Learner, dict[str, Array]]:
        """Epochs of minibatches."""
        B, N = rows.present.shape
        size = max(1, min(B // self.num_minibatches, self.max_rows // N))
        count = min(self.num_minibatches, B // size)
        of_policy, of_critic = self._optimisers()

        def update(learner: Learner, which: Array) -> tuple[Learner, dict[str, Array]]:
            batch = jax.tree.map(lambda x: x[which], rows)
            graded = jax.value_and_grad(policy_loss, has_aux=True)
            (lost, apart), slope = graded(
                learner.policy, batch, teams, self.clip_eps, self.entropy_coef
            )
            missed, rise = jax.value_and_grad(value_loss)(
                learner.critic, batch, teams, self.clip_eps, self.huber_delta
            )
            policy, policy_opt_state = moved(
                of_policy, learner.policy, slope, learner.policy_opt_state
            )
            critic, critic_opt_state = moved(
                of_critic, learner.critic, rise, learner.critic_opt_state
            )
            told = {
                "policy/loss": lost,
                "policy/kl": apart,
                "policy/gradient": optax.tree.norm(slope),
                "critic/loss": missed,
                "critic/gradient": optax.tree.norm(rise),
            }
            return Learner(policy, critic, policy_opt_state, critic_opt_state), told

        def epoch(learner: Learner, key: jax.Array) -> tuple[Learner, dict[str, Array]]:
            order = jax.random.permutation(key, B)[: count * size].reshape(count, size)
            return jax.lax.scan(update, learner, order)

        return jax.lax.scan(epoch, learner, jax.random.split(key, self.num_epochs))


def _normal(of: Moments, x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Unclipped: a value that is far off must be seen to be."""
    return ((x - of.mean) / standard_deviation(of)).astype(jnp.float32)


def _restored(of: Moments, x: Float[Array, "..."]) -> Float[Array, "..."]:
    return (of.mean + standard_deviation(of) * x).astype(jnp.float32)


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
