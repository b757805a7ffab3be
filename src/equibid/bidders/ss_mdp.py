"""SS-MDP: RLB without a look at the impression, which it takes for an average one.

Source: Amin et al., Budget Optimization for Sponsored Search, UAI 2012, in the form it has as a
baseline in Cai et al., WSDM 2017.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS, SECOND_PRICE_ONLY
from equibid.bidders.training import TrainingLog
from equibid.bidders.value_model import MOST_CELLS, ValueModel, exact_model
from equibid.settings import Within


@pytree()
class SsMdp(Bidder):
    """The bid of RLB on an average impression, for every impression."""

    model: ValueModel

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """The same bid on the whole block."""
        model = self.model
        auctions = model.auctions(observation.impressions_left)
        money = model.money(observation.remaining)
        average = jnp.ones((1, values.shape[1]))
        levels = model.best_level(auctions, money, average, model.stretch(auctions))
        return model.price(jnp.broadcast_to(levels, values.shape), values)


@BIDDERS.add("ss-mdp", "RLB's dynamic program, blind to the impression at hand.")
def fit(
    log: TrainingLog,
    most_cells: Annotated[int, Within(least=0, most=1_000_000_000)] = MOST_CELLS,
) -> SsMdp:
    """The table of RLB.

    Args:
        log: to tune on.
        most_cells: of an exact table, 8 bytes each; with more, MapD takes its place.
    """
    return SsMdp(exact_model(log, most_cells))


SECOND_PRICE_ONLY.add("ss-mdp")
