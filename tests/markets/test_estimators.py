"""Each estimator by itself, on many small days: its mean is the setting, and not what chance adds.

On days this small what chance adds to a moment is as large as the moment, so an estimator that does
not take it off is far away.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.markets import Generator, Market, generate, spend_at_cap
from equibid.markets.estimators import (
    clock,
    competition,
    drift,
    level_spread,
    levels,
    traffic_noise,
)
from equibid.markets.market import Campaigns
from equibid.markets.moments import moments
from equibid.markets.traffic import ticks_of_day

SMALL = Generator("small", impressions=600, advertisers=12, ticks=12, categories=4, interests=2)
DAY = clock(12, 12)


def days(settings: Generator, count: int) -> list[Market]:
    return [generate(settings, jax.random.key(seed)) for seed in range(count)]


@pytest.mark.parametrize("noise", [0.15, 0.4])
def test_traffic_noise_is_the_width_of_its_factors(noise: float) -> None:
    rng = np.random.default_rng(0)
    nobody = Campaigns(jnp.ones(1), jnp.ones(1), jnp.zeros(1, int))
    squares = []
    for _ in range(200):
        start = ticks_of_day(20_000, 24, rng.uniform(1 - noise, 1 + noise, 12))
        market = Market(jnp.ones((20_000, 1)), jnp.asarray(start), nobody)
        squares.append(traffic_noise(market, clock(24, 24)).value ** 2)  # type: ignore[operator]
    assert np.mean(squares) == pytest.approx(noise**2, rel=0.15)


def test_drift_is_what_chance_does_not_make_of_it() -> None:
    found = []
    for market in days(SMALL, 40):
        sums = moments(market, DAY.cell)
        found.append(drift(market, DAY, sums, SMALL.value_spread, SMALL.correlation)[1])
    assert np.mean(np.square(found)) == pytest.approx(SMALL.drift**2, rel=0.25)


def test_the_spread_of_levels_is_what_chance_and_drift_do_not_make_of_it() -> None:
    settings = replace(SMALL, drift=0.6)
    squares = []
    for market in days(settings, 60):
        sums = moments(market, DAY.cell)
        level = levels(sums, settings.value_spread, settings.correlation, settings.drift)
        squares.append(float(level.log_mean.var(ddof=1)) - level.noise)
        assert level_spread(level).value == max(squares[-1], 0) ** 0.5
    assert np.mean(squares) == pytest.approx(settings.level_spread**2, rel=0.2)


def test_competition_is_that_of_a_day_without_drift() -> None:
    settings = replace(SMALL, drift=0.6, competition=0.3, impressions=2400)
    found = []
    for market in days(settings, 16):
        budget = np.asarray(market.campaigns.budget)
        at_cap = np.asarray(spend_at_cap(market, settings.auction))
        found.append(float(competition(budget, at_cap, settings.drift).value))  # type: ignore
    # Without the correction it is exp(0.18), a fifth, less.
    assert np.median(found) == pytest.approx(0.3, rel=0.08)
