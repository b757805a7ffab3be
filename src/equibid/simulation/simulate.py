"""Market × auction × bidders → delivery.

Two kinds of play:

- ``tick``: bidders bid once a tick for all its impressions. An advertiser that cannot pay an
  impression leaves at that impression.
- ``impression``: bidders are asked at every impression, with the money left at that moment, and a
  bid is never more than that money.

The first has two engines with the same results: XLA, for any bidder, auction and backend, and the
fused CPU kernel for ranked auctions and bidders that do not watch.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from equibid.auctions import fused
from equibid.auctions.clearing import Auction
from equibid.bidders.population import Population
from equibid.errors import InputError
from equibid.markets.market import Market, limited
from equibid.simulation.delivery import Delivery
from equibid.simulation.fused_play import play_fused
from equibid.simulation.plays import play_impressions, play_ticks

Play = Literal["tick", "impression"]
Engine = Literal["auto", "xla", "fused"]

NO_KERNEL = (
    "the fused engine plays ticks in ranked auctions with at most 3 slots and ties to the lowest "
    "id, and no bidder that must watch impressions one by one; use engine 'xla' here"
)


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
    market = limited(market)
    known = play == "tick" and population.watches_sold
    wanted = engine == "fused" or (engine == "auto" and jax.default_backend() == "cpu")
    if wanted and known and fused.supports(auction):
        return play_fused(market, auction, population, key, sampled)
    if engine == "fused":
        raise InputError(NO_KERNEL)
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
        return _play(limited(market), auction, population, key, play, sampled)

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
    engine = play_impressions if play == "impression" else play_ticks
    return engine(market, auction, population, key, sampled)
