"""A period tick by tick is the period that `simulate` plays."""

import jax
import jax.numpy as jnp
import numpy as np

from equibid.auctions.tally import FIELDS
from equibid.learning.ncb.rollout import roll_out
from equibid.markets import dense
from equibid.simulation import everybody, simulate
from learning.small_days import games
from worlds import Chaser

KEY = jax.random.key(5)


def test_as_simulated() -> None:
    game = games()[1]
    market = game.market
    bidder = Chaser(jnp.asarray(10 * game.cap / game.budget))
    seats = everybody(bidder, market.advertisers)
    one = roll_out(market, game.auction, bidder, KEY, sampled=False)
    other = simulate(market, game.auction, seats, KEY, sampled=False)
    np.testing.assert_allclose(one.remaining, other.remaining, rtol=1e-6)
    eligible = (np.asarray(dense(market)) > 0).sum(axis=0)
    ran_out = one.tally.offered.sum(axis=0) < eligible
    assert ran_out.any() and not ran_out.all()
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(one.tally, name), getattr(other.tally, name), rtol=1e-6, err_msg=name
        )


def test_tilted_factors_are_bid_and_read_back() -> None:
    game = games()[1]
    market = game.market
    level = 0.1 * game.cap
    tilt = np.random.default_rng(0).uniform(0.5, 1, (market.ticks, market.advertisers))
    tilt[2, 3] = 0.0
    bidder = Chaser(jnp.asarray(level))
    plain = roll_out(market, game.auction, bidder, KEY, sampled=False, tilt=jnp.ones_like(tilt))
    same = roll_out(market, game.auction, bidder, KEY, sampled=False)
    np.testing.assert_array_equal(plain.remaining, same.remaining)
    got = roll_out(market, game.auction, bidder, KEY, sampled=False, tilt=jnp.asarray(tilt))
    bid, first = got.factors(), plain.factors()
    assert bid[2, 3] == 0 and got.tally.spend[2, 3] == 0
    np.testing.assert_allclose(bid[0], first[0] * tilt[0], rtol=1e-5)
