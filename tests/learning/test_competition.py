"""The competition index and the temperature by hand, at their limits and in other currencies."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.learning.algorithms.attention_critic.competition import (
    COOL,
    HOT,
    MOST_ADJUSTED,
    adjustment,
    competition_index,
    cooperation,
    mean_price,
    scheduled_temperature,
)

amounts = st.floats(1e-3, 1e3)


def test_index_is_money_over_what_is_left_to_buy() -> None:
    remaining = jnp.array([[30.0, 10.0], [20.0, 0.0]])
    got = competition_index(remaining, jnp.array([2.0, 4.0]), jnp.array([10.0, 5.0]))
    np.testing.assert_allclose(got, [2.0, 1.0])
    nothing = competition_index(remaining, jnp.array([0.0, 1.0]), jnp.array([10.0, 0.0]))
    np.testing.assert_array_equal(nothing, [0.0, 0.0])


def test_price_known_before_a_step_has_nothing_of_the_step_or_later() -> None:
    random = np.random.default_rng(1)
    offered = random.integers(0, 9, (2, 6, 3)).astype(float)
    paid = offered * random.random((2, 6, 3))
    got = np.asarray(mean_price(jnp.asarray(paid), jnp.asarray(offered), jnp.asarray(0.7), 4.0))
    np.testing.assert_allclose(got[:, 0], 0.7)
    for e, t in np.ndindex(2, 6):
        expected = (paid[e, :t].sum() + 4 * 0.7) / (offered[e, :t].sum() + 4)
        np.testing.assert_allclose(got[e, t], expected)


@given(scale=amounts, money=amounts, price=amounts)
def test_temperature_does_not_know_the_currency(scale: float, money: float, price: float) -> None:
    remaining, left = jnp.array([[money, 2 * money], [money, 0.1]]), jnp.array([8.0, 3.0])
    prices = jnp.full(2, price)

    def temperature(unit: float) -> np.ndarray:
        index = competition_index(unit * remaining, unit * prices, left)
        return np.asarray(scheduled_temperature(index, index[0]))

    np.testing.assert_allclose(temperature(scale), temperature(1.0), rtol=1e-9)


def test_schedule_rises_from_cool_to_hot() -> None:
    index = jnp.array([0.0, 0.5, 1.0, 2.0, 50.0])
    got = np.asarray(scheduled_temperature(index, 1.0))
    assert (np.diff(got) > 0).all()
    np.testing.assert_allclose(got[2], (COOL + HOT) / 2)
    np.testing.assert_allclose(got[-1], HOT)
    np.testing.assert_allclose(got[0], COOL + (HOT - COOL) / (1 + np.exp(4)))


def test_cooperation_at_its_limits() -> None:
    got = cooperation(jnp.array([-0.3, 0.0, 1.0, jnp.inf]))
    np.testing.assert_allclose(got, [1.0, 1.0, np.exp(-1), 0.0])
    np.testing.assert_allclose(cooperation(1.0, unit=2.0), np.exp(-0.5))


def test_who_falls_behind_becomes_more_independent() -> None:
    """Entitled to a half each; the third agent does not count."""
    value = jnp.array([[1.0, 3.0, 9.0], [2.0, 0.0, 9.0], [0.0, 0.0, 0.0]])
    budget, among = jnp.array([5.0, 5.0, 100.0]), jnp.array([True, True, False])
    got = np.asarray(adjustment(value, budget, among, rate=0.4))
    np.testing.assert_allclose(got[0], 0.0)
    np.testing.assert_allclose(got[1, :2], [0.4 * 0.5, -0.4 * 0.5])
    np.testing.assert_allclose(got[2, :2], 0.0, atol=1e-15)
    wide = np.asarray(adjustment(value, budget, among, rate=40.0))
    np.testing.assert_allclose(wide[1, :2], [MOST_ADJUSTED, -MOST_ADJUSTED])


@pytest.mark.parametrize("budget", [[0.0, 0.0], [0.0, 3.0]])
def test_nobody_divides_by_an_empty_purse(budget: list[float]) -> None:
    value = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    got = adjustment(value, jnp.asarray(budget), jnp.array([True, True]), rate=1.0)
    assert np.isfinite(np.asarray(got)).all()
