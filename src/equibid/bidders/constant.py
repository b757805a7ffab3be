"""Constant: the same bid on every eligible impression; a control that ignores the value.

Source: the Const baseline of Zhang, Yuan, Wang and Shen, "Real-time bidding benchmarking with
iPinYou dataset", 2014.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.training import TrainingLog, best_of_grid

POINTS = 60


@pytree()
class Constant(Bidder):
    """Flat bidding.

    Attributes:
        amount: the bid, currency per exposure.
    """

    amount: Float[Array, " N"]

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """The amount, wherever there is value."""
        return flat(self.amount, values)


def flat(amount: Float[Array, " N"], values: Float[Array, "B N"]) -> Float[Array, "B N"]:
    """The amount in the precision of the values; no bid where the value is zero."""
    return jnp.where(values > 0, amount.astype(values.dtype), ABSENT)


def price_grid(log: TrainingLog) -> Float[Array, " G"]:
    """Bids to try, evenly spaced in logarithm, currency per exposure.

    They reach from one price level, or the cheapest percent of the log where one dear impression
    stretched the levels, up to the highest level.
    """
    step = log.history.step
    prices = np.asarray(log.prices, np.float64)
    paid = prices[prices > 0]
    low = min(step, float(np.quantile(paid, 0.01))) if paid.size else step
    return jnp.asarray(np.geomspace(low, step * max(len(log.history.counts) - 1, 1), POINTS))


def best_amount(log: TrainingLog) -> Float[Array, " N"]:
    """The constant bid that buys most value on the training log, currency per exposure."""
    return best_of_grid(log, flat, price_grid(log))


@BIDDERS.add("constant", "One bid for every impression, found by grid search; a control.")
def fit(log: TrainingLog) -> Constant:
    """Choose the bid that buys most value on the training log."""
    return Constant(best_amount(log))
