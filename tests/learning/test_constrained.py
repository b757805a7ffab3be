"""The bid of the linear program against a solver that knows nothing of bids."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from equibid.auctions.ranked import second_price
from equibid.bidders.training import training_log
from equibid.envs.problem import hindsight_value
from equibid.learning.algorithms.uscb.constrained import Ratios, bid, optimum, weights
from equibid.learning.algorithms.uscb.score import WORST, fine
from learning.stationary import stationary

K = 40


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    value, price = random.random((2, K))
    return value * (random.random(K) < 0.8), price


def solved(value: np.ndarray, rows: list[np.ndarray], bounds: list[float]):
    """Purchases, and multipliers of the rows."""
    answer = linprog(-value, A_ub=np.array(rows), b_ub=bounds, bounds=(0, 1), method="highs")
    assert answer.status == 0
    return answer.x, -answer.ineqlin.marginals


@given(
    seed=st.integers(0, 10_000),
    money=st.sampled_from([0.0, 0.05, 0.3, 0.9, 2.0]),
    target=st.sampled_from([0.05, 0.2, 0.5, 1.0, np.inf]),
)
def test_greedy_is_the_linear_program(seed: int, money: float, target: float) -> None:
    value, price = drawn(seed)
    budget = money * price.sum()
    rows, bounds = [price], [budget]
    if np.isfinite(target):
        rows, bounds = [*rows, price - target * value], [*bounds, 0.0]
    x, _ = solved(value, rows, bounds)
    best = optimum(value[:, None], price[:, None], jnp.array([budget]), jnp.array([target]))
    assert float(best.value[0]) == pytest.approx(value @ x, rel=1e-6, abs=1e-9)
    assert float(best.spend[0]) <= budget + 1e-9
    if np.isfinite(target):
        assert float(best.spend[0]) <= target * float(best.value[0]) + 1e-9
    # The bid wins what the program buys, but for the impression bought in part.
    whole = np.asarray(best.bought[:, 0])
    won = (value > 0) & (price <= float(best.factor[0]) * value)
    assert ((won == (whole > 0)) | (np.abs(price - best.factor[0] * value) < 1e-12)).all()
    assert ((whole > 0) & (whole < 1)).sum() <= 1


@given(seed=st.integers(0, 10_000), target=st.sampled_from([0.2, 0.5, np.inf]))
def test_the_pair_is_the_factor_and_its_multipliers_are_dual(seed: int, target: float) -> None:
    """No duality gap: α B + Σ max(0, v − α c − β (c − k v)) is what was bought."""
    value, price = drawn(seed)
    budget = 0.3 * price.sum()
    best = optimum(value[:, None], price[:, None], jnp.array([budget]), jnp.array([target]))
    first, second = np.asarray(best.weights)[:, 0]
    k = target if np.isfinite(target) else 0.0
    assert first + second * k == pytest.approx(float(best.factor[0]))
    alpha, beta = (0.0, 1 / first) if second else (1 / first, 0.0)
    surplus = np.maximum(value - alpha * price - beta * (price - k * value), 0)
    assert alpha * budget + surplus.sum() == pytest.approx(float(best.value[0]), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_bid_under_ratios_of_cost_and_of_quantity(seed: int) -> None:
    """A cap on cost per click, and one on a quantity that no price touches."""
    random = np.random.default_rng(seed)
    value, price, clicks, quantity = random.random((4, K))
    bound = np.array([0.6, 0.8])
    ratio_rows = [price - bound[0] * clicks, quantity - bound[1] * value]
    x, multipliers = solved(value, [price, *ratio_rows], [0.6 * price.sum(), 0.0, 0.0])
    of_cost = jnp.array([True, False])
    ratios = Ratios(
        jnp.asarray(bound),
        jnp.stack([jnp.asarray(clicks), jnp.asarray(value)], axis=1),
        jnp.stack([jnp.asarray(price), jnp.asarray(quantity)], axis=1),
        of_cost,
    )
    w = weights(jnp.asarray(multipliers[0]), jnp.asarray(multipliers[1:]), of_cost)
    offered = np.asarray(bid(jnp.asarray(value), w, ratios))
    whole = (x < 1e-9) | (x > 1 - 1e-9)
    assert (~whole).sum() <= 3
    np.testing.assert_array_equal((price <= offered)[whole], x[whole] > 0.5)
    assert 0 <= float(w[1]) <= 1


def test_hindsight_of_a_log_is_the_optimum_but_for_an_item() -> None:
    log = training_log(stationary(3, 1200), second_price())
    best = optimum(log.values, log.prices[..., 0], log.campaigns.budget)
    assert 0 <= float(best.value[0]) - hindsight_value(log)[0] <= float(log.values.max())


def test_who_has_nothing_to_buy_buys_nothing() -> None:
    best = optimum(jnp.zeros((3, 1)), jnp.ones((3, 1)), jnp.ones(1), jnp.array([2.0]))
    assert float(best.value[0]) == float(best.spend[0]) == float(best.factor[0]) == 0
    free = optimum(jnp.ones((3, 1)), jnp.zeros((3, 1)), jnp.zeros(1), jnp.array([2.0]))
    assert float(free.value[0]) == 3


def test_fine_by_hand() -> None:
    value = jnp.array([2.0, 2.0, 2.0, 0.0, 1.0])
    spend = jnp.array([4.0, 6.0, 3.0, 5.0, 1e6])
    fined = np.asarray(fine(value, spend, jnp.full(5, 2.0), 4.0))
    np.testing.assert_allclose(fined, [0, 4**0.5 - 1, 0, 0, 4**WORST - 1])
    assert (np.asarray(fine(value, spend, jnp.full(5, jnp.inf), 4.0)) == 0).all()
