"""What an agent sees of its plan for the segments of a period: the coarse layer of coarse to fine.

The coarse layer splits the budget over segments by equal marginal value, and again at the start of
each with the money that is left (`equibid.simulation.segments`). The fine layer is the agent, which
is told what it has for the segment it is in. All features are ratios, so that a policy carries over
to segments of other sizes.

| feature | what it is | range |
| --- | --- | --- |
| segment auctions left | share of the segment's impressions that is to come | 0 … 1 |
| off plan | log of money left over what the plan would have left by now | -5 … 5 |
| segment spend | log of the rate to spend at in it over an even one to the end | -5 … 5 |
| next segment spend | the same of the next segment; 0 in the last | -5 … 5 |

Within a segment the plan spends evenly.

Source: after the idea of Cai et al., "Real-time bidding by reinforcement learning in display
advertising", WSDM 2017.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Observation, pytree
from equibid.envs.observers import OBSERVERS
from equibid.errors import InputError
from equibid.markets.market import Campaigns
from equibid.simulation.features import Reference, log_ratio
from equibid.simulation.segments import DEVIATIONS, SpendingPlan


@pytree()
class Segments:
    """The features of this module.

    Attributes:
        plan: for a period.
    """

    plan: SpendingPlan

    @property
    def names(self) -> tuple[str, ...]:
        """As in the table."""
        return ("segment auctions left", "off plan", "segment spend", "next segment spend")

    @property
    def needs_forecast(self) -> bool:
        """The plan is of the day before."""
        return False

    def init(self, campaigns: Campaigns) -> Float[Array, " N"]:
        """The budgets of the period."""
        return jnp.asarray(campaigns.budget, jnp.float64)

    def observe(self, memory: Float[Array, " N"], observation: Observation) -> Float[Array, "N F"]:
        """Where the period stands in its plan."""
        plan, now = self.plan, observation
        done = now.impression / jnp.maximum(now.impressions, 1)
        last = len(plan.start) - 2
        m = jnp.clip(jnp.searchsorted(plan.start, done, side="right") - 1, 0, last)
        length = jnp.maximum(plan.start[m + 1] - plan.start[m], 1e-9)
        ahead = jnp.clip((plan.start[m + 1] - done) / length, 0, 1)
        planned = plan.left[m + 1] + ahead * (plan.left[m] - plan.left[m + 1])
        share = now.remaining / jnp.where(memory > 0, memory, 1)
        off = log_ratio(share, jnp.maximum(planned, 1e-3))
        after = jnp.minimum(m + 1, last)
        rates = self._rate(m, off), self._rate(after, off)
        alike = share.shape
        seen = (
            jnp.broadcast_to(ahead, alike),
            off,
            rates[0],
            jnp.where(m < last, rates[1], 0.0),
        )
        return jnp.stack(seen, axis=-1).astype(jnp.float32)

    def _rate(self, m: Array, off: Float[Array, " N"]) -> Float[Array, " N"]:
        """Of spending in a segment, over an even one from its start to the period's end."""
        plan = self.plan
        grid = jnp.log(jnp.asarray(DEVIATIONS))
        spend = jax.vmap(jnp.interp, in_axes=(0, None, 1))(off, grid, plan.spend[m])
        even = (plan.start[m + 1] - plan.start[m]) / jnp.maximum(1 - plan.start[m], 1e-9)
        return log_ratio(spend, jnp.broadcast_to(jnp.maximum(even, 1e-9), spend.shape))

    def update(self, memory: Float[Array, " N"], feedback: Tally) -> Float[Array, " N"]:
        """Nothing to remember but the budgets."""
        return memory


@OBSERVERS.add("segments", "The plan for the segments of a period, re-made on the way: 4 features.")
def segments(campaigns: Campaigns, reference: Reference) -> Segments:
    """Needs a plan of the day before.

    Raises:
        InputError: the reference has none.
    """
    if reference.plan is None:
        raise InputError("the observer segments needs the day before, split into segments")
    return Segments(reference.plan)
