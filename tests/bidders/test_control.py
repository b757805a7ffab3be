"""The control report on series whose numbers are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from equibid.bidders.control import control_report


def test_exponential_approach() -> None:
    # x_t = r (1 - q^t): the error falls below 10 % once q^t <= 0.1, and stays.
    q, reference = 0.8, 50.0
    ticks = np.arange(60)
    report = control_report(
        jnp.asarray(reference * (1 - q**ticks))[:, None], jnp.asarray([reference])
    )
    settled = int(np.ceil(np.log(0.1) / np.log(q)))
    assert report.rise_time[0] == report.settling_time[0] == settled == 11
    assert report.overshoot[0] == 0
    tail = q ** (2 * ticks[settled:])
    assert report.steady_state_rmse[0] == pytest.approx(np.sqrt(tail.mean()))


def test_damped_oscillation() -> None:
    # e_t = -0.9^t cos(pi t / 5): first in the band at a zero of the cosine, the largest excess on
    # the far side at t = 5, and in the band for good after the last crest above a tenth, t = 20.
    ticks = np.arange(100)
    error = -(0.9**ticks) * np.cos(np.pi * ticks / 5)
    report = control_report(jnp.asarray(2 * (1 + error))[:, None], jnp.asarray([2.0]))
    outside = np.flatnonzero(np.abs(error) > 0.1)
    assert report.rise_time[0] == np.flatnonzero(np.abs(error) <= 0.1)[0]
    assert report.settling_time[0] == outside[-1] + 1 == 21
    assert report.overshoot[0] == pytest.approx(0.9**5)


def test_overshoot_is_on_the_far_side_from_either_start() -> None:
    below, above = [0.5, 1.3, 1.0, 1.0], [1.5, 0.7, 1.0, 1.0]
    report = control_report(jnp.asarray([below, above]).T, jnp.ones(2))
    np.testing.assert_allclose(report.overshoot, [0.3, 0.3])


def test_never_in_the_band() -> None:
    report = control_report(jnp.full((5, 1), 2.0), jnp.ones(1))
    assert np.isinf(report.rise_time[0])
    assert np.isinf(report.settling_time[0])
    assert np.isnan(report.steady_state_rmse[0])
