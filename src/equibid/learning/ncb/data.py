"""What the practical predictor is trained on: what was seen, beside what should have been bid."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.equilibrium.game import Game
from equibid.learning.ncb.hindsight import SOLVER, Solver, reference_of, targets
from equibid.learning.ncb.predictor import Predictor
from equibid.learning.ncb.rollout import roll_out
from equibid.simulation.features import WIDEST, Reference, features_of


class Day(NamedTuple):
    """A day to train on.

    Attributes:
        game: of it.
        reference: the day before.
    """

    game: Game
    reference: Reference


class Data(NamedTuple):
    """What was seen and what should have been bid; P periods are filled of R · days.

    Attributes:
        features: see `features`.
        target: log of the target over the reference.
        weight: 0 where nothing was solved.
    """

    features: Float[Array, "P T N F"]
    target: Float[Array, "P T N"]
    weight: Float[Array, "P T N"]


def days_of(games: Sequence[Game], solver: Solver = SOLVER) -> list[Day]:
    """Days to train on from days in a row; the first is only a day before."""
    references: list[Reference] = []
    for game in games[:-1]:
        start = np.asarray(references[-1].factor) if references else None
        references.append(reference_of(game, start, solver))
    return [Day(game, before) for game, before in zip(games[1:], references, strict=True)]


def observe_day(
    bidder: Predictor,
    day: Day,
    key: jax.Array,
    *,
    first: int = 0,
    every: int = 4,
    tilt: float = 0.0,
    sampled: bool = True,
    solver: Solver = SOLVER,
) -> Data:
    """Play a day and solve what was left of it (no axis P).

    Args:
        bidder: of the moment; bids for all.
        day: that it plays.
        key: of the day's chance.
        first: tick of the first target.
        every: ticks from a target to the next.
        tilt: standard deviation of the log of the factors' random tilt, one a third of a day.
        sampled: play with drawn winners and conversions, not expected ones.
        solver: of the targets.
    """
    game, market = day.game, day.game.market
    T, N = market.ticks, market.advertisers
    play, tilting = jax.random.split(key)
    noise = tilt * jax.random.normal(tilting, (3, N))
    tilts = jnp.exp(noise)[jnp.arange(T) * 3 // T]
    delivery = roll_out(market, game.auction, bidder, play, sampled=sampled, tilt=tilts)
    budget = jnp.asarray(game.budget)
    remaining = np.vstack([game.budget, np.asarray(delivery.remaining)[:-1]])
    ticks = range(first, T, every)
    start = np.asarray(day.reference.factor)
    factors, left = targets(game, remaining, ticks, start, solver)
    known = factors > 0
    log = np.log(np.where(known, factors, 1) / np.where(known, start, 1))
    target, weight = np.zeros((T, N)), np.zeros((T, N))
    target[ticks] = np.clip(log, -WIDEST, WIDEST)
    weight[ticks] = np.where(known, left, 0)
    seen = features_of(day.reference, budget, delivery)
    return Data(seen, jnp.asarray(target, jnp.float32), jnp.asarray(weight, jnp.float32))
