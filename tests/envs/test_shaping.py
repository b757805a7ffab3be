"""Potentials that change nothing, plans that do, and multipliers that find themselves."""

import itertools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from envs.outcomes import made, price_takers, sums
from equibid.auctions.tally import Tally
from equibid.envs.rewards import (
    CpaLagrangian,
    Dual,
    Moment,
    Pacing,
    Part,
    Potential,
    Remaining,
    Unspent,
    Value,
    cpa_violation,
    dual_start,
    dual_step,
    shaping_share,
)

STEPS, MONEY = 4, 5
ACTIONS = (0, 1, 2)
# The worth of the first and second unit of money in each step.
GAIN = np.array([[1.01, 0.32], [0.23, 0.14], [2.05, 1.56], [0.97, 0.88]])

Phi = Callable[[Moment], Array]


def no_potential(moment: Moment) -> Array:
    return jnp.zeros_like(moment.money)


def crooked(moment: Moment) -> Array:
    """A potential of everything that there is to see."""
    return moment.money**2 * (1 + moment.progress) + 0.3 * moment.so_far.spend + 0.7


def bellman(
    reward: Part, discount: float, phi: Phi = no_potential
) -> tuple[np.ndarray, np.ndarray]:
    """Q* [T, money, action] and Φ [T, money] of buying by lot, solved backwards.

    An action asks for so many units of money's worth and gets them with an even chance.
    """
    potential = np.zeros((STEPS, MONEY))
    values, answer = np.zeros(MONEY), []
    scenarios = list(itertools.product(range(MONEY), ACTIONS, (0, 1)))
    before = np.array([m for m, _, _ in scenarios], float)
    bought = np.array([win * min(a, m) for m, a, win in scenarios])
    for step in reversed(range(STEPS)):
        own = np.array([GAIN[step, :n].sum() for n in bought])
        spent = MONEY - 1 - before
        outcome = made(
            budget=MONEY - 1.0,
            progress=(step + 1) / STEPS,
            so_far=sums(spend=spent + bought),
            spend=bought,
            value=own,
        )
        np.testing.assert_array_equal(outcome.before, before)
        earlier = Moment(
            outcome.before,
            outcome.budget,
            outcome.target_cpa,
            jnp.asarray(step / STEPS),
            sums(spend=spent),
        )
        potential[step] = np.asarray(phi(earlier)).reshape(MONEY, -1)[:, 0]
        total = np.asarray(reward(outcome)) + discount * values[(before - bought).astype(int)]
        q = total.reshape(MONEY, len(ACTIONS), 2).mean(axis=2)
        values = q.max(axis=1)
        answer.append(q)
    return np.stack(answer[::-1]), potential


@pytest.mark.parametrize("phi", [Remaining(), crooked])
@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_a_potential_lowers_q_by_itself_and_changes_no_policy(phi: Phi, discount: float) -> None:
    plain, _ = bellman(Value(), discount)
    shaping = Potential(steps=STEPS, weight=2.5, discount=discount, phi=phi)
    shaped, potential = bellman(Value() + shaping, discount, phi)
    assert np.abs(potential).max() > 0.5
    np.testing.assert_allclose(shaped, plain - 2.5 * potential[:, :, None], atol=1e-12)
    np.testing.assert_array_equal(shaped.argmax(axis=2), plain.argmax(axis=2))


def test_a_plan_changes_the_policy() -> None:
    """Fining the distance from even spending is no potential: it moves Q by no function of s."""
    plain, _ = bellman(Value(), 1.0)
    moved, _ = bellman(Value() + Pacing(weight=5.0), 1.0)
    assert (np.ptp(moved - plain, axis=2) > 0.1).any()
    assert (moved.argmax(axis=2) != plain.argmax(axis=2)).any()


def test_shaping_of_a_period_is_the_first_potential() -> None:
    money = np.array([4.0, 3, 3, 1, 0.5])
    total = 0.0
    for step in range(4):
        outcome = made(
            budget=4.0,
            progress=(step + 1) / 4,
            so_far=sums(spend=[4 - money[step + 1]]),
            spend=[money[step] - money[step + 1]],
        )
        total += float(Potential(steps=4, weight=3.0)(outcome)[0])
    assert total == pytest.approx(-3)


def test_plans_and_leftovers() -> None:
    early = made(budget=8.0, progress=0.5, so_far=sums(spend=[4.0, 2, 8]), spend=[1.0, 1, 1])
    np.testing.assert_allclose(Pacing(2.0)(early), [0, -0.125, -0.5])
    assert not np.asarray(Unspent()(early)).any()
    late = made(budget=8.0, spend=[8.0, 5, 0])
    np.testing.assert_allclose(Unspent(0.5)(late), [0, -1.5, -4])


def test_share_of_shaping() -> None:
    shaping, reward = jnp.asarray([[1.0, 0], [-1, 0]]), jnp.asarray([[10.0, 0], [10, 3]])
    assert shaping_share(shaping, reward).tolist() == [0.1, 0]
    assert shaping_share(shaping, 0 * reward).tolist() == [np.inf, 0]


@pytest.mark.parametrize(
    ("target", "budget", "binds"), [(0.45, 1e6, True), (2.0, 1e6, False), (0.6, 40.0, False)]
)
def test_the_multiplier_of_a_cost_cap_settles(target: float, budget: float, binds: bool) -> None:
    """Each round the factor that is best at the present multiplier is found on a grid.

    The cap binds, or it is slack because everything is cheaper, or because the money ends first.
    """
    rng = np.random.default_rng(0)
    values = rng.uniform(0.2, 1, 2000)
    prices = values * rng.uniform(0.1, 1.4, 2000)
    factors = np.geomspace(0.05, 2, 300)
    days = price_takers(factors, values, prices, budget, target)
    reward = CpaLagrangian()
    dual, multipliers, missed = dual_start(300), [], 0.0
    for _ in range(300):
        best = int(reward(days, dual.multiplier).argmax())
        missed = float(cpa_violation(days.tally, days.target_cpa)[best])
        dual = dual_step(dual, jnp.full(300, missed), 0.1)
        multipliers.append(float(dual.multiplier[0]))
    if binds:
        assert abs(missed) < 0.03
        assert np.ptp(multipliers[-50:]) < 0.05 * multipliers[-1]
    else:
        assert missed < 0 and multipliers[-1] == 0


def test_a_multiplier_does_not_wind_up() -> None:
    dual = dual_start(1)
    for _ in range(500):
        dual = dual_step(dual, jnp.asarray([-1.0]), 0.1)
    assert float(dual.multiplier[0]) == 0
    assert float(dual_step(dual, jnp.asarray([0.5]), 0.1).multiplier[0]) > 0
    for _ in range(500):
        dual = dual_step(dual, jnp.asarray([1e9]), 0.1)
    assert float(dual.multiplier[0]) == pytest.approx(1e3)
    # A wild step counts as one that misses by all.
    once = [dual_step(dual_start(1), jnp.asarray([x]), 0.1) for x in (1.0, np.inf)]
    assert once[0] == once[1] and isinstance(once[0], Dual)


def test_violations() -> None:
    spent: Tally = sums(spend=[3.0, 1, 0, 2], value=[1.0, 1, 0, 0])
    got = cpa_violation(spent, jnp.asarray([2.0, 2, 2, np.inf]))
    np.testing.assert_allclose(got, [0.5, -0.5, 0, 1])
    free = cpa_violation(spent, jnp.full(4, np.inf))
    np.testing.assert_allclose(free, [-1, -1, 0, 1])
