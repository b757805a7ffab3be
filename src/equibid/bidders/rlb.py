"""RLB: bid what an impression is worth more than the money it costs later.

With n auctions and a budget of b left, an impression of value θ gets the largest bid a for which
θ + V(n-1,b-a) - V(n-1,b) >= 0, where V is the value of playing on (`value_table`).

Source: Cai et al., Real-Time Bidding by Reinforcement Learning in Display Advertising, WSDM 2017,
with its three ways to large scale: MapD, MapA and segments.
"""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS, SECOND_PRICE_ONLY
from equibid.bidders.training import TrainingLog
from equibid.bidders.value_model import (
    AUCTIONS,
    MOST_CELLS,
    PRICE_LEVELS,
    ValueModel,
    exact_model,
    mapped_model,
)
from equibid.markets.market import Campaigns
from equibid.settings import Within

# Auctions of a segment, as published.
SEGMENT = 10_000


def lossless(
    model: ValueModel,
    impressions_left: Int[Array, ""],
    remaining: Float[Array, " N"],
    values: Float[Array, "B N"],
) -> Float[Array, "B N"]:
    """The largest bids that leave no loss, currency; by the table's row, or else by MapD."""
    auctions = model.auctions(impressions_left)
    money = model.money(remaining)
    levels = model.best_level(auctions, money, model.worth(values), model.stretch(auctions))
    return model.price(levels, values)


@pytree()
class Rlb(Bidder):
    """RLB by table where it has the row, by MapD beyond."""

    model: ValueModel

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """The largest bid that leaves no loss."""
        return lossless(self.model, observation.impressions_left, observation.remaining, values)


@pytree()
class RlbMapA(Bidder):
    """RLB with the action mapped, a(t,b,θ) := a(T0, b·T0/t, θ)."""

    model: ValueModel

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """The bid of the last row, made with as much money per auction."""
        model = self.model
        auctions = model.auctions(observation.impressions_left)
        money = jnp.floor(model.money(observation.remaining) / model.stretch(auctions))
        levels = model.best_level(auctions, money, model.worth(values), 1.0)
        return model.price(levels, values)


class Opening(NamedTuple):
    """State of `RlbSegments`.

    Attributes:
        tick: the tick now.
        money: at the start of each tick; of those to come, as if nothing more were spent.
    """

    tick: Int[Array, ""]
    money: Float[Array, "T N"]


@pytree("ticks", "segment")
class RlbSegments(Bidder):
    """RLB in segments of whole ticks, about `segment` auctions each.

    A segment is granted the money left at its start, over the segments left, and played as a
    period of its own.
    """

    model: ValueModel
    ticks: int
    segment: int = SEGMENT

    def init(self, campaigns: Campaigns) -> Opening:
        """Full budgets."""
        money = jnp.broadcast_to(
            jnp.asarray(campaigns.budget, jnp.float64), (self.ticks, campaigns.count)
        )
        return Opening(jnp.asarray(0), money)

    def bid(
        self, state: Opening, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """RLB with what is left of the segment."""
        ticks, count = observation.ticks, observation.impressions
        segments = jnp.clip(count // self.segment, 1, ticks)
        segment = observation.tick * segments // ticks
        first, after = (-(-x * ticks // segments) for x in (segment, segment + 1))
        opening = state.money[first]
        spent = opening - observation.remaining
        granted = jnp.maximum(opening / (segments - segment) - spent, 0)
        left = jnp.maximum(after * count // ticks - observation.impression, 1)
        return lossless(self.model, left, granted, values)

    def update(self, state: Opening, feedback: Tally) -> Opening:
        """Note what the tick has cost."""
        later = jnp.arange(self.ticks)[:, None] > state.tick
        return Opening(state.tick + 1, state.money - later * feedback.spend)


Cells = Annotated[int, Within(least=0, most=1_000_000_000)]
Rows = Annotated[int, Within(least=1, most=100_000)]
Levels = Annotated[int, Within(least=2, most=100_000)]


@BIDDERS.add("rlb", "Dynamic program over auctions and money left; exact where it fits in memory.")
def fit(log: TrainingLog, most_cells: Cells = MOST_CELLS) -> Rlb:
    """The exact table of the delivery period, or else MapD.

    Args:
        log: to tune on.
        most_cells: of an exact table, 8 bytes each; with more, MapD takes its place.
    """
    return Rlb(exact_model(log, most_cells))


@BIDDERS.add("rlb-mapd", "RLB at large scale: a small table, the worth of money mapped.")
def fit_mapd(
    log: TrainingLog, auctions: Rows = AUCTIONS, price_levels: Levels = PRICE_LEVELS
) -> Rlb:
    """A small table, for any number of auctions.

    Args:
        log: to tune on.
        auctions: rows of the table.
        price_levels: of the table, where the log's prices come in none.
    """
    return Rlb(mapped_model(log, auctions, price_levels))


@BIDDERS.add("rlb-mapa", "RLB at large scale: a small table, the bid mapped.")
def fit_mapa(
    log: TrainingLog, auctions: Rows = AUCTIONS, price_levels: Levels = PRICE_LEVELS
) -> RlbMapA:
    """A small table, for any number of auctions.

    Args:
        log: to tune on.
        auctions: rows of the table.
        price_levels: of the table, where the log's prices come in none.
    """
    return RlbMapA(mapped_model(log, auctions, price_levels))


@BIDDERS.add("rlb-segments", "RLB at large scale: the money dealt out to segments of the period.")
def fit_segments(
    log: TrainingLog,
    segment: Annotated[int, Within(least=1)] = SEGMENT,
    auctions: Rows = AUCTIONS,
    price_levels: Levels = PRICE_LEVELS,
) -> RlbSegments:
    """A small table, for segments of any length.

    Args:
        log: to tune on.
        segment: auctions of a segment, about.
        auctions: rows of the table.
        price_levels: of the table, where the log's prices come in none.
    """
    return RlbSegments(mapped_model(log, auctions, price_levels), log.ticks, segment)


SECOND_PRICE_ONLY.update(("rlb", "rlb-mapd", "rlb-mapa", "rlb-segments"))
