"""Running moments against NumPy's of all numbers at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from equibid.learning.networks.normalise import moments, normalised, observe, standard_deviation

F = 2
merge = jax.jit(observe)
numbers = arrays(np.float64, (4, 3, F), elements=st.floats(-1e3, 1e3))
# Weights as a mask has them, or between.
parts = arrays(np.float64, (4, 3), elements=st.sampled_from([0.0, 0.25, 1.0]))


@given(st.lists(numbers, min_size=1, max_size=4))
def test_batches_merge(batches: list[np.ndarray]) -> None:
    seen = moments((F,))
    for batch in batches:
        seen = merge(seen, batch)
    rows = np.concatenate(batches).reshape(-1, F)
    assert float(seen.count) == len(rows)
    np.testing.assert_allclose(seen.mean, rows.mean(0), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(seen.m2, rows.var(0) * len(rows), rtol=1e-10, atol=1e-9)


@given(st.lists(st.tuples(numbers, parts), min_size=1, max_size=4))
def test_weights_count(batches: list[tuple[np.ndarray, np.ndarray]]) -> None:
    seen = moments((F,))
    for x, weight in batches:
        # What has no weight may be anything.
        seen = merge(seen, np.where(weight[..., None] > 0, x, np.nan), weight)
    rows = np.concatenate([x for x, _ in batches]).reshape(-1, F)
    weight = np.concatenate([w for _, w in batches]).reshape(-1)
    assert float(seen.count) == pytest.approx(weight.sum())
    if weight.sum() == 0:
        np.testing.assert_array_equal(standard_deviation(seen), np.ones(F))
        return
    mean = np.average(rows, axis=0, weights=weight)
    np.testing.assert_allclose(seen.mean, mean, rtol=1e-12, atol=1e-9)
    m2 = (weight[:, None] * (rows - mean) ** 2).sum(0)
    np.testing.assert_allclose(seen.m2, m2, rtol=1e-10, atol=1e-9)


def test_normalised_numbers() -> None:
    x = 5 + 3 * jax.random.normal(jax.random.key(0), (400, F), jnp.float32)
    seen = merge(moments((F,)), x)
    got = normalised(seen, x)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(got.std(0), 1, rtol=1e-5)
    np.testing.assert_allclose(standard_deviation(seen), np.std(x, axis=0, dtype=np.float64))
    assert normalised(seen, jnp.full(F, 1e6, jnp.float32)).tolist() == [10, 10]
    assert normalised(seen, jnp.full(F, -1e6, jnp.float32), clip=2).tolist() == [-2, -2]


def test_what_does_not_vary_is_left_at_its_scale() -> None:
    seen = moments()
    for _ in range(20):
        seen = merge(seen, jnp.full(7, 0.1, jnp.float32))
    assert float(standard_deviation(seen)) == 1
    assert float(normalised(seen, jnp.float32(0.1))) == pytest.approx(0, abs=1e-12)
    assert float(normalised(seen, jnp.float32(0.6))) == pytest.approx(0.5)


def test_nothing_seen_changes_nothing() -> None:
    x = jnp.array([3.0, -4.0], jnp.float32)
    np.testing.assert_array_equal(normalised(moments((F,)), x), x)


def test_far_from_zero_and_in_many_batches() -> None:
    """A sum of squares would lose all digits here."""
    x = 1e8 + np.random.default_rng(0).normal(size=(50, 20))
    seen = moments()
    for batch in x:
        seen = merge(seen, batch)
    np.testing.assert_allclose(seen.m2 / seen.count, x.var(), rtol=1e-6)
