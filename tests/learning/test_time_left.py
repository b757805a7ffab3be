"""The time left of a period, as compiled programs work it out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.learning.training.rollout import time_left


@pytest.mark.parametrize("steps", [1, 3, 48, 49, 96, 1000, 1001])
def test_it_ends_at_nothing_and_has_a_root(steps: int) -> None:
    """A potential of money and time is a root; a hair below zero would make all of it NaN."""
    root = jax.jit(lambda money: jnp.sqrt(money * time_left(steps)))(jnp.linspace(1, 1e-3, 1))
    assert np.isfinite(np.asarray(root)).all()
    left = np.asarray(jax.jit(lambda: time_left(steps))())
    np.testing.assert_allclose(left, 1 - np.arange(steps + 1) / steps, atol=1e-12)
    assert left[-1] == 0 and (np.diff(left) < 0).all()
