"""The best return of an episode that took action a in state s: DRLB's dictionary M(s_0, s, a).

Every step of an episode is credited with the return of the whole of it, and a step that several
episodes share with the best of theirs. Continuous states are never met twice, so they are cut into
bins; the key is a hash of campaign, period, start, tick, bins and action: what one period brought
in is no best return of another. A full dictionary forgets: of two keys with one place the newcomer
stays, and a best that is older than a window is dropped.

Source: Wu et al., "Budget constrained bidding by model-free reinforcement learning in display
advertising", CIKM 2018, section 4 (RewardNet).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Float32, Int, Int32, UInt32


class Returns(NamedTuple):
    """The dictionary, H places.

    Attributes:
        key: hash of what each place holds.
        best: return, share of R*; -inf where it holds nothing.
        since: iteration the best is of.
    """

    key: UInt32[Array, " H"]
    best: Float32[Array, " H"]
    since: Int32[Array, " H"]


def returns_table(places: int) -> Returns:
    """An empty dictionary of H places."""
    return Returns(
        jnp.zeros(places, jnp.uint32),
        jnp.full(places, -jnp.inf, jnp.float32),
        jnp.zeros(places, jnp.int32),
    )


def keys_of(
    campaign: Int[Array, "..."],
    period: Int[Array, "..."],
    start: Float[Array, "..."],
    tick: Int[Array, "..."],
    seen: Float[Array, "... F"],
    chosen: Int[Array, "..."],
    grain: float,
) -> UInt32[Array, "..."]:
    """The hash of (s_0, s, a).

    Args:
        campaign: whose step it is.
        period: which one it is of, part of s_0.
        start: log of the first factor over the day before's, part of s_0; in bins of `grain`.
        tick: of the step.
        seen: s, whose features are cut into bins of `grain` after a tanh.
        chosen: number of the action.
        grain: width of a bin.
    """
    bins = jnp.floor(jnp.tanh(seen) / grain).astype(jnp.int32)
    first = jnp.floor(start / grain).astype(jnp.int32)
    whole = jnp.full(jnp.broadcast_shapes(tick.shape, chosen.shape), 2166136261, jnp.uint32)
    features = [bins[..., i] for i in range(bins.shape[-1])]
    for part in (campaign, period, first, tick, chosen, *features):
        whole = (whole ^ part.astype(jnp.uint32)) * jnp.uint32(0x9E3779B1)
        whole = whole ^ (whole >> jnp.uint32(15))
    return whole


def credit(
    table: Returns,
    key: UInt32[Array, " B"],
    value: Float[Array, " B"],
    counts: Bool[Array, " B"],
    iteration: Int[Array, ""],
    window: int,
) -> Returns:
    """M(s_0, s, a) ← max(M(s_0, s, a), return) for every step.

    Args:
        table: before.
        key: of the steps.
        value: return of each step's episode.
        counts: steps that are entered.
        iteration: now.
        window: iterations after which a best is dropped.
    """
    H = len(table.key)
    place = jnp.where(counts, (key % jnp.uint32(H)).astype(jnp.int32), H)
    # Of several keys with one place the largest stays: the same on every backend.
    newest = jnp.zeros(H, jnp.uint32).at[place].max(key, mode="drop")
    met = jnp.zeros(H, bool).at[place].set(True, mode="drop")
    stays = counts & (newest[jnp.minimum(place, H - 1)] == key)
    least = jnp.full(H, -jnp.inf, jnp.float32)
    most = least.at[jnp.where(stays, place, H)].max(value.astype(jnp.float32), mode="drop")
    valid = (table.key == newest) & (iteration - table.since <= window)
    better = met & ~(valid & (table.best >= most))
    return Returns(
        jnp.where(met, newest, table.key),
        jnp.where(better, most, table.best),
        jnp.where(better, iteration.astype(jnp.int32), table.since),
    )


def best_return(
    table: Returns, key: UInt32[Array, " B"], own: Float[Array, " B"]
) -> Float32[Array, " B"]:
    """M(s_0, s, a), or the step's own return where the dictionary has forgotten it."""
    place = (key % jnp.uint32(len(table.key))).astype(jnp.int32)
    known = (table.key[place] == key) & jnp.isfinite(table.best[place])
    return jnp.where(known, table.best[place], own.astype(jnp.float32))
