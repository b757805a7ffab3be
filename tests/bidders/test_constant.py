import jax
import numpy as np
from test_replay import one_by_one
from training_logs import make_log, observe, random_log

from equibid.bidders import BIDDERS
from equibid.bidders.search import price_grid


def test_buys_most_of_all_grid_bids() -> None:
    log = random_log(1, impressions=200, scarcity=0.1)
    bidder = BIDDERS["constant"](log)
    bids = bidder.bid((), observe(log, 0, np.ones(3)), log.values, jax.random.key(0))
    chosen = one_by_one(log, np.asarray(bids))[0]
    for amount in np.asarray(price_grid(log)):
        flat = np.full(log.values.shape, np.float32(amount))
        assert (one_by_one(log, flat)[0] <= chosen).all()


def test_never_two_bids() -> None:
    log = random_log(2)
    bids = BIDDERS["constant"](log).bid(
        (), observe(log, 0, np.ones(3)), log.values, jax.random.key(0)
    )
    eligible = np.asarray(log.values) > 0
    for i in range(3):
        assert len(np.unique(np.asarray(bids)[eligible[:, i], i])) == 1


def test_grid_reaches_from_a_price_level_to_the_dearest_price() -> None:
    prices = np.linspace(1, 300, 1000)
    grid = np.asarray(price_grid(make_log(np.ones((1000, 1)), prices, 1.0)))
    np.testing.assert_allclose(grid[[0, -1]], [1, 300])


def test_one_dear_impression_does_not_spoil_the_grid() -> None:
    prices = np.append(np.linspace(1, 300, 999), 1e6)
    grid = np.asarray(price_grid(make_log(np.ones((1000, 1)), prices, 1.0)))
    assert grid[0] <= np.quantile(prices, 0.01)
    assert (grid < 300).sum() > 10
