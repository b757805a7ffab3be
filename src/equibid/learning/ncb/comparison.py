"""How close bidders come to the equilibrium that only hindsight knows."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from equibid.bidders.bidder import FactorBidder
from equibid.bidders.fixed import Fixed
from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.game import Floats, Game
from equibid.learning.ncb.hindsight import Solver
from equibid.learning.ncb.rollout import roll_out
from equibid.simulation.delivery import Delivery

EXACT = Solver(tolerance=1e-6, polishing=30)


def compare_on_day(
    game: Game,
    bidders: Mapping[str, FactorBidder],
    start: Floats,
    key: jax.Array,
    *,
    sampled: bool = True,
    solver: Solver = EXACT,
) -> pl.DataFrame:
    """Play one day with each bidder in everybody's seat, and with the day's own equilibrium.

    Args:
        game: of the day.
        bidders: by name; each bids for all advertisers.
        start: [N] factors from which the equilibrium of the day is sought.
        key: of the chance in play, the same for all.
        sampled: draw winners, not their expectations.
        solver: of the equilibrium.

    Returns:
        A row a bidder, "hindsight" first: welfare (expected value of the ads shown, value units),
        `welfare_share` of what hindsight delivered, `exploitability` (see `gains`: the largest
        gain over welfare), `mean_gain` (all gains over welfare), and `spent`, a share of budgets.
    """
    best = Fixed(jnp.asarray(solver.solve(game, start).factors))
    rows = []
    for name, bidder in {"hindsight": best, **bidders}.items():
        delivery = roll_out(game.market, game.auction, bidder, key, sampled=sampled)
        total = delivery.total()
        welfare = float(total.value.sum())
        gain = gains(game, delivery) / welfare
        rows.append(
            {
                "bidder": name,
                "welfare": welfare,
                "welfare_share": welfare / (rows[0]["welfare"] if rows else welfare),
                "exploitability": float(gain.max(initial=0)),
                "mean_gain": float(gain.sum()),
                "spent": float(total.spend.sum() / game.budget.sum()),
            }
        )
    return pl.DataFrame(rows)


def gains(game: Game, delivery: Delivery) -> Floats:
    """What each advertiser would have gained by the best constant factor instead, value units.

    The others bid as they did, with the factors of each tick as bid, even where they ran out of
    money within the tick; costs count in expectation. Never below 0.

    Args:
        game: of the day.
        delivery: of the day.
    """
    answer = best_response(game, delivery.factors(), tolerance=1e-6)
    return np.maximum(answer.returns - np.asarray(delivery.total().value), 0)
