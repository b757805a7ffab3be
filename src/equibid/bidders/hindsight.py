"""Hindsight: the best constant factor for the very day it bids on; a bound, not a contender.

It is fitted on the log of the day it will bid in, with that day's prices and values: what an
advertiser that does not move prices could have bought with one factor, had it known the day.
No constant factor that stays within the budget buys more.
"""

from typing import ClassVar

from equibid.bidders.bidder import pytree
from equibid.bidders.fixed import Fixed, logged_factor
from equibid.bidders.registry import BIDDERS
from equibid.bidders.training import TrainingLog


@pytree()
class Hindsight(Fixed):
    """A static factor that knows the day."""

    reference: ClassVar[bool] = True


@BIDDERS.add("hindsight", "Best constant factor for the day itself; a reference.")
def fit(log: TrainingLog) -> Hindsight:
    """The largest factor that fits the budget; `log` is the day the bidder will bid in."""
    return Hindsight(logged_factor(log))
