"""Budgets over segments: curves by replay, equal marginal values, exact sums, flat curves."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidders.training_logs import make_log, random_log
from equibid.bidders.replay import replay
from equibid.bidders.training import TrainingLog
from equibid.errors import InputError
from equibid.simulation.response_curves import Curves, purchases, response_curves
from equibid.simulation.segments import allocate, proportional, reallocate


def slots_log(step: float = 0.0, cap: float = float("inf")) -> TrainingLog:
    """Two periods of 30 impressions and two thirds of a third, three slots with own prices."""
    log = random_log(3, impressions=80, advertisers=3, dtype=np.float64)
    top_bids = np.random.default_rng(4).lognormal(1, 0.7, (80, 3, 3))
    prices = -np.sort(-top_bids, axis=2)
    return replace(
        log,
        prices=jnp.asarray(prices),
        exposure=(1.0, 0.8, 0.48),
        period=30,
        bid_step=step,
        bid_cap=cap,
    )


@pytest.mark.parametrize(("step", "cap"), [(0.0, np.inf), (0.5, np.inf), (0.25, 4.0)])
def test_purchases_are_those_of_a_replay(step: float, cap: float) -> None:
    log = slots_log(step, cap)
    got = purchases(log, 4, points=12)
    assert got.size.tolist() == [7, 8, 7, 8]
    edges = np.cumsum([0, *got.size]).astype(int)
    at = np.arange(80) % 30
    rich = replace(log.campaigns, budget=jnp.full(3, 1e9))
    for m in range(4):
        rows = np.flatnonzero((at >= edges[m]) & (at < edges[m + 1]))
        part = replace(
            log, campaigns=rich, values=log.values[rows], prices=log.prices[rows], period=len(rows)
        )
        for g in range(12):
            # A hair more, so that a product reaches the price whose quotient the factor is.
            bids = (got.factor[g] * (1 + 1e-12)) * np.asarray(part.values)
            once = replay(part, bids)
            scale = got.size[m] / len(rows)
            np.testing.assert_allclose(got.value[m, g], once.value * scale, rtol=1e-12)
            np.testing.assert_allclose(got.spend[m, g], once.spend * scale, rtol=1e-12)


def test_a_part_of_a_period_stands_for_all_of_it() -> None:
    log = random_log(1, impressions=40)
    whole, part = purchases(log, 4), purchases(replace(log, period=100), 4)
    np.testing.assert_allclose(part.value, whole.value * 2.5)
    np.testing.assert_allclose(part.size, whole.size * 2.5)


def test_segments_may_begin_anywhere_and_be_empty() -> None:
    log = random_log(1, impressions=40)
    got = purchases(log, np.array([0, 5, 5, 40]))
    assert got.size.tolist() == [5, 0, 35]
    assert not got.value[1].any() and not got.spend[1].any()
    for wrong in ([0, 20], [1, 40], [0, 30, 20, 40], [0]):
        with pytest.raises(InputError, match="40 impressions"):
            purchases(log, np.array(wrong))


def test_curves_are_the_least_concave_above_the_points() -> None:
    bought = purchases(slots_log(), 3, points=25)
    curves = response_curves(bought)
    slope = np.asarray(curves.marginal)
    assert (np.diff(slope, axis=1) <= 1e-12).all() and (slope >= 0).all()
    for g in range(25):
        above = np.asarray(curves.bought(bought.spend[:, g]))
        assert (above >= bought.value[:, g] * (1 - 1e-12)).all()
    # Least: every corner is a point that was bought, or nothing.
    for m in range(3):
        for i in range(3):
            points = set(zip(bought.spend[m, :, i], bought.value[m, :, i], strict=True))
            corners = zip(
                *(np.asarray(x[m, :, i]) for x in (curves.spend, curves.value)), strict=True
            )
            assert set(corners) <= points | {(0.0, 0.0)}


def log_curves(gain: np.ndarray, scale: np.ndarray, corners: int = 4000) -> Curves:
    """V = a log(1 + β/c) through many corners, one advertiser."""
    spend = np.concatenate([[0], np.geomspace(1e-4, 1e3, corners)])[None, :, None] * np.ones(
        (len(gain), 1, 1)
    )
    value = gain[:, None, None] * np.log1p(spend / scale[:, None, None])
    return Curves(jnp.asarray(spend), jnp.asarray(value), jnp.ones(len(gain)))


def test_marginal_values_are_equal_as_calculated() -> None:
    """With V' = a / (c + β), β_m = a_m / λ − c_m wherever that is positive."""
    gain, scale = np.array([3.0, 1.0, 2.0, 0.05]), np.array([1.0, 0.5, 4.0, 1.0])
    budget = 12.0
    plan = np.asarray(allocate(log_curves(gain, scale), jnp.asarray([budget])))[:, 0]
    # The fourth is too poor for any money: λ = Σa / (B + Σc) over the others.
    rich = slice(0, 3)
    price = gain[rich].sum() / (budget + scale[rich].sum())
    assert gain[3] / scale[3] < price
    marginal = gain / (scale + plan)
    np.testing.assert_allclose(marginal[rich], price, rtol=5e-3)
    np.testing.assert_allclose(plan[rich], gain[rich] / price - scale[rich], rtol=1e-2)
    assert plan[3] == 0
    fine = np.asarray(allocate(log_curves(gain, scale, 60_000), jnp.asarray([budget])))[:, 0]
    np.testing.assert_allclose((gain / (scale + fine))[rich], price, rtol=1e-3)


def bracket(curves: Curves, plan: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[M N] marginal value of a little less and of a little more money, inf and 0 at the ends."""
    spend, slope = np.asarray(curves.spend), np.asarray(curves.marginal)
    M, _, N = spend.shape
    less, more = np.full((M, N), np.inf), np.zeros((M, N))
    for m in range(M):
        for i in range(N):
            slack = 1e-9 * spend[m, -1, i]
            before = np.flatnonzero(spend[m, :-1, i] < plan[m, i] - slack)
            after = np.flatnonzero(spend[m, 1:, i] > plan[m, i] + slack)
            less[m, i] = slope[m, before[-1], i] if before.size else np.inf
            more[m, i] = slope[m, after[0], i] if after.size else 0.0
    return less, more


def test_nobody_gains_by_moving_money_on_a_log() -> None:
    log = random_log(5, impressions=4000, advertisers=3)
    curves = response_curves(purchases(log, 8))
    for budget in (0.05, 0.25, 0.7):
        money = budget * np.asarray(curves.spend[:, -1]).sum(axis=0)
        plan = np.asarray(allocate(curves, jnp.asarray(money)))
        np.testing.assert_allclose(plan.sum(axis=0), money, rtol=1e-14)
        less, more = bracket(curves, plan)
        assert (less.min(axis=0) >= more.max(axis=0) * (1 - 1e-3)).all()
        simple = curves.bought(proportional(curves.size, jnp.asarray(money), 0))
        best = curves.bought(jnp.asarray(plan))
        assert (best.sum(axis=0) >= simple.sum(axis=0)).all()


def test_no_split_of_a_fine_grid_is_better() -> None:
    log = random_log(8, impressions=60, advertisers=2)
    curves = response_curves(purchases(log, 3))
    money = 0.3 * np.asarray(curves.spend[:, -1]).sum(axis=0)
    best = np.asarray(curves.bought(allocate(curves, jnp.asarray(money)))).sum(axis=0)
    part = np.stack(np.meshgrid(np.linspace(0, 1, 41), np.linspace(0, 1, 41)), axis=-1)
    part = part.reshape(-1, 2)[part.reshape(-1, 2).sum(axis=1) <= 1]
    splits = np.concatenate([part, 1 - part.sum(axis=1, keepdims=True)], axis=1)
    opponents = jax.vmap(curves.bought)(jnp.asarray(splits[..., None] * money)).sum(axis=1)
    assert (np.asarray(opponents).max(axis=0) <= best * (1 + 1e-12)).all()


@given(
    seed=st.integers(0, 1000),
    flat=st.lists(st.booleans(), min_size=4, max_size=4),
    budget=st.sampled_from([0.0, 1e-9, 0.3, 5.0, 40.0, 1e6]),
)
def test_sums_are_exact_and_nothing_is_negative(seed: int, flat: list[bool], budget: float) -> None:
    rng = np.random.default_rng(seed)
    spend = np.cumsum(rng.exponential(size=(4, 6, 2)), axis=1)
    spend[:, 0] = 0
    slope = -np.sort(-rng.lognormal(0, 4, (4, 5, 2)), axis=1)
    value = np.concatenate([np.zeros((4, 1, 2)), (slope * np.diff(spend, axis=1)).cumsum(1)], 1)
    spend[np.array(flat)], value[np.array(flat)] = 0, 0
    curves = Curves(jnp.asarray(spend), jnp.asarray(value), jnp.asarray([1.0, 2.0, 3.0, 4.0]))
    plan = np.asarray(allocate(curves, jnp.full(2, budget)))
    assert (plan >= 0).all()
    np.testing.assert_allclose(plan.sum(axis=0), budget, rtol=1e-14)
    if all(flat):
        np.testing.assert_allclose(plan, budget * np.outer([0.1, 0.2, 0.3, 0.4], np.ones(2)))
    elif any(flat):
        assert not plan[np.array(flat)].any()


def test_what_costs_nothing_needs_no_money() -> None:
    """Free impressions make a curve that begins above zero and takes no budget."""
    values = np.full((20, 1), 0.5)
    prices = np.r_[np.zeros(10), np.ones(10)]
    curves = response_curves(purchases(make_log(values, prices, 4.0), 2))
    np.testing.assert_allclose(curves.value[:, 0, 0], [5, 0])
    np.testing.assert_allclose(allocate(curves, jnp.asarray([4.0])), [[0], [4]])
    np.testing.assert_allclose(curves.bought(jnp.asarray([[0.0], [4.0]])), [[5], [2]])


def test_a_plan_that_was_kept_is_kept_on() -> None:
    """Receding horizon: what follows an optimal beginning is the rest of the optimal plan."""
    curves = response_curves(purchases(random_log(9, impressions=900), 6))
    budget = 0.2 * curves.spend[:, -1].sum(axis=0)
    plan = allocate(curves, budget)
    for segment in range(6):
        rest = np.asarray(reallocate(curves, budget - plan[:segment].sum(axis=0), segment))
        assert not rest[:segment].any()
        np.testing.assert_allclose(rest[segment:], plan[segment:], rtol=1e-9, atol=1e-9)
    # Money lost on the way is missed everywhere, in no segment more than gained.
    poorer = np.asarray(reallocate(curves, 0.5 * (budget - plan[0]), 1))
    assert (poorer[1:] <= np.asarray(plan[1:]) + 1e-9).all()


def test_proportional_to_impressions() -> None:
    got = np.asarray(proportional(jnp.asarray([10.0, 30.0, 10.0]), jnp.asarray([8.0, 4.0]), 1))
    np.testing.assert_allclose(got, [[0, 0], [6, 3], [2, 1]])
