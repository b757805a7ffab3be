"""The states of USCB and DRLB, by hand."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from envs.outcomes import sums
from equibid.bidders.bidder import Observation
from equibid.envs.observers import Observer, observer_named
from equibid.markets.market import Campaigns
from equibid.simulation.features import Reference

T = 10
CAMPAIGNS = Campaigns(jnp.asarray([100.0, 40.0]), jnp.asarray([8.0, jnp.inf]), jnp.zeros(2, int))
REFERENCE = Reference(jnp.asarray([20.0, 5.0]), jnp.asarray([50.0, 10.0]), jnp.asarray([0.25, 0.4]))


def moment(tick: int, remaining: list[float], ticks: int = T) -> Observation:
    zero = jnp.asarray(0)
    return Observation(jnp.asarray(tick), jnp.asarray(ticks), zero, zero, jnp.asarray(remaining))


def named(name: str) -> Observer:
    return observer_named(name, CAMPAIGNS, REFERENCE)


def test_uscb_by_hand() -> None:
    observer = named("uscb")
    memory = observer.init(CAMPAIGNS)
    seen = np.asarray(observer.observe(memory, moment(0, [100.0, 40.0])))
    assert len(observer.names) == seen.shape[-1]
    np.testing.assert_allclose(seen, [[1, 1, -1], [1, 1, -1]])
    memory = observer.update(memory, sums(spend=[75.0, 40.0]))
    seen = np.asarray(observer.observe(memory, moment(4, [25.0, 0.0])))
    np.testing.assert_allclose(seen, [[0.2, -0.5, 0.5], [0.2, -1, 1]], rtol=1e-6)


def test_drlb_by_hand() -> None:
    observer = named("drlb")
    memory = observer.init(CAMPAIGNS)
    first = np.asarray(observer.observe(memory, moment(0, [100.0, 40.0])))
    assert len(observer.names) == first.shape[-1]
    np.testing.assert_allclose(first, [[0, 1, 1, 0, 0, 0, 0]] * 2)
    tick = sums(offered=[50, 10], wins=[10, 0], exposures=[5, 0], spend=[20, 0], value=[1.5, 0])
    memory = observer.update(memory, tick)
    seen = np.asarray(observer.observe(memory, moment(3, [60.0, 40.0])))
    # 20 of 80 spent in the first of eight ticks left; 4 an ad where 5 is the reference's mean bid;
    # an even tick of 10 buys at least half a value unit.
    expected = [0.3, 0.6, 0.7, -8 * 20 / 80, np.log(4 / 5), 10 / 50, 1.5 / 0.5]
    np.testing.assert_allclose(seen[0], expected, rtol=1e-6)
    np.testing.assert_allclose(seen[1], [0.3, 1, 0.7, 0, 0, 0, 0], rtol=1e-6)


def test_cost_status_by_hand() -> None:
    observer = named("cost-status")
    memory = observer.init(CAMPAIGNS)
    assert len(observer.names) == 1
    assert (np.asarray(observer.observe(memory, moment(0, [100.0, 40.0]))) == 0).all()
    memory = observer.update(memory, sums(spend=[20.0, 5.0], value=[1.0, 1.0]))
    memory = observer.update(memory, sums(spend=[28.0, 0.0], value=[2.0, 0.0]))
    seen = np.asarray(observer.observe(memory, moment(2, [52.0, 35.0])))
    # 48 for 3, so 16 a unit where 8 is the target; without a target the cost is far below it.
    np.testing.assert_allclose(seen[:, 0], [np.log(2), -5], rtol=1e-6)


amount = st.floats(0, 1e6)


@given(amount, amount, st.integers(0, T), amount, amount)
def test_ranges_hold(spend: float, value: float, tick: int, left: float, offered: float) -> None:
    budget = jnp.asarray([spend + left, 0.0])
    campaigns = Campaigns(budget, CAMPAIGNS.target_cpa, CAMPAIGNS.category)
    last = sums(
        offered=[offered, 0], wins=[offered / 2, 0], exposures=[offered / 3, 0],
        spend=[spend, 0], value=[value, 0],
    )  # fmt: skip
    joined = observer_named("uscb+drlb+cost-status", campaigns, REFERENCE)
    memory = joined.update(joined.init(campaigns), last)
    seen = np.asarray(joined.observe(memory, moment(tick, [left, 0.0])))
    low = [-1, -1, -1, 0, 0, 0, -5, -5, 0, 0, -5]
    high = [1, 1, 1, 1, 1, 1, 0, 5, 1, 5, 5]
    assert np.isfinite(seen).all()
    assert (seen >= np.array(low) - 1e-6).all()
    assert (seen <= np.array(high) + 1e-6).all()
