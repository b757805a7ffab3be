"""What an agent of the game sees, built from what its bidder is told.

An observer is a pure state machine: `observe` before every step, `update` after every tick. The
learned bidder runs the same observer in `simulate` as the game runs in training, so the two cannot
differ.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally, no_tally
from equibid.bidders.bidder import Observation, pytree
from equibid.markets.market import Campaigns
from equibid.registry import Registry
from equibid.simulation.features import NAMES, Reference, features, log_ratio

ObserverState = Any


class Observer(Protocol):
    """A pytree; what it remembers goes in and out."""

    @property
    def names(self) -> tuple[str, ...]:
        """One a feature, as documented in its module."""
        ...

    @property
    def needs_forecast(self) -> bool:
        """Whether it needs `Observation.arriving`."""
        ...

    def init(self, campaigns: Campaigns) -> ObserverState:
        """The memory at the start of a period."""
        ...

    def observe(self, memory: ObserverState, observation: Observation) -> Float[Array, "N F"]:
        """The features, float32."""
        ...

    def update(self, memory: ObserverState, feedback: Tally) -> ObserverState:
        """See the sums of the tick that has ended."""
        ...


OBSERVERS: Registry[Callable[[Campaigns, Reference], Observer]] = Registry("observer")
"""What agents see, by name: from campaigns and a reference to an observer."""


def observer_named(text: str, campaigns: Campaigns, reference: Reference) -> Observer:
    """The observer ``name`` or ``name+name``, whose features then stand side by side.

    Raises:
        InputError: there is no such observer.
    """
    parts = tuple(OBSERVERS[name.strip()](campaigns, reference) for name in text.split("+"))
    return parts[0] if len(parts) == 1 else Joined(parts)


@pytree()
class Joined:
    """Several observers side by side.

    Attributes:
        parts: the observers.
    """

    parts: tuple[Observer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all parts in turn."""
        return tuple(name for part in self.parts for name in part.names)

    @property
    def needs_forecast(self) -> bool:
        """Whether any part does."""
        return any(part.needs_forecast for part in self.parts)

    def init(self, campaigns: Campaigns) -> tuple[ObserverState, ...]:
        """The memory of every part."""
        return tuple(part.init(campaigns) for part in self.parts)

    def observe(
        self, memory: tuple[ObserverState, ...], observation: Observation
    ) -> Float[Array, "N F"]:
        """The features of all parts."""
        seen = [
            part.observe(own, observation) for part, own in zip(self.parts, memory, strict=True)
        ]
        return jnp.concatenate(seen, axis=-1)

    def update(
        self, memory: tuple[ObserverState, ...], feedback: Tally
    ) -> tuple[ObserverState, ...]:
        """Tell every part."""
        return tuple(
            part.update(own, feedback) for part, own in zip(self.parts, memory, strict=True)
        )


class LastTick(NamedTuple):
    """Budget for the period and the sums of the tick before."""

    budget: Float[Array, " N"]
    last: Tally


@pytree()
class Pace:
    """The fifteen features of `equibid.simulation.features`: money, pace, rates of the last tick.

    Attributes:
        reference: the day before.
    """

    reference: Reference

    @property
    def names(self) -> tuple[str, ...]:
        """As in `equibid.simulation.features`."""
        return NAMES

    @property
    def needs_forecast(self) -> bool:
        """It looks back only."""
        return False

    def init(self, campaigns: Campaigns) -> LastTick:
        """Nothing has happened."""
        budget = jnp.asarray(campaigns.budget, jnp.float64)
        return LastTick(budget, no_tally(budget.shape[0]))

    def observe(self, memory: LastTick, observation: Observation) -> Float[Array, "N F"]:
        """Money and time now, rates of the last tick."""
        now = observation
        return features(
            self.reference, memory.budget, now.remaining, now.tick, now.ticks, memory.last
        )

    def update(self, memory: LastTick, feedback: Tally) -> LastTick:
        """Remember the tick."""
        return memory._replace(last=feedback)


@OBSERVERS.add("pace", "Money, time and pace, and the rates of the last tick: 15 features.")
def pace(campaigns: Campaigns, reference: Reference) -> Pace:
    """Needs the day before."""
    return Pace(reference)


@pytree()
class Traits:
    """Who the agent is, so that one network can answer for all.

    | feature | what it is | range |
    | --- | --- | --- |
    | budget | log of budget over the reference bid for all impressions of value | -5 … 5 |
    | ambition | log of the reference factor over the target CPA | -5 … 5 |
    | reach | log of the share of impressions that are of value to it | -5 … 0 |

    Each is of the agent's own and of what everybody knows: nothing is over the others' mean.

    Attributes:
        reference: the day before.
        target: currency per value unit.
    """

    reference: Reference
    target: Float[Array, " N"]

    @property
    def names(self) -> tuple[str, ...]:
        """As in the table."""
        return ("budget", "ambition", "reach")

    @property
    def needs_forecast(self) -> bool:
        """It does not change."""
        return False

    def init(self, campaigns: Campaigns) -> Float[Array, " N"]:
        """The budgets of the period."""
        return jnp.asarray(campaigns.budget, jnp.float64)

    def observe(self, memory: Float[Array, " N"], observation: Observation) -> Float[Array, "N F"]:
        """The same all day."""
        factor, offered, mean_value, _ = self.reference
        offered = offered * observation.ticks
        seen = (
            log_ratio(memory, offered * mean_value * factor),
            log_ratio(factor, self.target),
            log_ratio(offered, jnp.broadcast_to(observation.impressions, offered.shape)),
        )
        return jnp.stack(seen, axis=-1).astype(jnp.float32)

    def update(self, memory: Float[Array, " N"], feedback: Tally) -> Float[Array, " N"]:
        """Nothing to learn."""
        return memory


@OBSERVERS.add("traits", "Who the agent is: its budget, ambition and reach.")
def traits(campaigns: Campaigns, reference: Reference) -> Traits:
    """Needs the day before and the target."""
    return Traits(reference, jnp.asarray(campaigns.target_cpa, jnp.float64))
