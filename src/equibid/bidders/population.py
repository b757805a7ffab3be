"""Who drives whom: a market in which different bidders meet."""

from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Bidder, FactorBidder, Observation, State, by_factor
from equibid.bidders.fixed import Fixed
from equibid.bidders.sold import SoldTick, WatchesSold
from equibid.markets.market import Campaigns

T = TypeVar("T")


@partial(jax.tree_util.register_dataclass, data_fields=["bidders", "seat"], meta_fields=[])
@dataclass(frozen=True)
class Population:
    """An assignment of advertisers to bidders.

    Every bidder runs for all N advertisers, and each advertiser follows the one that has its seat.
    What happens on a seat is told to the bidder that has it, and to no other: they see zeros there.

    Attributes:
        bidders: fitted bidders.
        seat: for each advertiser the index of its bidder.
    """

    bidders: tuple[Bidder, ...]
    seat: Int[Array, "*S N"]

    @property
    def by_factor(self) -> bool:
        """Whether all bids are factors times values."""
        return all(isinstance(bidder, FactorBidder) for bidder in self.bidders)

    @property
    def needs_impressions(self) -> bool:
        """Whether a bidder wants to see every impression."""
        return any(bidder.needs_impressions for bidder in self.bidders)

    @property
    def needs_forecast(self) -> bool:
        """Whether a bidder wants to know what arrives."""
        return any(bidder.needs_forecast for bidder in self.bidders)

    def shown(self, index: int, observation: Observation) -> Observation:
        """What a bidder sees of an observation: its own seats."""
        if len(self.bidders) == 1:
            return observation
        mine = self.seat == index
        arriving, remaining = masked(mine, (observation.arriving, observation.remaining))
        return replace(observation, remaining=remaining, arriving=arriving, driven=mine)

    def told(self, index: int, feedback: Tally) -> Tally:
        """What a bidder is told of a tick: the sums of its own seats."""
        return feedback if len(self.bidders) == 1 else masked(self.seat == index, feedback)

    def init(self, campaigns: Campaigns) -> tuple[State, ...]:
        """The states of all bidders at the start of a period."""
        return tuple(bidder.init(campaigns) for bidder in self.bidders)

    def factor(
        self, states: tuple[State, ...], observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """Every advertiser's factor; only if `by_factor`."""
        factors = [
            bidder.factor(state, self.shown(index, observation), jax.random.fold_in(key, index))
            for index, (bidder, state) in enumerate(zip(self.bidders, states, strict=True))
            if isinstance(bidder, FactorBidder)
        ]
        return jnp.take_along_axis(jnp.stack(factors), self.seat[None], axis=0)[0]

    def bid(
        self,
        states: tuple[State, ...],
        observation: Observation,
        values: Float[Array, "B N"],
        key: jax.Array,
        first: Int[Array, ""],
    ) -> Float[Array, "B N"]:
        """Every advertiser's bids on a block, in the precision of the values.

        Args:
            states: of the bidders.
            observation: at the start of the tick, or at the impression.
            values: value units.
            key: of the tick; a factor is drawn once a tick, other bids anew in every block.
            first: number of the block's first impression.
        """
        if self.by_factor:
            return by_factor(self.factor(states, observation, key), values)
        chosen = jnp.full(values.shape, -jnp.inf, values.dtype)
        for index, (bidder, state) in enumerate(zip(self.bidders, states, strict=True)):
            own = jax.random.fold_in(key, index)
            if not isinstance(bidder, FactorBidder):
                own = jax.random.fold_in(own, first)
            bids = bidder.bid(state, self.shown(index, observation), values, own)
            chosen = jnp.where(self.seat == index, bids.astype(values.dtype), chosen)
        return chosen

    def held(
        self, states: tuple[State, ...], observation: Observation, key: jax.Array
    ) -> "Population":
        """The same bids in this tick, each factor found once and not in every block."""
        bidders = tuple(
            Fixed(
                bidder.factor(state, self.shown(index, observation), jax.random.fold_in(key, index))
            )
            if isinstance(bidder, FactorBidder)
            else bidder
            for index, (bidder, state) in enumerate(zip(self.bidders, states, strict=True))
        )
        return Population(bidders, self.seat)

    def watch(
        self,
        states: tuple[State, ...],
        values: Float[Array, "B N"],
        prices: Float[Array, "B N L"],
        present: Bool[Array, "B N"],
    ) -> tuple[State, ...]:
        """Show a sold block to the bidders that watch, each on its own seats."""
        alone = len(self.bidders) == 1
        return tuple(
            bidder.watch(
                state, values, prices, present if alone else present & (self.seat == index)
            )
            if bidder.needs_impressions
            else state
            for index, (bidder, state) in enumerate(zip(self.bidders, states, strict=True))
        )

    @property
    def watches_sold(self) -> bool:
        """Whether all that watch can be shown a tick at once."""
        return all(
            isinstance(bidder, WatchesSold) for bidder in self.bidders if bidder.needs_impressions
        )

    def watch_sold(self, states: tuple[State, ...], tick: SoldTick) -> tuple[State, ...]:
        """Show a sold tick to the bidders that watch, each on its own seats."""
        seat = np.asarray(self.seat)
        return tuple(
            bidder.watch_sold(state, (seat == index) | (len(self.bidders) == 1), tick)
            if bidder.needs_impressions and isinstance(bidder, WatchesSold)
            else state
            for index, (bidder, state) in enumerate(zip(self.bidders, states, strict=True))
        )

    def update(self, states: tuple[State, ...], feedback: Tally) -> tuple[State, ...]:
        """Close a tick for all bidders."""
        return tuple(
            bidder.update(state, self.told(index, feedback))
            for index, (bidder, state) in enumerate(zip(self.bidders, states, strict=True))
        )


def masked(mine: Bool[Array, " N"], x: T) -> T:
    """Zeros in place of the arrays' columns that are not mine."""
    return jax.tree.map(lambda x: jnp.where(mine, x, jnp.zeros_like(x)), x)


def everybody(bidder: Bidder, advertisers: int) -> Population:
    """One bidder for all."""
    return Population((bidder,), jnp.zeros(advertisers, jnp.int32))
