"""What is known of gains, what they cost, and who deviates next."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.learning.algorithms.bpg.config import BpgConfig

# How fast the welfare that gains are measured in follows what is seen.
FOLLOW = 0.3


class Duals(NamedTuple):
    """Of each advertiser.

    Attributes:
        price: λ.
        gain: by the best response, as a share of welfare; 0 until it has deviated.
        known: whether it has.
        welfare: what all gain together, in the market's unit; 0 before the first step.
    """

    price: Float[Array, " N"]
    gain: Float[Array, " N"]
    known: Bool[Array, " N"]
    welfare: Float[Array, ""]


def no_duals(advertisers: int) -> Duals:
    """Nothing is known."""
    zero = jnp.zeros(advertisers, jnp.float32)
    return Duals(zero, zero, zero > 0, jnp.zeros((), jnp.float32))


def deviators(
    key: jax.Array, price: Float[Array, " N"], exploration: float, episodes: int
) -> tuple[Int[Array, " E"], Float[Array, " E"]]:
    """Who deviates in each episode, and the probability with which it was drawn.

    Systematic sampling: one number decides, and nobody is drawn more often than its share of the
    episodes, rounded up.

    Args:
        key: of the draw.
        price: by which they are drawn; evenly where all are 0.
        exploration: share that is drawn evenly.
        episodes: E.
    """
    N, total = len(price), price.sum()
    even = jnp.full(N, 1 / N, jnp.float32)
    by_price = jnp.where(total > 0, price / jnp.where(total > 0, total, 1), even)
    probability = exploration * even + (1 - exploration) * by_price
    start, order = jax.random.split(key)
    place = (jnp.arange(episodes) + jax.random.uniform(start)) / episodes
    drawn = jnp.searchsorted(jnp.cumsum(probability), place, side="right")
    drawn = jax.random.permutation(order, jnp.clip(drawn, 0, N - 1))
    return drawn, probability[drawn]


def moved(
    config: BpgConfig,
    duals: Duals,
    own: Float[Array, "E N"],
    deviator: Int[Array, " E"],
    deviated: Float[Array, " E"],
) -> Duals:
    """Gains and prices after a step.

    Args:
        config: of the algorithm.
        duals: before.
        own: return of each advertiser where all bid alike, in the market's unit.
        deviator: who deviated.
        deviated: its return then, with the same chance.
    """
    N, E = own.shape[1], len(deviator)
    seen = own.sum(axis=1).mean()
    welfare = jnp.where(duals.welfare > 0, duals.welfare + FOLLOW * (seen - duals.welfare), seen)
    gained = (deviated - own[jnp.arange(E), deviator]) / jnp.where(welfare > 0, welfare, 1)
    none = jnp.zeros(N, gained.dtype)
    count = none.at[deviator].add(1)
    mean = none.at[deviator].add(gained) / jnp.maximum(count, 1)
    rate = jnp.where(duals.known, config.gap_rate, 1.0) * (count > 0)
    gain = duals.gain + rate * (mean - duals.gain)
    beyond = config.dual_gain * (gain - config.epsilon)
    if config.dual_rule == "integral":
        beyond = duals.price + jnp.where(count > 0, beyond, 0)
    price = jnp.maximum(beyond, 0)
    return Duals(price, gain, duals.known | (count > 0), welfare)
