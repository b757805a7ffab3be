"""The practical predictor: a network that knows what factor the rest of the day asks for.

At each tick a causal transformer reads what every advertiser has seen so far and answers

    log(α_i(t) / αref_i)

with αref the factor that was best on the day before; the bid is ``α_i(t) · v``. The work of a tick
does not depend on the number of impressions. At tick 0 nothing has been seen and the reference is
bid. Source: Nash-equilibrium constrained bidding at scale (arXiv 2503.10304); there the network
answers the factor itself, which depends on the market's units.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.auctions.tally import Tally
from equibid.bidders.bidder import FactorBidder, Observation, pytree
from equibid.learning.networks.transformer import Cache, Transformer, extend, no_cache
from equibid.markets.market import Campaigns
from equibid.simulation.features import WIDEST, Reference, features


class PredictorState(NamedTuple):
    """Where the predictor stands.

    Attributes:
        answer: log of the factor over the reference.
        cache: of the network.
        budget: for the period, currency.
        remaining: money left, currency.
        tick: ticks that have ended.
    """

    answer: Float[Array, " N"]
    cache: Cache
    budget: Float[Array, " N"]
    remaining: Float[Array, " N"]
    tick: Int[Array, ""]


@pytree("ticks")
class Predictor(FactorBidder):
    """Bids what the network predicts.

    Attributes:
        network: trained; one for all advertisers.
        day_before: what is known of the day before.
        cap: ᾱ, the highest factor, currency per value unit.
        ticks: T.
    """

    network: Transformer
    day_before: Reference
    cap: Float[Array, " N"]
    ticks: int

    def init(self, campaigns: Campaigns) -> PredictorState:
        """At the reference; what is seen before the first tick is kept for later."""
        budget = jnp.asarray(campaigns.budget, jnp.float64)
        nothing = jnp.zeros(budget.shape)
        return _begin(self, budget, nothing)

    def factor(
        self, state: PredictorState, observation: Observation, key: jax.Array
    ) -> Float[Array, " N"]:
        """What the network answered at the end of the last tick, above 0 and at most the cap."""
        answer = jnp.clip(state.answer.astype(jnp.float64), -WIDEST, WIDEST)
        return jnp.minimum(self.day_before.factor * jnp.exp(answer), self.cap)

    def update(self, state: PredictorState, feedback: Tally) -> PredictorState:
        """See the tick's sums and predict the next tick's factor."""
        return _look(self, state, feedback)


@jax.jit
def _begin(
    bidder: Predictor, budget: Float[Array, " N"], nothing: Float[Array, " N"]
) -> PredictorState:
    last = Tally(*([nothing] * 9))
    tick = jnp.asarray(0)
    cache = no_cache(bidder.network, len(budget), bidder.ticks)
    seen = features(bidder.day_before, budget, budget, tick, bidder.ticks, last)
    _, cache = extend(bidder.network, cache, seen, tick)
    return PredictorState(nothing, cache, budget, budget, tick)


@jax.jit
def _look(bidder: Predictor, state: PredictorState, feedback: Tally) -> PredictorState:
    remaining = state.remaining - feedback.spend
    tick = state.tick + 1
    seen = features(bidder.day_before, state.budget, remaining, tick, bidder.ticks, feedback)
    answer, cache = extend(bidder.network, state.cache, seen, tick)
    return PredictorState(answer.astype(jnp.float64), cache, state.budget, remaining, tick)
