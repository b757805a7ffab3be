"""Random: bids uniform between zero and twice the constant bidder's; a control.

Source: the Rand baseline of Zhang, Yuan, Wang and Shen, "Real-time bidding benchmarking with
iPinYou dataset", 2014; its range is tuned here through the constant bid, which is its mean.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.constant import best_amount
from equibid.bidders.registry import BIDDERS
from equibid.bidders.search import settled
from equibid.bidders.training import TrainingLog
from equibid.settings import Within


@pytree()
class RandomBid(Bidder):
    """Bids drawn for every impression and advertiser.

    Attributes:
        mean: average bid, currency per exposure.
    """

    mean: Float[Array, " N"]

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """Uniform on ``[0, 2 · mean)``, drawn anew for every key."""
        drawn = jax.random.uniform(key, values.shape)
        return jnp.where(values > 0, (2 * self.mean * drawn).astype(values.dtype), ABSENT)


@BIDDERS.add("random", "Uniform between zero and twice the constant bid; a control.")
def fit(log: TrainingLog, mean: Annotated[float, Within(least=0)] | None = None) -> RandomBid:
    """Take the mean from the constant bidder tuned on the training log.

    Args:
        log: to tune on.
        mean: of the bids, in the market's money; none: the bid of constant.
    """
    return RandomBid(best_amount(log) if mean is None else settled(mean, log))
