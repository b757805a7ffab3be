"""Prices of a market at rest: by hand, and of a thinned day."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import gsp, second_price
from equibid.markets import DEMO, generate
from equibid.markets.market import Campaigns, Market, even_ticks
from equibid.runs.fitted import resting_prices


def test_the_price_at_rest_is_the_highest_bid_that_wins_nothing() -> None:
    # Money is no object, so both bid their full worth: ten times the value.
    values = jnp.asarray([[1.0, 2.0], [3.0, 0.0], [5.0, 4.0]])
    campaigns = Campaigns(jnp.full(2, 1e9), jnp.full(2, 10.0), jnp.zeros(2, int))
    market = Market(values, even_ticks(3, 1), campaigns)
    np.testing.assert_allclose(resting_prices(market, second_price(0.5)), [10, 0.5, 40])


def test_a_thinned_day_has_the_prices_of_the_whole() -> None:
    market = generate(DEMO, jax.random.key(1))
    market = market.with_budget(market.campaigns.budget / 3)
    whole, part = (resting_prices(market, gsp(), most) for most in (market.impressions, 800))
    assert len(part) <= 800 < len(whole)
    # With the money of the whole day for a part of it the median would be six times as high.
    assert np.median(part) == pytest.approx(np.median(whole), rel=0.15)
