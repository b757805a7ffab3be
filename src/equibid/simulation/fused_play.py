"""Tick play on the fused kernel: the bidders' side in XLA, a tick's market in one call."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from equibid.auctions import fused
from equibid.auctions.budgets import open_ledger
from equibid.auctions.clearing import ABSENT
from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Arriving, State
from equibid.bidders.population import Population
from equibid.markets.market import Market
from equibid.noise import seed_of
from equibid.simulation.blocks import arrivals, observe
from equibid.simulation.delivery import Delivery


@jax.jit
def turn(
    market: Market,
    population: Population,
    states: tuple[State, ...],
    feedback: Array | None,
    remaining: Array,
    tick: Array,
    arriving: Arriving | None,
    key: jax.Array,
) -> tuple[tuple[State, ...], Array]:
    """Tell the bidders of the last tick, and get their factors for the next."""
    if feedback is not None:
        states = population.update(states, Tally(*feedback))
    now = jax.tree.map(lambda x: x[tick], arriving)
    observation = observe(market, tick, market.tick_start[tick], remaining, now)
    return states, population.factor(states, observation, jax.random.fold_in(key, tick))


_arrivals = jax.jit(arrivals)


def play_fused(
    market: Market, auction: Ranked, population: Population, key: jax.Array, sampled: bool
) -> Delivery:
    """Play a period of factor bids in a ranked auction; see `simulate`."""
    ledger = open_ledger(market.campaigns.budget)
    purse = fused.Purse(np.array(ledger.remaining), np.array(ledger.active), float(ledger.quantum))
    states = population.init(market.campaigns)
    values, start = np.asarray(market.values), np.asarray(market.tick_start)
    ids = None if market.candidates is None else np.asarray(market.candidates, np.int32)
    outside = None if market.market_price is None else np.asarray(market.market_price)
    outcomes = None if market.outcomes is None else np.asarray(market.outcomes)
    seed = int(seed_of(key)) if sampled else None
    rows, remaining, sums = [], [], None
    told = _arrivals(market) if population.foresees else None
    # The bidders' side needs the ticks and the advertisers, not the impressions.
    frame = replace(market, market_price=None, candidates=None, outcomes=None)
    for tick in range(market.ticks):
        first, last = int(start[tick]), int(start[tick + 1])
        money = purse.remaining.copy()
        states, asked = turn(frame, population, states, sums, money, np.asarray(tick), told, key)
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
