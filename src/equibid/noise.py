"""Random numbers with an address.

A draw belongs to an impression, an advertiser and a purpose, not to a moment of the program.
So two bidders compared on one seed meet the same exposures and the same conversions, whatever
either of them bids, and an engine may visit impressions in any order or in parallel.

The generator is SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014) over a counter: its
bits depend only on the key and the address, on every backend.
"""

from enum import IntEnum

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt64

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


class Purpose(IntEnum):
    """What a draw decides; each purpose is an independent stream."""

    EXPOSURE = 1
    LUCK = 2
    CONVERSION = 3


def seed_of(key: jax.Array) -> UInt64[Array, ""]:
    """The 64 bits of a typed JAX key."""
    high, low = jax.random.key_data(key).astype(jnp.uint64)
    return (high << jnp.uint64(32)) | low


def mix(x: UInt64[Array, "..."]) -> UInt64[Array, "..."]:
    """SplitMix64's finaliser: 64 bits in, 64 well-stirred bits out."""
    x = (x ^ (x >> jnp.uint64(30))) * jnp.uint64(MIX_1)
    x = (x ^ (x >> jnp.uint64(27))) * jnp.uint64(MIX_2)
    return x ^ (x >> jnp.uint64(31))


def uniform(
    seed: UInt64[Array, ""],
    purpose: Purpose,
    impression: Int[Array, "..."],
    lane: Int[Array, "..."],
) -> Float[Array, "..."]:
    """Uniform draws in [0, 1) at (purpose, impression, lane).

    `lane` is an advertiser or a slot; the two address arrays broadcast. Float64, 53 random bits.
    """
    golden = jnp.uint64(GOLDEN)
    stream = mix(seed + golden * jnp.uint64(int(purpose)))
    row = mix(stream + golden * (impression.astype(jnp.uint64) + jnp.uint64(1)))
    bits = mix(row + golden * (lane.astype(jnp.uint64) + jnp.uint64(1)))
    return (bits >> jnp.uint64(11)).astype(jnp.float64) * 2.0**-53
