"""A period in XLA: block by block in tick play, one by one in impression play."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from equibid.auctions.clearing import Auction
from equibid.auctions.tally import Tally
from equibid.bidders.population import Population
from equibid.markets.market import Market
from equibid.simulation.blocks import (
    Carry,
    arrival,
    arrivals,
    begin,
    block_length,
    collect,
    end_tick,
    observe,
    play_block,
    present,
)
from equibid.simulation.delivery import Delivery


def play_ticks(
    market: Market, auction: Auction, population: Population, key: jax.Array, sampled: bool
) -> Delivery:
    """Play a period tick by tick, its impressions in blocks; see `simulate`."""
    length = block_length(market.impressions, market.advertisers)
    start = market.tick_start
    # Every tick has at least one block, if an empty one, so that its end is seen.
    blocks = jnp.maximum(-(-(start[1:] - start[:-1]) // length), 1)
    after = jnp.cumsum(blocks)
    number = jnp.arange(market.impressions // length + market.ticks)
    tick = jnp.searchsorted(after, number, side="right")
    real = tick < market.ticks
    tick = jnp.minimum(tick, market.ticks - 1)
    told = arrivals(market) if population.needs_forecast else None
    first = start[tick] + (number - (after[tick] - blocks[tick])) * length
    last = jnp.where(real, jnp.minimum(first + length, start[tick + 1]), first)
    ends = real & (number == after[tick] - 1)

    def step(
        carry: Carry, at: tuple[Array, Array, Array, Array]
    ) -> tuple[Carry, tuple[Tally, Array]]:
        tick, first, last, ends = at
        # A slice cannot reach past the end; the rows before `first` are left out instead.
        slice_start = jnp.minimum(first, market.impressions - length)
        arriving = jax.tree.map(lambda x: x[tick], told)
        assert carry.there is not None
        here = present(carry.there, carry.opening, auction.minimum_budget)
        observation = observe(market, tick, start[tick], carry.opening, arriving, here)
        carry = play_block(
            market,
            auction,
            population,
            key,
            sampled,
            carry,
            observation,
            slice_start,
            length,
            first,
            last,
            jnp.inf,
        )
        return end_tick(population, carry, ends)

    opening = begin(market, population)
    if population.needs_impressions:
        opening = opening._replace(asked=opening.states)
    _, rows = jax.lax.scan(step, opening, (tick, first, last, ends))
    return collect(market, rows, ends, tick)


def play_impressions(
    market: Market, auction: Auction, population: Population, key: jax.Array, sampled: bool
) -> Delivery:
    """Play a period impression by impression; see `simulate`."""
    number = jnp.arange(market.impressions)
    start = market.tick_start
    tick = jnp.searchsorted(start, number, side="right") - 1
    ends = jnp.concatenate([tick[1:] != tick[:-1], jnp.ones(1, bool)])

    def step(carry: Carry, at: tuple[Array, ...]) -> tuple[Carry, tuple[Tally, Array]]:
        tick, number, ends = at
        arriving = arrival(market, number) if population.needs_forecast else None
        budgets = carry.budgets
        here = present(budgets.active, budgets.remaining, auction.minimum_budget)
        observation = observe(market, tick, number, budgets.remaining, arriving, here)
        carry = play_block(
            market,
            auction,
            population,
            key,
            sampled,
            carry,
            observation,
            number,
            1,
            number,
            number + 1,
            carry.budgets.remaining,
        )
        return end_tick(population, carry, ends)

    start_of_period = begin(market, population)
    _, rows = jax.lax.scan(step, start_of_period, (tick, number, ends))
    delivery = collect(market, rows, ends, tick)
    # A tick without impressions leaves the money as it was.
    empty = (start[1:] == start[:-1])[:, None]
    before = jnp.where(empty, jnp.inf, delivery.remaining)
    opening = start_of_period.budgets.remaining
    return Delivery(delivery.tally, jnp.minimum(jax.lax.cummin(before, axis=0), opening))
