"""The critic against a loop over agents, whose gradient reaches whom, and what is learned."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.errors import InputError
from equibid.learning.algorithm import algorithm_named
from equibid.learning.algorithms.maddpg.algorithm import Maddpg
from equibid.learning.algorithms.maddpg.config import MaddpgConfig
from equibid.learning.algorithms.maddpg.losses import actor_loss, critic_loss, targets
from equibid.learning.algorithms.maddpg.replay import Transition
from equibid.learning.networks.communication import actor
from equibid.learning.networks.joint_critic import JointCritic, joint_critic
from equibid.learning.networks.mlp import Policies
from equibid.learning.replay.buffer import add, replay, uniform
from equibid.learning.structure import Sharing
from learning.filled import filled
from learning.stationary import hindsight, stationary_practice

B, N, F = 3, 4, 2
TEAMS = jnp.asarray(np.array([0, 0, 2, 2]))
ALL = jnp.asarray(np.ones((B, N), bool))
SHARING: list[Sharing] = ["shared", "separate", "team"]


@cache
def critic(sharing: Sharing = "shared", central: bool = True) -> JointCritic:
    settings: dict[str, Any] = {"central": central, "sharing": sharing, "layer_norm": True}
    return filled(lambda: joint_critic(jax.random.key(0), F, 1, N, hidden=(8, 6), **settings))


def steps() -> tuple[jax.Array, jax.Array, jax.Array]:
    random = np.random.default_rng(1)
    seen, own, played = (random.normal(size=(B, N, d)).astype(np.float32) for d in (F, 1, 1))
    return jnp.asarray(seen), jnp.asarray(own), jnp.asarray(played)


def alone(network: Policies, agent: int):
    """The network of one agent."""
    if network.groups is None:
        return network.network
    return jax.tree.map(lambda w: w[agent], network.network)


@pytest.mark.parametrize("sharing", SHARING)
def test_all_critics_at_once_are_each_critic_on_the_joint_action(sharing: Sharing) -> None:
    """Q_i(o, a_1 … u_i … a_N), agent by agent, from the concatenated input."""
    networks = critic(sharing)
    seen, own, played = steps()

    def one(i: int) -> jax.Array:
        whose = {"shared": 0, "separate": i, "team": [0, 0, 2, 2][i]}[sharing]
        assert networks.joint is not None
        joint = networks.joint[whose]
        action = np.where(np.arange(N)[:, None] == i, own, played)
        everybody = jnp.concatenate([seen, action], axis=-1).reshape(B, -1)
        hidden = alone(networks.own, whose)(jnp.concatenate([seen[:, i], own[:, i]], axis=-1))
        hidden += everybody @ joint.reshape(N * (F + 1), -1)
        return alone(networks.head, whose)(jax.nn.relu(hidden))[:, 0]

    wanted = jax.jit(lambda: jnp.stack([one(i) for i in range(N)], axis=1))()
    got = jax.jit(lambda: networks(seen, own, played, ALL, TEAMS))()
    np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("central", [True, False])
def test_the_gradient_reaches_ones_own_action_alone(central: bool) -> None:
    networks = critic(central=central)
    seen, own, played = steps()
    both = jax.jacobian(lambda u, a: networks(seen[0], u, a, ALL[0], TEAMS), (0, 1))
    through_own, through_played = (np.asarray(x)[..., 0] for x in jax.jit(both)(own[0], played[0]))
    apart = ~np.eye(N, dtype=bool)
    assert (through_own[apart] == 0).all()
    assert (np.diag(through_own) != 0).all()
    np.testing.assert_allclose(np.diag(through_played), 0, atol=1e-6)
    assert (through_played[apart] != 0).all() == central


def memory() -> Transition:
    """Three steps; agent 3 is not there."""
    seen, played, _ = steps()
    present = jnp.asarray(np.ones((B, N), bool) & (np.arange(N) != 3))
    flat = jnp.asarray(np.zeros((B, N), np.float32))
    return Transition(seen, present, present, played, flat, flat, flat)


def test_actors_are_moved_by_their_own_values_and_only_where_present() -> None:
    """Separate actors: no weight of agent j changes what agent i's value adds to the loss."""
    networks, now = critic(), memory()

    sizes: dict[str, Any] = {
        "hidden": (4,),
        "activation": "tanh",
        "sharing": "separate",
    }
    policies = filled(lambda: actor(jax.random.key(2), F, 1, N, **sizes))

    @jax.jit
    @jax.vmap
    def moved(i: jax.Array) -> jax.Array:
        """By what only agent i's value says: how far each agent's first layer is moved."""
        only = now._replace(present=now.present & (jnp.arange(N) == i))
        slope = jax.grad(actor_loss)(policies, networks, only, TEAMS, 1e-3)
        return jnp.abs(slope.act.network.layers[0].weight).sum(axis=(1, 2))

    wanted = np.diag([True, True, True, False])
    np.testing.assert_array_equal(np.asarray(moved(np.arange(N))) > 0, wanted)


def test_what_is_far_from_the_target_counts_where_somebody_is_concerned() -> None:
    networks, now = critic(), memory()

    @jax.jit
    def loss(off: jax.Array) -> jax.Array:
        value = networks(now.seen, now.action, now.action, now.present, TEAMS)
        return critic_loss(networks, now, value + off, TEAMS)

    np.testing.assert_allclose(loss(np.full(N, 2.0)), 4.0, rtol=1e-5)
    np.testing.assert_allclose(loss(np.array([2.0, 2.0, 2.0, 100.0])), 4.0, rtol=1e-5)


@pytest.mark.parametrize("mixing", [0.0, 1.0, 0.5])
def test_targets_are_temporal_differences_or_returns_or_between(mixing: float) -> None:
    """Critics of zero: Q is the worth times the share of money and time."""
    T, gamma = 3, 0.5
    reward, credit = np.array([1.0, 2.0, 4.0]), np.array([0.9, 0.6, 0.3, 0.2])
    to_go = np.array([1 + 0.5 * (2 + 0.5 * 4), 2 + 0.5 * 4, 4])
    # After the last step nobody is there.
    here = np.ones((1, T + 1, N), bool) & (np.arange(T + 1) < T)[:, None]

    def column(x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.asarray(x, np.float32)[None, :, None], (1, len(x), N))

    kept = Transition(
        seen=np.zeros((1, T + 1, N, F), np.float32),
        present=here,
        concerned=here,
        action=np.zeros((1, T, N, 1), np.float32),
        reward=column(reward),
        returns=column(to_go),
        credit=column(credit),
    )

    @jax.jit
    def made() -> tuple[jax.Array, jax.Array]:
        stored = add(replay(jax.tree.map(lambda x: x[0], kept), 1, T), kept)
        drawn = uniform(stored, jax.random.key(1), 16)
        policy = filled(lambda: actor(jax.random.key(0), F, 1, N, hidden=(2,)))
        nothing = jax.tree.map(jnp.zeros_like, critic())
        worth = jnp.full(N, 10.0, jnp.float32)
        settings = MaddpgConfig(return_mix=mixing, gamma=gamma)
        wanted = targets(settings, policy, nothing, stored, drawn, worth, TEAMS)
        return wanted[:, 0], drawn.tick

    got, tick = made()
    # Money that is left after the last step is worth nothing.
    following = np.array([credit[1], credit[2], 0.0]) * 10
    td = reward + gamma * following
    wanted = (1 - mixing) * td + mixing * to_go - 10 * credit[:T]
    np.testing.assert_allclose(got, wanted[np.asarray(tick)], rtol=1e-5)


def test_settings_that_cannot_be_used_are_refused() -> None:
    for assignment in ("num_updates=0", "buffer_size=2", "message_size=1", "action_scale=0"):
        with pytest.raises(InputError, match=r"^(?!.*has no setting)"):
            algorithm_named("maddpg", [assignment])
    with pytest.raises(InputError, match="do not fit in memory"):
        joint_critic(
            jax.random.key(0),
            18,
            1,
            1000,
            central=True,
            sharing="separate",
            hidden=(64, 64),
            layer_norm=False,
        )


@pytest.mark.slow
def test_two_seeds_at_once_learn_a_stationary_market_and_repeat_to_the_bit() -> None:
    setup = stationary_practice(days=4, held_out=2, impressions=2400, ticks=12)
    algorithm = Maddpg(batch_size=256, hidden_sizes=(32, 32), actor_learning_rate=3e-4)
    task = setup.task_for(algorithm)
    step = jax.jit(jax.vmap(algorithm.step, (None, 0)))
    first = jax.vmap(lambda key: algorithm.init(task, key))(jax.random.split(jax.random.key(0)))
    state, _ = step(task, first)
    again, _ = step(task, first)
    jax.tree.map(np.testing.assert_array_equal, state, again)
    for _ in range(50):
        state, _ = step(task, state)
    best = hindsight(setup)
    for seed in range(2):
        one = jax.tree.map(lambda x, seed=seed: x[seed], state)
        assert setup.judge(algorithm.policy(task, one))["value"] >= 0.95 * best
