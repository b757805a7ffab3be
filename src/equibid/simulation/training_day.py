"""The day before: a market at rest, and the log it leaves.

A market of many advertisers has no price of its own: what an impression costs one depends on how
the others bid. Bidders are tuned on a day on which everybody bids a factor that just spends its
budget, found by tatonnement, and on what that day's slots would have cost each of them.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT, Auction
from equibid.bidders.bidder import by_factor
from equibid.bidders.fixed import Fixed
from equibid.bidders.population import everybody
from equibid.bidders.price_rule import price_rule, prices_of
from equibid.bidders.training import TrainingLog
from equibid.markets.history import PriceHistory, price_history
from equibid.markets.market import Market, dense, limited
from equibid.simulation.simulate import simulate

# Impressions of a day's log at most; a longer day is thinned.
MOST = 50_000


def tatonnement_factors(
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
    market = limited(market)
    budget = market.campaigns.budget
    free = market.with_budget(jnp.full_like(budget, 1e6) * jnp.maximum(budget.max(), 1.0))
    cap = market.campaigns.target_cpa
    level = cap / 2
    for turn in range(rounds):
        bidders = everybody(Fixed(level), market.advertisers)
        delivery = simulate(free, auction, bidders, jax.random.key(0), sampled=False)
        ratio = budget / jnp.maximum(delivery.total().spend, 1e-3 * jnp.maximum(budget, 1e-300))
        level = jnp.minimum(level * ratio ** (step / (1 + turn) ** 0.5), cap)
    return level


def counterfactual_log(
    market: Market, auction: Auction, factors: Float[Array, "T N"], most: int = 30_000_000
) -> TrainingLog:
    """The log of a day on which everybody bid factors times values.

    It shows each advertiser what every slot would have cost it. A long day is thinned evenly, and
    budgets with it.

    Args:
        market: one market.
        auction: the rule.
        factors: by tick and advertiser; ``-inf`` or 0 where an advertiser did not bid.
        most: prices the log may hold, impressions × advertisers × slots.

    Raises:
        InputError: it is not known what a win costs under the rule.
    """
    exposure = auction.expected_exposure
    cells = market.advertisers * len(exposure)
    every = max(-(-market.impressions * cells // most), -(-market.impressions // MOST))
    kept = np.arange(every // 2, market.impressions, every)
    tick = np.searchsorted(np.asarray(market.tick_start), kept, side="right") - 1
    values = dense_rows(market, kept)
    level = jnp.where(factors > 0, factors, ABSENT)[tick]
    outside = None if market.market_price is None else market.market_price[kept]
    met = prices_of(auction, by_factor(level, values), outside)
    best = np.asarray(met.price[..., 0], np.float64)
    eligible = np.asarray(values) > 0
    pooled = price_history(best[eligible & np.isfinite(best)], np.zeros(0))
    scale = len(kept) / max(float(eligible.sum()), 1.0)
    total = (
        values
        if market.outcomes is None
        else dense_rows(replace(market, values=market.outcomes), kept)
    )
    history = PriceHistory(
        counts=pooled.counts * scale,
        step=pooled.step,
        impressions=float(len(kept)),
        cost=pooled.cost * scale,
        value=np.asarray(total).sum(axis=0, dtype=np.float64),
    )
    budget = jnp.asarray(market.campaigns.budget) / every
    return TrainingLog(
        values=values,
        prices=met.price.astype(values.dtype),
        campaigns=replace(market.campaigns, budget=budget),
        period=len(kept),
        ticks=market.ticks,
        history=history,
        exposure=exposure,
        bid_step=market.bid_step,
        bid_cap=market.bid_cap,
        tick_start=jnp.searchsorted(jnp.asarray(kept), market.tick_start),
        rule=price_rule(auction)._replace(wins_ties=True),
        even=None if met.even is None else met.even.astype(values.dtype),
        per_currency=market.labels.per_currency,
        impressions=market.impressions,
    )


def dense_rows(market: Market, rows: npt.NDArray[np.integer]) -> Array:
    """Chosen impressions with one column an advertiser."""
    ids = None if market.candidates is None else market.candidates[rows]
    return dense(replace(market, values=market.values[rows], candidates=ids))
