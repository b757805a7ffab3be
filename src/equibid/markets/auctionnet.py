"""A day of AuctionNet's public simulator: 48 advertisers, 48 ticks, 500,000 impressions.

Source: Su et al., "AuctionNet", NeurIPS 2024 (datasets and benchmarks), and its public generator.
A value is the probability of a conversion. It is normal around a mean that moves over the day
with the advertiser's category and with the advertiser, and independent across advertisers.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.markets.market import Campaigns, Labels, Market
from equibid.markets.registry import MARKETS
from equibid.markets.sizes import check_day, check_sizes, override
from equibid.markets.traffic import draw_traffic, per_tick, tick_of

IMPRESSIONS = 500_000
CATEGORY_SIZE = 8
WINDOWS = 6
# One row a category. Budgets in CNY a day of 500,000 impressions; CPA in CNY a conversion.
# fmt: off
BUDGET = np.array([
    2900, 4350, 3000, 2400, 4800, 2000, 2050, 3500,
    4600, 2000, 2800, 2350, 2050, 2900, 4750, 3450,
    2000, 3500, 2200, 2700, 3100, 2100, 4850, 4100,
    2000, 4800, 3050, 4250, 2850, 2250, 2000, 3900,
    2000, 3250, 4450, 3550, 2700, 2100, 4650, 2000,
    3400, 2650, 2300, 4100, 4800, 4450, 2000, 2050,
])
TARGET_CPA = np.array([
    100, 70, 90, 110, 60, 130, 120, 80,
    70, 130, 100, 110, 120, 90, 60, 80,
    130, 80, 110, 100, 90, 120, 60, 70,
    120, 60, 90, 70, 100, 110, 130, 80,
    120, 90, 70, 80, 100, 110, 60, 130,
    90, 100, 110, 80, 60, 70, 130, 120,
])
# fmt: on


@dataclass(frozen=True)
class AuctionNet:
    """Settings of the simulator; the defaults are the published ones.

    Attributes:
        impressions: K, a day; budgets are scaled with it.
        advertisers: N; beyond 48 the tables start again.
        ticks: T; hours of the day and windows keep their place in the day.
        mean_value: conversions an impression, before all factors.
        category_noise: the factor of a category in a window of the day is uniform in 1 ± this.
        advertiser_noise: the same for an advertiser; the first of a category has none.
        spread: mean over advertisers of the standard deviation of values over their mean.
        spread_noise: standard deviation of that ratio over advertisers.
        spread_jitter: its relative standard deviation over ticks.
    """

    impressions: int = IMPRESSIONS
    advertisers: int = len(BUDGET)
    ticks: int = 48
    mean_value: float = 0.0005
    category_noise: float = 0.7
    advertiser_noise: float = 0.5
    spread: float = 0.5
    spread_noise: float = 0.1
    spread_jitter: float = 0.2

    def __post_init__(self) -> None:
        check_sizes("auctionnet", self.impressions, self.advertisers, self.ticks)


@MARKETS.add("auctionnet", "AuctionNet's simulator: 48 advertisers, 48 ticks, 500,000 impressions.")
def auctionnet(key: jax.Array, day: int = 0, **changes: float) -> Market:
    """A day of the simulator, values float32 (96 MB at full size).

    Args:
        key: of the market. Budgets, target CPAs and the advertisers' spread are the same every
            day; traffic, factors and values are drawn anew.
        day: from 0.
        changes: fields of `AuctionNet`, such as ``impressions=5000``.

    Raises:
        InputError: a size that no market has, or a setting that this one lacks.
    """
    check_day("auctionnet", day)
    settings = override(AuctionNet(), "auctionnet", changes)
    traits, days = jax.random.split(key)
    traffic, means, values = jax.random.split(jax.random.fold_in(days, day), 3)
    tick_start = draw_traffic(traffic, settings.impressions, settings.ticks)
    mean, deviation = draw_moments(settings, traits, means)
    row = np.arange(settings.advertisers) % len(BUDGET)
    return Market(
        values=_draw_values(values, mean, deviation, tick_of(tick_start)),
        tick_start=tick_start,
        campaigns=Campaigns(
            budget=jnp.asarray(BUDGET[row] * (settings.impressions / IMPRESSIONS)),
            target_cpa=jnp.asarray(TARGET_CPA[row], jnp.float64),
            category=jnp.arange(settings.advertisers, dtype=jnp.int32) // CATEGORY_SIZE,
        ),
        labels=Labels("auctionnet", currency="CNY"),
    )


def draw_moments(
    settings: AuctionNet, traits: jax.Array, day: jax.Array
) -> tuple[Float[Array, "T N"], Float[Array, "T N"]]:
    """Mean and standard deviation of each advertiser's values in each tick, value units."""
    T, N = settings.ticks, settings.advertisers
    by_category, by_advertiser, jitter = jax.random.split(day, 3)
    category = np.arange(N) // CATEGORY_SIZE

    def factor(key: jax.Array, count: int, noise: float) -> Float[Array, "W count"]:
        return jax.random.uniform(key, (WINDOWS, count), minval=1 - noise, maxval=1 + noise)

    own = factor(by_advertiser, N, settings.advertiser_noise)
    own = jnp.where(np.arange(N) % CATEGORY_SIZE == 0, 1.0, own)
    shared = factor(by_category, category[-1] + 1, settings.category_noise)
    mean = settings.mean_value * per_tick(shared[:, category] * own, T)

    # The published generator moves draws outside (0, 1) to these ends.
    def bounded(ratio: Array) -> Array:
        return jnp.where(ratio < 0, 0.1, jnp.minimum(ratio, 1.0))

    ratio = bounded(settings.spread + settings.spread_noise * jax.random.normal(traits, (N,)))
    jitter = 1 + settings.spread_jitter * jax.random.normal(jitter, (T, N))
    return mean, mean * bounded(ratio * jitter)


@jax.jit
def _draw_values(
    key: jax.Array,
    mean: Float[Array, "T N"],
    deviation: Float[Array, "T N"],
    tick: Int[Array, " K"],
) -> Float[Array, "K N"]:
    """Normal draws, clipped to probabilities."""
    mean, deviation = mean.astype(jnp.float32), deviation.astype(jnp.float32)
    draw = jax.random.normal(key, (tick.shape[0], mean.shape[1]), jnp.float32)
    return jnp.clip(mean[tick] + deviation[tick] * draw, 0, 1)
