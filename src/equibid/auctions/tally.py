"""A block of cleared impressions, summed by advertiser."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt64

from equibid.auctions.budgets import Settlement, by_advertiser, round_up, take
from equibid.auctions.clearing import ABSENT
from equibid.noise import Purpose, uniform

FIELDS = (
    "offered",
    "bid",
    "value_offered",
    "market_price",
    "wins",
    "exposures",
    "spend",
    "value",
    "conversions",
)


@partial(jax.tree_util.register_dataclass, data_fields=list(FIELDS), meta_fields=[])
@dataclass(frozen=True)
class Tally:
    """Sums over impressions, one number an advertiser (float64).

    Attributes:
        offered: impressions the advertiser bid on.
        bid: sum of its bids, currency per exposure.
        value_offered: sum of its values on them, value units.
        market_price: sum of the market prices of them, currency per exposure.
        wins: slots won.
        exposures: ads shown.
        spend: money paid.
        value: expected value of the ads shown, value units.
        conversions: counted value: drawn or logged conversions of the ads shown, and the same as
            `value` when nothing is drawn and no outcome is logged.
    """

    offered: Float[Array, "*T N"]
    bid: Float[Array, "*T N"]
    value_offered: Float[Array, "*T N"]
    market_price: Float[Array, "*T N"]
    wins: Float[Array, "*T N"]
    exposures: Float[Array, "*T N"]
    spend: Float[Array, "*T N"]
    value: Float[Array, "*T N"]
    conversions: Float[Array, "*T N"]

    def __add__(self, other: "Tally") -> "Tally":
        return jax.tree.map(jnp.add, self, other)


def no_tally(advertisers: int) -> Tally:
    """All zeros."""
    zero = jnp.zeros(advertisers)
    return Tally(*(zero for _ in FIELDS))


def tally(
    settlement: Settlement,
    bids: Float[Array, "B C"],
    values: Float[Array, "B C"],
    ids: Int[Array, "B C"] | None,
    conversions: Float[Array, "B C"],
) -> Tally:
    """Sum a block by advertiser.

    Args:
        settlement: of the block.
        bids: as bid; ``-inf`` where there was none.
        values: value units.
        ids: advertiser of each column, None when dense.
        conversions: value counted if the ad is shown (an outcome, a draw, or the value itself).
    """
    clearing, budgets, stayed = settlement
    row = jnp.arange(bids.shape[0])[:, None]
    took_part = (row < take(stayed, ids, 0)) & (bids > ABSENT)

    def add(x: Array) -> Array:
        return by_advertiser(x.astype(jnp.float64), ids, budgets.remaining.shape[0])

    def over(x: Array) -> Array:
        return add(jnp.where(took_part, x, 0).astype(jnp.float64))

    return Tally(
        offered=over(jnp.ones_like(bids)),
        bid=over(bids),
        value_offered=over(values),
        market_price=over(jnp.broadcast_to(clearing.market_price[:, None], bids.shape)),
        wins=add(clearing.win),
        exposures=add(clearing.exposure),
        spend=add(round_up(clearing.charge, take(budgets.quantum, ids, 1.0))),
        value=add(clearing.exposure.astype(jnp.float64) * values),
        conversions=add(clearing.exposure.astype(jnp.float64) * conversions),
    )


def convert(
    seed: UInt64[Array, ""],
    impressions: Int[Array, " B"],
    ids: Int[Array, "#B C"],
    values: Float[Array, "B C"],
) -> Float[Array, "B C"]:
    """Drawn conversions, 0 or 1, each with its value as probability.

    A value that is itself uncertain (AuctionNet's truncated normal around pValue) changes nothing:
    a coin whose bias is drawn with mean p falls on heads with probability p.
    """
    draw = uniform(seed, Purpose.CONVERSION, impressions[:, None], ids)
    return (draw < values).astype(jnp.float64)
