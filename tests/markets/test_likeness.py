"""Distances of two days."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.markets import Generator, even_ticks, generate, likeness, spend_at_cap
from equibid.markets.estimators import clock
from equibid.markets.likeness import (
    Facts,
    distance,
    distances,
    facts,
    kolmogorov_smirnov,
    quantiles,
    traffic,
)
from equibid.markets.market import Market
from equibid.markets.moments import moments

SETTINGS = Generator("m", impressions=1024, advertisers=8, ticks=24, categories=2, interests=1)

samples = st.lists(st.floats(-5, 5), min_size=1, max_size=30)


@given(samples, samples)
def test_kolmogorov_smirnov_is_its_definition(one: list[float], other: list[float]) -> None:
    here, there = np.array(one), np.array(other)
    expected = max(abs((here <= x).mean() - (there <= x).mean()) for x in [*one, *other])
    assert kolmogorov_smirnov(here, there) == pytest.approx(expected)


def measured(market: Market) -> Facts:
    sums = moments(market, clock(market.ticks, market.ticks).cell)
    return facts(market, sums, np.asarray(spend_at_cap(market, SETTINGS.auction)), {})


@pytest.fixture(scope="module")
def days() -> list[Facts]:
    return [measured(generate(SETTINGS, jax.random.key(seed))) for seed in range(3)]


def test_a_day_is_like_itself(days: list[Facts]) -> None:
    table = distances(days[0], days[0], days[1:])
    assert table["distance"].to_list() == [0.0] * table.height
    assert (table["chance"] > 0).all()
    assert table["measure"].to_list() == [
        "value",
        "advertiser_value",
        "budget_over_spend",
        "traffic",
        "within",
        "eligible",
    ]
    assert distances(days[0], days[1])["chance"].null_count() == table.height


def test_other_settings_are_farther_than_other_chance(days: list[Facts]) -> None:
    other = Generator(
        "o", 1024, 8, 24, 2, interests=2, mean_value=0.05, correlation=0.9, competition=3.0
    )
    table = distances(measured(generate(other, jax.random.key(5))), days[0], days[1:])
    far = table.filter(table["distance"] > 2 * table["chance"])["measure"].to_list()
    assert {"value", "advertiser_value", "within", "eligible", "budget_over_spend"} <= set(far)


def test_facts_are_of_the_market(days: list[Facts]) -> None:
    market = generate(SETTINGS, jax.random.key(0))
    values = np.asarray(market.values, np.float64)
    found = days[0]
    np.testing.assert_allclose(np.sort(found["value"]), np.sort(values[values > 0]))
    assert found["eligible"][0] == pytest.approx((values > 0).mean())
    np.testing.assert_allclose(
        found["advertiser_value"], values.sum(axis=0) / (values > 0).sum(axis=0)
    )
    assert found["traffic"].sum() == pytest.approx(1)
    lists = generate(SETTINGS, jax.random.key(0), form="sparse")
    sums = moments(lists, clock(24, 24).cell)
    listed = facts(lists, sums, np.ones(8), {})
    np.testing.assert_allclose(listed["value"], found["value"])


def test_thinned_values_are_those_of_all_advertisers(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every impression is worth 1 … 8 to the advertisers, of whom a stride of 4 would see two.
    monkeypatch.setattr(likeness, "MOST", 256)
    day = generate(SETTINGS, jax.random.key(0))
    even = replace(day, values=jnp.broadcast_to(jnp.arange(1.0, 9.0), (128, 8)))
    even = replace(even, tick_start=even_ticks(128, 24))
    value = measured(even)["value"]
    assert len(value) == 256
    np.testing.assert_array_equal(np.unique(value, return_counts=True)[1], 32)


def test_quantiles_stand_side_by_side(days: list[Facts]) -> None:
    table = quantiles(days[0], days[1])
    value = table.filter(measure="value")
    assert value.height == 101
    assert value.row(50, named=True)["log"] == pytest.approx(np.median(days[0]["value"]))
    assert table.filter(measure="traffic")["at"].to_list() == list(range(12))
    assert table.filter(measure="within").height == 1


def test_total_variation_is_the_share_that_would_have_to_move() -> None:
    one, other = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    assert distance("shares", one, other) == pytest.approx(0.4)
    assert distance("shares", np.array([1.0, 0]), np.array([0, 1.0])) == 1


def test_single_samples_are_amounts() -> None:
    one: Facts = {"value": np.array([2.0]), "eligible": np.array([0.5])}
    other: Facts = {"value": np.array([1.0]), "eligible": np.array([0.25])}
    table = distances(one, other)
    assert table["kind"].to_list() == ["amount", "number"]
    assert table["distance"].to_list() == [0.5, 0.25]


def test_spans_without_ticks_do_not_count() -> None:
    market = generate(SETTINGS, jax.random.key(0))
    share = traffic(market, 48)
    assert np.isnan(share[6:]).all()
    assert share[:6].sum() == pytest.approx(1)
    whole = np.concatenate([share[:6] / 2, np.full(6, 1 / 12)])
    assert distance("shares", share, whole) == pytest.approx(0)
    table = quantiles({"traffic": share}, {"traffic": whole})
    assert table["log"].null_count() == 6
