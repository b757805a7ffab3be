"""What an agent of an auction game sees: money, time, and the auctions it took part in, remembered.

All numbers are free of the market's units. A *reference bid* is the reference factor times the
mean value of the day before: the bid on an impression of mean value that is bid on as then.

| feature | what it is | range |
| --- | --- | --- |
| money left | b / B, b left of a budget B | 0 … 1 |
| auctions left | τ / T, the share of the period's impressions that is to come | 0 … 1 |
| need | log of b / (τ · price) over B / (T · reference bid) | -5 … 5 |
| hour sin, hour cos | of the time of the period, once around | -1 … 1 |
| market price, 1 … 24 | log of the mean market price over the reference bid | -5 … 5 |
| own bid, 1 … 24 | log of the mean own bid over the reference bid | -5 … 5 |
| win rate, 1 … 24 | slots won / impressions bid on | 0 … 1 |
| spend, 1 … 24 | log of spend per impression bid on over an even plan's | -5 … 5 |
| value won, 1 … 24 | value of ads shown / value bid on | 0 … 1 |
| arriving value | log of the mean value of what arrives over the reference mean value | -5 … 5 |
| arriving traffic | impressions of value that arrive over the reference's per tick | 0 … 4 |

The market price of `need` is that of the longest memory, the reference bid before there is one. A
memory of h ticks is a sum in which every tick ended counts e^(-1/h) times what it counted before,
h = 1, 6, 24: 1/48, 1/8 and half of a period of 48 ticks. A rate is a ratio of two such sums; until
an agent has bid all its rates are 0. ``auction`` sees all but the last two, ``auction-foresight``
also those: the one impression where a step is an impression, the sums of the tick where it is a
tick.

Source: state (b, τ, x, h) of the multi-agent framework of attention critics for real-time bidding;
the choice of features is ours. After Cai et al., "Real-time bidding by reinforcement learning in
display advertising", WSDM 2017, money and time are ratios, so that a policy carries over to periods
of other sizes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally, no_tally
from equibid.bidders.bidder import Observation, pytree
from equibid.envs.observers import OBSERVERS
from equibid.markets.market import Campaigns
from equibid.simulation.features import Reference, log_ratio, share

# Of the memories, ticks.
HORIZONS = (1, 6, 24)
RATES = ("market price", "own bid", "win rate", "spend", "value won")
# Impressions that arrive are told up to this many times the reference's.
MOST_TRAFFIC = 4.0


class Remembered(NamedTuple):
    """The memory.

    Attributes:
        budget: for the period, currency.
        sums: of the ticks that have ended, fading; every field [H, N], H horizons.
    """

    budget: Float[Array, " N"]
    sums: Tally


@pytree("foresight")
class Auctions:
    """The features of this module.

    Attributes:
        reference: the day before.
        foresight: whether what arrives is seen.
    """

    reference: Reference
    foresight: bool

    @property
    def names(self) -> tuple[str, ...]:
        """As in the table, rate by rate."""
        rates = tuple(f"{rate}, {horizon}" for rate in RATES for horizon in HORIZONS)
        arriving = ("arriving value", "arriving traffic") if self.foresight else ()
        return ("money left", "auctions left", "need", "hour sin", "hour cos", *rates, *arriving)

    @property
    def needs_forecast(self) -> bool:
        """Only with foresight."""
        return self.foresight

    def init(self, campaigns: Campaigns) -> Remembered:
        """Nothing has happened."""
        budget = jnp.asarray(campaigns.budget, jnp.float64)
        nothing = no_tally(budget.shape[0])
        return Remembered(budget, jax.tree.map(lambda x: jnp.stack([x] * len(HORIZONS)), nothing))

    def observe(self, memory: Remembered, observation: Observation) -> Float[Array, "N F"]:
        """Money and time now, rates of the ticks before."""
        now, sums, reference = observation, memory.sums, self.reference
        usual = reference.factor * reference.mean_value
        plan = memory.budget / (reference.offered * now.ticks)
        money_left = share(now.remaining, memory.budget)
        auctions_left = now.impressions_left / jnp.maximum(now.impressions, 1)
        angle = 2 * jnp.pi * now.tick / now.ticks
        bid = sums.offered > 0
        price = bid * log_ratio(share(sums.market_price, sums.offered), usual)
        rates = (
            price,
            bid * log_ratio(share(sums.bid, sums.offered), usual),
            share(sums.wins, sums.offered),
            bid * log_ratio(share(sums.spend, sums.offered), plan),
            share(sums.value, sums.value_offered),
        )
        alike = (money_left.shape[0],)
        seen = [
            money_left,
            jnp.broadcast_to(auctions_left, alike),
            jnp.clip(log_ratio(money_left, auctions_left) - price[-1], -5, 5),
            jnp.broadcast_to(jnp.sin(angle), alike),
            jnp.broadcast_to(jnp.cos(angle), alike),
            *(row for rate in rates for row in rate),
        ]
        if self.foresight:
            assert now.arriving is not None
            offered, value = now.arriving
            seen += [
                (offered > 0) * log_ratio(share(value, offered), reference.mean_value),
                jnp.minimum(share(offered, reference.offered), MOST_TRAFFIC),
            ]
        return jnp.stack(seen, axis=-1).astype(jnp.float32)

    def update(self, memory: Remembered, feedback: Tally) -> Remembered:
        """Let the ticks before fade, and add the one that has ended."""
        kept = np.exp(-1 / np.asarray(HORIZONS))[:, None]
        return memory._replace(
            sums=jax.tree.map(lambda old, new: kept * old + new, memory.sums, feedback)
        )


@OBSERVERS.add("auction", "Money, time, and five rates of the auctions over three horizons: 20.")
def auction(campaigns: Campaigns, reference: Reference) -> Auctions:
    """Needs the day before."""
    return Auctions(reference, foresight=False)


@OBSERVERS.add("auction-foresight", "As auction, and the value that arrives: 22 features.")
def auction_foresight(campaigns: Campaigns, reference: Reference) -> Auctions:
    """Needs the day before."""
    return Auctions(reference, foresight=True)
