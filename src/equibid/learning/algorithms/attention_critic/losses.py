"""What attention-critic coordinated bidding minimises; `learner` moves by it.

Every critic gives two values an agent: its own return, and that of the team. The arrays of an axis
of 2 are in this order.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.learning.losses.targets import huber, hybrid, td
from equibid.learning.networks.attention import AttentionCritic
from equibid.learning.networks.mlp import Policies

Critics = tuple[AttentionCritic, ...]


class Batch(NamedTuple):
    """B joint steps.

    Attributes:
        observation: before the step.
        following: after it.
        learns: who does.
        present: who does and had money, before.
        staying: who had after; nobody once the period has ended.
        action: logits; 0 for who is not present.
        reward: own and team.
        returns: reward to go, own and team.
        cooperation: κ of each agent.
        weight: importance.
        fresh: whether the returns are of policies like today's.
    """

    observation: Float[Array, "B N F"]
    following: Float[Array, "B N F"]
    learns: Bool[Array, "B N"]
    present: Bool[Array, "B N"]
    staying: Bool[Array, "B N"]
    action: Float[Array, "B N 1"]
    reward: Float[Array, "B N 2"]
    returns: Float[Array, "B N 2"]
    cooperation: Float[Array, "B N"]
    weight: Float[Array, " B"]
    fresh: Bool[Array, " B"]


def targets(
    actor: Policies,
    critics: Critics,
    batch: Batch,
    noise: Float[Array, "B N 1"],
    share: float | Float[Array, ""],
    overlap: Float[Array, "N N"],
) -> Float[Array, "B N 2"]:
    """What the critics are fitted to: ``(1 - η) (r + Q'(o', a')) + η G``, G only where fresh.

    An agent without money has nothing more of its own to expect; what the team expects goes on
    until the last of it is out. Nothing is bootstrapped past the period, after which nobody stays.

    Args:
        actor: target actor, a' = μ'(o') + noise.
        critics: target critics, of which the least is taken.
        batch: of steps.
        noise: that smooths the target (Fujimoto et al. 2018).
        share: η of the returns.
        overlap: of agents' targeting.
    """
    action = jnp.where(batch.staying[..., None], actor(batch.following) + noise, 0)
    values = [critic(batch.following, action, batch.staying, overlap=overlap) for critic in critics]
    after = jnp.stack(values).min(axis=0)
    anybody = jnp.broadcast_to(batch.staying.any(axis=-1, keepdims=True), batch.staying.shape)
    expects = jnp.stack([batch.staying, anybody], axis=-1)
    share = jnp.where(batch.fresh, share, 0.0)[:, None, None]
    y = hybrid(td(batch.reward, expects, after), batch.returns, share)
    return jax.lax.stop_gradient(y).astype(jnp.float32)


def critic_loss(
    critics: Critics,
    batch: Batch,
    y: Float[Array, "B N 2"],
    key: jax.Array | None,
    overlap: Float[Array, "N N"],
) -> tuple[Float[Array, ""], tuple[Float[Array, " B"], Float[Array, "B N 2"]]]:
    """``w Σ_i Σ_m Huber(Q_i^m - y_i^m) / (2 N)``, a mean over the batch, N agents that learn.

    Own values are fitted where an agent is present, the team's for all that learn while anybody is.

    Args:
        critics: each fitted by itself.
        batch: of steps.
        y: from `targets`.
        key: drops out.
        overlap: of agents' targeting.

    Returns:
        The loss; the priorities, mean |Q - y| of each step; and the first critic's values.
    """
    of_team = batch.learns & batch.present.any(axis=-1, keepdims=True)
    counts = jnp.stack([batch.present, of_team], axis=-1)
    most = 2 * jnp.maximum(batch.learns.sum(axis=-1), 1)
    loss, error, first = jnp.float32(0), jnp.float32(0), None
    for i, critic in enumerate(critics):
        own_key = None if key is None else jax.random.fold_in(key, i)
        q = critic(batch.observation, batch.action, batch.present, own_key, overlap)
        off = jnp.where(counts, q - y, 0)
        loss += (batch.weight * huber(off).sum(axis=(-1, -2)) / most).mean()
        error += jnp.abs(off).sum(axis=(-1, -2)) / most / len(critics)
        first = q if first is None else first
    assert first is not None
    return loss, (error, first)


def actor_loss(
    actor: Policies,
    critic: AttentionCritic,
    batch: Batch,
    spread: Float[Array, " 2"],
    key: jax.Array | None,
    overlap: Float[Array, "N N"],
    restraint: float,
) -> tuple[Float[Array, ""], Float[Array, "B N"]]:
    """``-mean w U_i + restraint · logit²`` over the agents present.

    U_i = (1 - κ_i) Q_own / s_own + κ_i Q_team / s_team at the actions of today's policies. Each
    agent's policy is led by its own action alone: the others' stand still.

    Args:
        actor: the policies.
        critic: held still.
        batch: of steps.
        spread: s, standard deviations of own and team values.
        key: drops out, in the critic.
        overlap: of agents' targeting.
        restraint: weight of the squared logits.

    Returns:
        The loss and the logits.
    """
    action = actor(batch.observation)
    others = jax.lax.stop_gradient(action)
    q = critic(batch.observation, action, batch.present, key, overlap, others)
    own, team = jnp.moveaxis(q / spread.astype(q.dtype), -1, 0)
    kappa = batch.cooperation.astype(q.dtype)
    aim = (1 - kappa) * own + kappa * team
    each = -batch.weight[:, None] * aim + restraint * action[..., 0] ** 2
    count = jnp.maximum(batch.present.sum(), 1)
    return jnp.where(batch.present, each, 0).sum() / count, action[..., 0]
