"""What a learned policy does, seen from outside: whom it watches, what it buys, how it bids.

Source of the questions: "Multi-agent reinforcement learning for resource allocation in real-time
bidding", section 4.2 (attention between advertisers, specialisation, aggressiveness).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.auctions.clearing import ABSENT, Auction
from equibid.bidders.bidder import by_factor
from equibid.markets.market import Market
from equibid.simulation.delivery import Delivery
from equibid.simulation.training_day import dense_rows

BLOCK = 1024
TIMES, MONEY = 12, 5


class Specialisation(NamedTuple):
    """Who wins what.

    Attributes:
        wins: of each advertiser in each segment of impressions.
        distance: how far an advertiser's wins are from the market's mix: total variation, 0 … 1.
            0 buys of everything alike, 1 buys where nobody else does. NaN where it won nothing.
    """

    wins: Float[np.ndarray, "N G"]
    distance: Float[np.ndarray, " N"]


class Aggressiveness(NamedTuple):
    """How factors stand to the day before's, by time of day and money left.

    Attributes:
        level: mean of log2 of the factor over the reference; NaN where nobody stood.
        weight: advertiser-ticks behind it.
    """

    level: Float[np.ndarray, "M T"]
    weight: Float[np.ndarray, "M T"]


def segments_of(values: Float[Array, "K N"], category: Int[Array, " N"]) -> Int[np.ndarray, " K"]:
    """The category to which each impression is worth most, all its advertisers together."""
    group = np.asarray(category)
    belongs = np.eye(int(group.max(initial=0)) + 1)[group]
    return np.asarray(np.asarray(values, np.float64) @ belongs).argmax(axis=1)


def specialisation(
    market: Market, auction: Auction, factors: Float[np.ndarray, "T N"], most: int = 50_000
) -> Specialisation:
    """Who wins what when factors are bid on a day, expected, as long as they were bid.

    Args:
        market: the day.
        auction: the rule.
        factors: by tick, currency per value unit; 0 where an advertiser did not bid.
        most: impressions to look at, evenly chosen.
    """
    every = -(-market.impressions // most)
    rows = np.arange(every // 2, market.impressions, every)
    tick = np.searchsorted(np.asarray(market.tick_start), rows, side="right") - 1
    values = dense_rows(market, rows)
    level = jnp.where(jnp.asarray(factors) > 0, jnp.asarray(factors), ABSENT)[tick]
    outside = None if market.market_price is None else market.market_price[rows]
    won = _won(auction, by_factor(level, values), outside)
    segment = segments_of(values, market.campaigns.category)
    wins = np.zeros((market.advertisers, int(segment.max()) + 1))
    np.add.at(wins.T, segment, np.asarray(won))
    own = wins / np.where(wins.sum(axis=1) > 0, wins.sum(axis=1), np.nan)[:, None]
    others = wins.sum(axis=0) - wins
    mix = others / np.maximum(others.sum(axis=1), 1e-300)[:, None]
    return Specialisation(wins, 0.5 * np.abs(own - mix).sum(axis=1))


@partial(jax.jit, static_argnames="auction")
def _won(
    auction: Auction, bids: Float[Array, "K N"], outside: Float[Array, " K"] | None
) -> Float[Array, "K N"]:
    def row(at: tuple[Array, Array | None]) -> Array:
        bids, outside = (None if x is None else x[None] for x in at)
        assert bids is not None
        return auction.clear(bids, outside).win[0]

    return jax.lax.map(row, (bids, outside), batch_size=BLOCK)


def aggressiveness(
    delivery: Delivery, budget: Float[Array, " N"], reference: Float[Array, " N"]
) -> Aggressiveness:
    """Factors by time of day and money left.

    Args:
        delivery: of one period.
        budget: for the period, currency.
        reference: factor of the day before, currency per value unit.
    """
    factors = delivery.factors()
    T, _ = factors.shape
    money = np.asarray(budget, np.float64)
    before = np.concatenate([money[None], np.asarray(delivery.remaining)[:-1]])
    left = np.divide(before, money, out=np.zeros_like(before), where=money > 0)
    stands = factors > 0
    ratio = np.log2(np.where(stands, factors, 1) / np.asarray(reference))
    column = np.broadcast_to((np.arange(T) * TIMES // T)[:, None], factors.shape)
    row = np.minimum((left * MONEY).astype(int), MONEY - 1)
    sums, count = np.zeros((2, MONEY, TIMES))
    np.add.at(sums, (row[stands], column[stands]), ratio[stands])
    np.add.at(count, (row[stands], column[stands]), 1)
    return Aggressiveness(
        np.divide(sums, count, out=np.full_like(sums, np.nan), where=count > 0), count
    )


def attention_on_overlap(
    weights: Float[np.ndarray, "N N"], overlap: Float[np.ndarray, "N N"]
) -> Float[np.ndarray, "P 2"]:
    """Each pair of agents as (overlap of their targeting, attention of the one to the other).

    Args:
        weights: mean attention of each agent (row) to each other.
        overlap: cosine of their values.
    """
    apart = ~np.eye(len(weights), dtype=bool)
    return np.stack([np.asarray(overlap)[apart], np.asarray(weights)[apart]], axis=1)
