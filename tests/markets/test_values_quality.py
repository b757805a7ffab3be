"""Figures of predictions beside scikit-learn's, and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from equibid.markets.values.quality import (
    auc,
    brier,
    expected_calibration_error,
    log_loss,
    quality,
    reliability,
)


def drawn(seed: int, count: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions on a few levels, so that many are equal, and outcomes that follow them."""
    rng = np.random.default_rng(seed)
    p = rng.integers(1, levels + 1, count) / (levels + 1)
    y = rng.uniform(size=count) < p
    y[:2] = [True, False]
    return p, y


@given(seed=st.integers(0, 10**6), count=st.integers(2, 300), levels=st.integers(1, 400))
def test_beside_scikit_learn(seed: int, count: int, levels: int) -> None:
    p, y = drawn(seed, count, levels)
    assert auc(p, y) == pytest.approx(metrics.roc_auc_score(y, p), abs=1e-12)
    assert log_loss(p, y) == pytest.approx(metrics.log_loss(y, p), abs=1e-12)
    assert brier(p, y) == pytest.approx(metrics.brier_score_loss(y, p), abs=1e-12)
    happened, predicted = calibration_curve(y, p, n_bins=7, strategy="quantile")
    curve = reliability(p, y, 7)
    np.testing.assert_allclose(curve.happened, happened, atol=1e-12)
    np.testing.assert_allclose(curve.predicted, predicted, atol=1e-12)
    assert curve.impressions.sum() == count
    error = (np.abs(happened - predicted) * curve.impressions).sum() / count
    assert expected_calibration_error(p, y, 7) == pytest.approx(error, abs=1e-12)


@given(seed=st.integers(0, 10**6), count=st.integers(2, 40))
def test_auc_is_the_share_of_pairs_in_order(seed: int, count: int) -> None:
    p, y = drawn(seed, count, 5)
    pairs = [(a > b) + (a == b) / 2 for a in p[y] for b in p[~y]]
    assert auc(p, y) == pytest.approx(np.mean(pairs))


def test_without_events_there_is_no_auc_but_a_loss() -> None:
    figures = quality(np.full(4, 0.01), np.zeros(4, bool))
    assert math.isnan(figures.auc)
    assert figures.log_loss == pytest.approx(-math.log(0.99))
    assert figures.base_log_loss == pytest.approx(0, abs=1e-12)
    assert (figures.events, figures.base_rate) == (0, 0.0)


def test_true_probabilities_are_calibrated_and_scaled_ones_are_not() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(1, 200, 400_000)
    y = rng.uniform(size=len(p)) < p
    assert expected_calibration_error(p, y) < 4e-4
    assert expected_calibration_error(2 * p, y) == pytest.approx(p.mean(), rel=0.05)
    assert quality(p, y).log_loss < quality(2 * p, y).log_loss
    assert auc(p, y) == auc(2 * p, y)
