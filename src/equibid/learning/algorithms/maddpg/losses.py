"""What MADDPG minimises: errors of the critics, and minus what they say of the actors' actions."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.learning.algorithms.maddpg.config import MaddpgConfig
from equibid.learning.algorithms.maddpg.replay import Transition
from equibid.learning.losses.actor_critic import masked_mean
from equibid.learning.losses.targets import hybrid, td
from equibid.learning.networks.communication import Actor
from equibid.learning.networks.joint_critic import JointCritic
from equibid.learning.replay.buffer import Replay, Sample, following, gather


def targets(
    settings: MaddpgConfig,
    actor: Actor,
    critic: JointCritic,
    memory: Replay,
    drawn: Sample,
    worth: Float[Array, " N"],
    teams: Int[Array, " N"],
) -> Float[Array, "B N"]:
    """Y less what money left usually brings, which is what the critic is fitted to.

    Args:
        settings: of the algorithm.
        actor: that trails the actor.
        critic: that trails the critic.
        memory: of periods.
        drawn: from it.
        worth: a period's usual return to each agent, in mean ticks.
        teams: of each agent.
    """
    stored: Transition = memory.episodes
    now: Transition = gather(memory, drawn, stored)
    seen, present, concerned, credit = following(
        memory, drawn, (stored.seen, stored.present, stored.concerned, stored.credit)
    )
    action = jnp.tanh(actor(seen, teams, present))
    value = worth * credit + critic(seen, action, action, present, teams)
    more = jnp.where(concerned, value, 0.0)
    return hybrid(td(now.reward, settings.gamma, more), now.returns, settings.return_mix) - (
        worth * now.credit
    )


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
