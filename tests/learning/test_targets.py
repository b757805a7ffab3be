"""Targets against loops, and by hand."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.learning.losses.targets import (
    double_q,
    gae,
    huber,
    hybrid,
    polyak,
    ranked_unimodal,
    returns,
    td,
    td_lambda,
)

E, T, N = 2, 5, 3
generator = np.random.default_rng(0)
REWARD = generator.normal(size=(E, T, N))
VALUE = generator.normal(size=(E, T + 1, N))


def test_hybrid_is_one_or_the_other_or_between() -> None:
    one_step, whole = td(REWARD, 0.9, VALUE[:, 1:]), returns(REWARD, 0.9)
    np.testing.assert_allclose(one_step, REWARD + 0.9 * VALUE[:, 1:])
    np.testing.assert_array_equal(hybrid(one_step, whole, 0.0), one_step)
    np.testing.assert_array_equal(hybrid(one_step, whole, 1.0), whole)
    np.testing.assert_allclose(hybrid(one_step, whole, 0.25), 0.75 * one_step + 0.25 * whole)


@pytest.mark.parametrize("gamma", [1.0, 0.9, 0.0])
def test_returns_are_sums_of_what_is_to_come(gamma: float) -> None:
    wanted = np.zeros_like(REWARD)
    for t in range(T):
        for s in range(t, T):
            wanted[:, t] += gamma ** (s - t) * REWARD[:, s]
    np.testing.assert_allclose(returns(REWARD, gamma), wanted, atol=1e-12)
    np.testing.assert_allclose(returns(REWARD[..., 0], gamma, axis=1), wanted[..., 0], atol=1e-12)


def n_step(t: int, n: int, gamma: float) -> np.ndarray:
    """n rewards from t on and the value after them; all that is left where n goes further."""
    n = min(n, T - t)
    rewards = sum(gamma**k * REWARD[:, t + k] for k in range(n))
    return rewards + gamma**n * VALUE[:, t + n]


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.9), (0.95, 0.8), (0.9, 0.0), (0.9, 1.0)])
def test_lambda_returns_are_means_of_n_step_returns(gamma: float, lam: float) -> None:
    got = td_lambda(REWARD, VALUE[:, 1:], gamma, lam)
    for t in range(T):
        wanted = (1 - lam) * sum(lam ** (n - 1) * n_step(t, n, gamma) for n in range(1, T - t))
        wanted = wanted + lam ** (T - t - 1) * n_step(t, T - t, gamma)
        np.testing.assert_allclose(got[:, t], wanted, atol=1e-12)


def test_lambda_zero_is_td_and_one_the_return() -> None:
    np.testing.assert_allclose(
        td_lambda(REWARD, VALUE[:, 1:], 0.9, 0.0), td(REWARD, 0.9, VALUE[:, 1:])
    )
    ended = np.concatenate([VALUE[:, 1:T], np.zeros((E, 1, N))], 1)
    np.testing.assert_allclose(td_lambda(REWARD, ended, 0.9, 1.0), returns(REWARD, 0.9), atol=1e-12)


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.5), (0.99, 0.0)])
def test_gae_against_its_sum(gamma: float, lam: float) -> None:
    advantage, target = gae(REWARD, VALUE, gamma, lam)
    error = REWARD + gamma * VALUE[:, 1:] - VALUE[:, :-1]
    for t in range(T):
        wanted = sum((gamma * lam) ** k * error[:, t + k] for k in range(T - t))
        np.testing.assert_allclose(advantage[:, t], wanted, atol=1e-12)
    np.testing.assert_allclose(target, td_lambda(REWARD, VALUE[:, 1:], gamma, lam), atol=1e-12)


def test_float32_stays_float32() -> None:
    reward, value = jnp.float32(REWARD), jnp.float32(VALUE)
    lots = (
        returns(reward, 1.0),
        td_lambda(reward, value[:, 1:], 1.0, 0.9),
        *gae(reward, value, 1.0, 0.9),
    )
    assert {x.dtype for x in lots} == {np.dtype("float32")}


def test_double_q_by_hand() -> None:
    online = jnp.array([[1.0, 3.0, 2.0], [5.0, 0.0, 4.0]])
    target = jnp.array([[10.0, 20.0, 30.0], [0.1, 0.2, 0.3]])
    # The plain maximum of the target would be 30 and .3.
    np.testing.assert_array_equal(double_q(online, target), [20.0, 0.1])


def test_polyak_between_copy_and_keep() -> None:
    old = {"weight": jnp.float32(REWARD), "count": jnp.int32(3), "none": None}
    new = {"weight": jnp.float32(VALUE[:, 1:]), "count": jnp.int32(8), "none": None}
    for rate in (0.0, 0.005, 1.0):
        mixed = polyak(old, new, jnp.float64(rate))
        wanted = (1 - rate) * REWARD + rate * VALUE[:, 1:]
        np.testing.assert_allclose(mixed["weight"], wanted, atol=1e-6)
        assert mixed["weight"].dtype == jnp.float32 and mixed["count"] == 8


def test_huber_by_hand() -> None:
    x = jnp.array([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0])
    np.testing.assert_allclose(huber(x, 1.0), [2.5, 0.5, 0, 0.125, 0.5, 1.5])
    np.testing.assert_allclose(huber(x, 10.0), x**2 / 2)
    slope = jax.vmap(jax.grad(lambda x: huber(x, 1.0)))(x)
    np.testing.assert_allclose(slope, [-1, -1, 0, 0.5, 1, 1])


@pytest.mark.parametrize(
    ("q", "yes"),
    [
        ([1, 2, 3], True),
        ([3, 2, 1], True),
        ([1, 3, 2], True),
        ([3, 1, 2], False),
        ([1, 2, 2, 1], True),
        ([2, 2, 2], True),
        ([1, 2, 1, 1, 2], False),
        ([1, 1, 2, 2, 0, 0], True),
        ([2, 1, 1, 2], False),
        ([7], True),
    ],
)
def test_unimodal_by_hand(q: list[int], yes: bool) -> None:
    assert bool(ranked_unimodal(jnp.array(q, jnp.float32))) is yes


@given(st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_unimodal_is_a_peak_with_slopes(q: list[int]) -> None:
    ups = [
        all(a <= b for a, b in itertools.pairwise(q[: p + 1]))
        and all(a >= b for a, b in itertools.pairwise(q[p:]))
        for p in range(5)
    ]
    assert bool(ranked_unimodal(jnp.array([q, q]))[1]) is any(ups)
