"""A bidder of one's own, beside all the others.

Run: python examples/own_bidder.py compare demo --bidders leftover,fixed,pacing
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders import BIDDERS, FactorBidder, Observation, TrainingLog
from equibid.bidders.bidder import pytree
from equibid.bidders.replay import spend_factor
from equibid.cli.main import main
from equibid.markets import Campaigns


@pytree()
class Leftover(FactorBidder):
    """The training log's factor, times the share of money left over the share of time left.

    Attributes:
        level: factor while money and time go at the same rate, currency per value unit.
    """

    level: Float[Array, " N"]

    def init(self, campaigns: Campaigns) -> Float[Array, " N"]:
        """The period's budgets, against which money left is measured."""
        return campaigns.budget

    def factor(
        self, state: Float[Array, " N"], observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """Higher when money is left over, lower when it runs short; at most twice the level."""
        money_left = observation.remaining / jnp.where(state > 0, state, 1)
        return self.level * jnp.minimum(money_left / observation.time_left, 2)


@BIDDERS.add("leftover", "Yesterday's best factor, moved by money left over time left.")
def fit(log: TrainingLog) -> Leftover:
    """The largest factor whose purchases on the training log fit the budget."""
    return Leftover(jnp.asarray(spend_factor(log)))


if __name__ == "__main__":
    main()
