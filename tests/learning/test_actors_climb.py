"""Every actor's loss leads uphill: a small step down the loss raises what the critic says of it.

Critics are networks of random weights, held still; a value that is no loss of ours says how good
the actors' own actions are, before and after the step.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import equibid.learning.algorithms.dcmab.losses as dcmab
import equibid.learning.algorithms.maddpg.losses as maddpg
import equibid.learning.algorithms.uscb.losses as uscb
from equibid.envs.heads import Increment
from equibid.learning.algorithms.attention_critic import losses
from equibid.learning.algorithms.dcmab.networks import actors, critics
from equibid.learning.algorithms.maddpg.replay import Transition as MaddpgTransition
from equibid.learning.algorithms.uscb.networks import Actor as UscbActor
from equibid.learning.algorithms.uscb.replay import Transition as UscbTransition
from equibid.learning.losses.ppo import Gaussian, Rows, policy_loss
from equibid.learning.networks.attention import attention_critic
from equibid.learning.networks.communication import Actor, actor
from equibid.learning.networks.joint_critic import joint_critic
from equibid.learning.networks.mlp import mlp, policies
from learning.filled import filled

B, N, F = 16, 3, 4
TEAMS = jnp.asarray(np.zeros(N, np.int32))
RISE = 1e-4
HERE = np.random.default_rng(3).random((B, N)) < 0.8

# A loss, what is to rise, and the actors that both are of.
Climb = tuple[Callable[[Any], jax.Array], Callable[[Any], jax.Array], Any]


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def mean(x: jax.Array) -> jax.Array:
    """Over who is there."""
    return jnp.where(HERE, x, 0).sum() / HERE.sum()


def small_actor() -> Actor:
    return filled(lambda: actor(jax.random.key(0), F, 1, N, hidden=(8,), activation="tanh"))


def of_maddpg() -> Climb:
    settings: dict[str, Any] = {"central": True, "sharing": "shared", "layer_norm": False}
    critic = filled(lambda: joint_critic(jax.random.key(0), F, 1, N, hidden=(8,), **settings), 1)
    seen, played, flat = drawn(B, N, F), drawn(B, N, 1), np.zeros((B, N), np.float32)
    now = MaddpgTransition(seen, HERE, HERE, played, flat, flat, flat)

    def value(one: Actor) -> jax.Array:
        own = jnp.tanh(one(seen, TEAMS))
        return mean(critic(seen, own, played, HERE, TEAMS))

    return lambda one: maddpg.actor_loss(one, critic, now, TEAMS, 0.0), value, small_actor()


def of_attention_critic() -> Climb:
    """Half for itself, half for the team."""
    critic = filled(lambda: attention_critic(jax.random.key(0), F, 1, width=8, heads=2), 1)
    one = filled(lambda: policies(jax.random.key(0), lambda key: mlp(key, [F, 8, 1]), None), 2)
    seen, both, flat = drawn(B, N, F), np.zeros((B, N, 2), np.float32), np.ones(B, np.float32)
    batch = losses.Batch(
        *(seen, seen, HERE, HERE, HERE, drawn(B, N, 1), both, both),
        cooperation=np.full((B, N), 0.5, np.float32),
        weight=flat,
        fresh=flat > 0,
    )
    overlap = np.ones((N, N), np.float32)
    before = one(seen)

    def loss(one: Any) -> jax.Array:
        return losses.actor_loss(one, critic, batch, jnp.ones(2), None, overlap, 0.0)[0]

    def value(one: Any) -> jax.Array:
        q = critic(seen, one(seen), HERE, None, overlap, before)
        return mean(q.mean(axis=-1))

    return loss, value, one


def of_uscb() -> Climb:
    critic = filled(lambda: mlp(jax.random.key(0), [F + 2, 8, 1]), 1)
    one = filled(lambda: UscbActor(mlp(jax.random.key(0), [F, 8, 1]), 0.2), 2)
    level, gained, zero = drawn(B, N) / 9, drawn(B, N), np.zeros((B, N), np.float32)
    batch = UscbTransition(drawn(B, N, F), HERE, level, zero, gained, zero)

    def value(one: UscbActor) -> jax.Array:
        depth = level + one(batch.seen)[..., 0]
        read = jnp.concatenate([batch.seen, gained[..., None], depth[..., None]], axis=-1)
        return mean(critic(read)[..., 0])

    return lambda one: uscb.actor_loss(one, critic, batch, Increment(0.2)), value, one


def of_dcmab() -> Climb:
    J, books = 2, 2 * N * 2
    one = filled(lambda: actors(jax.random.key(0), N, J, books, 8), 1)
    critic = filled(lambda: critics(jax.random.key(0), N, J, books, 8), 2)
    seen, pairs, flat = drawn(B, books), drawn(B, N, J), np.zeros((B, N), np.float32)
    batch = dcmab.Intervals(seen, pairs, pairs, flat, HERE, HERE, seen, pairs, HERE, flat)
    history = np.full((J, 2), 0.5, np.float32)

    def value(one: Any) -> jax.Array:
        own = np.eye(N, dtype=bool)[:, None, :, None]
        action = jnp.where(own, one(seen, history), pairs)
        q = critic(seen, history, pairs, action)
        return (jnp.where(HERE, q, 0).sum(axis=0) / HERE.sum(axis=0)).sum()

    return lambda one: dcmab.actor_loss(one, critic, batch, history), value, one


def of_mappo() -> Climb:
    """What was better than usual becomes more likely, what was worse less."""
    one = Gaussian(small_actor(), jnp.zeros((1, 1), jnp.float32))
    seen, action, advantage = drawn(B, N, F), drawn(B, N, 1), drawn(B, N)
    old = one.log_density(seen, action, TEAMS)
    rows = Rows(seen, HERE, HERE, action, old, advantage, advantage, advantage)

    def value(one: Gaussian) -> jax.Array:
        return mean(one.log_density(seen, action, TEAMS) * advantage)

    return lambda one: policy_loss(one, rows, TEAMS, 0.2, 0.0)[0], value, one


@pytest.mark.parametrize("of", [of_maddpg, of_attention_critic, of_uscb, of_dcmab, of_mappo])
def test_a_step_down_the_loss_is_a_step_up_the_value(of: Callable[[], Climb]) -> None:
    loss, value, one = of()

    @jax.jit
    def climbed(one: Any) -> tuple[jax.Array, jax.Array]:
        """The value before and after a step that to first order raises it by `RISE`."""
        slope = jax.grad(loss)(one)
        step = RISE / sum((d**2).sum() for d in jax.tree.leaves(slope))
        return value(one), value(jax.tree.map(lambda x, d: x - step * d, one, slope))

    before, after = (float(x) for x in climbed(one))
    assert after - before == pytest.approx(RISE, rel=0.1)
