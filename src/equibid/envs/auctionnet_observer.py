"""The sixteen numbers that AuctionNet's published trajectories call the state, in their order.

A *mean* is of a tick's impressions; means of several ticks are means of the ticks' means, each tick
alike whatever its traffic. *All* ticks are those before this one, *last three* at most three of
them. The impressions of the tick that is to come are known beforehand, as AuctionNet shows them.

| feature | what it is | range |
| --- | --- | --- |
| time left | ticks left / T, this one included | 0 … 1 |
| budget left | remaining / budget | 0 … 1 |
| bid, all | mean bid, currency per exposure | 0 … |
| bid, last three | same | 0 … |
| market price, all | mean least winning cost, currency per exposure | 0 … |
| value, all | mean value, value units | 0 … |
| conversions, all | conversions per impression | 0 … |
| won, all | slots won per impression | 0 … 1 |
| market price, last three | as above | 0 … |
| value, last three | as above | 0 … |
| conversions, last three | as above | 0 … |
| won, last three | as above | 0 … 1 |
| value, now | mean value of the impressions to come, value units | 0 … |
| impressions, now | how many are to come | 0 … |
| impressions, last three | how many came | 0 … |
| impressions, all | how many came | 0 … |

What has no ticks behind it is 0. Impressions are those of value to the advertiser, and a tick in
which it bid on none counts in no mean; in AuctionNet all impressions are of value to everybody.
Counts reach 10⁵ while values lie near 10⁻³: a network wants ``auctionnet-scaled``, where prices,
values and counts are over those of the day before (a bid over the one that spent the budget then).

Source: Su et al., "AuctionNet", NeurIPS 2024 Datasets and Benchmarks, and its trajectory data.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Observation, pytree
from equibid.envs.observers import OBSERVERS
from equibid.errors import InputError
from equibid.markets.market import Campaigns
from equibid.simulation.features import Reference, share

NAMES = (
    "time left",
    "budget left",
    "bid, all",
    "bid, last three",
    "market price, all",
    "value, all",
    "conversions, all",
    "won, all",
    "market price, last three",
    "value, last three",
    "conversions, last three",
    "won, last three",
    "value, now",
    "impressions, now",
    "impressions, last three",
    "impressions, all",
)


class History(NamedTuple):
    """What is kept of the ticks that have ended.

    The six numbers of a tick are the means of bid, market price, value, conversions and wins, its
    impressions, and 1 where there were any.

    Attributes:
        budget: for the period, currency.
        total: summed over all ticks.
        recent: of the last three ticks, the newest last.
    """

    budget: Float[Array, " N"]
    total: Float[Array, "7 N"]
    recent: Float[Array, "3 7 N"]


def tick_row(feedback: Tally) -> Float[Array, "7 N"]:
    """The numbers of a tick, as `History` keeps them."""
    sums = (
        feedback.bid,
        feedback.market_price,
        feedback.value_offered,
        feedback.conversions,
        feedback.wins,
    )
    offered = feedback.offered
    means = [share(x, offered) for x in sums]
    return jnp.stack([*means, offered, (offered > 0).astype(offered.dtype)])


@pytree()
class AuctionNet:
    """The published state.

    Attributes:
        reference: the day before, by which features are divided; None for the published numbers.
    """

    reference: Reference | None

    @property
    def names(self) -> tuple[str, ...]:
        """As in the table."""
        return NAMES

    @property
    def needs_forecast(self) -> bool:
        """It knows the impressions to come."""
        return True

    def init(self, campaigns: Campaigns) -> History:
        """Nothing has happened."""
        budget = jnp.asarray(campaigns.budget, jnp.float64)
        N = budget.shape[0]
        return History(budget, jnp.zeros((7, N)), jnp.zeros((3, 7, N)))

    def observe(self, memory: History, observation: Observation) -> Float[Array, "N F"]:
        """The sixteen numbers.

        Raises:
            InputError: the observation does not tell what is to come.
        """
        arriving = observation.arriving
        if arriving is None:
            raise InputError(
                "observer auctionnet: it needs the impressions to come, which a log does not show; "
                "name another observer, or play a market"
            )
        bid, price, value, conversions, won = share(memory.total[:5], memory.total[6])
        three = memory.recent.sum(axis=0)
        bid_3, price_3, value_3, conversions_3, won_3 = share(three[:5], three[6])
        budget_left = share(observation.remaining, memory.budget)
        seen = (
            jnp.broadcast_to(observation.time_left, budget_left.shape),
            budget_left,
            bid,
            bid_3,
            price,
            value,
            conversions,
            won,
            price_3,
            value_3,
            conversions_3,
            won_3,
            share(arriving.value, arriving.offered),
            arriving.offered,
            three[5],
            memory.total[5],
        )
        numbers = jnp.stack(seen, axis=-1)
        if self.reference is not None:
            numbers = numbers / units(self.reference, observation.ticks)
        return numbers.astype(jnp.float32)

    def update(self, memory: History, feedback: Tally) -> History:
        """Add the tick."""
        row = tick_row(feedback)
        recent = jnp.concatenate([memory.recent[1:], row[None]])
        return memory._replace(total=memory.total + row, recent=recent)


def units(reference: Reference, ticks: Int[Array, ""]) -> Float[Array, "N 16"]:
    """What each feature was the day before, or 1 where it is a share or was nothing."""
    value, offered = reference.mean_value, reference.offered
    one, price = jnp.ones_like(offered), reference.factor * value
    means = (price, price, price, value, value, one, price, value, value, one, value)
    unit = jnp.stack([one, one, *means, offered, 3 * offered, ticks * offered], axis=-1)
    return jnp.where(unit > 0, unit, 1.0)


@OBSERVERS.add("auctionnet", "AuctionNet's published state: 16 features, in the market's units.")
def auctionnet(campaigns: Campaigns, reference: Reference) -> AuctionNet:
    """As published."""
    return AuctionNet(None)


@OBSERVERS.add("auctionnet-scaled", "AuctionNet's state over the day before, without units.")
def auctionnet_scaled(campaigns: Campaigns, reference: Reference) -> AuctionNet:
    """The same numbers, for a network."""
    return AuctionNet(reference)
