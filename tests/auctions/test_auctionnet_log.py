"""The AuctionNet rule against a real log of it: every row must come out as it was written."""

import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import Draws, auctionnet
from equibid.logs import AuctionNetLog, read_auctionnet_rows
from shared import SHARED, needs

REAL = SHARED / "data/auctionnet/log_excerpt.csv.gz"
# Market tick of the excerpt, by the log's own timeStepIndex.
TICKS = {4: 0, 20: 1, 40: 2}


@pytest.fixture(scope="module")
def log() -> AuctionNetLog:
    (log,) = read_auctionnet_rows(REAL)
    return log


def rows_of(log: AuctionNetLog, tick: int) -> slice:
    start = np.asarray(log.market.tick_start)
    return slice(start[TICKS[tick]], start[TICKS[tick] + 1])


def logged_draws(slot: np.ndarray, exposed: np.ndarray) -> Draws:
    """The chance the log tells of: a slot was shown unless its winner was not exposed."""
    hidden = [((slot == s) & ~exposed).any(axis=1) for s in (1, 2, 3)]
    shown = 1.0 - np.stack(hidden, axis=1)
    return Draws(jnp.asarray(shown), jnp.zeros(slot.shape), jnp.zeros(len(slot)))


@needs("data/auctionnet/log_excerpt.csv.gz")
@pytest.mark.parametrize("tick", TICKS)
def test_every_row_is_reproduced(log: AuctionNetLog, tick: int) -> None:
    rows = rows_of(log, tick)
    slot, exposed = log.slot[rows], log.exposed[rows]
    cleared = auctionnet().clear(jnp.asarray(log.bids[rows]), None, logged_draws(slot, exposed))
    np.testing.assert_array_equal(cleared.slot, slot)
    np.testing.assert_array_equal(cleared.price, log.cost[rows])
    np.testing.assert_array_equal(cleared.charge, log.cost[rows] * exposed)
    np.testing.assert_array_equal(cleared.exposure, exposed)
    np.testing.assert_array_equal(cleared.market_price, log.least_winning_cost[rows])


@needs("data/auctionnet/log_excerpt.csv.gz")
@pytest.mark.parametrize("tick", TICKS)
def test_who_has_too_little_money_bids_nothing(log: AuctionNetLog, tick: int) -> None:
    rows = rows_of(log, tick)
    poor = log.remaining_budget[rows] < auctionnet().minimum_budget
    assert (log.bids[rows][poor] == 0).all()
    assert poor.any() == (tick > 4)


@needs("data/auctionnet/log_excerpt.csv.gz")
def test_slots_are_shown_as_often_as_the_rule_says(log: AuctionNetLog) -> None:
    # Slot 3 shows only below a shown slot 2: 0.8 · 0.6.
    for slot, chance in ((1, 1.0), (2, 0.8), (3, 0.48)):
        shown = log.exposed[log.slot == slot]
        error = 4 * (chance * (1 - chance) / len(shown)) ** 0.5
        assert abs(shown.mean() - chance) <= error
    second = (log.exposed & (log.slot == 2)).any(axis=1)
    third = (log.exposed & (log.slot == 3)).any(axis=1)
    assert not (third & ~second).any()


@needs("data/auctionnet/log_excerpt.csv.gz")
@pytest.mark.parametrize("tick", TICKS)
def test_nobody_overspends_in_the_log(log: AuctionNetLog, tick: int) -> None:
    rows = rows_of(log, tick)
    spend = (log.cost[rows] * log.exposed[rows]).sum(axis=0)
    assert (spend <= log.remaining_budget[rows][0]).all()
