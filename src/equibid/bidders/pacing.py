"""Adaptive pacing: one factor an advertiser, moved at every tick's end by spend against plan.

With budget B, T ticks, spend z_t in tick t and the plan ρ = B / T, a value maximiser bids
``v / μ_t`` and

    pacing                  μ_{t+1} = μ_t + ε · (z_t − ρ)
    pacing-multiplicative   μ_{t+1} = μ_t · exp(ε' · (z_t − ρ) / ρ)

(the factor α = 1 / μ of the second falls as it is usually written, ``α · exp(ε' (ρ − z) / ρ)``).
A step in money needs the unit of money: μ is value per currency, so ε is value per currency
squared. With μ_0 the training log's best multiplier, ``ε = μ_0 / (ρ · √T)`` and ``ε' = 1 / √T``
keep the published order T^(-1/2) in any currency.

Source: Balseiro and Gur, "Learning in repeated auctions with budgets", Management Science 2019;
there bids are quasi-linear, ``v / (1 + μ)`` of a value in money, which is the setting
`quasi_linear`. The published plan is even over the period, and so is the default here.
"""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.bidders.fixed import logged_factor
from equibid.bidders.registry import BIDDERS
from equibid.bidders.training import TrainingLog
from equibid.markets.market import Campaigns
from equibid.settings import Within

# The multiplier stays within this multiple of where it starts, up or down.
RANGE = 10.0


class PacingState(NamedTuple):
    """Where an advertiser stands.

    Attributes:
        multiplier: μ_t / μ_0.
        least: its lower bound.
        most: its upper bound.
        budget: for the period, currency.
        spent: so far, currency.
        tick: ticks that have ended.
    """

    multiplier: Float[Array, " N"]
    least: Float[Array, " N"]
    most: Float[Array, " N"]
    budget: Float[Array, " N"]
    spent: Float[Array, " N"]
    tick: Int[Array, ""]


@pytree("ticks", "multiplicative", "recentre", "quasi_linear", "rate", "widest")
class Pacing(FactorBidder):
    """Adaptive pacing.

    Attributes:
        start: factor of the first tick, ``1 / μ_0``, currency per value unit.
        ticks: T.
        multiplicative: which of the two updates.
        recentre: plan what is left of the budget over the ticks left, not B / T.
        quasi_linear: never pay more than `target_cpa` for a unit of value: with values in money,
            ``v · target_cpa``, the published bid is ``1 + μ`` times smaller, and μ >= 0.
        rate: multiplies the steps ε and ε'.
        widest: the multiplier stays within this multiple of where it starts, up or down.
    """

    start: Float[Array, " N"]
    ticks: int
    multiplicative: bool = False
    recentre: bool = False
    quasi_linear: bool = False
    rate: float = 1.0
    widest: float = RANGE

    def init(self, campaigns: Campaigns) -> PacingState:
        """At the training log's multiplier, or at a bid of the full value if that is less."""
        budget = jnp.asarray(campaigns.budget, jnp.float64)
        least = jnp.full_like(budget, 1 / self.widest)
        if self.quasi_linear:
            least = jnp.maximum(least, self.start / jnp.maximum(campaigns.target_cpa, 1e-300))
        first = jnp.maximum(least, 1.0)
        most = self.widest * first
        return PacingState(first, least, most, budget, jnp.zeros_like(budget), jnp.asarray(0))

    def factor(
        self, state: PacingState, observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """``1 / μ_t``."""
        return self.start / state.multiplier

    def update(self, state: PacingState, feedback: Tally) -> PacingState:
        """Compare the tick's spend with the plan."""
        plan = state.budget / self.ticks
        if self.recentre:
            left = jnp.maximum(self.ticks - state.tick, 1)
            plan = (state.budget - state.spent) / left
        excess = jnp.where(plan > 0, feedback.spend / jnp.where(plan > 0, plan, 1) - 1, 0)
        step = self.rate * excess / self.ticks**0.5
        moved = state.multiplier * jnp.exp(step) if self.multiplicative else state.multiplier + step
        return state._replace(
            multiplier=jnp.clip(moved, state.least, state.most),
            spent=state.spent + feedback.spend,
            tick=state.tick + 1,
        )


@BIDDERS.add("pacing", "Adaptive pacing: the multiplier follows spend against an even plan.")
def fit(
    log: TrainingLog,
    rate: Annotated[float, Within(least=0)] = 1.0,
    recentre: bool = False,
    quasi_linear: bool = False,
    widest: Annotated[float, Within(least=1)] = RANGE,
) -> Pacing:
    """Start at the best factor of the training log.

    Args:
        log: to tune on.
        rate: multiplies the steps of the multiplier.
        recentre: plan what is left of the budget over the ticks left, instead of the whole evenly.
        quasi_linear: never pay more than the target CPA for a unit of value.
        widest: the multiplier stays within this multiple of where it starts, up or down.
    """
    return Pacing(logged_factor(log), log.ticks, False, recentre, quasi_linear, rate, widest)


@BIDDERS.add("pacing-multiplicative", "Adaptive pacing by multiplicative steps.")
def fit_multiplicative(
    log: TrainingLog,
    rate: Annotated[float, Within(least=0)] = 1.0,
    recentre: bool = False,
    quasi_linear: bool = False,
    widest: Annotated[float, Within(least=1)] = RANGE,
) -> Pacing:
    """Start at the best factor of the training log.

    Args:
        log: to tune on.
        rate: multiplies the steps of the multiplier.
        recentre: plan what is left of the budget over the ticks left, instead of the whole evenly.
        quasi_linear: never pay more than the target CPA for a unit of value.
        widest: the multiplier stays within this multiple of where it starts, up or down.
    """
    return Pacing(logged_factor(log), log.ticks, True, recentre, quasi_linear, rate, widest)
