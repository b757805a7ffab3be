"""The bound of what could be gained while others' bids stand, against a linear program."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from equibid.auctions import Soft, second_price
from equibid.evaluation.deviation import _bound, gains, most
from equibid.markets.days import market_days


@given(st.integers(0, 10_000), st.floats(0.0, 3.0))
def test_the_bound_is_the_linear_program(seed: int, budget: float) -> None:
    """Six impressions of two slots, some of which are not for sale, or free."""
    random = np.random.default_rng(seed)
    worth, cost = random.uniform(0, 1, (6, 2)), random.uniform(0, 1, (6, 2))
    cost[random.random((6, 2)) < 0.2] = np.inf
    cost[random.random((6, 2)) < 0.1] = 0.0
    sold = np.isfinite(cost)
    once = np.kron(np.eye(6), np.ones(2))
    solved = linprog(
        -np.where(sold, worth, 0.0).ravel(),
        A_ub=np.vstack([once, np.where(sold, cost, 0.0).ravel()]),
        b_ub=[*np.ones(6), budget],
        bounds=[(0, float(x)) for x in sold.ravel()],
    )
    assert _bound(worth, cost, budget) == pytest.approx(-solved.fun, abs=1e-9)


def test_no_steady_factor_gains_more_than_the_bound() -> None:
    sizes = {"impressions": 600, "advertisers": 5, "ticks": 4}
    market = market_days("demo", sizes=sizes)(0)
    factors = np.full((4, 5), 0.3) * np.asarray(market.campaigns.target_cpa)
    bound, found = (of(market, second_price(), factors) for of in (most, gains))
    assert (bound >= found - 1e-9).all()
    assert (bound > 0).any()
    # A steady factor is nearly the best there is where one slot is sold at the next bid.
    assert found.sum() > 0.9 * bound.sum()


def test_a_soft_rule_has_no_bound() -> None:
    sizes = {"impressions": 50, "advertisers": 3, "ticks": 2}
    market = market_days("demo", sizes=sizes)(0)
    with pytest.raises(ValueError, match="no price of a slot"):
        most(market, Soft(0.1), np.ones((2, 3)))
