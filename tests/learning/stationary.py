"""A market that does not change: prices and values uniform in (0, 1), known in closed form.

With a budget of `money` an impression, the best a bidder can do is to bid v / λ: it wins where the
price is below, pays E[p; p < v/λ] and gains E[v; p < v/λ]. For λ >= 1 that is 1/(6λ²) paid and
1/(3λ) gained an impression.
"""

from functools import cache

import jax.numpy as jnp
import numpy as np

from equibid.auctions.ranked import second_price
from equibid.bidders.training import training_log
from equibid.envs.problem import hindsight_value
from equibid.envs.setup import TrainingSetup
from equibid.markets.market import Campaigns, Labels, Market, even_ticks


def stationary(
    seed: int, impressions: int = 4800, ticks: int = 24, multiplier: float = 1.3
) -> Market:
    """One advertiser against prices that are drawn anew by `seed`."""
    random = np.random.default_rng(seed)
    prices, values = random.random((2, impressions))
    budget = impressions / (6 * multiplier**2)
    return Market(
        values=jnp.asarray(values[:, None]),
        tick_start=even_ticks(impressions, ticks),
        campaigns=Campaigns(jnp.asarray([budget]), jnp.asarray([1.0]), jnp.asarray([0], jnp.int32)),
        market_price=jnp.asarray(prices),
        labels=Labels("stationary"),
    )


@cache
def stationary_practice(
    days: int = 4, held_out: int = 2, play: str = "tick", **sizes
) -> TrainingSetup:
    """Days to learn on; the log is of a further day."""
    log = training_log(stationary(99, **sizes), second_price())
    return TrainingSetup(
        "stationary",
        log,
        [stationary(day, **sizes) for day in range(days)],
        [stationary(1000 + day, **sizes) for day in range(held_out)],
        second_price(),
        play,
    )


def hindsight(setup: TrainingSetup) -> float:
    """Value of the best factor in hindsight, mean over the held-out days."""
    return float(
        np.mean([hindsight_value(training_log(day, second_price())) for day in setup.held_out])
    )
