"""DCMAB's bids: a base bid, raised or cut by an action times how good the impression is.

    bid = base · (1 + α),   base = start · v,   bratio = v / v̄

with v̄ the advertiser's mean value on the log, and for an action a in [-1, 1]

    paper      α = clip(a · bratio, ± range)
    monotone   α = clip(a · bratio, ± range) where a > 0, clip(a / bratio, ± range) where a < 0
    none       α = clip(a, ± range), a factor bid

As published, a < 0 cuts the bid on a good impression more than on a poor one, and ``monotone`` does
not. Source: Jin et al. (DCMAB), CIKM 2018, section 3; there v is the conversion rate and the base a
merchant's manual bid.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Bidder, FactorBidder, Observation, pytree
from equibid.learning.algorithms.dcmab.cluster_stats import Books, Pages
from equibid.learning.algorithms.dcmab.config import Ratio
from equibid.learning.algorithms.dcmab.networks import Actors
from equibid.markets.market import Campaigns


class Tilt(NamedTuple):
    """What bids of a tick are made of.

    Attributes:
        action: a of each advertiser's cluster.
        start: factor of the day before, currency per value unit.
        mean_value: v̄, value units.
    """

    action: Float[Array, " N"]
    start: Float[Array, " N"]
    mean_value: Float[Array, " N"]


def tilt(
    action: Float[Array, "... N"], bratio: Float[Array, "... N"], ratio: Ratio, largest: float
) -> Float[Array, "... N"]:
    """α of each impression.

    Args:
        action: a.
        bratio: value over mean value, above 0.
        ratio: which of the three rules.
        largest: bound of |α|.
    """
    if ratio == "none":
        return jnp.clip(jnp.broadcast_to(action, bratio.shape), -largest, largest)
    if ratio == "monotone":
        bratio = jnp.where(action < 0, 1 / bratio, bratio)
    return jnp.clip(action * bratio, -largest, largest)


def tilted_bids(
    tilted: Tilt, values: Float[Array, "B N"], ratio: Ratio, largest: float
) -> Float[Array, "B N"]:
    """Bids in the precision of the values; no bid where the value is zero."""
    action, start, mean = (x.astype(values.dtype) for x in tilted)
    bratio = jnp.where(values > 0, values, 1) / jnp.where(mean > 0, mean, 1)
    bids = start * values * (1 + tilt(action, bratio, ratio, largest))
    return jnp.where(values > 0, bids, ABSENT)


def tilted_factor(
    action: Float[Array, "... N"], start: Float[Array, " N"], largest: float
) -> Float[Array, "... N"]:
    """``start · (1 + clip(a, ± range))``, currency per value unit: what ratio=none bids."""
    return start * (1 + jnp.clip(action, -largest, largest))


@pytree("ratio", "largest")
class TiltedSeat(Bidder):
    """The agents' own seat in the game: its state is a `Tilt`."""

    ratio: Ratio
    largest: float

    def bid(
        self, state: Tilt, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """As the state says."""
        return tilted_bids(state, values, self.ratio, self.largest)


@pytree("ratio", "largest")
class Coordinated(Bidder):
    """Reads the books once an interval, asks the actors, and tilts the base bids.

    The books are of the advertisers it drives, as they were in training.

    Attributes:
        actors: of the clusters.
        history: revenue and cost of each group of ticks on past days.
        books: that all share.
        start: factor of the day before, currency per value unit.
        mean_value: v̄, value units.
        ratio: rule of the bids.
        largest: bound of |α|.
    """

    actors: Actors
    history: Float[Array, "J 2"]
    books: Books
    start: Float[Array, " N"]
    mean_value: Float[Array, " N"]
    ratio: Ratio
    largest: float

    def init(self, campaigns: Campaigns) -> Pages:
        """An empty book."""
        return self.books.init(campaigns)

    def update(self, state: Pages, feedback: Tally) -> Pages:
        """Book the tick."""
        return self.books.update(state, feedback)

    def action(self, state: Pages, observation: Observation) -> Float[Array, " N"]:
        """Of each advertiser now; it changes where a page turns."""
        T = self.books.group.shape[0]
        group = self.books.group_of(observation.tick * T // observation.ticks)
        action = self.actors(self.books.read(state, observation.driven), self.history)
        return action[self.books.cluster, group].astype(jnp.float64)

    def bid(
        self, state: Pages, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """The tilted base bids."""
        now = Tilt(self.action(state, observation), self.start, self.mean_value)
        return tilted_bids(now, values, self.ratio, self.largest)


@pytree("ratio", "largest")
class CoordinatedFactors(Coordinated, FactorBidder):
    """The same where ``ratio`` is none: bids are factors times values."""

    def factor(self, state: Pages, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """``start · (1 + a)``."""
        return tilted_factor(self.action(state, observation), self.start, self.largest)

    def bid(
        self, state: Pages, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """Factor times value."""
        return FactorBidder.bid(self, state, observation, values, key)
