"""Online LP: the threshold of the best purchase plan, solved anew as prices come in.

What should have been bought of a set of impressions is a linear program,

    maximise Σ v_k x_k   subject to   Σ p_k x_k <= budget,   0 <= x_k <= 1,

whose solution buys wherever ``v_k / p_k`` exceeds the dual price λ of the budget: a bid of
``v / λ``. Dynamic price learning solves it on the impressions seen so far with the budget's share
of them, and bids by that λ until the next solution. Here the training log is a first sample, each
day's impressions join it, and at every tick the money left is spread over the impressions left.

The set is kept as a histogram: of the cost of an average impression by the factor ``p / v`` from
which on it is bought. Its cumulative sum is the cost of any bidding factor, so the program is
solved to the width of a bin by looking up the budget. Where winners pay their own bid, a factor f
that buys the value V(f) costs ``f · V(f)``: there the histogram is one of value.

Source: Agrawal, Wang and Ye, "A dynamic near-optimal algorithm for online linear programming",
Operations Research 2014. Departures: the prior sample, and money left instead of a share of the
budget at each solution.
"""

from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.replay import needed_factors, slot_steps
from equibid.bidders.sold import SoldTick
from equibid.bidders.training import TrainingLog
from equibid.compiled import compiled, read_only
from equibid.markets.market import Campaigns
from equibid.settings import Within

BINS = 512
# The bins reach this far beyond the factors of the training log, on either side.
MARGIN = 10.0


@pytree("exposure", "prior_share", "own_bid")
class OnlineLp(FactorBidder):
    """Dynamic price learning.

    Attributes:
        low: logarithm of the lowest factor of the histogram, currency per value unit.
        width: width of a bin in the logarithm of the factor.
        prior: training log, cost of an average impression by bin, currency; its value, in value
            units, where winners pay their own bid.
        exposure: probability that each slot is shown.
        prior_share: the training log counts like this share of the period's impressions.
        own_bid: whether winners pay their own bid.
    """

    needs_impressions: ClassVar[bool] = True

    low: Float[Array, " N"]
    width: Float[Array, " N"]
    prior: Float[Array, "N H"]
    exposure: tuple[float, ...]
    prior_share: float = 0.25
    own_bid: bool = False

    def init(self, campaigns: Campaigns) -> Float[Array, "N H"]:
        """The histogram of today's impressions: nothing yet."""
        return jnp.zeros_like(self.prior)

    def factor(
        self, state: Float[Array, "N H"], observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """``1 / λ`` of the money left and the impressions left."""
        weight = jnp.maximum(self.prior_share * observation.impressions, 1.0)
        bought = (weight * self.prior + state) / (weight + observation.impression)
        total = bought.cumsum(axis=1)
        if self.own_bid:
            edge = self.low[:, None] + self.width[:, None] * jnp.arange(1, BINS + 1)
            # Once all is bought, a higher bid only pays more.
            all_bought = (total >= total[:, -1:]).argmax(axis=1)[:, None]
            total = total * jnp.exp(edge)
            total = jnp.minimum(total, jnp.take_along_axis(total, all_bought, axis=1))
        affordable = observation.remaining / observation.impressions_left
        return jnp.exp(self.low + self.width * bins_within(total, affordable))

    def watch(
        self,
        state: Float[Array, "N H"],
        values: Float[Array, "B N"],
        prices: Float[Array, "B N L"],
        present: Bool[Array, "B N"],
    ) -> Float[Array, "N H"]:
        """Add a block to the day's histogram."""
        seen = jnp.where(present, values, 0)
        steps = bought_in_steps(seen, prices, self.exposure, self.own_bid)
        return state + by_bin(self.low, self.width, *steps, self.prior.shape[1])

    def watch_sold(
        self, state: Float[Array, "N H"], mine: Bool[np.ndarray, " N"], tick: SoldTick
    ) -> Float[Array, "N H"]:
        """The same for a tick that the kernel sold, on the seats that are its own."""
        histogram = np.array(state)
        count_sold(
            *tick,
            mine,
            read_only(self.low),
            read_only(self.width),
            read_only(self.exposure),
            self.own_bid,
            histogram,
        )
        return jnp.asarray(histogram)


@compiled
def count_sold(values, ids, top, placed, mine, low, width, exposure, own_bid, histogram):
    """Add `bought_in_steps` of the rows of a `SoldTick` to a histogram [N, H]."""
    bins, slots = histogram.shape[1], len(exposure)
    for k in range(len(values)):
        for c in range(values.shape[1]):
            i = ids[k, c] if ids.size > 0 else c
            if i < 0 or not mine[i] or not values[k, c] > 0:
                continue
            value, place = np.float64(values[k, c]), slots + 1
            for s in range(slots):
                if placed[k, s] == i:
                    place = s
            below = 0.0
            for s in range(slots - 1, -1, -1):
                price = top[k, s + 1] if place <= s else top[k, s]
                paid = exposure[s] * (value if own_bid else price)
                at = np.floor((np.log(price / value) - low[i]) / width[i])
                if at < bins:
                    histogram[i, np.int64(at) if at > 0 else 0] += paid - below
                below = paid


def bought_in_steps(
    values: Float[Array, "B N"],
    prices: Float[Array, "B #N L"],
    exposure: tuple[float, ...],
    own_bid: bool,
) -> tuple[Float[Array, "B N L"], Float[Array, "B #N L"]]:
    """The factors at which an advertiser climbs from slot to slot, and what each step adds.

    That is its cost; or its value, where winners pay their own bid.
    """
    factor = needed_factors(values, prices)
    if not own_bid:
        return factor, slot_steps(prices, exposure)
    return factor, values[..., None] * slot_steps(jnp.ones_like(prices[:1]), exposure)


def by_bin(
    low: Float[Array, " N"],
    width: Float[Array, " N"],
    factor: Float[Array, "B N L"],
    amount: Float[Array, "B #N L"],
    bins: int = BINS,
) -> Float[Array, "N H"]:
    """Sum amounts of slots by the bin of the factor that reaches them.

    What is cheaper than the lowest bin counts there; what is dearer than the highest is left out.
    """
    place = jnp.floor((jnp.log(factor) - low[:, None]) / width[:, None])
    counted = place < bins
    column = jnp.clip(place, 0, bins - 1).astype(jnp.int32)
    row = jnp.broadcast_to(jnp.arange(len(low))[:, None], column.shape)
    return jnp.zeros((len(low), bins)).at[row, column].add(jnp.where(counted, amount, 0))


def bins_within(total: Float[Array, "N H"], affordable: Float[Array, " N"]) -> Float[Array, " N"]:
    """How many bins, counted from the lowest and with a fraction, cost what is affordable.

    Where everything is affordable, no more bins than it takes to buy it.

    Args:
        total: cost of all bins up to each, ascending, currency.
        affordable: currency.
    """
    target = jnp.minimum(affordable, total[:, -1])[:, None]
    last = (total >= target).argmax(axis=1)[:, None]
    here, before = (
        jnp.take_along_axis(x, last, axis=1)
        for x in (total, jnp.pad(total[:, :-1], ((0, 0), (1, 0))))
    )
    within = here - before
    fraction = jnp.where(within > 0, (target - before) / jnp.where(within > 0, within, 1), 0)
    return (last + jnp.clip(fraction, 0, 1))[:, 0]


@BIDDERS.add("online-lp", "Dynamic price learning: the threshold factor, solved anew every tick.")
def fit(
    log: TrainingLog,
    bins: Annotated[int, Within(least=2, most=65_536)] = BINS,
    margin: Annotated[float, Within(least=1)] = MARGIN,
    prior_share: Annotated[float, Within(least=0)] = 0.25,
) -> OnlineLp:
    """Lay bins around the factors of the training log, and count its costs into them.

    Args:
        log: to tune on.
        bins: of the histogram; the threshold is found to the width of one.
        margin: the bins reach this multiple beyond the factors of the log, up and down.
        prior_share: the log counts like this share of the period's impressions.
    """
    own = log.rule.own_bid
    factor, amount = bought_in_steps(log.values, log.prices, log.exposure, own)
    bought = jnp.where(jnp.isfinite(factor) & (factor > 0), factor, jnp.nan)
    least, most = (
        jnp.where(jnp.isnan(x), 1.0, x)
        for x in (jnp.nanmin(bought, (0, 2)), jnp.nanmax(bought, (0, 2)))
    )
    low = jnp.log(least / margin)
    width = (jnp.log(most * margin) - low) / bins
    prior = by_bin(low, width, factor, amount, bins) / len(log.values)
    return OnlineLp(low, width, prior, log.exposure, prior_share, own)
