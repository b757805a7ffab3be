"""A day of AuctionNet's public simulator: 48 advertisers, 48 ticks, 500,000 impressions.

Source: Su et al., "AuctionNet", NeurIPS 2024 (datasets and benchmarks), and its public generator.
A value is the probability of a conversion. It is normal around a mean that moves over the day
with the advertiser's category and with the advertiser, and independent across advertisers.
"""

from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.markets.market import Campaigns, Labels, Market
from equibid.markets.registry import MARKETS
from equibid.markets.sizes import check_between, check_sizes, check_whole, override
from equibid.markets.stream import Part, stream
from equibid.markets.traffic import ticks_of_day, window

Floats = npt.NDArray[np.float64]

IMPRESSIONS = 500_000
CATEGORY_SIZE = 8
# Windows of the day in which traffic and values keep their factors: 4 and 8 ticks of 48.
TRAFFIC_WINDOWS, WINDOWS = 12, 6
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
        traffic_noise: the factor of traffic in a window of the day is uniform in 1 ± this.
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
    traffic_noise: float = 0.4
    category_noise: float = 0.7
    advertiser_noise: float = 0.5
    spread: float = 0.5
    spread_noise: float = 0.1
    spread_jitter: float = 0.2

    def __post_init__(self) -> None:
        check_sizes("auctionnet", self.impressions, self.advertisers, self.ticks)
        noises = ("traffic_noise", "category_noise", "advertiser_noise", "mean_value")
        check_between("auctionnet", 0, 1, **{name: getattr(self, name) for name in noises})
        spreads = ("spread", "spread_noise", "spread_jitter")
        check_between("auctionnet", 0, inf, **{name: getattr(self, name) for name in spreads})


class Day(NamedTuple):
    """A day before its impressions arrive.

    Attributes:
        traffic: [W] factor of each window of the day on its usual traffic.
        mean: [T N] of an advertiser's values in a tick, value units.
        deviation: [T N] standard deviation of them before clipping, value units.
    """

    traffic: Floats
    mean: Floats
    deviation: Floats


@MARKETS.add("auctionnet", "AuctionNet's simulator: 48 advertisers, 48 ticks, 500,000 impressions.")
def auctionnet(key: jax.Array, day: int = 0, **changes: Any) -> Market:
    """A day of the simulator, values float32 (96 MB at full size).

    Args:
        key: of the market; the same key gives the same bits. Budgets, target CPAs and the
            advertisers' spread are the same every day; traffic, factors and values are not.
        day: from 0.
        changes: fields of `AuctionNet`, such as ``impressions=5000``.

    Raises:
        InputError: a size that no market has, or a setting that this one lacks.
    """
    check_whole("auctionnet", 0, day=day)
    settings = override(AuctionNet(), "auctionnet", changes)
    random = stream(key, Part.DAY, day)
    drawn = draw_day(settings, stream(key, Part.TRAITS), random)
    tick_start = ticks_of_day(settings.impressions, settings.ticks, drawn.traffic)
    N = settings.advertisers
    values = np.empty((settings.impressions, N), np.float32)
    for tick in range(settings.ticks):
        rows = values[tick_start[tick] : tick_start[tick + 1]]
        draw = random.standard_normal(rows.shape, np.float32)
        draw *= drawn.deviation[tick].astype(np.float32)
        draw += drawn.mean[tick].astype(np.float32)
        np.clip(draw, 0, 1, out=rows)
    row = np.arange(N) % len(BUDGET)
    return Market(
        values=jnp.asarray(values),
        tick_start=jnp.asarray(tick_start),
        campaigns=Campaigns(
            budget=jnp.asarray(BUDGET[row] * (settings.impressions / IMPRESSIONS)),
            target_cpa=jnp.asarray(TARGET_CPA[row].astype(np.float64)),
            category=jnp.asarray(np.arange(N, dtype=np.int32) // CATEGORY_SIZE),
        ),
        labels=Labels("auctionnet", currency="CNY"),
    )


def draw_day(settings: AuctionNet, traits: np.random.Generator, day: np.random.Generator) -> Day:
    """Traffic and moments of a day.

    Args:
        settings: of the simulator.
        traits: random numbers of the advertisers, the same every day.
        day: random numbers of the day.
    """
    T, N = settings.ticks, settings.advertisers
    category = np.arange(N) // CATEGORY_SIZE

    def factor(noise: float, *shape: int) -> Floats:
        return day.uniform(1 - noise, 1 + noise, shape)

    traffic = factor(settings.traffic_noise, TRAFFIC_WINDOWS)
    by_category = factor(settings.category_noise, WINDOWS, int(category[-1]) + 1)
    by_advertiser = factor(settings.advertiser_noise, WINDOWS, N)
    by_advertiser[:, ::CATEGORY_SIZE] = 1.0
    relative = (by_category[:, category] * by_advertiser)[window(T, WINDOWS)]
    mean = settings.mean_value * relative

    def bounded(ratio: Floats) -> Floats:
        # The published generator moves draws outside (0, 1) to these ends.
        return np.where(ratio < 0, 0.1, np.minimum(ratio, 1.0))

    ratio = bounded(traits.normal(settings.spread, settings.spread_noise, N))
    jitter = 1 + settings.spread_jitter * day.standard_normal((T, N))
    return Day(traffic, mean, mean * bounded(ratio * jitter))
