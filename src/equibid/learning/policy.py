"""A learned policy is a bidder like any other."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.envs.heads import Follows, Head, start_now
from equibid.envs.observers import Observer, ObserverState
from equibid.learning.networks.communication import CommActor
from equibid.markets.market import Campaigns


class LearnedState(NamedTuple):
    """What the bidder remembers.

    Attributes:
        memory: of its observer.
        last_factor: what it bid last, currency per value unit.
        budget: of the period, currency.
    """

    memory: ObserverState
    last_factor: Float[Array, " N"]
    budget: Float[Array, " N"]


@pytree("follows")
class Learned(FactorBidder):
    """Looks, asks its network, and bids the factor the head makes of the answer.

    Attributes:
        network: a pytree that maps what is seen [N, F] to actions [N, A], without chance; one whose
            agents talk is told who does.
        observer: what it sees.
        start: the factor of the day before, currency per value unit.
        head: from actions to factors.
        follows: what the start follows through the day.
    """

    network: Callable[..., Float[Array, "N A"]]
    observer: Observer
    start: Float[Array, " N"]
    head: Head
    follows: Follows = "nothing"

    @property
    def needs_forecast(self) -> bool:
        """As its observer does."""
        return self.observer.needs_forecast

    def init(self, campaigns: Campaigns) -> LearnedState:
        """Nothing seen yet; the last factor is the start."""
        start, budget = (jnp.asarray(x, jnp.float64) for x in (self.start, campaigns.budget))
        return LearnedState(self.observer.init(campaigns), start, budget)

    def factor(
        self, state: LearnedState, observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """What the network answers."""
        seen = self.observer.observe(state.memory, observation)
        talks = (observation.acting,) if isinstance(self.network, CommActor) else ()
        action = self.network(seen, *talks)
        start = start_now(self.follows, self.start, state.budget, observation)
        return self.head(action.astype(jnp.float64), state.last_factor, start)

    def update(self, state: LearnedState, feedback: Tally) -> LearnedState:
        """See the tick; the last factor is what was in fact bid."""
        bid = feedback.value_offered > 0
        factor = feedback.bid / jnp.where(bid, feedback.value_offered, 1)
        memory: Any = self.observer.update(state.memory, feedback)
        return state._replace(memory=memory, last_factor=jnp.where(bid, factor, state.last_factor))
