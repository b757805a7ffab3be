"""Perceptrons and policies against the same written out, and against finite differences."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest

from equibid.errors import InputError
from equibid.learning.networks.mlp import MLP, Policies, dropped, mlp, policies

Net = TypeVar("Net")
Table = npt.NDArray[np.float64]
F, OUT = 3, 2
answer = jax.jit(lambda network, x, key=None: network(x, key))


def small(key: jax.Array) -> MLP:
    return mlp(key, [F, 5, 4, OUT], activation="tanh", layer_norm=True)


def made(make: Callable[[jax.Array], Net], seed: int = 0) -> Net:
    """A network of any weights, also where training starts at zero or one; nothing to compile."""
    generator = np.random.default_rng(seed)
    return jax.tree.map(
        lambda x: generator.normal(size=x.shape).astype(x.dtype),
        jax.eval_shape(make, jax.random.key(0)),
    )


def inputs(*axes: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(*axes, F)).astype(np.float32)


def by_hand(network: MLP, x: Table) -> Table:
    for i, layer in enumerate(network.layers):
        x = np.asarray(layer.weight, np.float64).T @ x + np.asarray(layer.bias)
        if i < len(network.norms):
            x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
            x = np.tanh(x * np.asarray(network.norms[i].scale) + np.asarray(network.norms[i].shift))
    return x


def test_written_out_for_one_row_and_any_axes_before_it() -> None:
    network, x = made(small), inputs(2, 4)
    wanted = [
        [by_hand(network, np.asarray(x[e, n], np.float64)) for n in range(4)] for e in range(2)
    ]
    got = answer(network, x)
    assert got.shape == (2, 4, OUT) and got.dtype == jnp.float32
    np.testing.assert_allclose(got, wanted, atol=2e-6)
    assert jax.eval_shape(network, x[1, 2]).shape == (OUT,)


def test_gradients_are_finite_differences() -> None:
    network = jax.tree.map(np.float64, made(small))
    x = np.float64(inputs(6))
    loss = jax.jit(jax.value_and_grad(lambda network: (network(x) ** 2).sum()))
    slope = loss(network)[1]
    generator, step = np.random.default_rng(0), 1e-5
    for _ in range(5):
        way = jax.tree.map(lambda w: generator.normal(size=w.shape), network)
        ahead, back = (
            float(loss(jax.tree.map(lambda w, u, s=sign: w + s * step * u, network, way))[0])
            for sign in (1, -1)
        )
        along = jax.tree.map(lambda s, u: float((np.asarray(s) * u).sum()), slope, way)
        assert (ahead - back) / (2 * step) == pytest.approx(sum(jax.tree.leaves(along)), rel=1e-6)


def test_weights_start_as_said() -> None:
    make = partial(mlp, sizes=[400, 300, 3], last_scale=0.01, last_bias=-2.0)
    network = jax.tree.map(np.asarray, jax.jit(make)(jax.random.key(2)))
    hidden, last = network.layers
    assert float(hidden.weight.std()) == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    np.testing.assert_allclose(last.weight.T @ last.weight, 1e-4 * np.eye(3), atol=1e-9)
    np.testing.assert_array_equal(last.bias, np.full(3, -2, np.float32))
    assert not np.any(hidden.bias)


def test_drops_out_where_a_key_is_given() -> None:
    def make(key: jax.Array) -> MLP:
        return mlp(key, [F, 64, OUT], dropout=0.25)

    both = made(lambda key: policies(key, make, np.array([0, 1, 0])))
    x = np.broadcast_to(inputs(1), (3, F))
    plain = np.asarray(answer(both, x))
    np.testing.assert_array_equal(plain[0], plain[2])
    assert np.all(plain[0] != plain[1])
    one, same, other = (np.asarray(answer(both, x, jax.random.key(k))) for k in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    # Each agent loses units of its own.
    assert np.all(one != other) and np.all(one != plain) and np.all(one[0] != one[2])
    kept = np.asarray(dropped(jnp.ones(40_000, jnp.float32), 0.25, jax.random.key(4)))
    assert set(np.unique(kept)) == {np.float32(0), np.float32(1 / 0.75)}
    # Standard error of the mean: sqrt(.25 / .75 / 40000) = .003.
    assert kept.mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("groups", [None, [0, 1], [1, 0, 1]])
def test_each_agent_answers_with_its_network(groups: list[int] | None) -> None:
    agents = 3 if groups is None else len(groups)
    x = inputs(2, agents)

    def alone(both: Policies, n: int) -> MLP:
        g = None if groups is None else groups[n]
        return both.network if g is None else jax.tree.map(lambda w: w[g], both.network)

    def one_by_one(both: Policies) -> jax.Array:
        return jnp.stack([alone(both, n)(x[:, n]) for n in range(agents)], axis=1)

    def squares(answer: Callable[[Policies], jax.Array]) -> Callable[[Policies], jax.Array]:
        return lambda both: (answer(both) ** 2).sum()

    ways = (lambda both: both(x), one_by_one)
    both = made(lambda key: policies(key, lambda key: mlp(key, [F, 4, OUT]), groups))
    got, wanted = jax.jit(lambda p: [(way(p), jax.grad(squares(way))(p)) for way in ways])(both)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), got, wanted)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda key: mlp(key, [3]), "sizes"),
        (lambda key: mlp(key, [3, 0, 1]), "sizes"),
        (lambda key: mlp(key, [3, 1], activation="step"), "activation"),
        (lambda key: mlp(key, [3, 1], dropout=1.0), "dropout"),
        (lambda key: policies(key, small, [0, 2]), "without a gap"),
        (lambda key: policies(key, small, []), "without a gap"),
        (lambda key: policies(key, small, [0, 1])(inputs(3)), "3 agents"),
    ],
)
def test_says_what_is_wrong(wrong: Callable[[jax.Array], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        jax.eval_shape(wrong, jax.random.key(0))
