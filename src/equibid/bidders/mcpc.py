"""MCPC: pay up to what a unit of value has cost in training, ``v · cost / value``.

Source: a baseline in Cai et al., WSDM 2017.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.search import eligible_share, settled
from equibid.bidders.training import TrainingLog
from equibid.division import divided
from equibid.settings import Within


@pytree()
class Mcpc(Bidder):
    """Bids at the training period's cost per unit of value.

    Attributes:
        cost: market price of the training impressions each advertiser was eligible for, currency.
        value: their value to each advertiser, value units; who has none does not bid.
    """

    cost: Float[Array, " N"]
    value: Float[Array, " N"]

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """``v · cost / value``; the product comes first, as in the published code."""
        value = jnp.where(self.value > 0, self.value, 1)
        bids = divided(values * self.cost.astype(values.dtype), value)
        return jnp.where((values > 0) & (self.value > 0), bids, ABSENT)


@BIDDERS.add("mcpc", "Value times the training period's cost per unit of value.")
def fit(log: TrainingLog, cost_per_value: Annotated[float, Within(above=0)] | None = None) -> Mcpc:
    """Read cost and value off the training totals.

    Args:
        log: to tune on.
        cost_per_value: what a unit of value may cost, in currency; none: what it cost in training.
    """
    if cost_per_value is not None:
        return Mcpc(settled(cost_per_value * log.per_currency, log), settled(1.0, log))
    return Mcpc(jnp.asarray(log.history.cost * eligible_share(log)), jnp.asarray(log.history.value))
