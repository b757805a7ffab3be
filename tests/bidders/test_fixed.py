import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_logs import buy_a_day, observe, random_log

from equibid.bidders import BIDDERS
from equibid.bidders.fixed import Fixed, logged_factor

NAMES = pytest.mark.parametrize("name", ["fixed", "hindsight"])


@NAMES
@given(seed=st.integers(0, 200), dtype=st.sampled_from([np.float32, np.float64]))
def test_no_factor_within_the_budget_buys_more(name: str, seed: int, dtype: type) -> None:
    log = random_log(seed, impressions=40, dtype=dtype)
    bidder = BIDDERS[name](log)
    bids = bidder.bid((), observe(log, 0, np.ones(3)), log.values, jax.random.key(0))
    values, prices = np.asarray(log.values, np.float64), np.asarray(log.prices, np.float64)[:, 0, 0]
    budget = np.asarray(log.campaigns.budget)
    won = np.asarray(bids) >= prices[:, None]
    assert ((won * prices[:, None]).sum(0) <= budget).all()
    for i in range(3):
        eligible = values[:, i] > 0
        ratio = np.where(eligible, prices / np.where(eligible, values[:, i], 1), np.inf)
        bought = [ratio <= factor for factor in ratio[eligible]]
        best = max(
            (values[buys, i].sum() for buys in bought if prices[buys].sum() <= budget[i]),
            default=0.0,
        )
        assert values[won[:, i], i].sum() == pytest.approx(best, rel=1e-12)


def test_a_log_of_two_periods_has_two_budgets() -> None:
    log = random_log(7, impressions=100)
    twice = random_log(7, impressions=100)
    doubled = type(log)(
        values=jnp.tile(log.values, (2, 1)),
        prices=jnp.tile(log.prices, (2, 1, 1)),
        campaigns=twice.campaigns,
        period=100,
        ticks=log.ticks,
        history=log.history,
    )
    # A doubled log has every impression twice, so a pair may straddle the budget's end.
    below = logged_factor(log) * (1 - 1e-6)
    assert (logged_factor(doubled) >= below).all()
    spent = buy_a_day(Fixed(logged_factor(doubled)), log).spend.sum(0)
    assert (spent <= log.campaigns.budget).all()


def test_only_hindsight_is_a_reference() -> None:
    log = random_log()
    assert [name for name in BIDDERS if BIDDERS[name](log).reference] == ["hindsight"]
