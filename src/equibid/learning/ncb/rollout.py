"""A period tick by tick: bidders that think long once a tick, or that cannot be compiled.

`simulate` tells bidders after every block of a tick and keeps what the last one gave; a network is
too dear for that, and a bidder that solves a game runs on the host. Here a bidder is asked once a
tick, outside the compiled play. The deliveries are the same.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.auctions.clearing import ABSENT, Auction
from equibid.auctions.tally import Tally
from equibid.bidders.bidder import FactorBidder
from equibid.bidders.fixed import Fixed
from equibid.bidders.population import everybody
from equibid.markets.market import Market
from equibid.simulation.blocks import Carry, begin, block_length, end_tick, observe, play_block
from equibid.simulation.delivery import Delivery


def roll_out(
    market: Market,
    auction: Auction,
    bidder: FactorBidder,
    key: jax.Array,
    *,
    sampled: bool = True,
    tilt: Float[Array, "T N"] | None = None,
) -> Delivery:
    """Play one period in which one bidder bids for all.

    Args:
        market: one market (no axis S).
        auction: the rule.
        bidder: asked for factors at the start of each tick, told its sums at the end.
        key: as in `simulate`.
        sampled: as in `simulate`.
        tilt: multiplies the bidder's factors, to see what else might happen; none if None.
    """
    population = everybody(bidder, market.advertisers)
    states = population.init(market.campaigns)
    carry = begin(market, everybody(Fixed(jnp.zeros(market.advertisers)), market.advertisers))
    rows: list[tuple[Tally, Array]] = []
    for tick in range(market.ticks):
        start = market.tick_start[tick]
        observation = observe(market, jnp.asarray(tick), start, carry.budgets.remaining)
        factor = population.factor(states, observation, jax.random.fold_in(key, tick))
        if tilt is not None:
            factor = factor * tilt[tick]
        carry, row = _play_tick(market, auction, factor, key, sampled, carry, jnp.asarray(tick))
        rows.append(row)
        states = population.update(states, row[0])
    return Delivery(*jax.tree.map(lambda *x: jnp.stack(x), *rows))


@partial(jax.jit, static_argnames=("auction", "sampled"))
def _play_tick(
    market: Market,
    auction: Auction,
    factor: Float[Array, " N"],
    key: jax.Array,
    sampled: bool,
    carry: Carry,
    tick: Int[Array, ""],
) -> tuple[Carry, tuple[Tally, Array]]:
    """Sell the impressions of one tick, block by block as `simulate` does."""
    population = everybody(Fixed(jnp.where(factor > 0, factor, ABSENT)), market.advertisers)
    length = block_length(market.impressions, market.advertisers)
    start, end = market.tick_start[tick], market.tick_start[tick + 1]
    observation = observe(market, tick, start, carry.opening)

    def block(number: Array, carry: Carry) -> Carry:
        first = start + number * length
        slice_start = jnp.minimum(first, market.impressions - length)
        last = jnp.minimum(first + length, end)
        return play_block(
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

    carry = jax.lax.fori_loop(0, -(-(end - start) // length), block, carry)
    return end_tick(population, carry, jnp.asarray(True))
