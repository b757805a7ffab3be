"""The worked example of Nash-equilibrium constrained bidding: 3 advertisers, 10 impressions.

Source: arXiv 2503.10304 v2, example 3.2; values and budgets are its Table 2.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.errors import InputError
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from equibid.markets.registry import MARKETS

BUDGET = (7.254, 9.561, 0.731)
# One row an advertiser.
VALUES = (
    (3.645, 2.806, 0.624, 1.987, 3.906, 2.554, 0.913, 4.921, 4.776, 4.267),
    (0.963, 4.853, 1.174, 0.131, 4.730, 4.608, 1.469, 2.553, 1.977, 0.831),
    (1.540, 2.147, 4.150, 2.811, 4.154, 4.984, 1.662, 0.746, 3.869, 0.455),
)


@MARKETS.add("example-3.2", "Worked example of NCB: 3 advertisers, 10 impressions, 3 equilibria.")
def example(key: jax.Array | None = None, day: int = 0, **changes: Any) -> Market:
    """The example, in one tick and float64; key and day change nothing, as nothing is drawn.

    Values are money-like and exceed 1: they are no probabilities, so conversions cannot be drawn
    from them. The target CPA is 1, and no bound on bids.

    Raises:
        InputError: a setting was to be changed.
    """
    if changes:
        raise InputError(f"market example-3.2 is printed as it is and has no setting {[*changes]}")
    values: Float[Array, "K N"] = jnp.asarray(VALUES).T
    return Market(
        values=values,
        tick_start=even_ticks(values.shape[0], 1),
        campaigns=Campaigns(
            budget=jnp.asarray(BUDGET),
            target_cpa=jnp.ones(3),
            category=jnp.zeros(3, jnp.int32),
        ),
        labels=Labels("example-3.2", value_unit="value"),
    )
