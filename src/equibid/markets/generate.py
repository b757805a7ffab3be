"""Generated markets with what real logs have and AuctionNet's simulator lacks.

Values are heavy-tailed, alike within a category, and sparse: a user is interested in a few
categories, and an advertiser of those reaches a part of their users. On impression k in tick t,
advertiser i of category c has the value

    v_ki = exp(level_i + drift_tc + spread · (√ρ · intent_kc + √(1-ρ) · match_ki)),

all of them normal, if c is among the interests of the user and i reaches it; else 0. Levels,
reach, target CPAs and budgets are the advertisers' own and the same every day. Where somebody bids
from outside the market, the highest of those bids is log-normal too, and independent of values.
"""

from dataclasses import replace
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.errors import InputError
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from equibid.markets.scarcity import spend_at_cap
from equibid.markets.settings import Generator
from equibid.markets.sizes import check_whole
from equibid.markets.stream import Part, stream
from equibid.markets.traffic import tick_of, ticks_of_day, window

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.floating]

# Windows of the day in which traffic and values keep their level.
WINDOWS = 12
# Impressions drawn at once, and impressions on which scarcity is measured.
BLOCK = SAMPLE = 4096


class Traits(NamedTuple):
    """The advertisers' own; G categories of M advertisers.

    Attributes:
        log_mean: [G M] log of the mean value on an impression that is reached.
        reach: [G M] share of interested users reached; 0 in places no advertiser fills.
        campaigns: the advertisers.
    """

    log_mean: Floats
    reach: Floats
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
        day: from 0; days share the advertisers and differ in traffic, drift and users. Train on
            one and test on another.
        form: values of all advertisers, or only of those an impression has; the numbers are the
            same.

    Raises:
        InputError: `day` is negative or `form` is unknown.
    """
    check_whole(settings.name, 0, day=day)
    if form not in ("dense", "sparse"):
        raise InputError(f"market {settings.name}: form must be dense or sparse, not {form!r}")
    traits = draw_traits(settings, key)
    random = stream(key, Part.DAY, day)
    noise = settings.traffic_noise
    traffic = random.uniform(1 - noise, 1 + noise, WINDOWS)
    tick_start = ticks_of_day(settings.impressions, settings.ticks, traffic)
    drift = settings.drift * random.standard_normal((WINDOWS, settings.filled_categories))
    shift = drift[window(settings.ticks, WINDOWS)[tick_of(tick_start)]]
    interests, values = draw_impressions(settings, traits, shift, random)
    ids = None
    if form == "dense":
        values = _columns(settings, interests, values)
    else:
        ids, values = _candidates(settings, interests, values)
    return Market(
        values=jnp.asarray(values),
        tick_start=jnp.asarray(tick_start),
        campaigns=traits.campaigns,
        market_price=_outside(settings, len(values), stream(key, Part.OUTSIDE, day)),
        candidates=None if ids is None else jnp.asarray(ids),
        labels=Labels(settings.name),
    )


def draw_traits(settings: Generator, key: jax.Array) -> Traits:
    """The advertisers of a market, with budgets as scarce as `settings.competition` says."""
    N, M, G = settings.advertisers, settings.category_size, settings.filled_categories
    random = stream(key, Part.TRAITS)
    reach = random.uniform(*settings.reach, N)
    log_mean = np.log(settings.mean_value) + settings.level_spread * random.standard_normal(N)
    target_cpa = settings.target_cpa * np.exp(settings.cpa_spread * random.standard_normal(N))
    ambition = reach * np.exp(log_mean) * target_cpa
    budget = ambition * np.exp(settings.budget_spread * random.standard_normal(N))

    def by_category(x: Floats) -> Floats:
        return np.pad(x, (0, G * M - N)).reshape(G, M)

    traits = Traits(
        log_mean=by_category(log_mean),
        reach=by_category(reach),
        campaigns=Campaigns(
            budget=jnp.asarray(budget),
            target_cpa=jnp.asarray(target_cpa),
            category=jnp.asarray(np.arange(N, dtype=np.int32) // M),
        ),
    )
    revenue = _revenue_at_cap(settings, traits, stream(key, Part.SAMPLE))
    scaled = jnp.asarray(settings.competition * revenue * budget / budget.sum())
    return traits._replace(campaigns=replace(traits.campaigns, budget=scaled))


def _revenue_at_cap(settings: Generator, traits: Traits, random: np.random.Generator) -> float:
    """What a day without drift earns when everybody bids its cap, currency."""
    no_drift = np.zeros((SAMPLE, settings.filled_categories))
    ids, values = _candidates(settings, *draw_impressions(settings, traits, no_drift, random))
    sample = Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(SAMPLE, 1),
        campaigns=traits.campaigns,
        market_price=_outside(settings, SAMPLE, random),
        candidates=jnp.asarray(ids),
    )
    spend = spend_at_cap(sample, settings.auction)
    return float(spend.sum()) * settings.impressions / SAMPLE


def _outside(
    settings: Generator, impressions: int, random: np.random.Generator
) -> jax.Array | None:
    """[K] highest bid from outside, currency per impression; None where nobody bids."""
    if not settings.outside_price:
        return None
    noise = settings.outside_spread * random.standard_normal(impressions)
    return jnp.asarray(settings.outside_price * np.exp(noise))


def draw_impressions(
    settings: Generator, traits: Traits, shift: Floats, random: np.random.Generator
) -> tuple[Ints, Floats]:
    """Users as they arrive: what interests them, and their worth to whom it interests.

    Args:
        settings: of the market.
        traits: of its advertisers.
        shift: [K G] of the log mean values of a category on an impression.
        random: numbers, used up in order.

    Returns:
        [K I] interests, ascending along a row; [K I M] values of the advertisers of each, 0 where
        the user is not reached.
    """
    K, G = shift.shape
    interests = min(settings.interests, G)
    chosen = np.empty((K, interests), np.int32)
    values = np.empty((K, interests, settings.category_size), np.float32)
    share, spread = settings.correlation, settings.value_spread
    common, own = np.float32(spread * share**0.5), np.float32(spread * (1 - share) ** 0.5)
    # The mean of exp(spread · normal) is exp(spread² / 2).
    level = (traits.log_mean - spread**2 / 2).astype(np.float32)
    reach = traits.reach.astype(np.float32)
    for first in range(0, K, BLOCK):
        rows = slice(first, first + BLOCK)
        block = values[rows]
        choice = random.random((len(block), G)).argpartition(interests - 1, axis=1)
        chosen[rows] = np.sort(choice[:, :interests], axis=1)
        c = chosen[rows]
        intent = common * random.standard_normal(c.shape, np.float32)
        intent += np.take_along_axis(shift[rows], c, axis=1)
        match = own * random.standard_normal(block.shape, np.float32)
        reached = random.random(block.shape, np.float32) < reach[c]
        value = np.minimum(np.exp(level[c] + intent[:, :, None] + match), 1)
        block[:] = np.where(reached, value, 0)
    return chosen, values


def _columns(settings: Generator, interests: Ints, values: Floats) -> Floats:
    """Values [K N] with one column an advertiser."""
    table = np.zeros((len(values), settings.filled_categories, values.shape[2]), values.dtype)
    table[np.arange(len(values))[:, None], interests] = values
    return table.reshape(len(values), -1)[:, : settings.advertisers]


def _candidates(settings: Generator, interests: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Ids and values [K C] of the advertisers an impression has, ascending, then padding."""
    size = np.int32(settings.category_size)
    ids = interests[:, :, None] * size + np.arange(size, dtype=np.int32)
    ids, values = ids.reshape(len(ids), -1), values.reshape(len(ids), -1)
    present = values > 0
    count = present.sum(axis=1)
    row, column = present.nonzero()
    place = np.arange(len(row)) - np.repeat(count.cumsum() - count, count)
    shape = (len(ids), max(int(count.max()), 1))
    packed_ids, packed_values = np.full(shape, -1, np.int32), np.zeros(shape, values.dtype)
    packed_ids[row, place] = ids[row, column]
    packed_values[row, place] = values[row, column]
    return packed_ids, packed_values
