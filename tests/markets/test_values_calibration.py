"""Curves from predictions to truth, beside scikit-learn's and on planted distortions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from equibid.errors import InputError
from equibid.markets.values.calibration import CALIBRATIONS, Isotonic, Platt, fit_calibration
from equibid.markets.values.quality import expected_calibration_error, log_loss


def drawn(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 30, count), 3) + 1e-4
    y = rng.uniform(size=count) < p
    y[:2] = [True, False]
    return p, y


@pytest.mark.parametrize("kind", ["isotonic", "platt", "scale", "none"])
@given(seed=st.integers(0, 10**6), count=st.integers(3, 200))
def test_every_curve_rises_and_worth_is_never_nothing(kind: str, seed: int, count: int) -> None:
    p, y = drawn(seed, count)
    curve = fit_calibration(kind, p, y)
    rising = curve.apply(np.linspace(0.0005, 1, 300))
    assert (np.diff(rising) >= 0).all()
    assert (rising > 0).all()
    assert (rising <= 1).all()


@given(seed=st.integers(0, 10**6), count=st.integers(3, 200))
def test_isotonic_is_scikit_learns_with_the_anchors(seed: int, count: int) -> None:
    p, y = drawn(seed, count)
    at = np.concatenate([p, [p.min(), p.max()]])
    theirs = IsotonicRegression(out_of_bounds="clip").fit(at, np.r_[y, [y.mean()] * 2])
    asked = np.linspace(0, 1, 101)
    np.testing.assert_allclose(
        fit_calibration("isotonic", p, y).apply(asked), theirs.predict(asked), atol=1e-12
    )


def test_platt_is_scikit_learns_where_outcomes_are_many() -> None:
    p, y = drawn(0, 50_000)
    plain = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(p)[:, None], y)
    curve = fit_calibration("platt", p, y)
    assert isinstance(curve, Platt)
    # Two anchors among fifty thousand.
    assert curve.slope == pytest.approx(plain.coef_[0, 0], abs=2e-3)
    assert curve.shift == pytest.approx(plain.intercept_[0], abs=1e-2)
    anchored = np.concatenate([p, [p.min(), p.max()]])
    target = np.r_[y, [y.mean()] * 2]
    # Both equations of the greatest likelihood hold.
    wrong = curve.apply(anchored) - target
    assert abs(wrong.sum()) < 1e-6
    assert abs((wrong * logit(anchored)).sum()) < 1e-6


@pytest.mark.parametrize("kind", ["isotonic", "platt"])
def test_a_distortion_is_undone_on_other_impressions(kind: str) -> None:
    rng = np.random.default_rng(3)
    true = expit(rng.normal(-4, 1, 200_000))
    y = rng.uniform(size=len(true)) < true
    said = expit(1.7 * logit(true) + 2)
    half = len(true) // 2
    curve = fit_calibration(kind, said[:half], y[:half])
    before, after = said[half:], curve.apply(said[half:])
    assert expected_calibration_error(before, y[half:]) > 0.01
    assert expected_calibration_error(after, y[half:]) < 0.002
    assert log_loss(after, y[half:]) == pytest.approx(log_loss(true[half:], y[half:]), abs=5e-4)
    assert log_loss(after, y[half:]) < log_loss(before, y[half:])


def test_a_ranking_that_is_upside_down_becomes_the_base_rate() -> None:
    p = np.linspace(0.1, 0.9, 1000)
    y = np.arange(1000) < 100
    for kind in ("platt", "isotonic"):
        np.testing.assert_allclose(fit_calibration(kind, p, y).apply(p), 0.1, rtol=1e-6)


def test_one_event_on_top_is_not_believed() -> None:
    p = np.linspace(0.001, 0.01, 1000)
    y = np.arange(1000) == 999
    curve = fit_calibration("isotonic", p, y)
    assert isinstance(curve, Isotonic)
    assert curve.apply(p[-1:]) == pytest.approx([(1 + 0.001) / 2])
    assert curve.apply(p[:1]) > 0
    platt = fit_calibration("platt", p, y)
    assert 0.7 < platt.apply(p).sum() < 1.3
    assert platt.apply(p[-1:])[0] < 0.5


def test_equal_predictions_become_the_base_rate() -> None:
    p, y = np.full(50, 0.3), np.arange(50) < 5
    for kind in ("platt", "isotonic", "scale"):
        np.testing.assert_allclose(fit_calibration(kind, p, y).apply(p), 0.1)


@pytest.mark.parametrize("outcome", [False, True])
def test_outcomes_of_one_kind_are_refused(outcome: bool) -> None:
    p, y = np.linspace(0.1, 0.2, 10), np.full(10, outcome)
    for kind in ("isotonic", "platt", "scale"):
        with pytest.raises(InputError, match="of the 10 impressions held out"):
            fit_calibration(kind, p, y)
    assert fit_calibration("none", p, y).apply(p) is p
    with pytest.raises(InputError, match="no calibration 'plat'; try platt"):
        fit_calibration("plat", p, y)


def test_all_are_described() -> None:
    assert set(CALIBRATIONS) == {"isotonic", "platt", "scale", "none"}
