"""Perceptrons, and the policies of N agents made of them.

A layer multiplies the last axis, so a network takes any axes before it: [E, T, N, F] as well as
[F]. A network drops out only where it is given a key; without one it is a plain function.
"""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int

from equibid.errors import InputError

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
}
# What keeps the mean square of a layer's output at that of its input (He et al. 2015); elsewhere 1.
GAINS = {"relu": 2**0.5, "leaky_relu": 2**0.5, "elu": 2**0.5, "gelu": 2**0.5, "silu": 2**0.5}


class Linear(eqx.Module):
    """x W + b on the last axis."""

    weight: Float[Array, "F O"]
    bias: Float[Array, " O"]

    def __call__(self, x: Float[Array, "... F"]) -> Float[Array, "... O"]:
        """The layer's output."""
        return product(x, self.weight) + self.bias


class LayerNorm(eqx.Module):
    """To mean zero and variance one over the last axis, then scaled (Ba et al. 2016)."""

    scale: Float[Array, " F"]
    shift: Float[Array, " F"]

    def __call__(self, x: Float[Array, "... F"]) -> Float[Array, "... F"]:
        """The layer's output."""
        x = x - x.mean(axis=-1, keepdims=True)
        return x * jax.lax.rsqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * self.scale + (
            self.shift
        )


class MLP(eqx.Module):
    """A perceptron: layer, norm, activation, dropout, …, layer; float32.

    Attributes:
        layers: first to last.
        norms: one after each layer but the last, or none at all.
        activation: a name in `ACTIVATIONS`.
        dropout: share of hidden units dropped where a key is given.
    """

    layers: tuple[Linear, ...]
    norms: tuple[LayerNorm, ...]
    activation: str = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __call__(
        self, x: Float[Array, "... F"], key: jax.Array | None = None
    ) -> Float[Array, "... O"]:
        """The network's output; `key` drops out."""
        activate = ACTIVATIONS[self.activation]
        for i, layer in enumerate(self.layers[:-1]):
            x = layer(x)
            x = activate(self.norms[i](x) if self.norms else x)
            x = dropped(x, self.dropout, None if key is None else jax.random.fold_in(key, i))
        return self.layers[-1](x)


class Policies(eqx.Module):
    """A network for each of N agents.

    Attributes:
        network: the one all agents share, or all groups' stacked, leaves [G, ...].
        groups: whose network agent n uses; None where all share one. Every leaf of the tree is
            therefore a weight: gradients, optimisers and averages need no filter.
    """

    network: MLP
    groups: tuple[int, ...] | None = eqx.field(static=True)

    def __call__(
        self, x: Float[Array, "... N F"], key: jax.Array | None = None
    ) -> Float[Array, "... N O"]:
        """Each agent's output from its own row."""
        if self.groups is None:
            return self.network(x, key)
        N = len(self.groups)
        if x.shape[-2] != N:
            raise InputError(
                f"policies: {x.shape[-2]} agents are asked, but groups names {N}; give one row each"
            )
        network = self.network
        if self.groups != tuple(range(N)):
            network = jax.tree.map(lambda w: w[np.asarray(self.groups)], network)
        keys = None if key is None else jax.random.split(key, N)
        each = jax.vmap(lambda net, x, key: net(x, key), in_axes=(0, -2, 0), out_axes=-2)
        return each(network, x, keys)


def mlp(
    key: jax.Array,
    sizes: Sequence[int],
    *,
    activation: str = "relu",
    layer_norm: bool = False,
    dropout: float = 0.0,
    last_scale: float = 1.0,
    last_bias: float = 0.0,
) -> MLP:
    """An untrained perceptron: hidden layers after He et al. 2015, the last orthogonal.

    Args:
        key: of the weights.
        sizes: widths from the input to the output, [F, ..., O].
        activation: a name in `ACTIVATIONS`.
        layer_norm: normalise before each activation.
        dropout: share of hidden units dropped where the network is called with a key.
        last_scale: gain of the last layer; .01 makes a policy that starts next to `last_bias`.
        last_bias: every output of a last layer of weight zero.

    Raises:
        InputError: fewer than two sizes, a width below one, an activation that is none, or a
            dropout outside [0, 1).
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError("mlp: sizes must name an input and an output width, and all at least 1")
    if activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise InputError(f"mlp: no activation is called {activation!r}; take one of {known}")
    if not 0 <= dropout < 1:
        raise InputError("mlp: dropout must be at least 0 and below 1")
    keys = jax.random.split(key, len(sizes) - 1)
    gain = GAINS.get(activation, 1.0)
    layers = [
        linear(key, inputs, outputs, gain)
        for key, inputs, outputs in zip(keys[:-1], sizes[:-2], sizes[1:-1], strict=True)
    ]
    last = orthogonal(keys[-1], sizes[-2], sizes[-1], last_scale)
    layers.append(eqx.tree_at(lambda layer: layer.bias, last, last.bias + last_bias))
    norms = tuple(norm(width) for width in sizes[1:-1]) if layer_norm else ()
    return MLP(tuple(layers), norms, activation, dropout)


def policies(
    key: jax.Array,
    make: Callable[[jax.Array], MLP],
    groups: Int[npt.NDArray[np.integer], " N"] | Sequence[int] | None,
) -> Policies:
    """Untrained policies.

    Args:
        key: of the weights.
        make: a network from a key.
        groups: of each agent, from 0 without a gap; None for one network all share.

    Raises:
        InputError: groups are not numbered 0, 1, …
    """
    if groups is None:
        return Policies(make(key), None)
    of = tuple(int(g) for g in groups)
    G = len(set(of))
    if set(of) != set(range(G)) or not of:
        raise InputError("policies: groups must be numbered from 0 without a gap")
    return Policies(jax.vmap(make)(jax.random.split(key, G)), of)


def linear(key: jax.Array, inputs: int, outputs: int, gain: float = 1.0) -> Linear:
    """A layer of normal weights with variance gain² / inputs, and no bias."""
    weight = jax.random.normal(key, (inputs, outputs), jnp.float32) * (gain / inputs**0.5)
    return Linear(weight, jnp.zeros(outputs, jnp.float32))


def orthogonal(key: jax.Array, inputs: int, outputs: int, gain: float = 1.0) -> Linear:
    """A layer with orthogonal rows or columns of length `gain` (Saxe et al. 2014), and no bias."""
    weight = jax.nn.initializers.orthogonal(gain)(key, (inputs, outputs), jnp.float32)
    return Linear(weight, jnp.zeros(outputs, jnp.float32))


def product(x: Float[Array, "... F"], weight: Float[Array, "F O"]) -> Float[Array, "... O"]:
    """X W on the last axis, in the type of W; as one matrix XLA takes half the time on a CPU."""
    rows = x.astype(weight.dtype).reshape(-1, x.shape[-1])
    return (rows @ weight).reshape(*x.shape[:-1], weight.shape[-1])


def norm(width: int) -> LayerNorm:
    """A norm that has not learned to scale or shift."""
    return LayerNorm(jnp.ones(width, jnp.float32), jnp.zeros(width, jnp.float32))


def dropped(x: Float[Array, "..."], rate: float, key: jax.Array | None) -> Float[Array, "..."]:
    """With `rate` of the numbers at zero, the others scaled to keep the mean; x without a key."""
    if key is None or rate == 0:
        return x
    kept = jax.random.bernoulli(key, jnp.float32(1 - rate), x.shape)
    return jnp.where(kept, x / (1 - rate), 0)
