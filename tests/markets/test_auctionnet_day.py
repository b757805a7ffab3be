"""The AuctionNet preset: its tables, its totals, its moments."""

import jax
import numpy as np
import pytest
from scipy.stats import norm

from equibid.errors import InputError
from equibid.markets import MARKETS, AuctionNet, auctionnet, validate
from equibid.markets.auctionnet import draw_day
from equibid.markets.stream import Part, stream


def test_a_full_day_has_the_published_totals() -> None:
    market = validate(auctionnet(jax.random.key(0)))
    assert market.values.shape == (500_000, 48)
    assert market.values.dtype == np.float32
    assert market.nbytes == pytest.approx(96e6, rel=0.001)
    counts = np.diff(np.asarray(market.tick_start))
    assert counts.sum() == 500_000
    # One published day had 1,153 to 23,055; a window's factor may be 0.4 of 1.4 away.
    assert 600 < counts.min() < 2500
    assert 16_000 < counts.max() < 33_000
    campaigns = market.campaigns
    assert float(campaigns.budget.sum()) == 150_000
    assert set(np.asarray(campaigns.target_cpa)) == set(range(60, 131, 10))
    np.testing.assert_array_equal(campaigns.category, np.repeat(np.arange(6), 8))
    assert (float(campaigns.budget[22]), float(campaigns.target_cpa[22])) == (4850, 60)


def test_value_of_a_day_is_that_of_the_simulator() -> None:
    # One published day holds 11,492 conversions; days vary by 7 % with the factors of 36
    # category windows. The mean over factors is 48 · K · 0.0005 times what clipping at 0 adds.
    total = [
        100 * float(auctionnet(jax.random.key(0), day, impressions=5000).values.sum())
        for day in range(40)
    ]
    clipped = norm.cdf(2) + 0.5 * norm.pdf(2)
    assert np.mean(total) == pytest.approx(12_000 * clipped, rel=0.04)
    assert min(total) < 11_492 < max(total)
    assert 0.04 < np.std(total) / np.mean(total) < 0.12


def test_values_have_the_moments_of_their_tick() -> None:
    key, settings = jax.random.key(3), AuctionNet(impressions=96_000)
    market = auctionnet(key, impressions=96_000)
    day = draw_day(settings, stream(key, Part.TRAITS), stream(key, Part.DAY, 0))
    tick = int(np.argmax(np.diff(np.asarray(market.tick_start))))
    values = np.asarray(market.values[market.tick_start[tick] : market.tick_start[tick + 1]])
    mean, deviation = day.mean[tick], day.deviation[tick]
    z = mean / deviation
    # E max(X, 0) of a normal X.
    expected = mean * norm.cdf(z) + deviation * norm.pdf(z)
    error = (values.mean(0) - expected) / (deviation / np.sqrt(len(values)))
    assert np.abs(error).max() < 4.5
    assert np.abs((values == 0).mean(0) - norm.cdf(-z)).max() < 0.02
    # Advertisers are independent: 1,128 pairs, each with an error of 1 / sqrt(impressions).
    correlation = np.corrcoef(values.T)[np.triu_indices(48, 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(len(values))


def test_factors_stay_in_their_bounds_and_windows() -> None:
    day = draw_day(AuctionNet(), *(stream(jax.random.key(1), part) for part in (Part(0), Part(2))))
    relative = day.mean / 0.0005
    first = relative[:, ::8]
    assert first.min() >= 0.3
    assert first.max() <= 1.7
    own = relative / np.repeat(first, 8, axis=1)
    assert own.min() >= 0.5
    assert own.max() <= 1.5
    windows = relative.reshape(6, 8, 48)
    np.testing.assert_array_equal(windows, np.repeat(windows[:, :1], 8, axis=1))
    ratio = day.deviation / day.mean
    assert ratio.mean() == pytest.approx(0.5, abs=0.05)
    # Within an advertiser the ratio jitters by 20 %, across advertisers it spreads by 0.1.
    assert (ratio.std(0) / ratio.mean(0)).mean() == pytest.approx(0.2, abs=0.02)
    assert ratio.mean(0).std() == pytest.approx(0.1, abs=0.04)


def test_same_key_same_bits_and_days_share_the_advertisers() -> None:
    one, same = (auctionnet(jax.random.key(7), impressions=500) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, one, same)
    next_day = auctionnet(jax.random.key(7), 1, impressions=500)
    other = auctionnet(jax.random.key(8), impressions=500)
    for changed in (next_day, other):
        assert not np.array_equal(one.values, changed.values)
        assert not np.array_equal(one.tick_start, changed.tick_start)
    np.testing.assert_array_equal(one.campaigns.budget, next_day.campaigns.budget)


def test_small_versions_scale_their_budgets() -> None:
    market = validate(MARKETS["auctionnet"](jax.random.key(0), impressions=5000))
    assert float(market.campaigns.budget.sum()) == pytest.approx(1500)
    small = validate(auctionnet(jax.random.key(0), impressions=100, advertisers=11, ticks=5))
    assert (small.impressions, small.advertisers, small.ticks) == (100, 11, 5)
    large = validate(auctionnet(jax.random.key(0), impressions=100, advertisers=60))
    np.testing.assert_array_equal(large.campaigns.budget[48:], large.campaigns.budget[:12])
    assert int(large.campaigns.category[-1]) == 7


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"impressions": 0}, "impressions must be a whole number from 1, not 0"),
        ({"impressions": -3}, "impressions"),
        ({"impressions": 5000.0}, "impressions"),
        ({"impressions": 40}, "48 ticks are more than its 40 impressions"),
        ({"ticks": 0}, "ticks"),
        ({"advertisers": True}, "advertisers"),
        ({"spread": -1}, "spread must be a number from 0"),
        ({"traffic_noise": 1.5}, "traffic_noise must be a number in 0 … 1"),
        ({"day": -1}, "day must be a whole number from 0"),
        ({"advertizers": 4}, "has no setting 'advertizers'; it has impressions"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, float], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        MARKETS["auctionnet"](jax.random.key(0), **changes)
