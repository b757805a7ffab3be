"""Auctions that rank bids: first price, second price, and GSP with several slots.

Per impression: bids are ranked, the top L take slots 1 … L, and a slot's price per exposure is
its winner's own bid (first price) or the next bid in the ranking (generalised second price;
Edelman, Ostrovsky and Schwarz, AER 2007), at least the reserve. One slot and the next bid make
the second-price auction. The rule of the AuctionNet simulator is `auctionnet` below.
"""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt64

from equibid.auctions.clearing import ABSENT, Clearing, Draws, drop_outside, join_outside
from equibid.auctions.registry import AUCTIONS
from equibid.noise import Purpose, uniform


@dataclass(frozen=True)
class Ranked:
    """Rank by bid and sell `slots` slots.

    Attributes:
        pricing: "own" bid (first price) or "next" bid (second price, GSP).
        exposure: for each slot, the probability that it is shown given that the slot above it
            is; the slots are shown from the top down.
        reserve: lowest price, currency per exposure; a lower bid wins nothing.
        sell_at_reserve: whether a slot whose price is just the reserve is sold. AuctionNet does
            not sell it, so that a lone bidder wins nothing there.
        ties: who wins among equal bids: the "lowest" advertiser id, one at "random" (equal shares
            in expectation), or all in equal shares ("split", drawn or not).
        outside_wins_ties: False wins against the outside price with ``bid >= price`` (RLB),
            True needs ``bid > price`` (the older iPinYou benchmark).
        minimum_budget: an advertiser with less money left sits out the tick.
    """

    pricing: Literal["own", "next"] = "next"
    exposure: tuple[float, ...] = (1.0,)
    reserve: float = 0.0
    sell_at_reserve: bool = True
    ties: Literal["lowest", "random", "split"] = "lowest"
    outside_wins_ties: bool = False
    minimum_budget: float = 0.0

    @property
    def slots(self) -> int:
        """L, the number of slots."""
        return len(self.exposure)

    @property
    def expected_exposure(self) -> tuple[float, ...]:
        """For each slot, the probability that it and all slots above it are shown."""
        return tuple(float(chance) for chance in np.cumprod(self.exposure))

    def draw(
        self, seed: UInt64[Array, ""], impressions: Int[Array, " B"], ids: Int[Array, "#B C"]
    ) -> Draws:
        """Which slots are shown, and the luck that settles ties."""
        row = impressions[:, None]
        coin = uniform(seed, Purpose.EXPOSURE, row, jnp.arange(self.slots))
        shown = jnp.cumprod(coin < np.asarray(self.exposure), axis=1).astype(jnp.float64)
        if self.ties != "random":
            blank = jnp.zeros((row.shape[0], ids.shape[-1]))
            return Draws(shown, blank, blank[:, 0])
        luck = uniform(seed, Purpose.LUCK, row, ids)
        return Draws(shown, luck, uniform(seed, Purpose.LUCK, impressions, jnp.asarray(-1)))

    def clear(
        self,
        bids: Float[Array, "B C"],
        outside: Float[Array, " B"] | None = None,
        draws: Draws | None = None,
    ) -> Clearing:
        """Clear a block; see `Auction.clear`."""
        first = self.outside_wins_ties
        table = bids if outside is None else join_outside(bids, outside, first)
        shown = (
            jnp.broadcast_to(np.asarray(self.expected_exposure), (bids.shape[0], self.slots))
            if draws is None
            else draws.shown
        )
        luck = None
        if draws is not None and self.ties == "random":
            luck = draws.luck
            if outside is not None:
                # The win rule, not luck, decides between the market and the outside.
                edge = 2.0 if first else -1.0
                luck = join_outside(luck, jnp.full(luck.shape[0], edge), first)
        share_ties = self.ties == "split" or (self.ties == "random" and draws is None)
        inside = jnp.ones(table.shape[1], bool)
        if outside is not None:
            inside = inside.at[0 if first else -1].set(False)
        column = jnp.arange(table.shape[1])

        slot = place = jnp.zeros(table.shape, jnp.int8)
        win = jnp.zeros(table.shape)
        exposure = jnp.zeros(table.shape)
        price = jnp.zeros(table.shape)
        paid = jnp.zeros(table.shape)
        left, top_bids = table, []
        for rank in range(self.slots):
            top = left.max(axis=1)
            top_bids.append(top)
            leader = _leader(left, top, luck)
            taken = column == leader[:, None]
            left = jnp.where(taken, ABSENT, left)
            # Money is float64, whatever the precision of the bids.
            offer = top.astype(jnp.float64)
            following = jnp.maximum(left.max(axis=1).astype(jnp.float64), self.reserve)
            cost = offer if self.pricing == "own" else following
            sold = (offer >= self.reserve) & (offer > ABSENT)
            if not self.sell_at_reserve:
                sold &= following > self.reserve
            if share_ties:
                taken = (table == top[:, None]) & inside & jnp.take(inside, leader, axis=0)[:, None]
            here = taken & (offer > ABSENT)[:, None]
            place = jnp.where(here & (place == 0), jnp.int8(rank + 1), place)
            taken &= sold[:, None]
            share = taken / jnp.maximum(taken.sum(axis=1, keepdims=True), 1)
            slot = jnp.where(taken & (slot == 0), jnp.int8(rank + 1), slot)
            win += share
            exposure += share * shown[:, rank, None]
            paid += share * shown[:, rank, None] * cost[:, None]
            price = jnp.where(taken, cost[:, None], price)
        if share_ties:
            # A share of several slots has one price: what is paid over what is shown.
            price = jnp.where(exposure > 0, paid / jnp.where(exposure > 0, exposure, 1), price)
        top_bids.append(left.max(axis=1))
        rungs = jnp.maximum(jnp.stack(top_bids, axis=1).astype(jnp.float64), self.reserve)
        if outside is not None:
            slot, win, exposure, price, place = (
                drop_outside(x, first) for x in (slot, win, exposure, price, place)
            )
        return Clearing(slot, win, exposure, price, rungs, place)


def _leader(
    left: Float[Array, "B C"], top: Float[Array, " B"], luck: Float[Array, "B C"] | None
) -> Int[Array, " B"]:
    """Column of the highest bid; among equals the lowest, or the luckiest."""
    if luck is None:
        return left.argmax(axis=1)
    return jnp.where(left == top[:, None], luck, -2.0).argmax(axis=1)


@AUCTIONS.add("first-price", "Highest bid wins one slot and pays itself.")
def first_price(reserve: float = 0.0) -> Ranked:
    """The first-price auction.

    Args:
        reserve: lowest price, in the market's money; a lower bid wins nothing.
    """
    return Ranked(pricing="own", reserve=reserve)


@AUCTIONS.add("second-price", "Highest bid wins one slot and pays the next bid.")
def second_price(reserve: float = 0.0) -> Ranked:
    """The second-price auction; with an outside price, the replay of a log.

    Args:
        reserve: lowest price, in the market's money; a lower bid wins nothing.
    """
    return Ranked(reserve=reserve)


@AUCTIONS.add("gsp", "Three slots with exposure 1, 0.8, 0.48; each pays the next bid.")
def gsp(reserve: float = 0.0001) -> Ranked:
    """AuctionNet's multi-slot auction, selling at the reserve.

    Args:
        reserve: lowest price, in the market's money; a lower bid wins nothing.
    """
    return Ranked(exposure=(1.0, 0.8, 0.6), reserve=reserve, minimum_budget=0.1)


@AUCTIONS.add("auctionnet", "gsp as AuctionNet publishes it: a price at the reserve sells nothing.")
def auctionnet(reserve: float = 0.0001) -> Ranked:
    """AuctionNet's rule to the letter.

    Args:
        reserve: lowest price, in the market's money; a lower bid wins nothing.
    """
    return Ranked(
        exposure=(1.0, 0.8, 0.6), reserve=reserve, sell_at_reserve=False, minimum_budget=0.1
    )
