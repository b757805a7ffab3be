"""Clusters of advertisers and groups of ticks: what they promise, and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from equibid.envs.rewards import Value
from equibid.learning.clusters import (
    advertiser_clusters,
    by_cluster,
    clustered,
    cut,
    tick_groups,
    worth,
)
from learning.stationary import stationary_practice

amount = st.floats(0.01, 100)
# Of one length: each length is a program of its own.
numbers = st.lists(amount, min_size=12, max_size=12)


def test_cut_by_hand() -> None:
    np.testing.assert_array_equal(cut(jnp.ones(6), 3), [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(cut(jnp.asarray([1.0, 1, 1, 1, 4, 8]), 2), [0, 0, 0, 0, 0, 1])
    # One that weighs as much as all others leaves a part of three empty.
    np.testing.assert_array_equal(cut(jnp.asarray([1.0, 1, 1, 97]), 3), [0, 0, 0, 1])
    np.testing.assert_array_equal(cut(jnp.zeros(3), 2), [0, 0, 0])


@given(weights=numbers, parts=st.sampled_from([1, 3, 5]))
def test_parts_are_in_order_and_of_about_equal_weight(weights: list[float], parts: int) -> None:
    part = np.asarray(cut(jnp.asarray(weights), parts))
    assert (np.diff(part) >= 0).all() and part.min() >= 0 and part.max() < parts
    each = np.bincount(part, weights, parts)
    assert (np.abs(each - sum(weights) / parts) <= max(weights) + 1e-9).all()


@given(rows=st.lists(st.tuples(amount, amount), min_size=12, max_size=12))
def test_clusters_rank_by_revenue(rows: list[tuple[float, float]]) -> None:
    revenue, presences = np.asarray(rows).T
    cluster = np.asarray(clustered(jnp.asarray(revenue), jnp.asarray(presences), 3))
    for low, high in ((0, 1), (1, 2), (0, 2)):
        poor, rich = revenue[cluster == low], revenue[cluster == high]
        assert not (len(poor) and len(rich)) or poor.max() <= rich.min()


def test_many_small_advertisers_and_few_big_ones_share_the_presences() -> None:
    """Where who earns more is also more often there: clusters of fewer and fewer advertisers."""
    size = np.random.default_rng(0).pareto(1.2, 300) + 0.01
    cluster = clustered(jnp.asarray(size), jnp.asarray(size), 3)
    members = np.bincount(np.asarray(cluster), minlength=3)
    assert members[0] > 2 * members[1] > 2 * members[2] > 0
    presences = np.asarray(by_cluster(jnp.asarray(size), cluster, 3))
    assert presences.min() > 0.5 * presences.max()


def test_sums_are_those_of_a_loop() -> None:
    x = np.random.default_rng(1).random((2, 4, 5))
    cluster = np.asarray([0, 2, 0, 1, 2])
    wanted = np.stack([x[..., cluster == i].sum(axis=-1) for i in range(3)], axis=-1)
    np.testing.assert_allclose(by_cluster(jnp.asarray(x), jnp.asarray(cluster), 3), wanted)


def test_a_task_is_grouped_by_its_traffic() -> None:
    task = stationary_practice().task(Value(), observer="traits")
    group = np.asarray(jax.jit(tick_groups, static_argnums=1)(task, 3))
    np.testing.assert_array_equal(group, np.repeat([0, 1, 2], 8))
    assert float(worth(task)[0]) == 1.0
    np.testing.assert_array_equal(advertiser_clusters(task, 1), [0])
