"""A small causal transformer: a number for each tick from all that was seen until then.

Pre-norm blocks of multi-head attention and a two-layer perceptron, after Vaswani et al. 2017. Token
t attends to tokens 0 … t. There is no position code: the time left is one of the features. The
last layer starts at zero, so that an untrained network answers 0 everywhere.

One network serves all advertisers; none sees another's tokens. `whole` reads a period at once, for
training; `extend` reads one tick more and costs O(T), for bidding.
"""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.errors import InputError

# Width of the perceptron's middle layer, in widths of the network.
WIDER = 4


@dataclass(frozen=True)
class Shape:
    """Settings of the network."""

    blocks: int = 5
    """Blocks of attention and a perceptron, one after the other."""
    width: int = 128
    """Numbers that the network holds a tick in."""
    heads: int = 4
    """Heads of attention; divides the width."""
    dropout: float = 0.1
    """Share of what a block adds that is dropped in training."""

    def __post_init__(self) -> None:
        if min(self.blocks, self.width, self.heads) < 1 or self.width % self.heads:
            raise InputError("transformer: width must be a multiple of heads, and all at least 1")
        if not 0 <= self.dropout < 1:
            raise InputError("transformer: dropout must be at least 0 and below 1")


# The paper tells the blocks, not the rest.
PUBLISHED = Shape()


class Block(eqx.Module):
    """Weights of all blocks (axis Z), D the width."""

    attend_scale: Float[Array, "Z D"]
    mix: Float[Array, "Z D 3D"]
    join: Float[Array, "Z D D"]
    think_scale: Float[Array, "Z D"]
    up: Float[Array, "Z D 4D"]
    up_bias: Float[Array, "Z 4D"]
    down: Float[Array, "Z 4D D"]


class Transformer(eqx.Module):
    """The network; float32.

    Attributes:
        embed: from features to tokens.
        embed_bias: of it.
        blocks: stacked.
        final_scale: of the last norm.
        head: from tokens to the answer; zero at first.
        head_bias: of it.
        shape: its settings.
    """

    embed: Float[Array, "F D"]
    embed_bias: Float[Array, " D"]
    blocks: Block
    final_scale: Float[Array, " D"]
    head: Float[Array, " D"]
    head_bias: Float[Array, ""]
    shape: Shape = eqx.field(static=True)


# Keys and values of the ticks before, by head: H heads of E numbers.
Cache = Float[Array, "Z 2 N H T E"]


def transformer(shape: Shape, features: int, key: jax.Array) -> Transformer:
    """An untrained network.

    Args:
        shape: its settings.
        features: F.
        key: of the weights; normal, with variance one over the inputs of a layer.
    """
    Z, D = shape.blocks, shape.width

    def normal(key: jax.Array, *size: int) -> Array:
        return jax.random.normal(key, size, jnp.float32) / size[-2] ** 0.5

    keys = jax.random.split(key, 5)
    # What Z blocks add to a token has the variance of what one would.
    calm = (2 * Z) ** -0.5
    blocks = Block(
        attend_scale=jnp.ones((Z, D), jnp.float32),
        mix=normal(keys[0], Z, D, 3 * D),
        join=calm * normal(keys[1], Z, D, D),
        think_scale=jnp.ones((Z, D), jnp.float32),
        up=normal(keys[2], Z, D, WIDER * D),
        up_bias=jnp.zeros((Z, WIDER * D), jnp.float32),
        down=calm * normal(keys[3], Z, WIDER * D, D),
    )
    return Transformer(
        embed=normal(keys[4], features, D),
        embed_bias=jnp.zeros(D, jnp.float32),
        blocks=blocks,
        final_scale=jnp.ones(D, jnp.float32),
        head=jnp.zeros(D, jnp.float32),
        head_bias=jnp.zeros((), jnp.float32),
        shape=shape,
    )


def whole(
    network: Transformer, features: Float[Array, "N T F"], key: jax.Array | None = None
) -> Float[Array, "N T"]:
    """The answer at every tick.

    Args:
        network: the weights.
        features: of each advertiser, tick by tick.
        key: drops out, in training; None drops nothing.
    """
    T = features.shape[1]
    causal = jnp.tril(jnp.ones((T, T), bool))

    def block(carry: tuple[Array, Array | None], weights: Block) -> tuple[Any, None]:
        x, key = carry
        q, k, v = _split(network, weights, x)
        score = jnp.einsum("nthd,nshd->nhts", q, k)
        share = jax.nn.softmax(jnp.where(causal, score, -jnp.inf))
        seen = jnp.einsum("nhts,nshd->nthd", share, v)
        if key is not None:
            key, one, two = jax.random.split(key, 3)
        else:
            one = two = None
        x = x + _drop(network, seen.reshape(x.shape) @ weights.join, one)
        return (x + _drop(network, _think(weights, x), two), key), None

    (x, _), _ = jax.lax.scan(block, (_tokens(network, features), key), network.blocks)
    return _answer(network, x)


def no_cache(network: Transformer, advertisers: int, ticks: int) -> Cache:
    """The cache of `extend` before tick 0."""
    shape = network.shape
    size = (shape.blocks, 2, advertisers, shape.heads, ticks, shape.width // shape.heads)
    return jnp.zeros(size, jnp.float32)


def extend(
    network: Transformer, cache: Cache, features: Float[Array, "N F"], tick: Int[Array, ""]
) -> tuple[Float[Array, " N"], Cache]:
    """The answer at one tick, from it and the ticks before; the same as `whole` gives there.

    Args:
        network: the weights.
        cache: keys and values of the ticks before.
        features: of the tick.
        tick: t, below the T of the cache.
    """
    before = jnp.arange(cache.shape[4]) < tick

    def block(x: Array, at: tuple[Block, Array]) -> tuple[Array, Array]:
        weights, past = at
        q, k, v = _split(network, weights, x)
        keys, values = past
        score = jnp.einsum("nhd,nhsd->nhs", q, keys)
        own = jnp.einsum("nhd,nhd->nh", q, k)[..., None]
        share = jax.nn.softmax(jnp.concatenate([jnp.where(before, score, -jnp.inf), own], -1))
        seen = jnp.einsum("nhs,nhsd->nhd", share[..., :-1], values) + share[..., -1:] * v
        x = x + seen.reshape(x.shape) @ weights.join
        return x + _think(weights, x), jnp.stack([k, v])

    x, new = jax.lax.scan(block, _tokens(network, features), (network.blocks, cache))
    grown = jax.lax.dynamic_update_slice_in_dim(cache, new[..., None, :], tick, 4)
    return _answer(network, x), grown


def _tokens(network: Transformer, features: Float[Array, "... F"]) -> Float[Array, "... D"]:
    return features.astype(jnp.float32) @ network.embed + network.embed_bias


def _split(
    network: Transformer, weights: Block, x: Float[Array, "... D"]
) -> tuple[Float[Array, "... H E"], Float[Array, "... H E"], Float[Array, "... H E"]]:
    """Queries, keys and values by head; queries carry the 1/√E of the scores."""
    H = network.shape.heads
    E = network.shape.width // H
    mixed = _norm(x, weights.attend_scale) @ weights.mix
    q, k, v = jnp.moveaxis(mixed.reshape(*x.shape[:-1], 3, H, E), -3, 0)
    return q / E**0.5, k, v


def _think(weights: Block, x: Float[Array, "... D"]) -> Float[Array, "... D"]:
    hidden = jax.nn.gelu(_norm(x, weights.think_scale) @ weights.up + weights.up_bias)
    return hidden @ weights.down


def _answer(network: Transformer, x: Float[Array, "... D"]) -> Float[Array, "..."]:
    return _norm(x, network.final_scale) @ network.head + network.head_bias


def _norm(x: Float[Array, "... D"], scale: Float[Array, " D"]) -> Float[Array, "... D"]:
    """To mean square one (Zhang and Sennrich 2019)."""
    return x * jax.lax.rsqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6) * scale


def _drop(network: Transformer, x: Array, key: jax.Array | None) -> Array:
    rate = network.shape.dropout
    if key is None or rate == 0:
        return x
    kept = jax.random.bernoulli(key, jnp.float32(1 - rate), x.shape)
    return jnp.where(kept, x / (1 - rate), 0)
