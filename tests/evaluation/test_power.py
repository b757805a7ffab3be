"""Power against simulated tests and known tables."""

import numpy as np
import pytest
from scipy import stats

from equibid.evaluation.power import detectable, power, replicates_needed


@pytest.mark.parametrize(("count", "effect"), [(3, 1.5), (5, 0.5), (10, 1.0), (40, 0.45)])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_power_is_how_often_the_test_sees_it(count: int, effect: float, level: float) -> None:
    rng = np.random.default_rng(count)
    trials = 20_000
    gaps = rng.normal(effect, 1.0, (trials, count))
    _, p_values = stats.ttest_1samp(gaps, 0.0, axis=1)
    seen = (np.asarray(p_values) < level).mean()
    assert power(count, effect, level) == pytest.approx(seen, abs=0.013)


def test_without_a_difference_power_is_the_level() -> None:
    assert power(7, 0.0, 0.05) == pytest.approx(0.05)
    assert power(7, -0.8) == pytest.approx(power(7, 0.8))


def test_replicates_of_cohens_tables() -> None:
    # Paired t-test, two-sided, level 0.05, power 0.8: the effects called small, medium, large.
    assert [replicates_needed(effect) for effect in (0.2, 0.5, 0.8)] == [199, 34, 15]
    assert replicates_needed(0.5, chance=0.9) == 44


@pytest.mark.parametrize("effect", [0.03, 0.3, 0.7, 1.4, 3.0, 30.0, -0.7])
@pytest.mark.parametrize("chance", [0.5, 0.8, 0.95])
def test_needed_is_the_least_number(effect: float, chance: float) -> None:
    count = replicates_needed(effect, chance)
    assert count is not None and power(count, effect) >= chance
    assert count == 2 or power(count - 1, effect) < chance


def test_no_difference_needs_more_than_there_are() -> None:
    assert replicates_needed(0.0) is None
    assert replicates_needed(1e-5) is None
    assert replicates_needed(float("nan")) is None


@pytest.mark.parametrize("effect", [1e6, 1e12, 1e18, float("inf")])
def test_a_constant_difference_needs_two(effect: float) -> None:
    assert replicates_needed(effect, level=0.001) == replicates_needed(-effect, level=0.001) == 2


def test_detectable_is_the_inverse() -> None:
    least = detectable(12, 0.02)
    assert power(12, least / 0.02) == pytest.approx(0.8, abs=1e-9)
    assert replicates_needed(least / 0.02 * 1.0001) == 12
    assert np.isnan(detectable(1, 0.02))
