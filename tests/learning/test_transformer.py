"""The transformer against its formulas written out, and against what causality asks."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.errors import InputError
from equibid.learning.networks.transformer import (
    Shape,
    Transformer,
    _norm,
    extend,
    no_cache,
    transformer,
    whole,
)
from learning.small_days import TINY, talkative

N, T, F = 3, 5, 4
Table = npt.NDArray[np.float64]
answer = jax.jit(whole)


@partial(jax.jit, static_argnames="shape")
def untrained(shape: Shape, x: jax.Array) -> jax.Array:
    return whole(transformer(shape, F, jax.random.key(0)), x)


def seen(seed: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), (N, T, F), jnp.float32)


def norm(x: Table, scale: Table) -> Table:
    return x / np.sqrt((x**2).mean() + 1e-6) * scale


def by_hand(network: Transformer, rows: Table) -> list[float]:
    """The answers for one advertiser, token by token and head by head, in float64."""
    net: Transformer = jax.tree.map(lambda x: np.asarray(x, np.float64), network)
    D, H = network.shape.width, network.shape.heads
    E = D // H
    tokens = [row @ net.embed + net.embed_bias for row in rows]
    for z in range(network.shape.blocks):
        b = jax.tree.map(lambda x, z=z: x[z], net.blocks)
        mixed = [norm(x, b.attend_scale) @ b.mix for x in tokens]
        after = []
        for t, x in enumerate(tokens):
            parts = []
            for h in range(H):
                head = slice(h * E, (h + 1) * E)
                scores = [
                    mixed[t][:D][head] @ mixed[s][D : 2 * D][head] / E**0.5 for s in range(t + 1)
                ]
                weights = np.exp(scores) / np.exp(scores).sum()
                parts.append(sum(w * mixed[s][2 * D :][head] for s, w in enumerate(weights)))
            y = x + np.concatenate(parts) @ b.join
            inner = norm(y, b.think_scale) @ b.up + b.up_bias
            gelu = 0.5 * inner * (1 + np.tanh((2 / np.pi) ** 0.5 * (inner + 0.044715 * inner**3)))
            after.append(y + gelu @ b.down)
        tokens = after
    return [float(norm(x, net.final_scale) @ net.head + net.head_bias) for x in tokens]


def test_its_formulas_written_out() -> None:
    leaves, form = jax.tree.flatten(talkative(0, features=F))
    # Biases begin at zero, where their sign says nothing, and scales at one.
    keys = jax.random.split(jax.random.key(2), len(leaves))
    moved = [
        leaf + 0.1 * jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)
    ]
    network, x = jax.tree.unflatten(form, moved), seen(1)
    want = [by_hand(network, np.asarray(rows, np.float64)) for rows in x]
    np.testing.assert_allclose(answer(network, x), want, atol=2e-5)


@given(seed=st.integers(0, 9), cut=st.integers(0, T - 1))
def test_what_comes_later_changes_nothing_before(seed: int, cut: int) -> None:
    network, x = talkative(seed, features=F), seen(seed)
    later = jnp.where(jnp.arange(T)[:, None] > cut, 100.0 * seen(seed + 50), x)
    one, other = answer(network, x), answer(network, later)
    np.testing.assert_array_equal(one[:, : cut + 1], other[:, : cut + 1])
    assert cut == T - 1 or not np.allclose(one[:, -1], other[:, -1])


def test_one_tick_at_a_time_gives_the_same() -> None:
    network, x = talkative(4, features=F), seen(5)
    cache, answers = no_cache(network, N, T), []
    for tick in range(T):
        out, cache = jax.jit(extend)(network, cache, x[:, tick], jnp.asarray(tick))
        answers.append(out)
    np.testing.assert_allclose(jnp.stack(answers, 1), answer(network, x), atol=2e-5)


def test_advertisers_are_told_apart_by_what_they_see_alone() -> None:
    network, x = talkative(6, features=F), seen(7)
    order = jnp.array([2, 0, 1])
    np.testing.assert_allclose(answer(network, x[order]), answer(network, x)[order], atol=1e-6)
    other = answer(network, x.at[0].set(9.0))
    np.testing.assert_allclose(other[1:], answer(network, x)[1:], atol=1e-6)


def test_nothing_is_normalised_to_nothing() -> None:
    """Zeros have mean square 0, and stay zeros; what varies little is raised less than to 1."""
    norm = partial(_norm, scale=jnp.ones(4))
    np.testing.assert_array_equal(norm(jnp.zeros((2, 4))), np.zeros((2, 4)))
    small = np.full((1, 4), 1e-3)
    np.testing.assert_allclose(norm(jnp.asarray(small)), np.full((1, 4), 0.5**0.5))


def test_an_untrained_network_answers_zero() -> None:
    assert not untrained(TINY, seen(0)).any()


def test_dropout_drops_in_training_only() -> None:
    network, x = talkative(8, replace(TINY, dropout=0.1), F), seen(9)
    one, other = answer(network, x, jax.random.key(0)), answer(network, x, jax.random.key(1))
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(one, answer(network, x, jax.random.key(0)))
    keys = jax.random.split(jax.random.key(2), 200)
    mean = np.mean([answer(network, x, key) for key in keys], axis=0)
    assert abs(mean - np.asarray(answer(network, x))).max() < 0.3


@pytest.mark.parametrize(
    "wrong", [{"width": 10, "heads": 4}, {"blocks": 0}, {"dropout": 1.0}, {"dropout": -0.1}]
)
def test_settings_that_make_no_network(wrong: dict) -> None:
    with pytest.raises(InputError, match="transformer"):
        Shape(**wrong)
