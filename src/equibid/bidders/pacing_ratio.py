"""Pacing by ratio: the factor of the day before, times a power of money left over time left.

With a budget B of which b is left, and a share τ of the period's impressions to come,

    α = α_0 · (b / (B τ))²

α_0 spends the budget on the training log. Where the market is cheaper than then, money is left over
and bids rise until it is not, and the other way round: a proportional controller, in which nothing
is remembered that could go wrong. Spend is concave in the factor, so that a deviation needs more
than its own size to be mended; hence the square.

Source: ours. Balseiro and Gur, Management Science 2019, integrate the same deviation; see
`equibid.bidders.pacing`.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.bidders.fixed import logged_factor
from equibid.bidders.registry import BIDDERS
from equibid.bidders.training import TrainingLog
from equibid.markets.market import Campaigns
from equibid.settings import Within

POWER = 2.0
# Money left over time left is taken within this ratio, up or down: near the end a single
# impression makes any ratio.
WIDEST = 4.0


def money_over_time(
    budget: Float[Array, " N"],
    observation: Observation,
    power: float = POWER,
    widest: float = WIDEST,
) -> Float[Array, " N"]:
    """``(b / (B τ))²``, the ratio within `WIDEST`; 1 where there is no budget.

    Args:
        budget: of the period, currency.
        observation: of this moment.
        power: in place of the square.
        widest: in place of `WIDEST`.
    """
    money = observation.remaining / jnp.where(budget > 0, budget, 1.0)
    time = observation.impressions_left / jnp.maximum(observation.impressions, 1)
    ratio = jnp.clip(money / time, 1 / widest, widest)
    return jnp.where(budget > 0, ratio**power, 1.0)


@pytree("power", "widest")
class PacingRatio(FactorBidder):
    """Pacing by ratio.

    Attributes:
        start: α_0, currency per value unit.
        power: of the ratio.
        widest: the ratio is taken within this multiple, up or down.
    """

    start: Float[Array, " N"]
    power: float = POWER
    widest: float = WIDEST

    def init(self, campaigns: Campaigns) -> Float[Array, " N"]:
        """The budgets of the period."""
        return jnp.asarray(campaigns.budget, jnp.float64)

    def factor(
        self, state: Float[Array, " N"], observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """Higher while money is left over, lower while it runs short."""
        return self.start * money_over_time(state, observation, self.power, self.widest)


@BIDDERS.add("pacing-ratio", "Yesterday's factor times (money left over time left) squared.")
def fit(
    log: TrainingLog,
    power: Annotated[float, Within(least=0)] = POWER,
    widest: Annotated[float, Within(least=1)] = WIDEST,
) -> PacingRatio:
    """Start at the best factor of the training log.

    Args:
        log: to tune on.
        power: of money left over time left.
        widest: money left over time left is taken within this multiple, up or down.
    """
    return PacingRatio(logged_factor(log), power, widest)
