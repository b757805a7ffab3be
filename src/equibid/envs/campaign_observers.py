"""Small states of published single-campaign bidders, without units, and how a cost target stands.

All look back only; before the first tick what needs one is 0. Source: the authors' program of He
et al., "A unified solution to constrained bidding in online display advertising" (USCB), KDD 2021;
Wu et al., "Budget constrained bidding by model-free reinforcement learning" (DRLB), CIKM 2018.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally, no_tally
from equibid.bidders.bidder import Observation, pytree
from equibid.envs.observers import OBSERVERS, LastTick
from equibid.markets.market import Campaigns
from equibid.simulation.features import WIDEST, Reference, log_ratio, share


@pytree()
class Uscb:
    """Time and money, as USCB sees them: ``(x − max/2) / (max/2)``.

    | feature | what it is | range |
    | --- | --- | --- |
    | steps left | ticks left, this one included, of at most T | -1 … 1 |
    | budget left | remaining, of at most the budget | -1 … 1 |
    | spent | spent so far, of at most the budget: the negative of the one before | -1 … 1 |
    """

    @property
    def names(self) -> tuple[str, ...]:
        """As in the table."""
        return ("steps left", "budget left", "spent")

    @property
    def needs_forecast(self) -> bool:
        """It looks back only."""
        return False

    def init(self, campaigns: Campaigns) -> Float[Array, " N"]:
        """The budget."""
        return jnp.asarray(campaigns.budget, jnp.float64)

    def observe(self, memory: Float[Array, " N"], observation: Observation) -> Float[Array, "N F"]:
        """Time and money now."""
        left = share(observation.remaining, memory)
        time_left = jnp.broadcast_to(observation.time_left, left.shape)
        return (2 * jnp.stack([time_left, left, 1 - left], axis=-1) - 1).astype(jnp.float32)

    def update(self, memory: Float[Array, " N"], feedback: Tally) -> Float[Array, " N"]:
        """The money left tells it all."""
        return memory


@OBSERVERS.add("uscb", "USCB's published state: steps left, budget left, spent.")
def uscb(campaigns: Campaigns, reference: Reference) -> Uscb:
    """Needs nothing."""
    return Uscb()


@pytree()
class Drlb:
    """The seven numbers of DRLB; those in money or value are over an even day like the one before.

    | feature | what it is | range |
    | --- | --- | --- |
    | t | ticks that have ended / T | 0 … 1 |
    | B | remaining / budget | 0 … 1 |
    | ROL | times the factor can still be set, this one included, / T | 0 … 1 |
    | BCR | (B_t − B_{t−1}) / B_{t−1}, times the ticks that were left: -1 spends evenly | -5 … 0 |
    | CPM | log of cost per ad shown over the reference factor times the mean value | -5 … 5 |
    | WR | slots won / impressions bid on, in the last tick | 0 … 1 |
    | r | value of the last tick over ``budget / (T · reference factor)`` | 0 … 5 |

    A budget buys at least ``budget / factor`` of value where a win costs at most the bid, so r is
    about 1 or above on a tick as good as the day before's.

    Attributes:
        reference: the day before.
    """

    reference: Reference

    @property
    def names(self) -> tuple[str, ...]:
        """As in the table."""
        return ("t", "B", "ROL", "BCR", "CPM", "WR", "r")

    @property
    def needs_forecast(self) -> bool:
        """It looks back only."""
        return False

    def init(self, campaigns: Campaigns) -> LastTick:
        """Nothing has happened."""
        budget = jnp.asarray(campaigns.budget, jnp.float64)
        return LastTick(budget, no_tally(budget.shape[0]))

    def observe(self, memory: LastTick, observation: Observation) -> Float[Array, "N F"]:
        """Time, money and the last tick."""
        last, left, T = memory.last, observation.remaining, observation.ticks
        ended = jnp.broadcast_to(1 - observation.time_left, left.shape)
        price = self.reference.factor * self.reference.mean_value
        cost = share(last.spend, last.exposures)
        even = share(memory.budget, T * self.reference.factor)
        burnt = share(last.spend, left + last.spend) * (T - observation.tick + 1)
        seen = (
            ended,
            share(left, memory.budget),
            1 - ended,
            -jnp.minimum(burnt, WIDEST),
            (last.exposures > 0) * log_ratio(cost, price),
            share(last.wins, last.offered),
            jnp.minimum(share(last.value, even), WIDEST),
        )
        return jnp.stack(seen, axis=-1).astype(jnp.float32)

    def update(self, memory: LastTick, feedback: Tally) -> LastTick:
        """Remember the tick."""
        return memory._replace(last=feedback)


@OBSERVERS.add("drlb", "DRLB's published state: t, B, ROL, BCR, CPM, WR, r.")
def drlb(campaigns: Campaigns, reference: Reference) -> Drlb:
    """Needs the day before."""
    return Drlb(reference)


@pytree()
class CostStatus:
    """How a target cost per value unit stands, for agents that have one.

    | feature | what it is | range |
    | --- | --- | --- |
    | cost status | log of cost per value so far over the target; 0 before a win | -5 … 5 |

    Attributes:
        target: currency per value unit.
    """

    target: Float[Array, " N"]

    @property
    def names(self) -> tuple[str, ...]:
        """As in the table."""
        return ("cost status",)

    @property
    def needs_forecast(self) -> bool:
        """It looks back only."""
        return False

    def init(self, campaigns: Campaigns) -> Float[Array, "2 N"]:
        """Spend and value so far."""
        return jnp.zeros((2, campaigns.count))

    def observe(self, memory: Float[Array, "2 N"], observation: Observation) -> Float[Array, "N F"]:
        """The ratio so far."""
        spend, value = memory
        status = (value > 0) * log_ratio(spend, value * self.target)
        return status[:, None].astype(jnp.float32)

    def update(self, memory: Float[Array, "2 N"], feedback: Tally) -> Float[Array, "2 N"]:
        """Add the tick."""
        return memory + jnp.stack([feedback.spend, feedback.value])


@OBSERVERS.add("cost-status", "Cost per value so far over the target CPA: 1 feature.")
def cost_status(campaigns: Campaigns, reference: Reference) -> CostStatus:
    """Needs the target."""
    return CostStatus(jnp.asarray(campaigns.target_cpa, jnp.float64))
