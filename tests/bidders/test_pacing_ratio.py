"""Pacing by ratio: by hand, on a steady day, from a wrong start, in any currency."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_logs import buy_a_day, make_log, random_log

from equibid.bidders import BIDDERS, Observation, TrainingLog
from equibid.bidders.fixed import Fixed
from equibid.bidders.pacing_ratio import PacingRatio, money_over_time
from equibid.markets.market import Campaigns


def moment(left: float, impression: int, budget: float = 100.0) -> Observation:
    return Observation(
        tick=jnp.asarray(0),
        ticks=jnp.asarray(4),
        impression=jnp.asarray(impression),
        impressions=jnp.asarray(1000),
        remaining=jnp.asarray([left * budget]),
    )


@pytest.mark.parametrize(
    ("left", "impression", "expected"),
    [
        (1.0, 0, 1.0),
        (0.5, 500, 1.0),
        (0.75, 500, 1.5**2),
        (0.25, 500, 0.5**2),
        (0.5, 999, 4.0**2),
        (0.0, 500, 0.25**2),
    ],
)
def test_by_hand(left: float, impression: int, expected: float) -> None:
    bidder = PacingRatio(jnp.asarray([50.0]))
    campaigns = Campaigns(jnp.asarray([100.0]), jnp.asarray([1.0]), jnp.zeros(1, int))
    state = bidder.init(campaigns)
    factor = bidder.factor(state, moment(left, impression), jax.random.key(0))
    assert float(factor[0]) == pytest.approx(50 * expected)


def test_without_a_budget_nothing_is_scaled() -> None:
    assert float(money_over_time(jnp.zeros(1), moment(0.0, 500))[0]) == 1.0


def stationary(seed: int) -> TrainingLog:
    return random_log(seed, impressions=9600, ticks=96, dtype=np.float64)


def test_spends_the_budget_at_nearly_the_best_value() -> None:
    day = stationary(1)
    best = buy_a_day(BIDDERS["hindsight"](day), day).value.sum(0)
    bought = buy_a_day(BIDDERS["pacing-ratio"](stationary(0)), day)
    assert (bought.spend.sum(0) >= 0.98 * np.asarray(day.campaigns.budget)).all()
    assert (bought.value.sum(0) >= 0.98 * best).all()


@pytest.mark.parametrize("wrong", [0.4, 2.5])
def test_recovers_from_a_wrong_start(wrong: float) -> None:
    day = stationary(2)
    right = BIDDERS["pacing-ratio"](day)
    assert isinstance(right, PacingRatio)
    bought = buy_a_day(PacingRatio(right.start * wrong), day)
    stuck = buy_a_day(Fixed(right.start * wrong), day)
    best = buy_a_day(Fixed(right.start), day)
    assert (bought.value.sum(0) >= 0.9 * best.value.sum(0)).all()
    assert (bought.value.sum(0) > stuck.value.sum(0)).all()


def test_currency_does_not_matter() -> None:
    training, day = random_log(3, impressions=480), random_log(4, impressions=480)

    def convert(log: TrainingLog) -> TrainingLog:
        values, prices = np.asarray(log.values), 1024 * np.asarray(log.prices)[:, 0, 0]
        return make_log(values, prices, 1024 * np.asarray(log.campaigns.budget))

    one = buy_a_day(BIDDERS["pacing-ratio"](training), day)
    other = buy_a_day(BIDDERS["pacing-ratio"](convert(training)), convert(day))
    np.testing.assert_array_equal(one.wins, other.wins)
    np.testing.assert_allclose(one.spend * 1024, other.spend)
