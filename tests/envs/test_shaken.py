"""Periods of a log played at lower and higher prices."""

import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions.ranked import second_price
from equibid.envs.periods import recorded_setup
from equibid.errors import InputError
from equibid.logs.dataset import LogDataset
from equibid.markets.market import Campaigns, Labels, Market, even_ticks


def dataset() -> LogDataset:
    """A campaign of a hundred periods of ten impressions."""
    random = np.random.default_rng(0)
    market = Market(
        values=jnp.asarray(random.random((1000, 1))),
        tick_start=even_ticks(1000, 10),
        campaigns=Campaigns(jnp.asarray([20.0]), jnp.ones(1), jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(random.integers(0, 50, 1000).astype(float)),
        labels=Labels("made"),
    )
    return LogDataset("made", market, period=10)


def test_prices_are_lower_and_higher_by_the_share() -> None:
    plain = recorded_setup(dataset(), second_price(), "impression")
    augmented = recorded_setup(dataset(), second_price(), "impression", price_augmentation=0.36)
    for few, many in ((plain.train, augmented.train), (plain.held_out, augmented.held_out)):
        assert len(many) == 5 * len(few)
        for copy, factor in enumerate((1, 0.64, 0.8, 1.25, 1.5625)):
            for before, after in zip(few, many[copy * len(few) :], strict=False):
                assert before.market_price is not None and after.market_price is not None
                np.testing.assert_allclose(after.market_price, before.market_price * factor)
                np.testing.assert_array_equal(after.values, before.values)
    # What bidders are tuned on is the log as it is.
    np.testing.assert_array_equal(augmented.log.prices, plain.log.prices)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_beyond_all_prices_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="price_augmentation"):
        recorded_setup(dataset(), second_price(), "impression", price_augmentation=share)
