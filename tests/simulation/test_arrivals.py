"""What arrives in each tick, by hand, in dense tables and candidate lists."""

import jax.numpy as jnp
import numpy as np
import pytest

from equibid.markets.market import Campaigns, Market, even_ticks, sparse
from equibid.simulation.blocks import arrivals


@pytest.mark.parametrize("lists", [False, True])
def test_arrivals_are_counts_and_values_of_each_tick(lists: bool) -> None:
    random = np.random.default_rng(1)
    K, N, T = 50, 3, 5
    values = np.where(random.random((K, N)) < 0.5, random.random((K, N)), 0)
    # The second tick has no impressions.
    start = np.array(even_ticks(K, T))
    start[2] = start[1]
    campaigns = Campaigns(jnp.ones(N), jnp.ones(N), jnp.zeros(N, jnp.int32))
    market = Market(jnp.asarray(values), jnp.asarray(start), campaigns)
    told = arrivals(sparse(market) if lists else market)
    for tick in range(T):
        here = values[start[tick] : start[tick + 1]]
        np.testing.assert_array_equal(told[0][tick], (here > 0).sum(axis=0))
        np.testing.assert_allclose(told[1][tick], here.sum(axis=0))
