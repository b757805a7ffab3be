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
from typing import Any, ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, UInt32

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
    PeriodReplayConfig,
    Positive,
    Share,
)
from equibid.learning.losses.actor_critic import (
    Steering,
    adam,
    experience,
    followed,
    masked_mean,
    moved,
    summary,
)
from equibid.learning.losses.targets import hybrid, polyak, returns, td
from equibid.learning.networks.communication import Actor, CommActor, actor, check_talk
from equibid.learning.networks.joint_critic import JointCritic, joint_critic
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import Replay, Sample, add, following, gather, replay, uniform
from equibid.learning.structure import structure_named
from equibid.learning.training.rollout import play


class Transition(NamedTuple):
    """What is kept of an episode; T steps, and one more where the end is kept too.

    Attributes:
        seen: by each agent.
        present: who acts; at the end nobody.
        concerned: who learns and whose team still has somebody in the market.
        action: a, in [-1, 1].
        reward: in mean ticks.
        returns: its sum to go.
        credit: the share of money and time that is left.
    """

    seen: Float[Array, "*E T+1 N F"]
    present: Bool[Array, "*E T+1 N"]
    concerned: Bool[Array, "*E T+1 N"]
    action: Float[Array, "*E T N 1"]
    reward: Float[Array, "*E T N"]
    returns: Float[Array, "*E T N"]
    credit: Float[Array, "*E T+1 N"]


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        actor: the policies.
        critic: of all.
        target_actor: trails the actor.
        target_critic: trails the critic.
        actor_opt_state: of the optimiser.
        critic_opt_state: of the optimiser.
    """

    actor: Actor
    critic: JointCritic
    target_actor: Actor
    target_critic: JointCritic
    actor_opt_state: optax.OptState
    critic_opt_state: optax.OptState


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
class Maddpg(HeadConfig, PeriodReplayConfig, ActorCriticConfig, CooperationConfig, ObservedConfig):
    """Settings of MADDPG, and of independent DDPG."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 75

    max_rows: Count = 16384
    """Most agents' steps in a batch; among many agents it holds fewer steps of the game."""
    gamma: Share = 1.0
    """Discount a step of the game."""
    return_mix: Share = 0.5
    """η, the share of the return in a critic's target; the rest is bootstrapped."""
    tau: Share = 0.005
    """Share by which target networks move towards the networks at every update."""
    actor_learning_rate: Positive = 1e-4
    critic_learning_rate: Positive = 1e-3
    max_grad_norm: Positive = 0.5
    """Norm to which gradients are clipped."""
    action_l2: NotNegative = 1e-3
    """Weight of the mean squared action in the actor's loss."""
    layer_norm: bool = True
    """Whether critics normalise their layers."""
    action_scale: Positive = 0.2
    noise_std: NotNegative = 0.25
    """Standard deviation of the noise on actions, in units of an action."""
    result: Literal["target", "online"] = "target"
    """Which actor is the result of the training: the target network, which wavers less, or the
    network that is trained."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_talk(structure_named(self.structure), self.message_size)

    def init(self, task: Task, key: jax.Array) -> MaddpgState:
        """Untrained networks, whose actors keep the day before's factors, and an empty replay."""
        N, F, T = task.game.agents, task.game.features, task.game.steps
        one, two, rest = jax.random.split(key, 3)
        policy = actor(
            one,
            F,
            1,
            N,
            hidden=self.hidden_sizes,
            sharing=self.parameter_sharing,
            bandwidth=self.message_size,
        )
        critic = joint_critic(
            two,
            F,
            1,
            N,
            central=structure_named(self.structure).central,
            sharing=self.parameter_sharing,
            hidden=self.hidden_sizes,
            layer_norm=self.layer_norm,
        )
        memories = (
            optimiser.init(eqx.filter(weights, eqx.is_array))
            for optimiser, weights in zip(self._optimisers(), (policy, critic), strict=True)
        )
        learner = Learner(
            policy,
            critic,
            jax.tree.map(jnp.array, policy),
            jax.tree.map(jnp.array, critic),
            *memories,
        )
        some, whole = (T, N), (T + 1, N)
        example = Transition(
            seen=jnp.zeros((*whole, F), jnp.float32),
            present=jnp.zeros(whole, bool),
            concerned=jnp.zeros(whole, bool),
            action=jnp.zeros((*some, 1), jnp.float32),
            reward=jnp.zeros(some, jnp.float32),
            returns=jnp.zeros(some, jnp.float32),
            credit=jnp.zeros(whole, jnp.float32),
        )
        worth = jnp.full(N, T if self.critic_baseline == "money" else 0, jnp.float32)
        return MaddpgState(
            learner, replay(example, self.buffer_size, T), worth, jax.random.key_data(rest)
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
        reward = T * seen.reward
        kept = Transition(
            seen=episodes.observation,
            present=episodes.present,
            concerned=seen.concerned,
            action=episodes.action,
            reward=reward,
            returns=returns(reward, self.gamma),
            credit=seen.credit,
        )
        memory = add(state.replay, kept)

        def update(learner: Learner, key: jax.Array) -> tuple[Learner, dict[str, Array]]:
            drawn = uniform(
                memory, key, max(1, min(self.batch_size, self.max_rows // task.game.agents))
            )
            return self._update(learner, memory, drawn, state.worth, teams)

        learner, losses = jax.lax.scan(
            update, state.learner, jax.random.split(learning, self.num_updates)
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

    def _optimisers(self) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
        return adam(self.actor_learning_rate, self.max_grad_norm), adam(
            self.critic_learning_rate, self.max_grad_norm
        )

    def _target(
        self,
        learner: Learner,
        memory: Replay,
        drawn: Sample,
        worth: Float[Array, " N"],
        teams: Int[Array, " N"],
    ) -> Float[Array, "B N"]:
        """Y less what money left usually brings, which is what the critic is fitted to."""
        stored: Transition = memory.episodes
        now: Transition = gather(memory, drawn, stored)
        seen, present, concerned, credit = following(
            memory, drawn, (stored.seen, stored.present, stored.concerned, stored.credit)
        )
        action = jnp.tanh(learner.target_actor(seen, teams, present))
        value = worth * credit + learner.target_critic(seen, action, action, present, teams)
        more = jnp.where(concerned, value, 0.0)
        return hybrid(td(now.reward, self.gamma, more), now.returns, self.return_mix) - (
            worth * now.credit
        )

    def _update(
        self,
        learner: Learner,
        memory: Replay,
        drawn: Sample,
        worth: Float[Array, " N"],
        teams: Int[Array, " N"],
    ) -> tuple[Learner, dict[str, Array]]:
        """A step of critics, actors and targets."""
        now: Transition = gather(memory, drawn, memory.episodes)
        target = self._target(learner, memory, drawn, worth, teams)
        missed, rise = jax.value_and_grad(critic_loss)(learner.critic, now, target, teams)
        lost, slope = jax.value_and_grad(actor_loss)(
            learner.actor, learner.critic, now, teams, self.action_l2
        )
        of_actor, of_critic = self._optimisers()
        policy, actor_opt_state = moved(of_actor, learner.actor, slope, learner.actor_opt_state)
        critic, critic_opt_state = moved(of_critic, learner.critic, rise, learner.critic_opt_state)
        told = {
            "critic/loss": missed,
            "critic/gradient": optax.tree.norm(rise),
            "actor/loss": lost,
            "actor/gradient": optax.tree.norm(slope),
        }
        return Learner(
            policy,
            critic,
            polyak(learner.target_actor, policy, self.tau),
            polyak(learner.target_critic, critic, self.tau),
            actor_opt_state,
            critic_opt_state,
        ), told


def critic_loss(
    critic: JointCritic, now: Transition, target: Float[Array, "B N"], teams: Int[Array, " N"]
) -> Float[Array, ""]:
    """Mean squared error of the values of what was played."""
    value = critic(now.seen, now.action, now.action, now.present, teams)
    return masked_mean((value - target) ** 2, now.concerned)


def actor_loss(
    policy: Actor, critic: JointCritic, now: Transition, teams: Int[Array, " N"], restraint: float
) -> Float[Array, ""]:
    """Minus each agent's value of its own action, the others' as played; and the restraint."""
    said = policy(now.seen, teams, now.present)
    value = critic(now.seen, jnp.tanh(said), now.action, now.present, teams)
    return masked_mean(restraint * (said**2).sum(axis=-1) - value, now.present)


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
