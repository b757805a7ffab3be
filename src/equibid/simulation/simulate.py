"""Market × auction × bidders → delivery.

Two kinds of play:

- ``tick``: bidders bid once a tick for all its impressions. An advertiser that cannot pay an
  impression leaves at that impression.
- ``impression``: bidders are asked at every impression, with the money left at that moment, and a
  bid is never more than that money.

The first has two engines with the same results: XLA, for any bidder, auction and backend, and the
fused CPU kernel for factor bids in ranked auctions.
"""

from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.auctions import fused
from equibid.auctions.budgets import Ledger, open_ledger, settle
from equibid.auctions.clearing import ABSENT, Auction, Clearing
from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import Tally, convert, no_tally, tally
from equibid.bidders.bidder import Observation, State
from equibid.bidders.population import Population
from equibid.errors import InputError
from equibid.markets.market import Market
from equibid.noise import seed_of
from equibid.simulation.delivery import Delivery

Play = Literal["tick", "impression"]
Engine = Literal["auto", "xla", "fused"]


def simulate(
    market: Market,
    auction: Auction,
    population: Population,
    key: jax.Array,
    *,
    play: Play = "tick",
    sampled: bool = True,
    engine: Engine = "auto",
) -> Delivery:
    """Play one delivery period.

    Args:
        market: one market (no axis S); `simulate_many` takes a stack.
        auction: the rule.
        population: fitted bidders and their seats.
        key: decides exposures, conversions and the bidders' own chance. The draws of an
            impression depend on the key and the impression alone.
        play: how often bidders are asked.
        sampled: draw exposures, winners and conversions; False books their expectations.
        engine: of tick play; "auto" takes the fused kernel where it applies.

    Raises:
        InputError: the fused engine was asked for where it does not apply.
    """
    by_factor = play == "tick" and population.by_factor and not population.watches
    wanted = engine == "fused" or (engine == "auto" and jax.default_backend() == "cpu")
    if wanted and by_factor and fused.supports(auction):
        return _play_fused(market, auction, population, key, sampled)
    if engine == "fused":
        raise InputError(
            "the fused engine plays ticks of factor bids in ranked auctions with at most "
            "3 slots and ties to the lowest id; use engine 'xla' here"
        )
    return _play(market, auction, population, key, play, sampled)


@partial(jax.jit, static_argnames=("auction", "play", "sampled", "sequential", "own_bidders"))
def simulate_many(
    markets: Market,
    auction: Auction,
    populations: Population,
    keys: jax.Array,
    *,
    play: Play = "tick",
    sampled: bool = True,
    sequential: bool = False,
    own_bidders: bool = False,
) -> Delivery:
    """Play a stack of periods (axis S on markets, populations' seats and keys) at once.

    Args:
        markets: a stack of equal shape (see `stack` and `split`).
        auction: the rule.
        populations: bidders shared by all, `seat` with the axis S.
        keys: [S] typed keys.
        play: as in `simulate`.
        sampled: as in `simulate`.
        sequential: one period after the other in one program (`lax.map`): the same bits as
            `simulate` with the XLA engine, less memory.
        own_bidders: the bidders' arrays have the axis S too: each period has its own.
    """
    shared = None if own_bidders else populations.bidders

    def one(at: tuple[Market, Population | Int[Array, " N"], jax.Array]) -> Delivery:
        market, who, key = at
        population = who if isinstance(who, Population) else Population(shared or (), who)
        return _play(market, auction, population, key, play, sampled)

    xs = (markets, populations if own_bidders else populations.seat, keys)
    return jax.lax.map(one, xs) if sequential else jax.vmap(one)(xs)


def stack(markets: list[Market]) -> Market:
    """Markets of equal shape as one with axis S."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *markets)


@partial(jax.jit, static_argnames=("auction", "play", "sampled"))
def _play(
    market: Market,
    auction: Auction,
    population: Population,
    key: jax.Array,
    play: Play,
    sampled: bool,
) -> Delivery:
    engine = _play_impressions if play == "impression" else _play_ticks
    return engine(market, auction, population, key, sampled)


class _Carry(NamedTuple):
    ledger: Ledger
    opening: Float[Array, " N"]  # money at the start of the tick
    states: tuple[State, ...]
    tick: Tally  # the tick so far


def block_length(impressions: int, advertisers: int) -> int:
    """B, impressions cleared at once.

    A departure clears its block anew, and there may be one for every advertiser: blocks of about
    K / N impressions keep that as cheap as the first clearing.
    """
    wanted = max(impressions // max(advertisers, 1), 64)
    return min(1 << (wanted.bit_length() - 1), 2048, max(impressions, 1))


def _block(
    market: Market,
    auction: Auction,
    population: Population,
    key: jax.Array,
    sampled: bool,
    carry: _Carry,
    observation: Observation,
    slice_start: Int[Array, ""],
    length: int,
    first: Int[Array, ""],
    last: Int[Array, ""],
    cap: Float[Array, " N"] | float,
) -> _Carry:
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
    bids = _bids(market, population, carry.states, observation, values, ids, tick_key, first)
    if market.bid_step > 0:
        bids = jnp.floor(bids / market.bid_step) * market.bid_step
    ceiling = jnp.minimum(cap, jnp.where(carry.opening < auction.minimum_budget, ABSENT, jnp.inf))
    ceiling = jnp.minimum(ceiling, market.bid_cap)
    if ids is not None:
        ceiling = jnp.where(ids < 0, ABSENT, ceiling[ids])
    bids = jnp.minimum(bids, ceiling).astype(values.dtype)
    bids = jnp.where(inside[:, None] & (values > 0), bids, ABSENT)

    lanes = jnp.arange(market.advertisers)[None] if ids is None else ids
    draws = auction.draw(seed, number, lanes) if sampled else None
    settlement = settle(auction, carry.ledger, bids, ids, outside, draws)
    if market.outcomes is not None:
        counted = cut(market.outcomes).astype(jnp.float64)
    elif sampled:
        counted = convert(seed, number, lanes, values)
    else:
        counted = values.astype(jnp.float64)
    states = carry.states
    if population.watches:
        states = _watch(market, population, states, settlement.clearing, values, ids, inside)
    return _Carry(
        settlement.ledger,
        carry.opening,
        states,
        carry.tick + tally(settlement, bids, values, ids, counted),
    )


def _bids(
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
    table = population.bid(states, observation, _spread(market, values, ids), key, first)
    return jnp.take_along_axis(table, safe, axis=1)


def _spread(market: Market, x: Array, ids: Array) -> Array:
    """A block's candidate columns as one column an advertiser."""
    table = jnp.zeros((x.shape[0], market.advertisers + 1, *x.shape[2:]), x.dtype)
    columns = jnp.where(ids < 0, market.advertisers, ids)
    return table.at[jnp.arange(x.shape[0])[:, None], columns].set(x)[:, :-1]


def _watch(
    market: Market,
    population: Population,
    states: tuple[State, ...],
    clearing: Clearing,
    values: Array,
    ids: Array | None,
    inside: Array,
) -> tuple[State, ...]:
    prices = clearing.slot_prices
    if ids is not None:
        values, prices = _spread(market, values, ids), _spread(market, prices, ids)
    return population.watch(states, values, prices, inside[:, None] & (values > 0))


def _observe(market: Market, tick: Array, impression: Array, remaining: Array) -> Observation:
    return Observation(
        tick=tick,
        ticks=jnp.asarray(market.ticks),
        impression=impression,
        impressions=jnp.asarray(market.impressions),
        remaining=remaining,
    )


def _begin(market: Market, population: Population) -> _Carry:
    ledger = open_ledger(market.campaigns.budget)
    states = population.init(market.campaigns)
    return _Carry(ledger, ledger.remaining, states, no_tally(market.advertisers))


def _end_tick(
    population: Population, carry: _Carry, ends: Array
) -> tuple[_Carry, tuple[Tally, Array]]:
    """Where a tick ends, tell the bidders and open the next; give the tick's row either way."""
    told = population.update(carry.states, carry.tick)
    fresh = _Carry(
        carry.ledger,
        carry.ledger.remaining,
        told,
        jax.tree.map(jnp.zeros_like, carry.tick),
    )
    following = jax.tree.map(partial(jnp.where, ends), fresh, carry)
    return following, (carry.tick, carry.ledger.remaining)


def _collect(market: Market, rows: tuple[Tally, Array], ends: Array, tick: Array) -> Delivery:
    """The rows given at the ends of ticks, as a delivery."""
    place = jnp.where(ends, tick, market.ticks)

    def pick(x: Array) -> Array:
        return jnp.zeros((market.ticks, *x.shape[1:]), x.dtype).at[place].set(x, mode="drop")

    return Delivery(*jax.tree.map(pick, rows))


def _play_ticks(
    market: Market, auction: Auction, population: Population, key: jax.Array, sampled: bool
) -> Delivery:
    length = block_length(market.impressions, market.advertisers)
    start = market.tick_start
    # Every tick has at least one block, if an empty one, so that its end is seen.
    blocks = jnp.maximum(-(-(start[1:] - start[:-1]) // length), 1)
    after = jnp.cumsum(blocks)
    number = jnp.arange(market.impressions // length + market.ticks)
    tick = jnp.searchsorted(after, number, side="right")
    real = tick < market.ticks
    tick = jnp.minimum(tick, market.ticks - 1)
    first = start[tick] + (number - (after[tick] - blocks[tick])) * length
    last = jnp.where(real, jnp.minimum(first + length, start[tick + 1]), first)
    ends = real & (number == after[tick] - 1)

    def step(
        carry: _Carry, at: tuple[Array, Array, Array, Array]
    ) -> tuple[_Carry, tuple[Tally, Array]]:
        tick, first, last, ends = at
        # A slice cannot reach past the end; the rows before `first` are left out instead.
        slice_start = jnp.minimum(first, market.impressions - length)
        observation = _observe(market, tick, start[tick], carry.opening)
        carry = _block(
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
        return _end_tick(population, carry, ends)

    _, rows = jax.lax.scan(step, _begin(market, population), (tick, first, last, ends))
    return _collect(market, rows, ends, tick)


def _play_impressions(
    market: Market, auction: Auction, population: Population, key: jax.Array, sampled: bool
) -> Delivery:
    number = jnp.arange(market.impressions)
    start = market.tick_start
    tick = jnp.searchsorted(start, number, side="right") - 1
    ends = jnp.concatenate([tick[1:] != tick[:-1], jnp.ones(1, bool)])

    def step(carry: _Carry, at: tuple[Array, ...]) -> tuple[_Carry, tuple[Tally, Array]]:
        tick, number, ends = at
        observation = _observe(market, tick, number, carry.ledger.remaining)
        carry = _block(
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
            carry.ledger.remaining,
        )
        return _end_tick(population, carry, ends)

    _, rows = jax.lax.scan(step, _begin(market, population), (tick, number, ends))
    delivery = _collect(market, rows, ends, tick)
    # A tick without impressions leaves the money as it was.
    empty = (start[1:] == start[:-1])[:, None]
    before = jnp.where(empty, jnp.inf, delivery.remaining)
    opening = open_ledger(market.campaigns.budget).remaining
    return Delivery(delivery.tally, jnp.minimum(jax.lax.cummin(before, axis=0), opening))


@jax.jit
def _turn(
    market: Market,
    population: Population,
    states: tuple[State, ...],
    feedback: Array | None,
    remaining: Array,
    tick: Array,
    key: jax.Array,
) -> tuple[tuple[State, ...], Array]:
    """Tell the bidders of the last tick, and get their factors for the next."""
    if feedback is not None:
        states = population.update(states, Tally(*feedback))
    observation = _observe(market, tick, market.tick_start[tick], remaining)
    return states, population.factor(states, observation, jax.random.fold_in(key, tick))


def _play_fused(
    market: Market, auction: Ranked, population: Population, key: jax.Array, sampled: bool
) -> Delivery:
    ledger = open_ledger(market.campaigns.budget)
    purse = fused.Purse(np.array(ledger.remaining), np.array(ledger.active), float(ledger.quantum))
    states = population.init(market.campaigns)
    values, start = np.asarray(market.values), np.asarray(market.tick_start)
    ids = None if market.candidates is None else np.asarray(market.candidates, np.int32)
    outside = None if market.market_price is None else np.asarray(market.market_price)
    outcomes = None if market.outcomes is None else np.asarray(market.outcomes)
    seed = int(seed_of(key)) if sampled else None
    rows, remaining, sums = [], [], None
    # The bidders' side needs the ticks and the advertisers, not the impressions.
    frame = replace(market, market_price=None, candidates=None, outcomes=None)
    for tick in range(market.ticks):
        first, last = int(start[tick]), int(start[tick + 1])
        money = purse.remaining.copy()
        states, asked = _turn(frame, population, states, sums, money, np.asarray(tick), key)
        factor = np.where(money < auction.minimum_budget, ABSENT, np.asarray(asked))
        sums = fused.settle_factors(
            auction,
            purse,
            values[first:last],
            factor,
            ids=None if ids is None else ids[first:last],
            outside=None if outside is None else outside[first:last],
            outcomes=None if outcomes is None else outcomes[first:last],
            seed=seed,
            first_impression=first,
            bid_step=market.bid_step,
            bid_cap=market.bid_cap,
        )
        rows.append(sums)
        remaining.append(purse.remaining.copy())
    table = np.stack(rows, axis=1)
    return Delivery(Tally(*map(jnp.asarray, table)), jnp.asarray(np.stack(remaining)))
