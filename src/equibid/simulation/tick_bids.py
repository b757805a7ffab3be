"""All bids of a tick at once, for the fused kernel."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import Observation, State
from equibid.bidders.population import Population
from equibid.markets.market import Market
from equibid.simulation.blocks import bids_on, block_length, limited


def most_blocks(market: Market) -> int:
    """Blocks of the longest tick."""
    longest = int(np.diff(np.asarray(market.tick_start)).max())
    return max(-(-longest // block_length(market.impressions, market.advertisers)), 1)


def tick_bids(
    market: Market,
    minimum_budget: float,
    population: Population,
    states: tuple[State, ...],
    observation: Observation,
    key: jax.Array,
    tick: Int[Array, ""],
    blocks: int,
) -> Float[Array, "R C"]:
    """Bids on the impressions of a tick, block by block as `play_block` makes them.

    Only for bidders that do not watch: those bid without knowing how the blocks before were sold.

    Args:
        market: what is sold.
        minimum_budget: an advertiser with less money sits out the tick, currency.
        population: who bids.
        states: of its bidders.
        observation: at the start of the tick.
        key: of the period.
        tick: number of the tick in the market.
        blocks: of the table, at least `most_blocks` of the market.

    Returns:
        R rows in whole blocks; those beyond the end of the tick mean nothing.
    """
    length = block_length(market.impressions, market.advertisers)
    start, end = market.tick_start[tick], market.tick_start[tick + 1]
    tick_key = jax.random.fold_in(key, observation.tick)
    population = population.held(states, observation, tick_key)
    blank = jnp.full((length, market.values.shape[1]), ABSENT, market.values.dtype)

    def block(first: Array) -> Array:
        slice_start = jnp.minimum(first, market.impressions - length)

        def cut(x: Array) -> Array:
            return jax.lax.dynamic_slice_in_dim(x, slice_start, length)

        values = cut(market.values)
        ids = None if market.candidates is None else cut(market.candidates)
        bids = bids_on(market, population, states, observation, values, ids, tick_key, first)
        opening = observation.remaining
        bids = limited(market, minimum_budget, bids, values, ids, opening, jnp.inf)
        # The slice of the last block may begin before it.
        return jnp.roll(bids, slice_start - first, axis=0)

    def one(first: Array) -> Array:
        return jax.lax.cond(first < end, block, lambda _: blank, first)

    return jax.lax.map(one, start + length * jnp.arange(blocks)).reshape(-1, blank.shape[1])
