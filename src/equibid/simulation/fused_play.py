"""Tick play on the fused kernel: the bidders' side in XLA, a tick's market in one call."""

from dataclasses import replace
from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from equibid.auctions import fused
from equibid.auctions.budgets import BudgetState, init_budgets
from equibid.auctions.clearing import ABSENT
from equibid.auctions.kernel import KernelImpressions
from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Arriving, State
from equibid.bidders.population import Population
from equibid.bidders.sold import SoldTick
from equibid.markets.market import Market, worth
from equibid.noise import seed_of
from equibid.simulation.blocks import arrivals, observe, present
from equibid.simulation.delivery import Delivery
from equibid.simulation.tick_bids import most_blocks, tick_bids


@partial(jax.jit, static_argnames=("minimum_budget", "blocks"))
def turn(
    market: Market,
    minimum_budget: float,
    population: Population,
    states: tuple[State, ...],
    feedback: Array | None,
    budgets: BudgetState,
    tick: Array,
    arriving: Arriving | None,
    key: jax.Array,
    blocks: int,
) -> tuple[tuple[State, ...], Array]:
    """Tell the bidders of the last tick, and get their factors [N] for the next, or its bids."""
    if feedback is not None:
        states = population.update(states, Tally(*feedback))
    now = jax.tree.map(lambda x: x[tick], arriving)
    remaining = budgets.remaining
    here = present(budgets.active, remaining, minimum_budget)
    observation = observe(market, tick, market.tick_start[tick], remaining, now, here)
    if not population.by_factor:
        return states, tick_bids(
            market, minimum_budget, population, states, observation, key, tick, blocks
        )
    factor = population.factor(states, observation, jax.random.fold_in(key, tick))
    return states, jnp.where(remaining < minimum_budget, ABSENT, factor)


_arrivals = jax.jit(arrivals)


def market_lots(market: Market) -> KernelImpressions:
    """A market's impressions, as the kernel takes them."""
    return fused.lots_of(
        np.asarray(market.values),
        ids=None if market.candidates is None else np.asarray(market.candidates, np.int32),
        outside=None if market.market_price is None else np.asarray(market.market_price),
        outcomes=None if market.outcomes is None else np.asarray(market.outcomes),
    )


def play_fused(
    market: Market, auction: Ranked, population: Population, key: jax.Array, sampled: bool
) -> Delivery:
    """Play a period in a ranked auction; see `simulate`.

    Bidders that watch are shown a tick at its end: they decide once a tick.
    """
    budgets = init_budgets(market.campaigns.budget, worth(market))
    purse = fused.Purse(*(np.array(x) for x in budgets))
    states = population.init(market.campaigns)
    lots, given = market_lots(market), not population.by_factor
    watched = population.needs_impressions
    grid = {"bid_step": market.bid_step, "bid_cap": market.bid_cap}
    terms = fused.terms_of(auction, lots, given=given, **grid)
    start = np.asarray(market.tick_start)
    # A power of two, so that days whose longest ticks differ a little run the same program.
    blocks = 1 << (most_blocks(market) - 1).bit_length() if given else 0
    seed = int(seed_of(key)) if sampled else None
    rows, remaining, sums = [], [], None
    told = _arrivals(market) if population.needs_forecast else None
    # The bidders' side need not know how the impressions are sold.
    frame = replace(market, market_price=None, outcomes=None)
    if not given:
        frame = replace(frame, candidates=None)
    for tick in range(market.ticks):
        states, asked = turn(
            frame,
            auction.minimum_budget,
            population,
            states,
            sums,
            BudgetState(*(cast(Array, x.copy()) for x in purse)),
            np.asarray(tick),
            told,
            key,
            blocks,
        )
        asked = np.asarray(asked)
        here = slice(int(start[tick]), int(start[tick + 1]))
        sold = fused.sold_in(terms, here.stop - here.start) if watched else None
        sums = fused.settle_lots(
            lots,
            terms,
            purse,
            np.ones(market.advertisers) if given else asked,
            bids=asked[: here.stop - here.start] if given else None,
            rows=here,
            seed=seed,
            sold=sold,
        )
        if sold is not None:
            states = population.watch_sold(
                states, SoldTick(lots.values[here], lots.ids[here], *sold)
            )
        rows.append(sums)
        remaining.append(purse.remaining.copy())
    table = np.stack(rows, axis=1)
    return Delivery(Tally(*map(jnp.asarray, table)), jnp.asarray(np.stack(remaining)))
