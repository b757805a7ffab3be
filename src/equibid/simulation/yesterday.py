"""The day before: a market at rest, and the log it leaves.

A generated market has no history. Its bidders are tuned on a day on which everybody bids a factor
that just spends its budget, found by tatonnement, and on the prices of that day.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT, Auction
from equibid.bidders.bidder import FactorBidder, Observation, State, by_factor, pytree
from equibid.bidders.population import everybody
from equibid.markets.market import Market
from equibid.simulation.simulate import block_length, simulate


@pytree()
class Steady(FactorBidder):
    """The same factor all day; currency per value unit."""

    level: Float[Array, " N"]

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """The level."""
        return self.level


def resting_factors(
    market: Market, auction: Auction, rounds: int = 30, step: float = 0.5
) -> Float[Array, " N"]:
    """Factors at which everybody about spends its budget, or bids its full worth.

    Multiplicative tatonnement on expected costs, ``α ← min(α · (B / C)^η, target_cpa)``, with η
    falling as 1/√round so that it settles.

    Args:
        market: the day.
        auction: the rule.
        rounds: of tatonnement.
        step: η of the first round.
    """
    budget = market.campaigns.budget
    free = market.with_budget(jnp.full_like(budget, 1e6) * jnp.maximum(budget.max(), 1.0))
    cap = market.campaigns.target_cpa
    level = cap / 2
    for turn in range(rounds):
        bidders = everybody(Steady(level), market.advertisers)
        delivery = simulate(free, auction, bidders, jax.random.key(0), sampled=False)
        ratio = budget / jnp.maximum(delivery.total().spend, 1e-3 * jnp.maximum(budget, 1e-300))
        level = jnp.minimum(level * ratio ** (step / (1 + turn) ** 0.5), cap)
    return level


@partial(jax.jit, static_argnames="auction")
def market_prices(
    market: Market, auction: Auction, factors: Float[Array, "T N"]
) -> Float[Array, " K"]:
    """The market price of every impression when bids are factors times values.

    Args:
        market: one market.
        auction: the rule.
        factors: by tick and advertiser; ``-inf`` or 0 where an advertiser did not bid.
    """
    length = block_length(market.impressions, market.advertisers)
    tick = jnp.searchsorted(market.tick_start, jnp.arange(market.impressions), side="right") - 1
    factors = jnp.where(factors > 0, factors, ABSENT)

    def block(first: Array) -> Array:
        def cut(x: Array) -> Array:
            return jax.lax.dynamic_slice_in_dim(x, first, length)

        values, factor = cut(market.values), factors[cut(tick)]
        if market.candidates is not None:
            ids = cut(market.candidates)
            factor = jnp.where(
                ids < 0, ABSENT, jnp.take_along_axis(factor, jnp.maximum(ids, 0), axis=1)
            )
        outside = None if market.market_price is None else cut(market.market_price)
        return auction.clear(by_factor(factor, values), outside).market_price

    # The last block starts early enough to be whole; what it repeats is the same.
    starts = jnp.minimum(
        jnp.arange(0, market.impressions, length), market.impressions - length
    )
    prices = jax.lax.map(block, starts)
    place = starts[:, None] + jnp.arange(length)
    return jnp.zeros(market.impressions, prices.dtype).at[place].set(prices)


def logged(market: Market, auction: Auction, factors: Float[Array, "T N"]) -> Market:
    """The market with the prices that `factors` made, as a log would show it."""
    return replace(market, market_price=market_prices(market, auction, factors))
