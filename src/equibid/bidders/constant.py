"""Constant: the same bid on every eligible impression; a control that ignores the value.

Source: the Const baseline of Zhang, Yuan, Wang and Shen, "Real-time bidding benchmarking with
iPinYou dataset", 2014.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.search import best_of_grid, price_grid, settled
from equibid.bidders.training import TrainingLog
from equibid.settings import Within


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


def best_amount(log: TrainingLog) -> Float[Array, " N"]:
    """The constant bid that buys most value on the training log, currency per exposure."""
    return best_of_grid(log, flat, price_grid(log))


@BIDDERS.add("constant", "One bid for every impression, found by grid search; a control.")
def fit(log: TrainingLog, bid: Annotated[float, Within(least=0)] | None = None) -> Constant:
    """Choose the bid that buys most value on the training log.

    Args:
        log: to tune on.
        bid: for every impression, in the market's money; none: found on the log.
    """
    return Constant(best_amount(log) if bid is None else settled(bid, log))
