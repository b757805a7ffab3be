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
