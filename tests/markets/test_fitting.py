"""Settings come back from a day that was generated from them, and what cannot be told is named."""

import itertools
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.auctions.ranked import gsp, second_price
from equibid.errors import InputError
from equibid.markets import DEMO, Generator, Market, dense, even_ticks, generate, sparse, validate
from equibid.markets.estimators import clock, interests, reach
from equibid.markets.fitting import Fit, fit
from equibid.markets.market import Campaigns
from equibid.markets.moments import moments

PLAIN = Generator("plain", impressions=8192, advertisers=36, ticks=24, categories=4, interests=2)
DAYS = {
    "plain": PLAIN,
    "other": replace(
        PLAIN,
        interests=3,
        reach=(0.4, 0.7),
        mean_value=0.0005,
        level_spread=0.8,
        value_spread=0.5,
        correlation=0.75,
        drift=0.5,
        target_cpa=7.0,
        cpa_spread=0.6,
        budget_spread=0.2,
        competition=0.3,
        traffic_noise=0.15,
    ),
    "independent": replace(PLAIN, correlation=0.0, drift=0.0, level_spread=0.0, interests=4),
    "outside": replace(PLAIN, outside_price=0.4, outside_spread=0.6, auction=second_price()),
}


@cache
def fitted(name: str, seed: int) -> Fit:
    settings = DAYS[name]
    return fit(generate(settings, jax.random.key(seed)), name, settings.auction)


def errors(settings: Generator) -> dict[str, float]:
    """One standard error of each estimate: of N, G · 11 or 12 draws from the settings.

    A sample deviation s of n normal numbers has the error s / √(2 (n - 1)); that of uniform ones is
    smaller. What impressions add is bounded by the constants.
    """
    N, G = settings.advertisers, settings.filled_categories
    deviation = (2 * (N - 1)) ** -0.5
    width = settings.reach[1] - settings.reach[0]
    return {
        "reach": 1.5 * width / N + 0.006,
        "mean_value": settings.mean_value
        * ((settings.level_spread**2 / N + settings.drift**2 / (12 * G)) ** 0.5 + 0.01),
        "level_spread": settings.level_spread * deviation + 0.02,
        "value_spread": 0.01 * settings.value_spread,
        "correlation": 0.01,
        "drift": settings.drift * (2 * 11 * G) ** -0.5 + 0.015,
        "target_cpa": settings.target_cpa * settings.cpa_spread * N**-0.5,
        "cpa_spread": settings.cpa_spread * deviation,
        "budget_spread": settings.budget_spread * deviation,
        "competition": 0.04 * settings.competition,
        "traffic_noise": 0.14 * settings.traffic_noise + 0.01,
        "outside_price": 0.01 * settings.outside_price,
        "outside_spread": 0.01,
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", DAYS)
def test_settings_come_back_within_four_standard_errors(name: str, seed: int) -> None:
    truth, found = DAYS[name], fitted(name, seed)
    settings = found.settings
    for whole in ("impressions", "advertisers", "ticks", "categories", "interests"):
        assert getattr(settings, whole) == getattr(truth, whole)
    for field, error in errors(truth).items():
        assert getattr(settings, field) == pytest.approx(getattr(truth, field), abs=4 * error), (
            field
        )
    assert set(found.kept) == (set() if name == "outside" else {"outside_spread"})
    assert found.notes == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "other"])
def test_estimates_have_no_bias_that_chance_does_not_explain(name: str) -> None:
    truth = replace(DAYS[name], impressions=2048)
    fields = errors(truth)
    found = [
        fit(generate(truth, jax.random.key(seed)), name, truth.auction).settings
        for seed in range(24)
    ]
    for field in fields:
        estimates = np.array([np.ravel(getattr(settings, field)) for settings in found])
        error = estimates.std(axis=0, ddof=1) / len(found) ** 0.5
        off = np.abs(estimates.mean(axis=0) - np.ravel(getattr(truth, field)))
        # Variances are estimated without bias; their roots are low by a few percent.
        slack = 0.03 * np.abs(np.ravel(getattr(truth, field)))
        assert (off <= 4 * error + slack + 1e-12).all(), (field, off, error)


def test_candidate_lists_have_the_sums_of_dense_values() -> None:
    market = generate(PLAIN, jax.random.key(0))
    one, other = (moments(x, clock(24, 24).cell) for x in (market, sparse(market)))
    for name in ("count", "mean_log", "total", "square", "both", "cross", "independent"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)


def test_moments_are_the_sums_they_say() -> None:
    rng = np.random.default_rng(0)
    K, N = 60, 5
    values = np.exp(rng.normal(size=(K, N))) * (rng.random((K, N)) < 0.7)
    market = market_of(values, ticks=3, category=[0, 0, 2, 2, 2])
    sums = moments(market, np.array([0, 1, 1]))
    cross, both, free = np.zeros((N, N)), np.zeros((N, N)), np.zeros((N, N))
    for rows in (slice(0, 20), slice(20, 60)):
        part = values[rows]
        for i in range(N):
            for j in range(N):
                mine, his, met = part[:, i] > 0, part[:, j] > 0, (part[:, [i, j]] > 0).all(axis=1)
                off = [
                    np.log(part[met, a]) - np.log(part[has, a]).mean()
                    for a, has in ((i, mine), (j, his))
                ]
                cross[i, j] += off[0] @ off[1]
                both[i, j] += met.sum()
                n, m, b = mine.sum(), his.sum(), met.sum()
                free[i, j] += b - b / n - b / m + b * b / (n * m)
    np.testing.assert_allclose(sums.cross, cross, atol=1e-12)
    np.testing.assert_allclose(sums.both, both)
    np.testing.assert_allclose(sums.independent, free)
    np.testing.assert_allclose(sums.square, cross.diagonal())
    np.testing.assert_allclose(sums.total, values.sum(axis=0))
    assert sums.category.tolist() == [0, 0, 1, 1, 1]
    assert sums.same.sum() == 2 + 6
    assert sums.above == pytest.approx((values > 1).sum() / (values > 0).sum())


def market_of(
    values: np.ndarray, ticks: int = 12, category: list[int] | None = None, cpa: float = 10.0
) -> Market:
    """A market of given values; every budget is 1."""
    N = values.shape[1]
    ones = jnp.ones(N)
    ids = jnp.asarray(category or [0] * N, jnp.int32)
    return Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(len(values), ticks),
        campaigns=Campaigns(ones, cpa * ones, ids),
    )


def test_interests_are_told_by_pairs_across_where_those_within_never_meet() -> None:
    # Four categories of two who share no user, and users interested in two of them: two of
    # different categories meet on 4/6 of what chance would give.
    rows = []
    for one, other in itertools.combinations(range(4), 2):
        for a, b in itertools.product(range(2), repeat=2):
            row = np.zeros(8)
            row[[2 * one + a, 2 * other + b]] = 0.5
            rows.append(row)
    market = market_of(np.array(rows), category=[0, 0, 1, 1, 2, 2, 3, 3])
    assert interests(moments(market, np.zeros(12, int))).value == 2


def test_reach_is_of_those_who_have_a_value() -> None:
    rng = np.random.default_rng(3)
    values = np.where(rng.random((4000, 3)) < [0.2, 0.5, 0.8], 0.5, 0)
    silent = np.concatenate([values, np.zeros((4000, 5))], axis=1)
    found = [reach(moments(market_of(x), np.zeros(12, int)), 1).value for x in (values, silent)]
    assert found[0] == found[1]


def test_one_advertiser_keeps_what_it_cannot_tell() -> None:
    rng = np.random.default_rng(1)
    market = market_of(np.exp(rng.normal(-6, 0.9, (6000, 1))) * (rng.random((6000, 1)) < 0.8))
    price = rng.lognormal(-3, 0.7, 6000)
    found = fit(replace(market, market_price=jnp.asarray(price)), "alone", second_price())
    settings = found.settings
    assert set(found.kept) == {
        "categories",
        "interests",
        "correlation",
        "budget_spread",
        "traffic_noise",
    }
    assert settings.correlation == DEMO.correlation
    assert all("one advertiser" in found.how[name] for name in found.kept[:-1])
    assert "no clock" in found.how["traffic_noise"]
    assert (settings.level_spread, settings.cpa_spread, settings.target_cpa) == (0, 0, 10)
    assert settings.reach[0] == settings.reach[1] == pytest.approx(0.8, abs=0.02)
    assert settings.outside_price == pytest.approx(np.exp(-3), rel=0.05)
    # The generated day is the log's twin: same values, same prices.
    day = generate(settings, jax.random.key(0))
    assert np.asarray(dense(day)).mean() == pytest.approx(np.asarray(market.values).mean(), rel=0.1)
    assert day.market_price is not None
    assert np.asarray(day.market_price).mean() == pytest.approx(price.mean(), rel=0.05)


def test_a_part_of_a_day_is_blown_up_to_a_day() -> None:
    day = generate(PLAIN, jax.random.key(2))
    start = np.asarray(day.tick_start)
    half = replace(day, values=day.values[: start[12]], tick_start=day.tick_start[:13])
    found = fit(half, "half", gsp(), day_ticks=24)
    usual = clock(12, 24).days
    assert found.settings.ticks == 24
    assert found.settings.impressions == round(int(start[12]) / usual)
    assert 0.3 < usual < 0.7
    two = clock(48, 24)
    assert two.days == pytest.approx(2)
    assert two.cell.tolist() == np.repeat(np.arange(24), 2).tolist()


def test_what_the_generator_cannot_show_is_said() -> None:
    rng = np.random.default_rng(2)
    values = np.exp(rng.normal(-2, 1.5, (500, 5)))
    values[:, 4] = 0
    market = market_of(values, category=[0, 0, 0, 0, 1])
    notes = " ".join(fit(market, "odd", gsp()).notes)
    assert "are above 1" in notes
    assert "1 to 4 advertisers" in notes
    assert "1 of the log's 5 advertisers have no value" in notes
    tail = np.where(rng.random((500, 2)) < 0.02, 0.9, 0.001)
    assert "upper tail is heavier" in fit(market_of(tail), "tail", gsp()).notes[0]
    with pytest.raises(InputError, match="no values to fit"):
        fit(market_of(np.zeros((10, 2)), ticks=2), "none", gsp())


@given(
    st.sampled_from([(1, 1), (30, 2), (40, 5)]),
    st.integers(1, 12),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
def test_any_log_with_a_value_gives_a_market(
    shape: tuple[int, int], ticks: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    impressions, advertisers = shape
    values = np.exp(3 * rng.normal(size=shape)) * (rng.random(shape) < share)
    values[0, 0] = 0.5
    category = rng.integers(0, advertisers, advertisers).tolist()
    market = market_of(values, min(ticks, impressions), category)
    found = fit(market, "any", gsp())
    assert found.settings.advertisers == advertisers
    small = replace(found.settings, impressions=max(5, found.settings.ticks))
    validate(generate(small, jax.random.key(0)))


def test_no_outside_leaves_every_bit() -> None:
    settings = replace(PLAIN, impressions=500)
    plain = generate(settings, jax.random.key(3))
    assert plain.market_price is None
    other = generate(replace(settings, outside_price=0.2), jax.random.key(3))
    np.testing.assert_array_equal(plain.values, other.values)
    np.testing.assert_array_equal(plain.tick_start, other.tick_start)
    np.testing.assert_array_equal(plain.campaigns.target_cpa, other.campaigns.target_cpa)
    again = generate(replace(settings, outside_price=0.2), jax.random.key(3), form="sparse")
    assert other.market_price is not None
    np.testing.assert_array_equal(other.market_price, again.market_price)
