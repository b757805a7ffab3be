"""The controller's arithmetic, its limits, and its step response."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_logs import buy_a_day, make_log, observe, random_log, tick_tally

from equibid.auctions.tally import Tally
from equibid.bidders import BIDDERS
from equibid.bidders.control import control_report
from equibid.bidders.lin import Lin
from equibid.bidders.pid import LEAST, MOST, Measure, Pid

NAMES = pytest.mark.parametrize("name", ["pid-ecpc", "pid-win-rate"])
CAMPAIGNS = random_log(advertisers=1).campaigns


def controller(measure: Measure, reference: float, **settings: tuple) -> Pid:
    linear = Lin(jnp.asarray([10.0]), jnp.asarray([1.0]))
    return Pid(linear, jnp.asarray([reference]), jnp.asarray(2.0), measure, **settings)


def tick(spend: float = 0, value: float = 0, wins: float = 0, offered: float = 1) -> Tally:
    sums = {"spend": spend, "value": value, "wins": wins, "offered": offered}
    return tick_tally(**{name: np.array([x], float) for name, x in sums.items()})


def test_published_recursion() -> None:
    p, i, d = 0.7, 0.05, 0.3
    pid = controller("ecpc", 20.0, gains=(p, i, d))
    state = pid.init(CAMPAIGNS)
    ticks = [(30.0, 1.0), (10.0, 1.0), (80.0, 2.0)]
    spend = value = errors = 0.0
    before = 1.0
    for money, worth in ticks:
        state = pid.update(state, tick(money, worth))
        spend, value = spend + money, value + worth
        share = spend / value / 20.0
        errors += 1 - share
        expected = p * (1 - share) + i * errors + d * (before - share)
        assert float(state.action[0]) == pytest.approx(expected)
        before = share


def test_bids_move_by_the_exponential_above_the_floor() -> None:
    pid = controller("win-rate", 0.5, gains=(1.0, 0.0, 0.0))
    state = pid.update(pid.init(CAMPAIGNS), tick(wins=25, offered=100))
    values = jnp.asarray([[0.0], [0.01], [1.0], [2.0]])
    start = observe(random_log(advertisers=1), 1, np.ones(1))
    bids = np.asarray(pid.bid(state, start, values, jax.random.key(0)))[:, 0]
    np.testing.assert_allclose(bids, [-np.inf, 2, 10 * np.exp(0.5), 20 * np.exp(0.5)])


def test_action_is_clipped() -> None:
    dear = controller("ecpc", 1.0)
    assert dear.update(dear.init(CAMPAIGNS), tick(1e6, 1)).action[0] == LEAST
    poor = controller("ecpc", 1.0, gains=(100.0, 0.0, 0.0))
    assert poor.update(poor.init(CAMPAIGNS), tick()).action[0] == MOST


def test_no_reference_or_no_impressions_leave_it_alone() -> None:
    pid = controller("win-rate", 0.0)
    assert pid.update(pid.init(CAMPAIGNS), tick(wins=1)).action[0] == 0
    pid = controller("win-rate", 0.5)
    assert pid.update(pid.init(CAMPAIGNS), tick(offered=0)).action[0] == 0


@pytest.mark.parametrize("reference", [0.2, 0.5, 0.8])
def test_step_response_settles_on_the_reference(reference: float) -> None:
    # A plant that wins a share b / (b + 10) of 100 impressions a tick: one half at phi = 0, and a
    # fifth or four fifths at a quarter or four times the bid.
    pid = controller("win-rate", reference)
    state = pid.init(CAMPAIGNS)
    x = []
    for _ in range(40):
        bid = 10 * float(jnp.exp(state.action[0]))
        state = pid.update(state, tick(wins=100 * bid / (bid + 10), offered=100))
        x.append(state.above / state.below)
    report = control_report(jnp.stack(x), jnp.asarray([reference]))
    assert report.settling_time[0] <= 30
    assert report.overshoot[0] < 0.1
    assert abs(x[-1][0] / reference - 1) < 0.06


def test_reference_is_what_linear_bids_reached() -> None:
    log = random_log(5, impressions=400)
    day = buy_a_day(BIDDERS["lin"](log), log)
    ecpc, win_rate = (BIDDERS[name](log) for name in ("pid-ecpc", "pid-win-rate"))
    assert isinstance(ecpc, Pid)
    assert isinstance(win_rate, Pid)
    spent = day.spend.sum(0) / day.value.sum(0)
    np.testing.assert_allclose(ecpc.reference_value, spent, rtol=1e-5)
    shown = np.asarray(log.values > 0).sum(0)
    np.testing.assert_allclose(win_rate.reference_value, day.wins.sum(0) / shown)


@NAMES
def test_keeps_closer_than_linear_bids_when_prices_move(name: str) -> None:
    training = random_log(6, impressions=1200, ticks=40, dtype=np.float64)
    prices = 1.3 * np.asarray(training.prices)
    # Ample budget, so that only the controller holds the figure.
    dear = make_log(np.asarray(training.values), prices, 1e9, ticks=40)
    pid = BIDDERS[name](training)
    assert isinstance(pid, Pid)

    def miss(bidder: Pid | Lin) -> np.ndarray:
        sums = (part.sum(0) for part in buy_a_day(bidder, dear))
        value, spend, wins, offered = sums
        x = spend / value if name == "pid-ecpc" else wins / offered
        return np.abs(x / pid.reference_value - 1)

    assert (miss(pid) < miss(pid.linear)).all()
    assert (miss(replace(pid, gains=(0.0, 0.0, 0.0))) >= miss(pid)).all()
