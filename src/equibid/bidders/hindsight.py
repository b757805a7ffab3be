"""Hindsight: the best constant factor for the very day it bids on; a bound, not a contender.

It is fitted on the log of the day it will bid in, with that day's prices and values: what an
advertiser that does not move prices could have bought with one factor, had it known the day.
No constant factor that stays within the budget buys more.
"""

from typing import ClassVar

import jax
from jaxtyping import Array, Float

from equibid.bidders.bidder import FactorBidder, Observation, State, pytree
from equibid.bidders.fixed import logged_factor
from equibid.bidders.registry import BIDDERS
from equibid.bidders.training import TrainingLog


@pytree()
class Hindsight(FactorBidder):
    """A static factor that knows the day.

    Attributes:
        level: the factor, currency per value unit.
    """

    reference: ClassVar[bool] = True

    level: Float[Array, " N"]

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """The same factor in every tick."""
        return self.level


@BIDDERS.add("hindsight", "Best constant factor for the day itself; a reference.")
def fit(log: TrainingLog) -> Hindsight:
    """The largest factor that fits the budget; `log` is the day the bidder will bid in."""
    return Hindsight(logged_factor(log))
