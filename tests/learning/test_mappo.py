"""The losses by hand and by differences; learning on a market whose optimum is known."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.errors import InputError
from equibid.learning.algorithm import algorithm_named
from equibid.learning.algorithms.mappo.algorithm import Mappo
from equibid.learning.algorithms.mappo.losses import judged
from equibid.learning.losses.actor_critic import Experience, followed
from equibid.learning.losses.ppo import (
    Gaussian,
    Rows,
    clipped_objective,
    clipped_value_loss,
    normalised_advantage,
    policy_loss,
    value_loss,
)
from equibid.learning.networks.central_value import CentralValue, central_value
from equibid.learning.networks.communication import actor
from equibid.learning.networks.normalise import moments
from equibid.learning.structure import structure_named
from equibid.learning.training.rollout import Episodes
from learning.filled import filled
from learning.stationary import hindsight, stationary_practice

B, N, F, T = 6, 4, 3, 4
TEAMS = jnp.asarray(np.array([0, 0, 2, 2]))


def policy() -> Gaussian:
    sizes: dict[str, Any] = {"hidden": (8,), "activation": "tanh", "bandwidth": 1}
    networks = filled(lambda: actor(jax.random.key(0), F, 1, N, **sizes))
    return Gaussian(networks, jnp.asarray(np.full((1, 1), -0.3, np.float32)))


@jax.jit
def density(one: Gaussian, seen: jax.Array, action: jax.Array) -> jax.Array:
    return one.log_density(seen, action, TEAMS)


@cache
def rows() -> Rows:
    random = np.random.default_rng(1)
    shift, *others = random.normal(size=(4, B, N)).astype(np.float32)
    seen = random.normal(size=(B, N, F)).astype(np.float32)
    action = random.normal(size=(B, N, 1)).astype(np.float32)
    present = random.random((B, N)) < 0.7
    # Densities apart from the present ones, so that some ratios are clipped.
    old = np.asarray(density(policy(), seen, action)) + 0.2 * shift
    made = Rows(seen, present, present | present[:, :1], action, old, *others)
    return jax.tree.map(jnp.asarray, made)


@pytest.mark.parametrize(
    ("ratio", "advantage", "wanted", "slope"),
    [
        (1.0, 2.0, 2.0, 2.0),
        (1.5, 2.0, 2.4, 0.0),  # gained enough: no more pull
        (1.5, -2.0, -3.0, -2.0),  # lost too much: full pull back
        (0.5, 2.0, 1.0, 2.0),
        (0.5, -2.0, -1.6, 0.0),
    ],
)
def test_clipped_objective_by_hand(
    ratio: float, advantage: float, wanted: float, slope: float
) -> None:
    def of(ratio: jax.Array) -> jax.Array:
        return clipped_objective(jnp.log(ratio), jnp.asarray(advantage), 0.2)

    value, change = jax.value_and_grad(of)(jnp.asarray(ratio))
    np.testing.assert_allclose(value, wanted)
    np.testing.assert_allclose(change, slope, atol=1e-12)


@pytest.mark.parametrize(
    ("value", "target", "wanted"),
    [
        (1.1, 3.0, 1.9**2 / 2),  # near the old value: nothing is clipped
        (3.0, 3.0, 1.8**2 / 2),  # right, but the old value lies 0.2 - 2 away
        (0.0, 3.0, 9 / 2),
        (30.0, 0.0, 10 * (30 - 5)),  # straight beyond 10
    ],
)
def test_clipped_value_loss_by_hand(value: float, target: float, wanted: float) -> None:
    said, old, wanted_value = map(jnp.asarray, (value, 1.0, target))
    loss = clipped_value_loss(said, old, wanted_value, 0.2, 10.0)
    np.testing.assert_allclose(loss, wanted)


def test_density_and_entropy_are_those_of_the_normal_distribution() -> None:
    one, data = policy(), rows()
    std = float(np.exp(one.log_std[0, 0]))
    mean = jax.jit(lambda: one.actor(data.seen, TEAMS))()
    distance = np.asarray(data.action - mean)[..., 0] / std
    wanted = np.log(np.exp(-(distance**2) / 2) / np.sqrt(2 * np.pi) / std)
    got = density(one, data.seen, data.action)
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(one.entropy(), np.log(std) + 0.5 * np.log(2 * np.pi * np.e), 1e-5)


def differences(loss, weights, seed: int) -> tuple[float, float]:
    """The slope along a random direction, by derivation and by differences, in float64."""
    random = np.random.default_rng(seed)
    weights = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float64)), weights)
    way = jax.tree.map(lambda x: jnp.asarray(random.normal(size=x.shape)), weights)

    def along(h: jax.Array) -> jax.Array:
        return loss(jax.tree.map(lambda x, d: x + h * d, weights, way))

    h = 1e-6
    both = jax.jit(jax.value_and_grad(along))
    return float(both(0.0)[1]), float((both(h)[0] - both(-h)[0]) / (2 * h))


def doubles(data: Rows) -> Rows:
    def double(x: jax.Array) -> jax.Array:
        return x if x.dtype == bool else jnp.asarray(np.asarray(x, np.float64))

    return jax.tree.map(double, data)


@cache
def critic(text: str) -> CentralValue:
    structure = structure_named(text)
    return filled(lambda: central_value(jax.random.key(0), F, N, structure, "shared", (8,)))


def test_policy_loss_against_finite_differences() -> None:
    data = doubles(rows())
    slope, difference = differences(
        lambda one: policy_loss(one, data, TEAMS, 0.2, 0.05)[0], policy(), 2
    )
    assert abs(slope) > 1e-3
    np.testing.assert_allclose(slope, difference, rtol=1e-5)


@pytest.mark.parametrize("text", ["independent", "competitive", "teams:2"])
def test_value_loss_against_finite_differences(text: str) -> None:
    data = doubles(rows())
    slope, difference = differences(
        lambda one: value_loss(one, data, TEAMS, 0.2, 10.0), critic(text), 4
    )
    assert abs(slope) > 1e-3
    np.testing.assert_allclose(slope, difference, rtol=1e-4)


def test_more_entropy_lowers_the_policy_loss() -> None:
    plain, spread = (policy_loss(policy(), rows(), TEAMS, 0.2, c)[0] for c in (0.0, 0.5))
    np.testing.assert_allclose(plain - spread, 0.5 * policy().entropy(), rtol=1e-5)


def test_who_is_absent_counts_nowhere() -> None:
    data, one = rows(), policy()
    gone = ~data.present[..., None]
    other = data._replace(action=jnp.where(gone, jnp.float32(99), data.action))
    loss = jax.jit(lambda data: policy_loss(one, data, TEAMS, 0.2, 0.0))
    np.testing.assert_array_equal(loss(data), loss(other))
    value = jax.jit(lambda seen, here: critic("competitive")(seen, here, TEAMS))
    moved = np.asarray(data.seen) + 5 * (np.arange(N) == 1)[:, None].astype(np.float32)
    here = np.ones((B, N), bool)
    unseen = here & (np.arange(N) != 1)
    others = np.array([0, 2, 3])
    np.testing.assert_array_equal(
        value(data.seen, unseen)[:, others], value(moved, unseen)[:, others]
    )
    assert (value(data.seen, here) != value(moved, here)).all()


def test_central_values_do_not_depend_on_the_order_of_agents() -> None:
    value = jax.jit(lambda seen, here: critic("competitive")(seen, here, jnp.arange(N)))
    seen, here = np.asarray(rows().seen), np.asarray(rows().present)
    order = np.array([2, 0, 3, 1])
    straight, turned = value(seen, here), value(seen[:, order], here[:, order])
    np.testing.assert_allclose(turned, straight[:, order], atol=1e-5)


def test_advantages_are_normalised_over_who_is_present() -> None:
    data = rows()
    normal = np.asarray(jax.jit(normalised_advantage)(data.advantage, data.present))
    normal = normal[np.asarray(data.present)]
    np.testing.assert_allclose([normal.mean(), normal.std()], [0, 1], atol=1e-5)


def test_the_worth_of_a_period_follows_who_learns() -> None:
    seen = Experience(
        reward=jnp.asarray([[[1.0, 2.0]], [[3.0, 9.0]]]),
        credit=jnp.zeros((2, 2, 2)),
        concerned=jnp.ones((2, 2, 2), bool),
        learns=jnp.asarray([[True, False], [True, False]]),
    )
    np.testing.assert_allclose(followed(jnp.asarray([1.0, 1.0]), seen), [1.2, 1.0])


def test_a_constant_reward_leaves_no_advantage_once_it_is_known() -> None:
    """With the exact value as baseline nothing is left to learn, and the target is the return."""
    made = rows_of(np.full(T, 1 / T), exact=True, lam=0.7)
    np.testing.assert_allclose(made.advantage, 0, atol=1e-2)
    np.testing.assert_allclose(made.target, 0, atol=1e-6)


def test_without_a_baseline_targets_are_returns_and_late_rewards_are_credited() -> None:
    made = rows_of(np.array([0.0, 0.0, 1.0, 0.0]), exact=False, lam=1.0)
    raw = np.array([1.0, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(made.target[:T, 0], (raw - raw.mean()) / raw.std(), rtol=1e-5)
    np.testing.assert_allclose(made.advantage[:T, 0], (raw - raw.mean()) / raw.std(), rtol=1e-5)


def test_no_value_is_clipped_before_it_moves() -> None:
    """Whatever moments do, the old value is in the unit of the critic it is compared with."""
    made = rows_of(np.array([9.0, -5.0, 7.0, 1.0]), exact=False, lam=1.0, one=critic("competitive"))
    value = jax.jit(lambda: critic("competitive")(made.seen, made.present, np.zeros(1, int)))()
    np.testing.assert_allclose(made.value, value, rtol=1e-5)

    def cost(value: jax.Array) -> jax.Array:
        return clipped_value_loss(value, made.value, made.target, 0.2, 10.0).sum()

    assert (np.asarray(jax.jit(jax.grad(cost))(value)) != 0).all()


def test_what_a_baseline_explains() -> None:
    """All of what it knows exactly; less than nothing where zero is further off than the mean."""
    known = judged_on(np.full(T, 1 / T), exact=True, lam=1.0)[1]["critic/explained"]
    np.testing.assert_allclose(known, 1.0, atol=1e-6)
    zero = judged_on(np.array([0.0, 0.0, 1.0, 0.0]), exact=False, lam=1.0)[1]["critic/explained"]
    # Returns 1, 1, 1, 0: mean square 3/4, variance 3/16.
    np.testing.assert_allclose(zero, 1 - 4, rtol=1e-5)


def rows_of(reward: np.ndarray, exact: bool, lam: float, one: CentralValue | None = None) -> Rows:
    """What `judged_on` gives to learn from."""
    return judged_on(reward, exact, lam, one)[0]


def judged_on(
    reward: np.ndarray, exact: bool, lam: float, one: CentralValue | None = None
) -> tuple[Rows, dict[str, jax.Array]]:
    """Two episodes of one agent with these rewards and a critic (of zero), step after step."""
    E = 2
    # After the last step nobody is there.
    ones = np.ones((2, T + 1, 1), bool) & (np.arange(T + 1) < T)[:, None]
    credit = np.broadcast_to((1 - np.arange(T + 1) / T)[:, None], ones.shape)
    seen = Experience(
        reward=np.broadcast_to(reward[:, None], (E, T, 1)).astype(np.float32),
        credit=credit.astype(np.float32),
        concerned=ones,
        learns=ones[:, 0],
    )
    empty: dict[str, Any] = dict.fromkeys(Episodes._fields)
    empty |= {
        "observation": np.zeros((E, T + 1, 1, F), np.float32),
        "present": ones,
        "action": np.zeros((E, T, 1, 1), np.float32),
    }
    worth = np.full(1, float(exact), np.float32)
    nothing = jax.tree.map(np.zeros_like, critic("competitive"))

    @jax.jit
    def made() -> tuple[Rows, dict[str, jax.Array]]:
        rows, _, told = judged(
            Mappo(gae_lambda=lam),
            policy(),
            nothing if one is None else one,
            moments(),
            worth,
            jnp.zeros(1, jnp.int32),
            Episodes(**empty),
            seen,
        )
        return rows, told

    return made()


def test_settings_that_cannot_be_used_are_refused() -> None:
    for assignment in (
        "num_epochs=0",
        "action_scale=0",
        "init_std=-1",
        "message_size=2",
        "structure=rivals",
    ):
        with pytest.raises(InputError, match=r"^(?!.*has no setting)"):
            algorithm_named("mappo", [assignment])
    both = algorithm_named("mappo", ["structure=teams:category", "message_size=2"])
    assert isinstance(both, Mappo) and both.message_size == 2


def test_two_seeds_at_once_learn_a_stationary_market_and_repeat_to_the_bit() -> None:
    setup = stationary_practice(days=4, held_out=2, impressions=2400, ticks=12)
    algorithm = Mappo(hidden_sizes=(16, 16), num_minibatches=2)
    task = setup.task_for(algorithm)
    step = jax.jit(jax.vmap(algorithm.step, (None, 0)))
    init = jax.jit(jax.vmap(algorithm.init, (None, 0)))
    first = init(task, jax.random.split(jax.random.key(0)))
    state, told = step(task, first)
    again, _ = step(task, first)
    jax.tree.map(np.testing.assert_array_equal, state, again)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), state) == jax.tree.map(
        lambda x: (x.shape, x.dtype), first
    )
    assert told["value"][0] != told["value"][1]
    for _ in range(25):
        state, told = step(task, state)
    best = hindsight(setup)
    for seed in range(2):
        one = jax.tree.map(lambda x, seed=seed: x[seed], state)
        assert setup.judge(algorithm.policy(task, one))["value"] >= 0.95 * best
