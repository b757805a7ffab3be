"""The heavy-tailed family: moments, dependence, scarcity, determinism."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from equibid.errors import InputError
from equibid.markets import (
    BPG_100,
    DEMO,
    MARKETS,
    NCB_1000,
    Generator,
    Market,
    dense,
    even_ticks,
    generate,
    sparse,
    spend_at_cap,
    validate,
)

KEY = jax.random.key(0)
# Four categories of five, of which a user has two.
SMALL = Generator("small", impressions=60_000, advertisers=20, ticks=24, categories=4, interests=2)
STILL = replace(SMALL, drift=0.0, level_spread=0.0)


def eligible(market: Market) -> np.ndarray:
    return np.asarray(dense(market)) > 0


@pytest.fixture(scope="module")
def still() -> Market:
    return generate(STILL, KEY)


def test_log_values_are_normal_with_the_mean_asked_for(still: Market) -> None:
    values = np.asarray(still.values)
    logs = np.log(values[values > 0])
    # Log values of a category share 40 % of their variance, so that errors are those of the
    # 120,000 interests at least.
    assert logs.mean() == pytest.approx(np.log(0.01) - 1.2**2 / 2, abs=5 * 1.2 / 120_000**0.5)
    assert logs.std() == pytest.approx(1.2, rel=0.01)
    skew = ((logs - logs.mean()) ** 3).mean() / logs.std() ** 3
    assert skew == pytest.approx(0, abs=0.05)
    assert values[values > 0].mean() == pytest.approx(0.01, rel=0.03)


def test_values_are_alike_within_a_category_only(still: Market) -> None:
    values, category = np.asarray(still.values), np.asarray(still.campaigns.category)
    within, across = [], []
    for i in range(20):
        for j in range(i):
            both = (values[:, i] > 0) & (values[:, j] > 0)
            if both.sum() < 500:
                continue
            logs = np.log(values[both][:, [i, j]])
            correlation = np.corrcoef(logs.T)[0, 1]
            (within if category[i] == category[j] else across).append(correlation)
    assert np.mean(within) == pytest.approx(0.4, abs=0.02)
    assert np.mean(across) == pytest.approx(0.0, abs=0.02)
    assert min(within) > max(across)


def test_advertisers_reach_a_part_of_the_users_of_their_category(still: Market) -> None:
    reached = eligible(still)
    by_category = reached.reshape(-1, 4, 5).any(axis=2)
    assert by_category.sum(axis=1).max() == 2
    share = reached.mean(axis=0)
    # Two interests of four, times a reach between 0.1 and 0.9.
    assert share.min() > 0.5 * 0.1 - 0.01
    assert share.max() < 0.5 * 0.9 + 0.01
    assert share.std() > 0.05
    everybody = generate(replace(STILL, reach=(1.0, 1.0), impressions=1000), KEY)
    np.testing.assert_array_equal(eligible(everybody).sum(axis=1), 10)


def test_drift_moves_categories_over_the_day() -> None:
    settings = replace(STILL, drift=0.5, traffic_noise=0.0, impressions=120_000)
    market = generate(settings, KEY)
    levels = []
    for part in np.split(np.asarray(market.values), np.asarray(market.tick_start)[2:-1:2]):
        blocks = part.reshape(len(part), 4, 5)
        levels.append([np.log(block[block > 0]).mean() for block in blocks.transpose(1, 0, 2)])
    # 48 draws of a normal: the standard deviation is known to about 10 %.
    assert np.std(levels) == pytest.approx(0.5, rel=0.35)
    assert np.corrcoef(np.asarray(levels).T)[0, 1] < 0.9


def test_budgets_are_as_scarce_as_asked() -> None:
    for competition in (0.25, 1.0):
        market = generate(replace(STILL, competition=competition), KEY)
        revenue = float(spend_at_cap(market, STILL.auction).sum())
        assert float(market.campaigns.budget.sum()) / revenue == pytest.approx(
            competition, rel=0.05
        )
    heavy, light = (
        np.log(np.asarray(generate(replace(NCB_1000, **small), KEY).campaigns.budget)).std()
        for small in ({"impressions": 96}, {"impressions": 96, "budget_spread": 0.0})
    )
    assert heavy**2 - light**2 == pytest.approx(0.7**2, rel=0.15)


@pytest.mark.parametrize("settings", [DEMO, BPG_100, NCB_1000])
def test_most_but_not_all_budgets_of_a_preset_bind(settings: Generator) -> None:
    market = generate(replace(settings, impressions=8000), KEY, form="sparse")
    binds = np.asarray(spend_at_cap(market, settings.auction) >= market.campaigns.budget)
    assert 0.5 < binds.mean() < 1


def test_form_changes_nothing_but_the_form() -> None:
    # 23 advertisers in four categories: the last is not full.
    settings = replace(SMALL, impressions=5000, advertisers=23)
    full, lists = (generate(settings, KEY, form=form) for form in ("dense", "sparse"))
    validate(full)
    validate(lists)
    assert lists.values.shape[1] < 12
    np.testing.assert_array_equal(dense(lists), full.values)
    np.testing.assert_array_equal(lists.campaigns.budget, full.campaigns.budget)
    np.testing.assert_array_equal(sparse(full).candidates, lists.candidates)


def test_same_key_same_bits_and_days_share_the_advertisers() -> None:
    settings = replace(SMALL, impressions=5000)
    jax.tree.map(np.testing.assert_array_equal, generate(settings, KEY), generate(settings, KEY))
    today, tomorrow = generate(settings, KEY, 0), generate(settings, KEY, 1)
    jax.tree.map(np.testing.assert_array_equal, today.campaigns, tomorrow.campaigns)
    assert not np.array_equal(today.tick_start, tomorrow.tick_start)
    # An advertiser reaches the same share of users every day, but other users.
    shares = eligible(today).mean(0), eligible(tomorrow).mean(0)
    assert np.corrcoef(shares)[0, 1] > 0.95
    assert (eligible(today) != eligible(tomorrow)).mean() > 0.1
    other = generate(settings, jax.random.key(1))
    assert not np.array_equal(other.campaigns.budget, today.campaigns.budget)


@pytest.mark.parametrize("advertisers", [1, 2, 3, 9])
def test_tiny_markets_are_markets(advertisers: int) -> None:
    settings = replace(SMALL, impressions=7, advertisers=advertisers, ticks=7)
    for form in ("dense", "sparse"):
        market = validate(generate(settings, KEY, form=form))
        assert (market.impressions, market.advertisers, market.ticks) == (7, advertisers, 7)


@pytest.mark.parametrize("name", ["demo", "bpg-100", "ncb-1000"])
def test_presets_take_sizes_and_settings(name: str) -> None:
    market = validate(MARKETS[name](KEY, impressions=300, advertisers=50, ticks=10, drift=0.0))
    assert (market.impressions, market.advertisers, market.ticks) == (300, 50, 10)
    assert market.labels.name == name
    assert MARKETS[name](KEY, day=1, form="sparse", impressions=300).candidates is not None


def test_presets_have_the_sizes_of_their_names() -> None:
    market = validate(MARKETS["demo"](KEY))
    assert (market.impressions, market.advertisers, market.ticks) == (20_000, 24, 48)
    assert (BPG_100.advertisers, BPG_100.ticks) == (100, 48)
    assert (NCB_1000.impressions, NCB_1000.advertisers, NCB_1000.ticks) == (70_000, 1000, 96)
    assert not np.array_equal(market.tick_start, even_ticks(20_000, 48))


@pytest.mark.slow
def test_ncb_1000_at_full_size() -> None:
    market = validate(MARKETS["ncb-1000"](KEY))
    assert market.values.shape == (70_000, 1000)
    assert market.values.dtype == np.float32
    assert market.nbytes == pytest.approx(280e6, rel=0.001)
    # 3 interests of 25 times a mean reach of one half.
    assert eligible(market).mean() == pytest.approx(0.06, abs=0.004)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"impressions": 0}, "impressions must be a whole number from 1, not 0"),
        ({"ticks": 500, "impressions": 400}, "500 ticks are more than its 400 impressions"),
        ({"advertisers": 2.5}, "advertisers"),
        ({"interests": 0}, "interests must be a whole number from 1"),
        ({"competition": 0}, "competition"),
        ({"competition": "much"}, "competition must be a number"),
        ({"correlation": 1.2}, "correlation must be a number in 0 … 1"),
        ({"drift": float("nan")}, "drift"),
        ({"reach": (0.5, 0.2)}, "reach must be a number in 0.5 … 1, not 0.2"),
        ({"day": -1}, "day"),
        ({"form": "thick"}, "form must be dense or sparse, not 'thick'"),
        ({"impression": 10}, "has no setting 'impression'; it has impressions"),
        ({"name": "mine"}, "has no setting 'name'"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        MARKETS["demo"](KEY, **changes)
