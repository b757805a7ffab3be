"""Generated markets with what real logs have and AuctionNet's simulator lacks.

Values are heavy-tailed, alike within a category, and sparse: a user is interested in a few
categories, and an advertiser of those reaches a part of their users. On impression k, advertiser
i of category c is worth

    v_ki = exp(level_i + drift_tc + spread · (√ρ · intent_kc + √(1-ρ) · match_ki))

to itself, all of them normal, if c is among the interests of the user and i reaches it; else 0.
Levels, reach, target CPAs and budgets are the advertisers' own and the same every day.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.auctions.ranked import Ranked, gsp
from equibid.errors import InputError
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from equibid.markets.scarcity import spend_at_cap
from equibid.markets.sizes import check_day, check_sizes
from equibid.markets.traffic import draw_traffic, per_tick, tick_of

# Impressions on which scarcity is measured, and parts of the day in which values drift.
SAMPLE = 4096
DRIFT_WINDOWS = 12


@dataclass(frozen=True)
class Generator:
    """Settings of a generated market.

    Attributes:
        name: of the market.
        impressions: K, a day.
        advertisers: N.
        ticks: T, of equal length, one day together.
        categories: industries, of equal size but for the last.
        interests: how many categories a user is interested in.
        reach: bounds of the share of interested users an advertiser reaches (uniform).
        mean_value: expected conversions of an impression for a typical advertiser that
            reaches it.
        level_spread: standard deviation of log mean value over advertisers.
        value_spread: standard deviation of log value over impressions.
        correlation: ρ, of the log values of two advertisers of a category on an impression.
        drift: standard deviation of log mean value of a category over twelfths of a day.
        target_cpa: median over advertisers, currency per conversion.
        cpa_spread: standard deviation of its log.
        budget_spread: standard deviation of log budget over advertisers of equal ambition.
        competition: total budget over total spend when everybody bids its cap; below 1, money
            is scarce.
        traffic_noise: impressions of a twelfth of a day vary by a factor uniform in 1 ± this.
        auction: the rule under which `competition` is measured.
    """

    name: str
    impressions: int
    advertisers: int
    ticks: int
    categories: int
    interests: int = 3
    reach: tuple[float, float] = (0.1, 0.9)
    mean_value: float = 0.01
    level_spread: float = 0.3
    value_spread: float = 1.2
    correlation: float = 0.4
    drift: float = 0.2
    target_cpa: float = 90.0
    cpa_spread: float = 0.25
    budget_spread: float = 0.7
    competition: float = 0.5
    traffic_noise: float = 0.4
    auction: Ranked = gsp()

    def __post_init__(self) -> None:
        check_sizes(self.name, self.impressions, self.advertisers, self.ticks)
        low, high = self.reach
        if not 0 < low <= high <= 1:
            raise InputError(f"market {self.name}: reach must be two shares, 0 < low <= high <= 1")
        if not 1 <= self.interests or not 1 <= self.categories:
            raise InputError(f"market {self.name}: categories and interests must be at least 1")
        for share in ("correlation", "traffic_noise"):
            if not 0 <= getattr(self, share) <= 1:
                raise InputError(f"market {self.name}: {share} must lie in 0 … 1")
        for scale in ("mean_value", "target_cpa", "competition"):
            if not getattr(self, scale) > 0:
                raise InputError(f"market {self.name}: {scale} must be above 0")
        for spread in ("level_spread", "value_spread", "drift", "cpa_spread", "budget_spread"):
            if not getattr(self, spread) >= 0:
                raise InputError(f"market {self.name}: {spread} must not be negative")

    @property
    def category_size(self) -> int:
        """Advertisers of a category; the last may have fewer."""
        return -(-self.advertisers // self.categories)

    @property
    def filled_categories(self) -> int:
        """Categories that have an advertiser."""
        return -(-self.advertisers // self.category_size)


class Traits(NamedTuple):
    """What stays the same from day to day; M is the size of a category.

    Attributes:
        log_mean: log mean value, value units.
        reach: share of interested users reached; 0 in places no advertiser fills.
        campaigns: the advertisers.
    """

    log_mean: Float[Array, "G M"]
    reach: Float[Array, "G M"]
    campaigns: Campaigns


def generate(
    settings: Generator,
    key: jax.Array,
    day: int = 0,
    form: Literal["dense", "sparse"] = "dense",
) -> Market:
    """A day of a generated market, values float32.

    Args:
        settings: of the market.
        key: of the market; the same key gives the same bits.
        day: from 0; days share the advertisers and differ in traffic, drift and values. Train on
            one and test on another.
        form: values of all advertisers, or only of those an impression has. The numbers are the
            same.

    Raises:
        InputError: `day` is negative or `form` is unknown.
    """
    check_day(settings.name, day)
    if form not in ("dense", "sparse"):
        raise InputError(f"market {settings.name}: form must be dense or sparse, not {form!r}")
    own, days = jax.random.split(key)
    traits = draw_traits(settings, own)
    traffic, drift, chance = jax.random.split(jax.random.fold_in(days, day), 3)
    tick_start = draw_traffic(
        traffic, settings.impressions, settings.ticks, settings.traffic_noise
    )
    shift = settings.drift * jax.random.normal(
        drift, (DRIFT_WINDOWS, settings.filled_categories)
    )
    interests, values = _draw_values(
        settings, traits, chance, per_tick(shift, settings.ticks)[tick_of(tick_start)]
    )
    market = Market(
        values=values,
        tick_start=tick_start,
        campaigns=traits.campaigns,
        labels=Labels(settings.name),
    )
    return market


def draw_traits(settings: Generator, key: jax.Array) -> Traits:
    """The advertisers of a market, with budgets as scarce as `settings.competition` says."""
    N, M, G = settings.advertisers, settings.category_size, settings.filled_categories
    level, width, worth, money, sample = jax.random.split(key, 5)
    log_mean = jnp.log(settings.mean_value) + settings.level_spread * jax.random.normal(level, (N,))
    low, high = settings.reach
    reach = jax.random.uniform(width, (N,), minval=low, maxval=high)
    target_cpa = settings.target_cpa * jnp.exp(settings.cpa_spread * jax.random.normal(worth, (N,)))
    ambition = reach * jnp.exp(log_mean) * target_cpa
    budget = ambition * jnp.exp(settings.budget_spread * jax.random.normal(money, (N,)))
    campaigns = Campaigns(budget, target_cpa, jnp.arange(N, dtype=jnp.int32) // M)

    def by_category(x: Float[Array, " N"], empty: float) -> Float[Array, "G M"]:
        return jnp.pad(x, (0, G * M - N), constant_values=empty).reshape(G, M)

    traits = Traits(by_category(log_mean, 0.0), by_category(reach, 0.0), campaigns)
    rows = min(settings.impressions, SAMPLE)
    interests, values = _draw_values(settings, traits, sample, jnp.zeros((rows, G)))
    ids, values = _columns(interests, values, N)
    market = Market(values, even_ticks(rows, 1), campaigns, candidates=ids)
    revenue = spend_at_cap(market, settings.auction).sum() * (settings.impressions / rows)
    budget *= settings.competition * revenue / budget.sum()
    return traits._replace(campaigns=Campaigns(budget, target_cpa, campaigns.category))


@partial(jax.jit, static_argnames="settings")
def _draw_values(
    settings: Generator, traits: Traits, key: jax.Array, shift: Float[Array, "K G"]
) -> tuple[Int[Array, "K I"], Float[Array, "K I M"]]:
    """Interests of each user, ascending, and what its impression is worth to each advertiser there.

    Args:
        settings: of the market.
        traits: of its advertisers.
        key: of the draw.
        shift: of log mean values.
    """
    K, G = shift.shape
    M, I = settings.category_size, min(settings.interests, G)
    choice, common, own, contact = jax.random.split(key, 4)
    _, interests = jax.lax.top_k(jax.random.uniform(choice, (K, G), jnp.float32), I)
    interests = jnp.sort(interests, axis=1)
    intent = jax.random.normal(common, (K, I, 1), jnp.float32)
    match = jax.random.normal(own, (K, I, M), jnp.float32)
    share, spread = settings.correlation, settings.value_spread
    mean = (traits.log_mean - spread**2 / 2).astype(jnp.float32)[interests]
    mean += jnp.take_along_axis(shift, interests, axis=1).astype(jnp.float32)[:, :, None]
    values = jnp.exp(mean + spread * (share**0.5 * intent + (1 - share) ** 0.5 * match))
    reached = jax.random.uniform(contact, (K, I, M), jnp.float32) < traits.reach[interests]
    return interests, jnp.where(reached, jnp.minimum(values, 1.0), 0)
