"""Re-solving: at every tick, the equilibrium of what the day before had left at that tick.

The forecast is the day before itself: its impressions from the tick on, with the money everybody
has left now. It is the classic baseline of a prediction: exact about the game, and as dear as
solving it at each tick. It runs on the host, so `roll_out` can play it and `simulate` cannot.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.equilibrium.game import Floats, Game
from equibid.learning.ncb.hindsight import LEAST_START, SOLVER, Solver, remainder
from equibid.markets.market import Campaigns


class Plan(NamedTuple):
    """Where re-solving stands.

    Attributes:
        factors: [N] of the coming tick, currency per value unit.
        remaining: [N] money left, currency.
        tick: the coming tick.
    """

    factors: Floats
    remaining: Floats
    tick: int


@pytree("game", "solver")
class Resolving(FactorBidder):
    """Bids the equilibrium of a forecast, solved anew at every tick.

    Attributes:
        start: factors of the first tick, and where the first solution starts from.
        game: of the day before, with as many ticks as the day to come.
        solver: how it is solved.
    """

    start: Float[Array, " N"]
    game: Game
    solver: Solver = SOLVER

    def init(self, campaigns: Campaigns) -> Plan:
        """The equilibrium of the whole day before."""
        factors = np.asarray(self.start, np.float64)
        return Plan(factors, np.asarray(campaigns.budget, np.float64), 0)

    def factor(self, state: Plan, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """As solved."""
        return jnp.asarray(state.factors)

    def update(self, state: Plan, feedback: Tally) -> Plan:
        """Solve the rest of the forecast with what is left of the money."""
        remaining = np.maximum(state.remaining - np.asarray(feedback.spend), 0)
        tick = state.tick + 1
        factors = state.factors
        if tick < self.game.market.ticks:
            rest = remainder(self.game, tick, remaining)
            if rest.market.impressions and rest.players.any():
                begin = np.maximum(factors, LEAST_START * self.game.cap)
                solved = self.solver.solve(rest, begin).factors
                factors = np.where(rest.players & (solved > 0), solved, factors)
        return Plan(factors, remaining, tick)
