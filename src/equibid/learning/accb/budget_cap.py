"""Bids between nothing and all the money that is left: ``a = b · sigmoid(logit + bias)``.

One action serves all impressions of a tick, so a is the bid on an impression of mean value and the
others are bid on in proportion: ``factor = a / mean value``. The bias is what makes a logit of zero
bid the reference factor while the whole budget is there.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.learning.parts.networks import Policies
from equibid.markets.market import Campaigns
from equibid.simulation.features import Reference
from equibid.simulation.markov.observers import Memory, Observer

# A bid of the start's is taken for a share of the budget within these.
LEAST, MOST = 1e-9, 0.5


class Purse(NamedTuple):
    """What a share of the money left is measured by.

    Attributes:
        bias: of the logit.
        mean_value: of an impression, value units.
    """

    bias: Float[Array, " N"]
    mean_value: Float[Array, " N"]

    def factor(
        self, logit: Float[Array, "... N"], remaining: Float[Array, "... N"]
    ) -> Float[Array, "... N"]:
        """Currency per value unit."""
        return remaining * jax.nn.sigmoid(logit + self.bias) / self.mean_value


def purse_of(reference: Reference, campaigns: Campaigns) -> Purse:
    """The purse of a market's agents."""
    value = jnp.where(reference.mean_value > 0, reference.mean_value, 1.0)
    budget = jnp.where(campaigns.budget > 0, campaigns.budget, 1.0)
    part = jnp.clip(reference.factor * value / budget, LEAST, MOST)
    return Purse(jnp.log(part / (1 - part)), value)


@pytree()
class Spender(FactorBidder):
    """A learned bidder whose ceiling is the money it has left.

    Attributes:
        network: from what is seen [N, F] to logits [N, 1].
        observer: what it sees.
        purse: what a share of the money is.
    """

    network: Policies
    observer: Observer
    purse: Purse

    @property
    def foresees(self) -> bool:
        """As its observer does."""
        return self.observer.foresees

    def init(self, campaigns: Campaigns) -> Memory:
        """Nothing seen yet."""
        return self.observer.init(campaigns)

    def factor(self, state: Memory, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """A share of the money left."""
        logit = self.network(self.observer.look(state, observation))[..., 0]
        return self.purse.factor(logit.astype(jnp.float64), observation.remaining)

    def update(self, state: Memory, feedback: Tally) -> Memory:
        """See the tick."""
        return self.observer.see(state, feedback)
