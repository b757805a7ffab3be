"""The contract of a bidder.

A bidder is fitted once, on a training log, and gives a frozen pytree that drives all N advertisers
of a market at once. During a delivery period it is pure: a state goes in and out.

    state = bidder.init(campaigns)
    for every tick:
        bids = bidder.bid(state, observation, values, key)     # as often as impressions arrive
        state = bidder.watch(state, values, prices, present)   # only if `needs_impressions`
        state = bidder.update(state, feedback)                 # once, at the tick's end

The simulation runs exactly these functions, and so does anything that serves them.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar, NamedTuple, TypeVar, cast, dataclass_transform

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.clearing import ABSENT
from equibid.auctions.tally import Tally
from equibid.markets.market import Campaigns

State = Any
T = TypeVar("T")


class Arriving(NamedTuple):
    """The impressions that are to be bid on now, for who may see them beforehand.

    Attributes:
        offered: how many are of value to each advertiser.
        value: their summed value, value units.
    """

    offered: Float[Array, "*T N"]
    value: Float[Array, "*T N"]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=[
        *("tick", "ticks", "impression", "impressions", "remaining", "arriving"),
        *("present", "driven"),
    ],
    meta_fields=[],
)
@dataclass(frozen=True)
class Observation:
    """What a bidder sees before it bids.

    Attributes:
        tick: the tick now, from 0.
        ticks: T, the number of ticks of the period.
        impression: impressions that have arrived before this block or impression.
        impressions: impressions the period is expected to have.
        remaining: money each advertiser has left, currency.
        arriving: the tick's impressions, or the one impression; None unless a bidder
            `needs_forecast`.
        present: advertisers that are still in the market; None for all.
        driven: advertisers whose seats are the bidder's own; None for all. Of the others it is told
            nothing: no money, no arrivals, and later no sums of the tick.
    """

    tick: Int[Array, ""]
    ticks: Int[Array, ""]
    impression: Int[Array, ""]
    impressions: Int[Array, ""]
    remaining: Float[Array, " N"]
    arriving: Arriving | None = None
    present: Bool[Array, " N"] | None = None
    driven: Bool[Array, " N"] | None = None

    @property
    def acting(self) -> Bool[Array, " N"]:
        """Advertisers whose next bid is the bidder's."""
        everybody = jnp.ones(self.remaining.shape, bool)
        present, driven = (everybody if x is None else x for x in (self.present, self.driven))
        return present & driven

    @property
    def time_left(self) -> Float[Array, ""]:
        """Share of the period's ticks that is left, this one included."""
        return 1.0 - self.tick / self.ticks

    @property
    def impressions_left(self) -> Int[Array, ""]:
        """Impressions expected from here on, at least 1."""
        return jnp.maximum(self.impressions - self.impression, 1)


@dataclass(frozen=True)
class Bidder:
    """Base of all bidders: keeps no state, learns nothing during the period.

    Class attributes:
        needs_impressions: `watch` is wanted, with every impression the market shows.
        reference: not a contender: it knows what no bidder can know, and marks a bound.
    """

    needs_impressions: ClassVar[bool] = False
    reference: ClassVar[bool] = False

    @property
    def needs_forecast(self) -> bool:
        """Whether its factor depends on what arrives, so that it wants `Observation.arriving`.

        Where bidders are asked at every impression that is the one impression, else the sums of
        the whole tick, as AuctionNet shows them; a bidder in the wild does not know those.
        """
        return False

    def init(self, campaigns: Campaigns) -> State:
        """The state at the start of a period."""
        return ()

    def bid(
        self,
        state: State,
        observation: Observation,
        values: Float[Array, "B N"],
        key: jax.Array,
    ) -> Float[Array, "B N"]:
        """Bids on a block of impressions, currency per exposure."""
        raise TypeError(f"{type(self).__name__} does not bid")

    def watch(
        self,
        state: State,
        values: Float[Array, "B N"],
        prices: Float[Array, "B N L"],
        present: Bool[Array, "B N"],
    ) -> State:
        """See a block of impressions after it was sold.

        Args:
            state: before.
            values: value units.
            prices: what each slot would have cost, currency per exposure.
            present: False on padding and where an advertiser was not eligible.
        """
        return state

    def update(self, state: State, feedback: Tally) -> State:
        """See the tick's sums at its end."""
        return state


@dataclass(frozen=True)
class FactorBidder(Bidder):
    """A bidder that bids a factor times the value, one factor an advertiser and tick."""

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """Currency per value unit; ``-inf`` sits the tick out."""
        raise TypeError(f"{type(self).__name__} has no factor")

    def bid(
        self,
        state: State,
        observation: Observation,
        values: Float[Array, "B N"],
        key: jax.Array,
    ) -> Float[Array, "B N"]:
        """Factor times value."""
        return by_factor(self.factor(state, observation, key), values)


def by_factor(factor: Float[Array, "... N"], values: Float[Array, "B N"]) -> Float[Array, "B N"]:
    """Factor bids in the precision of the values; no bid where the value is zero."""
    bids = factor.astype(values.dtype) * values
    return jnp.where((values > 0) & (factor > ABSENT), bids, ABSENT)


@dataclass_transform(frozen_default=True)
def pytree(*settings: str) -> Callable[[type[T]], type[T]]:
    """Class decorator: a frozen dataclass whose fields are arrays, but for the named settings."""

    def register(cls: type[T]) -> type[T]:
        cls = dataclass(frozen=True)(cls)
        names = [field.name for field in fields(cast(Any, cls))]
        arrays = [name for name in names if name not in settings]

        def flatten(x: T) -> tuple[list[Any], tuple[Any, ...]]:
            return [getattr(x, name) for name in arrays], (
                cls,
                *(getattr(x, name) for name in settings),
            )

        def unflatten(known: tuple[Any, ...], leaves: Any) -> T:
            x = object.__new__(cls)
            for name, value in zip((*arrays, *settings), (*leaves, *known[1:]), strict=True):
                object.__setattr__(x, name, value)
            return x

        # Not `register_dataclass`: jaxlib 0.10 takes two classes with equal fields and settings
        # for the same, and may run the one's compiled program for the other. The class among the
        # static data tells them apart.
        jax.tree_util.register_pytree_node(cls, flatten, unflatten)
        return cls

    return register
