"""Small random markets and populations for the simulation's tests."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.bidders import Bidder, FactorBidder, Observation
from equibid.bidders.bidder import State, by_factor, pytree
from equibid.bidders.lin import Lin
from equibid.bidders.ortb import ORTB1, Ortb
from equibid.bidders.population import Population
from equibid.bidders.random_bid import RandomBid
from equibid.learning.algorithms.dcmab.actions import Coordinated
from equibid.learning.algorithms.dcmab.cluster_stats import Books
from equibid.learning.algorithms.dcmab.config import Ratio
from equibid.markets import Campaigns, Market, sparse


@pytree()
class Steady(FactorBidder):
    """The same factor all day."""

    level: Float[Array, " N"]

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        return self.level


@pytree()
class Chaser(FactorBidder):
    """Bids higher the more of its budget is left, and drifts with what it won."""

    level: Float[Array, " N"]

    def init(self, campaigns: Campaigns) -> State:
        return jnp.zeros(campaigns.count)

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        noise = jax.random.uniform(key, self.level.shape, minval=0.8, maxval=1.2)
        return self.level * noise * (1 + state) * (observation.remaining + 1)

    def update(self, state: State, feedback: object) -> State:
        return 0.5 * state + 0.1 * feedback.wins / (1 + feedback.offered)  # type: ignore[attr-defined]


@pytree()
class Watcher(Bidder):
    """Bids the mean winning price it has seen, for testing what is shown."""

    start: Float[Array, " N"]
    needs_impressions = True

    def init(self, campaigns: Campaigns) -> State:
        return (self.start, jnp.ones(campaigns.count))

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        return by_factor(1.05 * state[0] / state[1], values)

    def watch(self, state: State, values: Array, prices: Array, present: Array) -> State:
        ratio = jnp.where(present, prices[..., -1] / jnp.where(present, values, 1), 0)
        return (state[0] + ratio.sum(axis=0), state[1] + present.sum(axis=0))


@pytree()
class InEighths:
    """Answers of DCMAB's actors in eighths, so that no compiler's last bit shows in a bid."""

    weights: Float[Array, "F I*J"]

    def __call__(self, books: Float[Array, " F"], history: Float[Array, "J 2"]) -> Array:
        raw = jnp.tanh(books @ self.weights)
        return (jnp.round(8 * raw) / 8).reshape(-1, history.shape[0])


def coordinated(seed: int, ratio: Ratio) -> Coordinated:
    """DCMAB's agent, of two clusters and two groups of ticks, for six advertisers."""
    books = Books(
        cluster=jnp.asarray([0, 1, 0, 1, 1, 0]),
        group=jnp.asarray([0, 0, 0, 1, 1, 1, 1]),
        worth=jnp.ones(6),
        budget=jnp.full(6, 5 / 3),
        plan=jnp.full(6, 5 / 3),
        clusters=2,
        groups=2,
        interval=2,
        clock=True,
    )
    weights = np.random.default_rng(seed).normal(size=(len(books.names), 4))
    mean = jnp.full(6, 0.05)
    answers: Any = InEighths(jnp.asarray(weights, jnp.float32))
    return Coordinated(answers, jnp.ones((2, 2)), books, levels(seed), mean, ratio, 0.9)


def not_by_factor(name: str, seed: int) -> Population:
    """Six advertisers driven by bidders whose bids are no factors, all or some."""
    level = levels(seed)
    lin = Lin(0.05 * level, jnp.full(6, 0.05))
    ortb = Ortb(jnp.asarray(1.5), 1 / (10 * level), ORTB1)
    luck = RandomBid(0.05 * level)
    paper = coordinated(seed, "paper")
    bidders: dict[str, tuple[Bidder, ...]] = {
        "lin": (lin,),
        "ortb1": (ortb,),
        "random": (luck,),
        "dcmab": (paper,),
        "mixed": (Chaser(level), lin, ortb, luck, Steady(level), paper),
    }
    seat = jnp.arange(6, dtype=jnp.int32) % len(bidders[name])
    return Population(bidders[name], seat)


def market(
    seed: int,
    impressions: int = 300,
    advertisers: int = 6,
    ticks: int = 7,
    dtype: type = np.float64,
    outside: bool = False,
    outcomes: bool = False,
    candidates: bool = False,
) -> Market:
    """A random market in which some advertisers are not eligible, and some run out of money."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(-3, 1, (impressions, advertisers)).clip(0, 1)
    values *= rng.random(values.shape) < 0.7
    # One tick is empty.
    cuts = np.sort(rng.integers(0, impressions + 1, ticks - 2))
    start = np.concatenate([[0], cuts[:1], cuts, [impressions]])
    made = Market(
        values=jnp.asarray(values.astype(dtype)),
        tick_start=jnp.asarray(start, jnp.int32),
        campaigns=Campaigns(
            jnp.asarray(rng.lognormal(1, 1.5, advertisers)),
            jnp.full(advertisers, 50.0),
            jnp.zeros(advertisers, jnp.int32),
        ),
        market_price=jnp.asarray(rng.lognormal(0, 1, impressions)) if outside else None,
        outcomes=jnp.asarray(rng.random(values.shape) < values) if outcomes else None,
    )
    return sparse(made) if candidates else made


def levels(seed: int, advertisers: int = 6) -> Float[Array, " N"]:
    """Random factors."""
    return jnp.asarray(np.random.default_rng(seed + 1000).uniform(5, 50, advertisers))


def on_grid(made: Market, step: float, cap: float) -> Market:
    """The market with a bid step and a bid cap."""
    return replace(made, bid_step=step, bid_cap=cap)
