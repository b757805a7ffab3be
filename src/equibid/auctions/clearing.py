"""What an auction rule takes and gives, for a block of impressions.

A bid is money per exposure. A column that takes no part (no value, left the market, padding)
bids ``-inf``: a bid of zero is a bid, and a rule may charge it.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt64

ABSENT = -jnp.inf
"""The bid of who takes no part."""


class Draws(NamedTuple):
    """The chance in a block, drawn beforehand so that clearing stays a function of arrays.

    Attributes:
        shown: 1 where slot l of impression k reaches the user's eyes, else 0.
        luck: uniform in [0, 1) for each column, which settles ties and soft winners.
        outside_luck: the same for the bidder outside the market.
    """

    shown: Float[Array, "B L"]
    luck: Float[Array, "B C"]
    outside_luck: Float[Array, " B"]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["slot", "win", "exposure", "price", "top_bids", "place"],
    meta_fields=[],
)
@dataclass(frozen=True)
class Clearing:
    """The outcome of a block of impressions, one column a bidder.

    Attributes:
        slot: the slot won (1 is the best), 0 for none; the best of them where slots are shared.
        win: probability of winning a slot; 0 or 1 when chance was drawn.
        exposure: probability of being shown; 0 or 1 when chance was drawn.
        price: money per exposure.
        top_bids: the L + 1 highest bids of the impression, outside included, at least the reserve:
            what a further bidder would have to beat for slot 1 … L, and the first to win none.
        place: among the L highest bids (1 is the highest), 0 for none; a slot that is not sold at
            its price has a bidder in its place who wins nothing.
    """

    slot: Int[Array, "B C"]
    win: Float[Array, "B C"]
    exposure: Float[Array, "B C"]
    price: Float[Array, "B C"]
    top_bids: Float[Array, "B L+1"]
    place: Int[Array, "B C"]

    @property
    def market_price(self) -> Float[Array, " B"]:
        """The highest bid that won no slot: a platform's log calls it the least winning cost."""
        return self.top_bids[:, -1]

    @property
    def slot_prices(self) -> Float[Array, "B C L"]:
        """What slots 1 … L would have cost each bidder per exposure, the others' bids standing.

        A bidder in place s has nobody to beat for the slots below but those behind itself.
        """
        rung = jnp.arange(1, self.top_bids.shape[1])
        mine = (self.place[..., None] > 0) & (self.place[..., None] <= rung)
        return jnp.where(mine, self.top_bids[:, None, 1:], self.top_bids[:, None, :-1])

    @property
    def charge(self) -> Float[Array, "B C"]:
        """Money to pay, float64: price times exposure (its expectation when nothing was drawn)."""
        return self.price.astype(jnp.float64) * self.exposure


class Auction(Protocol):
    """A pricing and allocation rule; a frozen, hashable dataclass of settings."""

    @property
    def minimum_budget(self) -> float:
        """An advertiser with less money left sits out the tick (AuctionNet: 0.1)."""
        ...

    @property
    def expected_exposure(self) -> tuple[float, ...]:
        """For each of the L slots, the probability that it is shown."""
        ...

    def draw(
        self, seed: UInt64[Array, ""], impressions: Int[Array, " B"], ids: Int[Array, "#B C"]
    ) -> Draws:
        """The chance of these impressions under this rule."""
        ...

    def clear(
        self,
        bids: Float[Array, "B C"],
        outside: Float[Array, " B"] | None = None,
        draws: Draws | None = None,
    ) -> Clearing:
        """Clear a block; expected outcomes when `draws` is None, else the sampled ones.

        Args:
            bids: money per exposure, ``-inf`` for who takes no part.
            outside: highest bid from outside the market on each impression.
            draws: the drawn chance.
        """
        ...


def join_outside(
    columns: Float[Array, "B C"], outside: Float[Array, " B"], first: bool
) -> Float[Array, "B C+1"]:
    """Add the outside bidder as a column, first where it wins ties and last where it loses them."""
    extra = outside[:, None].astype(columns.dtype)
    return jnp.concatenate([extra, columns] if first else [columns, extra], axis=1)


def drop_outside(columns: Array, first: bool) -> Array:
    """Undo `join_outside`."""
    return columns[:, 1:] if first else columns[:, :-1]
