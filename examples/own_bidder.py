"""A bidder of one's own, beside all the others.

Run: equibid compare demo --plugin examples/own_bidder.py --bidders leftover:most=3,fixed,pacing
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders import BIDDERS, FactorBidder, Observation, TrainingLog
from equibid.bidders.bidder import pytree
from equibid.bidders.replay import spend_factor
from equibid.markets import Campaigns
from equibid.settings import Within


@pytree("most")
class Leftover(FactorBidder):
    """The training log's factor, times the share of money left over the share of time left.

    Attributes:
        level: factor while money and time go at the same rate, currency per value unit.
        most: the factor stays within this multiple of the level.
    """

    level: Float[Array, " N"]
    most: float = 2.0

    def init(self, campaigns: Campaigns) -> Float[Array, " N"]:
        """The period's budgets, against which money left is measured."""
        return campaigns.budget

    def factor(
        self, state: Float[Array, " N"], observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """Higher when money is left over, lower when it runs short."""
        money_left = observation.remaining / jnp.where(state > 0, state, 1)
        return self.level * jnp.minimum(money_left / observation.time_left, self.most)


@BIDDERS.add("leftover", "Yesterday's best factor, moved by money left over time left.")
def fit(log: TrainingLog, most: Annotated[float, Within(least=1)] = 2.0) -> Leftover:
    """The largest factor whose purchases on the training log fit the budget.

    Args:
        log: to tune on.
        most: the factor stays within this multiple of that one.
    """
    return Leftover(jnp.asarray(spend_factor(log)), most)
