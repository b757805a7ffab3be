"""LIN: bid in proportion to the value, ``b0 · v / v_avg``, with the base bid found by grid search.

Source: Perlich et al., KDD 2012; as a baseline with grid search in Cai et al., WSDM 2017.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.search import average_value, best_base_bid, best_of_grid, settled
from equibid.bidders.training import TrainingLog
from equibid.division import divided
from equibid.settings import Within


@pytree()
class Lin(Bidder):
    """Linear bidding.

    Attributes:
        base_bid: bid on an impression of average value, currency per exposure.
        mean_value: value of an average impression in training, value units.
    """

    base_bid: Float[Array, " N"]
    mean_value: Float[Array, " N"]

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """``b0 · v / v_avg``."""
        return linear(self.base_bid, self.mean_value, values)


def linear(
    base_bid: Float[Array, " N"], mean_value: Float[Array, " N"], values: Float[Array, "B N"]
) -> Float[Array, "B N"]:
    """Linear bids; the product comes first, as in the published code, so that floors agree."""
    bids = divided(values * base_bid.astype(values.dtype), mean_value)
    return jnp.where(values > 0, bids, ABSENT)


@BIDDERS.add("lin", "Linear in the value; base bid by grid search on the training log.")
def fit(log: TrainingLog, base_bid: Annotated[float, Within(least=0)] | None = None) -> Lin:
    """Choose the base bid that buys most value on the training log.

    From the published grid, 5, 10, … 300 price levels, where prices come in levels.

    Args:
        log: to tune on.
        base_bid: on an impression of average value, in the market's money; none: found on the log.
    """
    mean_value = jnp.asarray(average_value(log))
    if base_bid is not None:
        return Lin(settled(base_bid, log), mean_value)

    def rule(base_bid: Array, values: Array) -> Array:
        return linear(base_bid, mean_value, values)

    if log.bid_step > 0:
        levels = jnp.arange(5, 301, 5) * log.history.step
        return Lin(best_of_grid(log, rule, levels), mean_value)
    return Lin(best_base_bid(log, rule), mean_value)
