"""Running mean and standard deviation of what a network reads or is fitted to.

Batches are merged after Chan, Golub and LeVeque 1983: the same numbers in other batches give the
same moments but for rounding. Kept in float64: a sum over a long training has no room in 24 bits.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

# Numbers come in float32: what varies less than this share of its mean does not vary.
ROUNDING = 1e-6


class Moments(NamedTuple):
    """Of the numbers seen so far.

    Attributes:
        count: how many, or the sum of their weights.
        mean: of them.
        m2: sum of squared distances from the mean.
    """

    # A tuple's own `count` is of no use here.
    count: Float64[Array, ""]  # pyright: ignore[reportIncompatibleMethodOverride]
    mean: Float64[Array, "..."]
    m2: Float64[Array, "..."]


def moments(shape: tuple[int, ...] = ()) -> Moments:
    """Of nothing yet; `shape` is that of one number, (F,) for features kept apart."""
    return Moments(
        jnp.zeros((), jnp.float64), jnp.zeros(shape, jnp.float64), jnp.zeros(shape, jnp.float64)
    )


def observe(
    moments: Moments, x: Float[Array, "..."], weight: Float[Array, "..."] | None = None
) -> Moments:
    """With more numbers seen.

    Args:
        moments: so far.
        x: [..., *shape], any axes before the shape.
        weight: of each, over the axes before the shape, at least zero; a mask will do. What has
            weight zero may be anything, also not a number.
    """
    ahead = x.ndim - moments.mean.ndim
    axes = tuple(range(ahead))
    x = x.astype(jnp.float64)
    if weight is None:
        weight = jnp.ones(x.shape[:ahead], jnp.float64)
    weight = jnp.broadcast_to(weight, x.shape[:ahead]).astype(jnp.float64)
    each = weight.reshape(*weight.shape, *(1,) * moments.mean.ndim)
    x = jnp.where(each > 0, x, 0)
    more = weight.sum()
    mean = (each * x).sum(axes) / jnp.where(more > 0, more, 1)
    m2 = (each * (x - mean) ** 2).sum(axes)
    count = moments.count + more
    apart = mean - moments.mean
    part = more / jnp.where(count > 0, count, 1)
    return Moments(
        count, moments.mean + apart * part, moments.m2 + m2 + apart**2 * moments.count * part
    )


def standard_deviation(moments: Moments) -> Float64[Array, "..."]:
    """√(m2 / count); one where nothing was seen or nothing varied, so it can be divided by."""
    variance = moments.m2 / jnp.where(moments.count > 0, moments.count, 1)
    spread = jnp.sqrt(variance)
    return jnp.where(spread > ROUNDING * jnp.abs(moments.mean), spread, 1.0)


def normalised(moments: Moments, x: Float[Array, "..."], clip: float = 10.0) -> Float[Array, "..."]:
    """(x - mean) / standard deviation within ±clip, in the type of x."""
    apart = (x - moments.mean) / standard_deviation(moments)
    return jnp.clip(apart, -clip, clip).astype(x.dtype)


def normal(of: Moments, x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Over deviations from the mean; unclipped, as a value that is far off must be seen to be."""
    return ((x - of.mean) / standard_deviation(of)).astype(jnp.float32)


def restored(of: Moments, x: Float[Array, "..."]) -> Float[Array, "..."]:
    """What `normal` makes such numbers of."""
    return (of.mean + standard_deviation(of) * x).astype(jnp.float32)
