"""The highest bid of an actor, of which its answer takes a share: ``factor = ceiling · sigmoid``.

One action serves all impressions of a step, so it is a factor on their values. Whatever the
ceiling, a logit of zero bids what the day before taught:

- `Scaled`: some times the factor of the day before.
- `Paced`: the same, raised while there is more money left than time, and lowered while less. Money
  that is left over then calls for higher bids by itself, and the actor learns the rest.
- `Purse`: all the money that is left.
"""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.bidders.pacing_ratio import money_over_time
from equibid.learning.parts.heads import ScaledSigmoid
from equibid.learning.parts.networks import Policies
from equibid.markets.market import Campaigns
from equibid.simulation.features import Reference
from equibid.simulation.markov.observers import Memory, Observer

# A bid of the start's is taken for a share of the budget within these.
LEAST, MOST = 1e-9, 0.5


class Ceiling(Protocol):
    """A pytree that makes factors of logits."""

    def factor(self, logit: Float[Array, " N"], observation: Observation) -> Float[Array, " N"]:
        """Currency per value unit."""
        ...


class Scaled(NamedTuple):
    """``highest · start · sigmoid(logit + shift)``.

    Attributes:
        start: the factor of the day before, currency per value unit.
        highest: above 1.
    """

    start: Float[Array, " N"]
    highest: float

    def factor(self, logit: Float[Array, " N"], observation: Observation) -> Float[Array, " N"]:
        """Currency per value unit."""
        return ScaledSigmoid(self.highest)(logit[:, None], self.start, self.start)


class Paced(NamedTuple):
    """The same times what `money_over_time` says.

    Attributes:
        scaled: the same.
        budget: of the period, currency.
    """

    scaled: Scaled
    budget: Float[Array, " N"]

    def factor(self, logit: Float[Array, " N"], observation: Observation) -> Float[Array, " N"]:
        """Currency per value unit."""
        plain = self.scaled.factor(logit, observation)
        return plain * money_over_time(self.budget, observation)


class Purse(NamedTuple):
    """``money left · sigmoid(logit + bias) / mean value``.

    Attributes:
        bias: what makes a logit of zero bid the start while the whole budget is there.
        mean_value: of an impression, value units.
    """

    bias: Float[Array, " N"]
    mean_value: Float[Array, " N"]

    def factor(self, logit: Float[Array, " N"], observation: Observation) -> Float[Array, " N"]:
        """Currency per value unit."""
        return observation.remaining * jax.nn.sigmoid(logit + self.bias) / self.mean_value


def purse_of(reference: Reference, campaigns: Campaigns) -> Purse:
    """The purse of a market's agents."""
    value = jnp.where(reference.mean_value > 0, reference.mean_value, 1.0)
    budget = jnp.where(campaigns.budget > 0, campaigns.budget, 1.0)
    part = jnp.clip(reference.factor * value / budget, LEAST, MOST)
    return Purse(jnp.log(part / (1 - part)), value)


@pytree()
class Actor(FactorBidder):
    """The actors at run time, each on what its own agent sees.

    Attributes:
        network: from what is seen [N, F] to logits [N, 1].
        observer: what it sees.
        ceiling: what a logit is a share of.
    """

    network: Policies
    observer: Observer
    ceiling: Ceiling

    @property
    def foresees(self) -> bool:
        """As its observer does."""
        return self.observer.foresees

    def init(self, campaigns: Campaigns) -> Memory:
        """Nothing seen yet."""
        return self.observer.init(campaigns)

    def factor(self, state: Memory, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """A share of the ceiling."""
        logit = self.network(self.observer.look(state, observation))[..., 0]
        return self.ceiling.factor(logit.astype(jnp.float64), observation)

    def update(self, state: Memory, feedback: Tally) -> Memory:
        """See the tick."""
        return self.observer.see(state, feedback)
