"""Pacing: its updates by hand, its spend in a stationary market, its indifference to currency."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_logs import buy_a_day, make_log, observe, random_log, tick_tally

from equibid.bidders import BIDDERS, TrainingLog
from equibid.bidders.fixed import Fixed
from equibid.bidders.pacing import RANGE, Pacing, PacingState
from equibid.markets.market import Campaigns

NAMES = pytest.mark.parametrize("name", ["pacing", "pacing-multiplicative"])
START = observe(random_log(), 0, np.ones(1))


def campaign(budget: float, target_cpa: float = 100.0) -> Campaigns:
    return Campaigns(jnp.asarray([budget]), jnp.asarray([target_cpa]), jnp.zeros(1, int))


def after(pacing: Pacing, state: PacingState, *spends: float) -> tuple[PacingState, float]:
    """The state after ticks of these spends, and the factor it bids."""
    for spend in spends:
        state = pacing.update(state, tick_tally(spend=np.asarray([spend])))
    return state, float(pacing.factor(state, START, jax.random.key(0))[0])


def test_additive_updates_by_hand() -> None:
    # Budget 100, 4 ticks: rho = 25. mu_0 = 1 / 50 = 0.02, so eps = 0.02 / (25 sqrt 4) = 0.0004.
    pacing = Pacing(jnp.asarray([50.0]), ticks=4)
    state, factor = after(pacing, pacing.init(campaign(100.0)))
    assert factor == pytest.approx(50)
    # mu_1 = 0.02 + 0.0004 (35 - 25) = 0.024, and mu_2 = 0.024 + 0.0004 (10 - 25) = 0.018.
    state, factor = after(pacing, state, 35.0)
    assert factor == pytest.approx(1 / 0.024)
    state, factor = after(pacing, state, 10.0)
    assert factor == pytest.approx(1 / 0.018)


def test_multiplicative_updates_by_hand() -> None:
    # alpha_1 = 50 exp((25 - 35) / (25 sqrt 4)) = 50 exp(-0.2), alpha_2 = alpha_1 exp(0.3).
    pacing = Pacing(jnp.asarray([50.0]), ticks=4, multiplicative=True)
    state, factor = after(pacing, pacing.init(campaign(100.0)), 35.0)
    assert factor == pytest.approx(50 * np.exp(-0.2))
    _, factor = after(pacing, state, 10.0)
    assert factor == pytest.approx(50 * np.exp(0.1))


def test_recentred_plan_by_hand() -> None:
    # After 40 of 100 in the first of 4 ticks, 20 are planned for each of the others.
    pacing = Pacing(jnp.asarray([1.0]), ticks=4, recentre=True)
    state, _ = after(pacing, pacing.init(campaign(100.0)), 40.0)
    before = float(state.multiplier[0])
    state, _ = after(pacing, state, 20.0)
    assert float(state.multiplier[0]) == pytest.approx(before)
    state, _ = after(pacing, state, 30.0)
    assert float(state.multiplier[0]) == pytest.approx(before + (30 / 20 - 1) / 2)


@pytest.mark.parametrize("multiplicative", [False, True])
def test_projection(multiplicative: bool) -> None:
    pacing = Pacing(jnp.asarray([50.0]), ticks=4, multiplicative=multiplicative)
    start = pacing.init(campaign(100.0))
    assert after(pacing, start, 1e9)[1] == pytest.approx(50 / RANGE)
    assert after(pacing, start, *[0.0] * 40)[1] == pytest.approx(50 * RANGE)


def test_quasi_linear_bids_are_at_most_the_value() -> None:
    # mu_0 = 100 / 40 - 1 = 1.5; in units of 1 + mu the step is (1 + mu_0) / (rho sqrt T).
    pacing = Pacing(jnp.asarray([40.0]), ticks=4, quasi_linear=True)
    state = pacing.init(campaign(100.0))
    mu = 1.5 + 2.5 / (25 * 2) * (35 - 25)
    assert after(pacing, state, 35.0)[1] == pytest.approx(100 / (1 + mu))
    assert after(pacing, state, *[0.0] * 40)[1] == pytest.approx(100)
    # A training log that asks for more than the value starts at the value.
    assert after(pacing, pacing.init(campaign(100.0, target_cpa=30.0)))[1] == pytest.approx(30)


def stationary(seed: int, ticks: int) -> TrainingLog:
    return random_log(seed, impressions=100 * ticks, ticks=ticks, dtype=np.float64)


@NAMES
def test_spends_the_budget_at_nearly_the_best_value(name: str) -> None:
    day = stationary(1, ticks=96)
    best = buy_a_day(BIDDERS["hindsight"](day), day).value.sum(0)
    bought = buy_a_day(BIDDERS[name](stationary(0, ticks=96)), day)
    budget = np.asarray(day.campaigns.budget)
    assert (bought.spend.sum(0) >= 0.97 * budget).all()
    assert (bought.value.sum(0) >= 0.97 * best).all()


@NAMES
@pytest.mark.parametrize("wrong", [0.4, 2.5])
def test_recovers_from_a_wrong_start(name: str, wrong: float) -> None:
    day = stationary(2, ticks=96)
    right = BIDDERS[name](day)
    assert isinstance(right, Pacing)
    started = Pacing(right.start * wrong, right.ticks, right.multiplicative)
    bought = buy_a_day(started, day)
    stuck = buy_a_day(Fixed(right.start * wrong), day)
    best = buy_a_day(Fixed(right.start), day)
    # Money spent too fast at first is gone: what is lost is the way to the right multiplier.
    assert (bought.value.sum(0) >= 0.88 * best.value.sum(0)).all()
    assert (bought.value.sum(0) > stuck.value.sum(0)).all()
    # By the second half it plans right: spend keeps to an even plan.
    plan = np.asarray(day.campaigns.budget) / day.ticks
    settled = bought.spend[48:80].mean(0)
    np.testing.assert_allclose(settled, plan, rtol=0.15)


@NAMES
@pytest.mark.parametrize("rate", [0.5, 2.0, 1024.0])
def test_currency_does_not_matter(name: str, rate: float) -> None:
    # Powers of two keep every ratio exact.
    training, day = random_log(3, impressions=480), random_log(4, impressions=480)

    def convert(log: TrainingLog) -> TrainingLog:
        values, prices = np.asarray(log.values), rate * np.asarray(log.prices)[:, 0, 0]
        return make_log(values, prices, rate * np.asarray(log.campaigns.budget))

    one = buy_a_day(BIDDERS[name](training), day)
    other = buy_a_day(BIDDERS[name](convert(training)), convert(day))
    np.testing.assert_array_equal(one.wins, other.wins)
    np.testing.assert_allclose(one.spend * rate, other.spend)


def test_recentring_spends_what_an_even_plan_leaves() -> None:
    # A quiet first half: the even plan falls behind and cannot make it up.
    day = random_log(5, impressions=960, ticks=48)
    values = np.array(day.values)
    values[:480] *= np.random.default_rng(0).random((480, 3)) < 0.2
    quiet = make_log(values, np.asarray(day.prices), np.asarray(day.campaigns.budget) * 2, 48)
    pacing = BIDDERS["pacing"](day)
    assert isinstance(pacing, Pacing)
    even = buy_a_day(pacing, quiet).spend.sum(0)
    recentred = buy_a_day(replace(pacing, recentre=True), quiet).spend.sum(0)
    assert (recentred >= even).all()
