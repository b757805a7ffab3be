"""How scarce money is in a market."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.auctions.budgets import by_advertiser
from equibid.auctions.clearing import ABSENT, Auction
from equibid.markets.market import Market

BLOCK = 1024


def spend_at_cap(market: Market, auction: Auction) -> Float[Array, " N"]:
    """What each advertiser would spend if money were no object.

    Everybody bids its cap, ``target_cpa · value``: more than that per conversion would break
    the advertiser's own constraint. Exposure counts by its expectation.

    Returns:
        [N] currency for the whole market.
    """
    spend = jnp.zeros(market.advertisers)
    for first in range(0, market.impressions, BLOCK):
        rows = slice(first, first + BLOCK)
        ids = None if market.candidates is None else market.candidates[rows]
        outside = None if market.market_price is None else market.market_price[rows]
        spend += _spend(auction, market.campaigns.target_cpa, market.values[rows], ids, outside)
    return spend


@partial(jax.jit, static_argnames="auction")
def _spend(
    auction: Auction,
    target_cpa: Float[Array, " N"],
    values: Float[Array, "B C"],
    ids: Int[Array, "B C"] | None,
    outside: Float[Array, " B"] | None,
) -> Float[Array, " N"]:
    cap = target_cpa[None, :] if ids is None else target_cpa[ids]
    bids = jnp.where(values > 0, cap * values, ABSENT)
    return by_advertiser(auction.clear(bids, outside).charge, ids, target_cpa.shape[0])
