import jax
import jax.numpy as jnp
import numpy as np

from equibid.bidders.bidder import Observation
from equibid.bidders.mcpc import Mcpc


def bids(cost, value, values):
    start, ticks, impressions = (jnp.asarray(x) for x in (0, 1, 10))
    observation = Observation(start, ticks, start, impressions, jnp.full(len(value), 99.0))
    bidder = Mcpc(jnp.asarray(cost), jnp.asarray(value))
    return np.asarray(bidder.bid((), observation, jnp.asarray(values), jax.random.key(0)))


def test_bid_is_the_training_cost_of_the_value():
    got = bids(200.0, [50.0, 10.0], [[0.5, 0.25], [2.0, 1.0]])
    np.testing.assert_array_equal(got, [[2.0, 5.0], [8.0, 20.0]])


def test_product_comes_before_the_quotient():
    # The other order gives another last bit here.
    value, cost, clicks = 0.1, 3.0, 0.7
    assert value * cost / clicks != value * (cost / clicks)
    assert bids(cost, [clicks], [[value]])[0, 0] == value * cost / clicks


def test_no_bid_without_value_now_or_in_training():
    got = bids(200.0, [50.0, 0.0], [[0.0, 0.25], [1.0, 1.0]])
    np.testing.assert_array_equal(got, [[-np.inf, -np.inf], [4.0, -np.inf]])
