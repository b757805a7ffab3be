"""A block of impressions in play: bid, settle, sum, tell."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.budgets import BudgetState, init_budgets, settle
from equibid.auctions.clearing import ABSENT, Auction, Clearing
from equibid.auctions.tally import Tally, convert, no_tally, tally
from equibid.bidders.bidder import Arriving, Observation, State
from equibid.bidders.population import Population
from equibid.division import divided
from equibid.markets.market import Market, in_all, worth
from equibid.noise import seed_of
from equibid.simulation.delivery import Delivery


class Carry(NamedTuple):
    """What goes from block to block.

    Attributes:
        budgets: money and who is still there.
        opening: money at the start of the tick.
        states: of the bidders.
        tick: sums of the tick so far.
        there: who had not left when the tick began; None where nobody asks.
        asked: the states that bid where bidders decide once a tick and watch its blocks: those at
            its start. None where they cannot differ from `states`.
    """

    budgets: BudgetState
    opening: Float[Array, " N"]
    states: tuple[State, ...]
    tick: Tally
    there: Bool[Array, " N"] | None = None
    asked: tuple[State, ...] | None = None


def block_length(impressions: int, advertisers: int) -> int:
    """B, impressions cleared at once.

    A departure clears its block anew, and there may be one for every advertiser: blocks of about
    K / N impressions keep that as cheap as the first clearing.
    """
    wanted = max(impressions // max(advertisers, 1), 64)
    return min(1 << (wanted.bit_length() - 1), 2048, max(impressions, 1))


def play_block(
    market: Market,
    auction: Auction,
    population: Population,
    key: jax.Array,
    sampled: bool,
    carry: Carry,
    observation: Observation,
    slice_start: Int[Array, ""],
    length: int,
    first: Int[Array, ""],
    last: Int[Array, ""],
    cap: Float[Array, " N"] | float,
) -> Carry:
    """Bid on, settle and sum the impressions `first` … `last` - 1 of a slice of the market."""

    def cut(x: Array) -> Array:
        return jax.lax.dynamic_slice_in_dim(x, slice_start, length)

    seed = seed_of(key)
    number = slice_start + jnp.arange(length)
    inside = (number >= first) & (number < last)
    values = cut(market.values)
    ids = None if market.candidates is None else cut(market.candidates)
    outside = None if market.market_price is None else cut(market.market_price)

    tick_key = jax.random.fold_in(key, observation.tick)
    asked = carry.states if carry.asked is None else carry.asked
    bids = bids_on(market, population, asked, observation, values, ids, tick_key, first)
    bids = limited(market, auction.minimum_budget, bids, values, ids, carry.opening, cap)
    bids = jnp.where(inside[:, None], bids, ABSENT)

    lanes = jnp.arange(market.advertisers)[None] if ids is None else ids
    draws = auction.draw(seed, number, lanes) if sampled else None
    settlement = settle(auction, carry.budgets, bids, ids, outside, draws)
    if market.outcomes is not None:
        counted = cut(market.outcomes).astype(jnp.float64)
    elif sampled:
        counted = convert(seed, number, lanes, values)
    else:
        counted = values.astype(jnp.float64)
    states = carry.states
    if population.needs_impressions:
        states = show(market, population, states, settlement.clearing, values, ids, inside)
    return Carry(
        settlement.budgets,
        carry.opening,
        states,
        carry.tick + tally(settlement, bids, values, ids, counted),
        carry.there,
        carry.asked,
    )


def bids_on(
    market: Market,
    population: Population,
    states: tuple[State, ...],
    observation: Observation,
    values: Array,
    ids: Array | None,
    key: jax.Array,
    first: Array,
) -> Array:
    """Bids on a block, dense or by candidate; factor bids never leave the candidate form."""
    if ids is None:
        return population.bid(states, observation, values, key, first)
    safe = jnp.where(ids < 0, 0, ids)
    if population.by_factor:
        factor = population.factor(states, observation, key).astype(values.dtype)[safe]
        return jnp.where(factor > ABSENT, factor * values, ABSENT)
    table = population.bid(states, observation, spread(market, values, ids), key, first)
    return jnp.take_along_axis(table, safe, axis=1)


def limited(
    market: Market,
    minimum_budget: float,
    bids: Array,
    values: Array,
    ids: Array | None,
    opening: Float[Array, " N"],
    cap: Float[Array, " N"] | float,
) -> Array:
    """Bids on the market's grid and below its cap, and none of the poor or without a value."""
    if market.bid_step > 0:
        bids = jnp.floor(divided(bids, market.bid_step)) * market.bid_step
    ceiling = jnp.minimum(cap, jnp.where(opening < minimum_budget, ABSENT, jnp.inf))
    ceiling = jnp.minimum(ceiling, market.bid_cap)
    if ids is not None:
        ceiling = jnp.where(ids < 0, ABSENT, ceiling[ids])
    bids = jnp.minimum(bids, ceiling).astype(values.dtype)
    return jnp.where(values > 0, bids, ABSENT)


def spread(market: Market, x: Array, ids: Array) -> Array:
    """A block's candidate columns as one column an advertiser."""
    table = jnp.zeros((x.shape[0], market.advertisers + 1, *x.shape[2:]), x.dtype)
    columns = jnp.where(ids < 0, market.advertisers, ids)
    return table.at[jnp.arange(x.shape[0])[:, None], columns].set(x)[:, :-1]


def show(
    market: Market,
    population: Population,
    states: tuple[State, ...],
    clearing: Clearing,
    values: Array,
    ids: Array | None,
    inside: Array,
) -> tuple[State, ...]:
    """Show a sold block to the bidders that watch."""
    prices = clearing.slot_prices
    if ids is not None:
        values, prices = spread(market, values, ids), spread(market, prices, ids)
    return population.watch(states, values, prices, inside[:, None] & (values > 0))


def observe(
    market: Market,
    tick: Array,
    impression: Array,
    remaining: Array,
    arriving: Arriving | None = None,
    present: Array | None = None,
) -> Observation:
    """What bidders see before a block."""
    before, impressions = market.tick_start[tick], jnp.asarray(market.impressions)
    return Observation(
        tick=tick,
        ticks=jnp.asarray(market.ticks),
        impression=impression,
        impressions=in_all(market.expected, impressions, tick, before, impression),
        remaining=remaining,
        arriving=arriving,
        present=present,
    )


def present(active: Array, money: Array, minimum_budget: float) -> Bool[Array, " N"]:
    """Who is in the market: it has not left, and has money to bid with."""
    return active & (money >= minimum_budget) & (money > 0)


def arrivals(market: Market) -> Arriving:
    """What arrives in each tick: [T, N]."""
    number = jnp.arange(market.impressions)
    tick = jnp.searchsorted(market.tick_start, number, side="right", method="sort") - 1

    def sums(x: Array) -> Array:
        if market.candidates is None:
            return jax.ops.segment_sum(x, tick, market.ticks, indices_are_sorted=True)
        column = jnp.where(market.candidates < 0, market.advertisers, market.candidates)
        table = jnp.zeros((market.ticks, market.advertisers + 1))
        return table.at[tick[:, None], column].add(x)[:, :-1]

    value = market.values.astype(jnp.float64)
    return Arriving(sums((value > 0).astype(jnp.float64)), sums(value))


def arrival(market: Market, impression: Array) -> Arriving:
    """One impression as what arrives: [N]."""
    row = jax.lax.dynamic_slice_in_dim(market.values, impression, 1)
    if market.candidates is not None:
        row = spread(market, row, jax.lax.dynamic_slice_in_dim(market.candidates, impression, 1))
    value = row[0].astype(jnp.float64)
    return Arriving((value > 0).astype(jnp.float64), value)


def begin(market: Market, population: Population) -> Carry:
    """The start of a period."""
    budgets = init_budgets(market.campaigns.budget, worth(market))
    states = population.init(market.campaigns)
    return Carry(budgets, budgets.remaining, states, no_tally(market.advertisers), budgets.active)


def end_tick(
    population: Population, carry: Carry, ends: Array
) -> tuple[Carry, tuple[Tally, Array]]:
    """Where a tick ends, tell the bidders and open the next; give the tick's row either way."""
    told = population.update(carry.states, carry.tick)
    fresh = Carry(
        carry.budgets,
        carry.budgets.remaining,
        told,
        jax.tree.map(jnp.zeros_like, carry.tick),
        carry.budgets.active,
        None if carry.asked is None else told,
    )
    following = jax.tree.map(partial(jnp.where, ends), fresh, carry)
    return following, (carry.tick, carry.budgets.remaining)


def collect(market: Market, rows: tuple[Tally, Array], ends: Array, tick: Array) -> Delivery:
    """The rows given at the ends of ticks, as a delivery."""
    place = jnp.where(ends, tick, market.ticks)

    def pick(x: Array) -> Array:
        return jnp.zeros((market.ticks, *x.shape[1:]), x.dtype).at[place].set(x, mode="drop")

    return Delivery(*jax.tree.map(pick, rows))
