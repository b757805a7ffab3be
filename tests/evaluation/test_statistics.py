"""Intervals: exact for means, right in the limit for ratios, and true to their confidence."""

import numpy as np
import pytest
from scipy import stats

from equibid.evaluation.statistics import jackknife, leave_one_out


@pytest.mark.parametrize("count", [2, 3, 10, 37])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_interval_of_a_mean_is_students(count: int, confidence: float) -> None:
    sample = np.random.default_rng(count).lognormal(0, 1, count)
    left_out = leave_one_out(sample) / (count - 1)
    value, low, high = jackknife(sample.mean(), left_out, confidence)
    expected = stats.t.interval(confidence, count - 1, sample.mean(), stats.sem(sample))
    np.testing.assert_allclose([value, low, high], [sample.mean(), *expected], rtol=1e-12)


def test_interval_of_a_ratio_meets_the_delta_method() -> None:
    count = 4000
    rng = np.random.default_rng(1)
    below = rng.lognormal(1, 0.5, count)
    above = below * rng.lognormal(0, 0.4, count)
    ratio = above.sum() / below.sum()
    interval = jackknife(ratio, leave_one_out(above) / leave_one_out(below))
    error = np.std(above - ratio * below, ddof=1) / below.mean() / np.sqrt(count)
    reach = stats.t.ppf(0.975, count - 1) * error
    assert interval.high - ratio == pytest.approx(reach, rel=5e-3)
    assert ratio - interval.low == pytest.approx(reach, rel=5e-3)


def test_one_replicate_has_no_interval() -> None:
    value, low, high = jackknife(3.5, np.zeros(1))
    assert value == 3.5
    assert np.isnan([low, high]).all()


def test_equal_replicates_have_an_interval_of_no_width() -> None:
    assert jackknife(2.0, np.full(5, 2.0)) == (2.0, 2.0, 2.0)


def test_a_figure_that_is_undefined_without_one_replicate_has_no_ends() -> None:
    value, low, high = jackknife(2.0, np.array([1.0, np.nan, 3.0]))
    assert value == 2.0
    assert np.isnan([low, high]).all()


def test_leave_one_out_is_the_sum_of_the_others() -> None:
    sums = np.random.default_rng(2).random((6, 3))
    others = np.stack([np.delete(sums, r, axis=0).sum(axis=0) for r in range(6)])
    np.testing.assert_allclose(leave_one_out(sums), others, rtol=1e-12)


def test_intervals_of_a_ratio_cover_it_as_often_as_they_say() -> None:
    trials, count = 2000, 10
    rng = np.random.default_rng(3)
    below = rng.gamma(20, 1, (trials, count))
    above = 0.3 * below * rng.gamma(10, 0.1, (trials, count))
    covered = 0
    for a, b in zip(above, below, strict=True):
        interval = jackknife(a.sum() / b.sum(), leave_one_out(a) / leave_one_out(b))
        covered += interval.low <= 0.3 <= interval.high
    assert 0.93 < covered / trials < 0.97
