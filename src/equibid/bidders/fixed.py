"""Fixed: one bidding factor for the whole period, the best one of the training log.

Where a win costs what the impression's market price is, value for money is greatest when everything
cheaper than a threshold price per value is bought: the bid is a constant factor times the value.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders.bidder import FactorBidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.replay import reached, spend_factor
from equibid.bidders.search import settled
from equibid.bidders.training import TrainingLog
from equibid.settings import Within


@pytree()
class Fixed(FactorBidder):
    """A static factor.

    Attributes:
        factors: currency per value unit.
    """

    factors: Float[Array, " N"]

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """The same factor in every tick."""
        return self.factors


def logged_factor(log: TrainingLog) -> Float[Array, " N"]:
    """The largest factor that fits the budget on a log, however many periods the log holds."""
    factor = spend_factor(log)
    return jnp.asarray(factor if log.rule.temperature > 0 else reached(log, factor))


@BIDDERS.add("fixed", "Yesterday's best factor: spends the budget exactly on the training log.")
def fit(
    log: TrainingLog,
    factor: Annotated[float, Within(least=0)] | None = None,
    scale: Annotated[float, Within(least=0)] = 1.0,
) -> Fixed:
    """The largest factor whose purchases on the training log fit the budget.

    Args:
        log: to tune on.
        factor: the factor itself, currency per value unit; none: found on the log.
        scale: multiplies the factor.
    """
    factors = logged_factor(log) if factor is None else settled(factor * log.per_currency, log)
    return Fixed(scale * factors)
