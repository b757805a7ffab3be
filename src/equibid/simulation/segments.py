"""Coarse to fine: a long period's budget, split over its segments by what money buys in each.

The coarse layer knows each segment's response curve V_m(β), the value that spending β buys (see
`response_curves`), and solves

    max Σ_m V_m(β_m)   with   Σ_m β_m = B

by equal marginal value: one multiplier λ an advertiser, found by bisection, with V_m' = λ wherever
money goes. It is solved anew at the start of each segment with the money that is left. The fine
layer is any bidder that takes β_m for its budget and the segment for its period.

Source: after the idea of Cai et al., "Real-time bidding by reinforcement learning in display
advertising", WSDM 2017, who carry a value function from few auctions to many.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.simulation.response_curves import Curves

# Of halvings of the multiplier's interval; beyond, doubles differ no more.
BISECTIONS = 64
# Money left over what was planned to be left, where plans are made anew beforehand.
DEVIATIONS = np.geomspace(1 / 8, 8, 13)


class SpendingPlan(NamedTuple):
    """`reallocate`, worked out beforehand for whoever has more or less left than planned.

    Attributes:
        start: of each segment, share of the period's impressions; the last is the end, 1.
        left: share of the budget that the plan leaves at `start`.
        spend: share of what is left to spend in a segment, at its start, for each of `DEVIATIONS`.
    """

    start: Float[Array, " M+1"]
    left: Float[Array, "M+1 N"]
    spend: Float[Array, "M R N"]


def allocate(curves: Curves, budget: Float[Array, " N"]) -> Float[Array, "M N"]:
    """Split budgets over the segments so that marginal values are equal.

    Args:
        curves: of the period.
        budget: currency.

    Returns:
        β, currency; sums to the budget. Money that buys nothing anywhere is spread like the money
        that could be spent, and evenly over impressions where there is nothing to buy at all.
    """
    return reallocate(curves, budget, 0)


@jax.jit
def reallocate(
    curves: Curves, remaining: Float[Array, " N"], segment: int | Int[Array, ""]
) -> Float[Array, "M N"]:
    """`allocate` what is left to the segments from `segment` on, 0 to those that are over.

    Args:
        curves: of the period.
        remaining: currency.
        segment: the first that is still to come; may be traced.
    """
    coming = jnp.arange(len(curves.size)) >= segment
    width = jnp.where(coming[:, None, None], jnp.diff(curves.spend, axis=1), 0.0)
    slope = curves.marginal
    money = jnp.asarray(remaining, jnp.float64)

    def taken(least: Float[Array, " N"]) -> Float[Array, "M N"]:
        """Money that buys at a marginal value above `least`."""
        return jnp.where(slope > least, width, 0.0).sum(axis=1)

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        # The geometric mean, as marginal values may lie many powers of ten apart.
        middle = jnp.sqrt(low) * jnp.sqrt(high)
        fits = taken(middle).sum(axis=0) <= money
        return jnp.where(fits, low, middle), jnp.where(fits, middle, high)

    highest = slope.max(axis=(0, 1))
    lowest = jnp.where(slope > 0, slope, jnp.inf).min(axis=(0, 1))
    # Above half the lowest lies all that buys anything, above the highest nothing.
    start = (jnp.where(jnp.isfinite(lowest), lowest, 0.0) * 0.5, highest)
    low, high = jax.lax.fori_loop(0, BISECTIONS, halve, start)
    sure, most = taken(high), taken(low)
    between = most - sure
    gap = between.sum(axis=0)
    part = jnp.clip((money - sure.sum(axis=0)) / jnp.where(gap > 0, gap, 1), 0.0, 1.0)
    plan = sure + part * between
    # What is left over where all that can be spent fits, and the rounding elsewhere.
    rest = money - plan.sum(axis=0)
    share = jnp.where(coming, curves.size, 0.0)[:, None]
    share = jnp.where(plan.sum(axis=0) > 0, plan, share)
    return plan + rest * share / jnp.maximum(share.sum(axis=0), 1e-300)


def proportional(
    size: Float[Array, " M"], remaining: Float[Array, " N"], segment: int | Int[Array, ""]
) -> Float[Array, "M N"]:
    """Split what is left in proportion to impressions: ``β_m = B · n_m / Σ n`` of those to come.

    Args:
        size: impressions of each segment.
        remaining: currency.
        segment: the first that is still to come; may be traced.
    """
    share = jnp.where(jnp.arange(len(size)) >= segment, size, 0.0)
    return share[:, None] / jnp.maximum(share.sum(), 1e-300) * remaining


def spending_plan(curves: Curves, budget: Float[Array, " N"]) -> SpendingPlan:
    """Plan a period, and what to do at every segment's start when the plan was not kept.

    Args:
        curves: of the period.
        budget: currency; who has none plans in proportion to impressions.
    """
    budget = jnp.asarray(budget, jnp.float64)
    M = len(curves.size)
    spent = allocate(curves, budget)
    left = budget - jnp.concatenate([jnp.zeros_like(spent[:1]), jnp.cumsum(spent, axis=0)])
    left = jnp.maximum(left, 0)

    def anew(segment: Int[Array, ""], deviation: Float[Array, ""]) -> Float[Array, " N"]:
        # Where the plan leaves nothing, a thousandth of the budget stands for it.
        money = deviation * jnp.maximum(left[segment], 1e-3 * budget)
        share = reallocate(curves, money, segment)[segment]
        return share / jnp.where(money > 0, money, 1)

    of_segment = jax.vmap(anew, in_axes=(None, 0))
    spend = jax.lax.map(lambda m: of_segment(m, jnp.asarray(DEVIATIONS)), jnp.arange(M))
    ends = jnp.cumsum(curves.size) / curves.size.sum()
    start = jnp.concatenate([jnp.zeros(1), ends])
    return SpendingPlan(start, left / jnp.where(budget > 0, budget, 1), spend)
