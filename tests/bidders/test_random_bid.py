import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats
from training_logs import observe, random_log

from equibid.bidders.random_bid import RandomBid

MEAN = np.array([1.0, 5.0])
VALUES = jnp.ones((4000, 2))
BIDDER = RandomBid(jnp.asarray(MEAN))
START = observe(random_log(), 0, np.ones(2))


def test_uniform_and_independent() -> None:
    bids = np.asarray(BIDDER.bid((), START, VALUES, jax.random.key(0)))
    share = np.divide(bids, 2 * MEAN)
    for column in share.T:
        assert stats.kstest(column, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(share.T)[0, 1]) < 0.05
    assert abs(np.corrcoef(share[1:, 0], share[:-1, 0])[0, 1]) < 0.05


def test_another_key_bids_otherwise_and_the_same_key_the_same() -> None:
    one, again, other = (BIDDER.bid((), START, VALUES, jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (np.asarray(one) != np.asarray(other)).all()
