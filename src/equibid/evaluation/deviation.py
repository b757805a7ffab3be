"""What an advertiser could have gained by another factor, the others' bids standing.

After a day is played, its log says what every slot would have cost each advertiser. Against those
prices the best constant factor within the budget is found exactly, and the factors that were bid
are replayed beside it. The difference is a lower bound of what the best response would gain: a
factor that changes over the day may gain more, and the others, whose budgets last longer or
shorter then, may answer. Of equilibria in soft auctions `equibid certify` proves bounds from above.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.clearing import Auction
from equibid.bidders.bidder import by_factor
from equibid.bidders.fixed import logged_factor
from equibid.bidders.replay import replay
from equibid.markets.market import Market
from equibid.simulation.training_day import counterfactual_log

# Cuts that find the price of money of a bound, at most, and the share to which it is known then.
CUTS, CLOSE = 60, 1e-10


def gains(
    market: Market, auction: Auction, factors: Float[Array, "T N"]
) -> Float[np.ndarray, " N"]:
    """The gain of each advertiser's best constant factor over its own, value units, at least 0.

    Exposures are expected on both sides. A long day is thinned, and counted up again.

    Args:
        market: the day.
        auction: the rule.
        factors: as bid by tick, currency per value unit; 0 where nothing was.
    """
    log = counterfactual_log(market, auction, factors)
    assert log.tick_start is not None
    tick = jnp.searchsorted(log.tick_start, jnp.arange(len(log.values)), side="right") - 1
    own = replay(log, by_factor(jnp.asarray(factors)[tick], log.values)).value
    best = replay(log, by_factor(logged_factor(log), log.values)).value
    return np.maximum(best - own, 0.0) * (market.impressions / len(log.values))


def most(market: Market, auction: Auction, factors: Float[Array, "T N"]) -> Float[np.ndarray, " N"]:
    """What no bids of an advertiser could gain beyond its own, the others' standing; value units.

    Each impression may be bought in any slot or left, and one for all in parts: the optimum of this
    linear program is at most its dual ``Σ_k max(0, max_s v_k e_s - λ c_ks) + λ B`` at any price λ
    of money, of which the lowest is sought. Whoever knew the whole day could not gain more, while
    the others bid what they bid. A long day is thinned, and counted up again.

    Args:
        market: the day.
        auction: the rule, which charges a won slot at least what others bid for it; not a soft one.
        factors: as bid by tick, currency per value unit; 0 where nothing was.

    Raises:
        ValueError: the rule is soft: it sells in parts, at a price that one's own bid moves.
    """
    log = counterfactual_log(market, auction, factors)
    if log.rule.temperature > 0:
        raise ValueError("a soft rule has no price of a slot")
    assert log.tick_start is not None
    tick = jnp.searchsorted(log.tick_start, jnp.arange(len(log.values)), side="right") - 1
    own = replay(log, by_factor(jnp.asarray(factors)[tick], log.values)).value
    values, prices = (np.asarray(x, np.float64) for x in (log.values, log.prices))
    budget, shown = np.asarray(log.campaigns.budget), np.asarray(log.exposure, np.float64)
    bounds = [
        _bound(values[:, i, None] * shown, prices[:, min(i, prices.shape[1] - 1)] * shown, money)
        for i, money in enumerate(budget)
    ]
    return np.maximum(np.array(bounds) - own, 0.0) * (market.impressions / len(log.values))


def _bound(worth: Float[np.ndarray, "K S"], cost: Float[np.ndarray, "K S"], budget: float) -> float:
    """The lowest dual of buying at most one slot of each impression within a budget."""
    sold = np.isfinite(cost) & (worth > 0)
    worth, cost = np.where(sold, worth, 0.0), np.where(sold, cost, 0.0)
    wanted = sold.any(axis=1)
    worth, cost, sold = worth[wanted], cost[wanted], sold[wanted]
    row = np.arange(len(worth))

    def at(price: float) -> tuple[float, float]:
        """The dual, and what is spent at a price of money."""
        margin = np.where(sold, worth - price * cost, -np.inf)
        slot = margin.argmax(axis=1)
        gain = margin[row, slot]
        bought = gain > 0
        dual = gain[bought].sum() + (price * budget if price else 0.0)
        return dual, cost[row, slot][bought].sum()

    if not len(worth):
        return 0.0
    best, spent = at(0.0)
    if spent <= budget:
        return best
    # The dual is convex and piecewise linear, of slope budget less spent: its lowest point lies
    # above where the tangents on both sides of it meet, and is tried there.
    low, high = (0.0, best, spent), (1.0, *at(1.0))
    while high[2] > budget:
        low, high = high, (4 * high[0], *at(4 * high[0]))
    for _ in range(CUTS):
        best = min(low[1], high[1])
        fall, rise = low[2] - budget, budget - high[2]
        price = (low[1] - high[1] + fall * low[0] + rise * high[0]) / (fall + rise)
        if low[1] - fall * (price - low[0]) >= best * (1 - CLOSE) or not low[0] < price < high[0]:
            break
        there = (price, *at(price))
        low, high = (there, high) if there[2] > budget else (low, there)
    return min(low[1], high[1])
