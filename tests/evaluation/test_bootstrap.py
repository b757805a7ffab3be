"""Bootstrap intervals against scipy's, and true to their confidence."""

import numpy as np
import pytest
from scipy import stats

from equibid.evaluation.bootstrap import bootstrap, draws


def mean(x: np.ndarray) -> np.ndarray:
    return x.mean(axis=0)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_are_scipys_up_to_chance(method: str) -> None:
    sample = np.random.default_rng(1).lognormal(0, 1, 25)
    ours = bootstrap(sample, mean, method=method, resamples=20_000, seed=3)
    theirs = stats.bootstrap(
        (sample,), np.mean, method=method, n_resamples=20_000, rng=np.random.default_rng(8)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.02 * width)


def test_strata_are_drawn_from_apart() -> None:
    strata = np.array([0, 1, 0, 2, 1, 0])
    rows = draws(strata, 500, seed=0)
    assert (strata[rows] == strata).all()
    # Every row of a stratum comes up at every of its places.
    for place, stratum in enumerate(strata):
        assert set(rows[:, place]) == set(np.flatnonzero(strata == stratum))


def test_strata_that_differ_only_in_level_leave_no_width() -> None:
    sample, strata = np.array([1.0, 1, 5, 5]), np.array([0, 0, 1, 1])
    assert bootstrap(sample, mean, strata=strata) == (3.0, 3.0, 3.0)
    assert bootstrap(sample, mean).low < 3.0


def test_a_stratum_of_one_tells_nothing_of_its_spread() -> None:
    _, low, high = bootstrap(np.array([1.0, 3, 9]), mean, strata=np.array([0, 0, 1]))
    assert np.isnan([low, high]).all()


def test_a_seed_is_an_interval() -> None:
    sample = np.random.default_rng(2).normal(size=9)
    one, same, other = (bootstrap(sample, mean, seed=seed) for seed in (4, 4, 5))
    assert one == same != other


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_equal_replicates_have_no_width_and_one_has_no_ends(method: str) -> None:
    assert bootstrap(np.full(5, 2.0), mean, method=method) == (2.0, 2.0, 2.0)
    value, low, high = bootstrap(np.array([2.0]), mean, method=method)
    assert value == 2.0 and np.isnan([low, high]).all()


def test_bca_covers_a_skewed_mean_better_than_percentiles() -> None:
    rng = np.random.default_rng(5)
    covered = {"percentile": 0, "bca": 0}
    trials = 300
    for trial in range(trials):
        sample = rng.exponential(1.0, 20)
        for method in covered:
            found = bootstrap(sample, mean, method=method, resamples=400, seed=trial)
            covered[method] += found.low <= 1.0 <= found.high
    assert covered["bca"] >= covered["percentile"]
    assert 0.87 < covered["bca"] / trials < 0.98
