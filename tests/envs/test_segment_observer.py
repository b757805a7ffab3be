"""The plan over segments as agents see it."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from bidders.training_logs import random_log
from equibid.bidders.bidder import Observation
from equibid.bidders.training import TrainingLog
from equibid.envs.observers import observer_named
from equibid.envs.problem import planned, reference_of
from equibid.errors import InputError
from equibid.simulation.response_curves import purchases, response_curves
from equibid.simulation.segments import DEVIATIONS, reallocate, spending_plan

M, SIZE = 4, 25


def log() -> TrainingLog:
    """Of four segments the second is cheap, for two advertisers; the third has no money."""
    made = random_log(5, impressions=M * SIZE, advertisers=3, dtype=np.float64)
    cheap = np.ones((M * SIZE, 1, 1))
    cheap[SIZE : 2 * SIZE] = 0.7
    prices = np.asarray(made.prices) * cheap
    budget = jnp.asarray([12.0, 20.0, 0.0])
    return replace(
        made,
        prices=jnp.asarray(prices),
        period=M * SIZE,
        campaigns=replace(made.campaigns, budget=budget),
    )


def seen(spent: float, at: int) -> dict[str, np.ndarray]:
    made = log()
    campaigns = made.campaigns
    observer = observer_named("segments", campaigns, planned(reference_of(made), made, M))
    now = Observation(
        tick=jnp.asarray(at // 5),
        ticks=jnp.asarray(M * SIZE // 5),
        impression=jnp.asarray(at),
        impressions=jnp.asarray(M * SIZE),
        remaining=campaigns.budget * (1 - spent),
    )
    row = observer.observe(observer.init(campaigns), now)
    return dict(zip(observer.names, np.asarray(row, np.float64).T, strict=True))


def test_the_plan_is_the_allocation_and_is_made_anew() -> None:
    made = log()
    curves = response_curves(purchases(made, M, points=32))
    budget = made.campaigns.budget
    plan = spending_plan(curves, budget)
    np.testing.assert_allclose(plan.start, np.arange(M + 1) / M)
    np.testing.assert_allclose(plan.left[0], [1, 1, 0])
    np.testing.assert_allclose(plan.left[-1], 0, atol=1e-12)
    for m in (0, 2):
        for r in (0, len(DEVIATIONS) - 1):
            money = DEVIATIONS[r] * np.asarray(plan.left[m] * budget)
            again = np.asarray(reallocate(curves, jnp.asarray(money), m)[m])
            got = np.asarray(plan.spend[m, r])[:2] * money[:2]
            np.testing.assert_allclose(got, again[:2], rtol=1e-9)


def test_on_plan_by_hand() -> None:
    got = seen(0.0, 0)
    curves = response_curves(purchases(log(), M, points=32))
    plan = spending_plan(curves, log().campaigns.budget)
    np.testing.assert_allclose(got["segment auctions left"], 1)
    np.testing.assert_allclose(got["off plan"][:2], 0, atol=1e-6)
    spent = -np.diff(np.asarray(plan.left), axis=0)[:, :2]
    np.testing.assert_allclose(got["segment spend"][:2], np.log(spent[0] * M), atol=1e-5)
    np.testing.assert_allclose(
        got["next segment spend"][:2], np.log(spent[1] / (1 - spent[0]) * (M - 1)), atol=1e-5
    )
    # The first spends more where it is cheap.
    assert got["next segment spend"][0] > got["segment spend"][0]


def test_within_a_segment_and_at_the_end() -> None:
    half = seen(0.0, SIZE // 2)
    np.testing.assert_allclose(half["segment auctions left"], 1 - (SIZE // 2) / SIZE, rtol=1e-6)
    assert (half["off plan"][:2] > 0).all()
    late = seen(0.999, M * SIZE)
    np.testing.assert_allclose(late["segment auctions left"], 0)
    np.testing.assert_array_equal(late["next segment spend"], 0)
    for row in (*half.values(), *late.values()):
        assert np.isfinite(row).all() and (np.abs(row) <= 5).all()


def test_it_needs_a_plan() -> None:
    made = log()
    with pytest.raises(InputError, match="split into segments"):
        observer_named("segments", made.campaigns, reference_of(made))
