"""What a trained bidder sees of an advertiser at the start of a tick.

All numbers are free of the market's units: shares, or logarithms of ratios to the advertiser's own
plan or to its day before (`Reference`). Row t knows the ticks before t, as a bidder does.

| feature | what it is | range |
| --- | --- | --- |
| time left | ticks left / T | 0 … 1 |
| money left | remaining / budget | 0 … 1 |
| pace | log of money left over time left | -5 … 5 |
| spend rate | log of spend over an even plan's, in the last tick | -5 … 5 |
| spend so far | log of spend over an even plan's, in all ticks before | -5 … 5 |
| traffic | log of impressions bid on over the day before's per tick | -5 … 5 |
| mean value | log of value per impression bid on over the day before's | -5 … 5 |
| win rate | slots won / impressions bid on | 0 … 1 |
| shown | ads shown / slots won | 0 … 1 |
| value won | value of ads shown / value bid on | 0 … 1 |
| conversion rate | conversions / value of ads shown | 0 … 4 |
| last factor | log of bid per value over the reference factor | -5 … 5 |
| price paid | log of cost per ad shown over mean bid | -5 … 5 |
| market price | log of mean market price over mean bid | -5 … 5 |
| bid | 1 if the advertiser bid in the last tick, else 0 and so are all rates | 0, 1 |

The seven of the paper (counts, rates, value won) are joined by money, time, prices and the last
factor. Percentiles of values are not seen: the simulation tells sums. Source: Nash-equilibrium
constrained bidding at scale (arXiv 2503.10304), the practical predictor.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.auctions.tally import Tally
from equibid.simulation.delivery import Delivery
from equibid.simulation.segments import SpendingPlan

NAMES = (
    "time left",
    "money left",
    "pace",
    "spend rate",
    "spend so far",
    "traffic",
    "mean value",
    "win rate",
    "shown",
    "value won",
    "conversion rate",
    "last factor",
    "price paid",
    "market price",
    "bid",
)
# Logarithms are kept within this, up or down.
WIDEST = 5.0


class Reference(NamedTuple):
    """What an advertiser knows of the day before.

    Attributes:
        factor: the factor that was best for the whole of it, above 0, currency per value unit.
        offered: impressions of value to the advertiser, per tick.
        mean_value: their mean value, value units.
        plan: how the budget is best split over the segments of a period, where that is asked for.
    """

    factor: Float[Array, " N"]
    offered: Float[Array, " N"]
    mean_value: Float[Array, " N"]
    plan: SpendingPlan | None = None


def features(
    reference: Reference,
    budget: Float[Array, " N"],
    remaining: Float[Array, " N"],
    tick: Int[Array, ""],
    ticks: Int[Array, ""] | int,
    last: Tally,
) -> Float[Array, "N F"]:
    """What is seen at the start of a tick, columns as in `NAMES`, float32.

    Args:
        reference: the day before.
        budget: for the period, currency.
        remaining: money left, currency.
        tick: t, from 0.
        ticks: T.
        last: sums of tick t - 1; zeros at tick 0.
    """
    time_left = 1 - tick / ticks
    money_left = share(remaining, budget)
    begun = tick > 0
    bid = last.offered > 0
    cost, level = share(last.spend, last.exposures), share(last.bid, last.offered)
    price = share(last.market_price, last.offered)
    mean_value = share(last.value_offered, last.offered)
    seen = {
        "time left": jnp.broadcast_to(time_left, budget.shape),
        "money left": money_left,
        "pace": log_ratio(money_left, time_left),
        "spend rate": bid * log_ratio(last.spend * ticks, budget),
        "spend so far": begun * log_ratio(1 - money_left, 1 - time_left),
        "traffic": bid * log_ratio(last.offered, reference.offered),
        "mean value": bid * log_ratio(mean_value, reference.mean_value),
        "win rate": share(last.wins, last.offered),
        "shown": share(last.exposures, last.wins),
        "value won": share(last.value, last.value_offered),
        "conversion rate": jnp.minimum(share(last.conversions, last.value), 4),
        "last factor": bid * log_ratio(share(last.bid, last.value_offered), reference.factor),
        "price paid": (last.exposures > 0) * log_ratio(cost, level),
        "market price": bid * log_ratio(price, level),
        "bid": bid,
    }
    return jnp.stack([seen[name] for name in NAMES], axis=-1).astype(jnp.float32)


def features_of(
    reference: Reference, budget: Float[Array, " N"], delivery: Delivery
) -> Float[Array, "T N F"]:
    """What was seen through a period that is over.

    Args:
        reference: the day before.
        budget: for the period, currency.
        delivery: one period (no axis S).
    """
    T = delivery.remaining.shape[0]

    def before(x: Array, first: Array) -> Array:
        return jnp.concatenate([first[None], x[:-1]])

    remaining = before(delivery.remaining, budget)
    last = jax.tree.map(lambda x: before(x, jnp.zeros_like(x[0])), delivery.tally)

    def row(tick: Array, remaining: Array, last: Tally) -> Array:
        return features(reference, budget, remaining, tick, T, last)

    return jax.vmap(row)(jnp.arange(T), remaining, last)


def share(part: Array, of: Array) -> Array:
    """Part over whole, 0 where there is no whole."""
    return jnp.where(of > 0, part / jnp.where(of > 0, of, 1), 0)


def log_ratio(x: Array, to: Array) -> Array:
    """Log of a ratio within `WIDEST`; 0 where the second is nothing."""
    ratio = x / jnp.where(to > 0, to, 1)
    floor = jnp.exp(-WIDEST)
    return jnp.where(to > 0, jnp.minimum(jnp.log(jnp.maximum(ratio, floor)), WIDEST), 0)
