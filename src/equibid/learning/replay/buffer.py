"""Replay of whole episodes, from which single steps are drawn.

Episodes are kept in a ring, so a return or the step after is a look-up. A step k is drawn with
probability P(k) = p_k / Σ p, p_k = (|δ_k| + least)^exponent of its last error δ, and what is
learned from it counts w_k = (K P(k))^-β / max w, K the steps stored (Schaul et al. 2016,
proportional).
Steps that were never drawn have the largest priority met so far.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Int, Int32, PyTree

from equibid.errors import InputError
from equibid.learning.replay.sum_tree import SumTree, find, priorities, put, sum_tree, total

# Keeps the weight of a step of no priority finite.
RAREST = 1e-30


class Replay(NamedTuple):
    """The memory.

    Attributes:
        episodes: leaves [M, T, ...]; a leaf may be longer than T on axis 1, as what is seen before
            and after each step is.
        tree: priorities; step t of the episode in place m is leaf m T + t.
        newest_priority: that of new steps, the largest so far.
        added: calls of `add` so far.
        place: in the ring, of the next episode.
        filled: episodes stored, at most M.
        written: the call of `add` that stored a step, from 1.
    """

    episodes: PyTree
    tree: SumTree
    newest_priority: Float32[Array, ""]
    added: Int32[Array, ""]
    place: Int32[Array, ""]
    filled: Int32[Array, ""]
    written: Int32[Array, "M T"]


class Sample(NamedTuple):
    """Steps drawn from a replay.

    Attributes:
        episode: its place in the ring.
        tick: of the step.
        weight: importance, at most 1.
    """

    episode: Int32[Array, " B"]
    tick: Int32[Array, " B"]
    weight: Float32[Array, " B"]


def replay(example: PyTree, capacity: int, steps: int) -> Replay:
    """An empty memory.

    Args:
        example: an episode, or its shapes; leaves [T, ...] or longer on axis 0.
        capacity: M, episodes.
        steps: T, steps of an episode that can be drawn.

    Raises:
        InputError: a capacity or steps below one, or a leaf that is shorter than `steps`.
    """
    if capacity < 1 or steps < 1:
        raise InputError("replay: capacity and steps must be at least 1")
    for leaf in jax.tree.leaves(example):
        if not leaf.shape or leaf.shape[0] < steps:
            raise InputError(
                f"replay: an array of shape {leaf.shape} has no {steps} steps on its first axis"
            )
    return Replay(
        episodes=jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), example),
        tree=sum_tree(capacity * steps),
        newest_priority=jnp.ones((), jnp.float32),
        added=jnp.zeros((), jnp.int32),
        place=jnp.zeros((), jnp.int32),
        filled=jnp.zeros((), jnp.int32),
        written=jnp.zeros((capacity, steps), jnp.int32),
    )


def add(replay: Replay, episodes: PyTree) -> Replay:
    """With episodes added, in the place of the oldest where it is full.

    Args:
        replay: the memory; donate it to be written in place.
        episodes: leaves [E, T, ...], E at most M.

    Raises:
        InputError: more episodes than the memory holds.
    """
    M, T = replay.written.shape
    E = jax.tree.leaves(episodes)[0].shape[0]
    if E > M:
        raise InputError(f"replay: {E} episodes do not fit in a capacity of {M}; raise it")
    places = (replay.place + jnp.arange(E, dtype=jnp.int32)) % M
    steps = (places[:, None] * T + jnp.arange(T, dtype=jnp.int32)).reshape(-1)
    added = replay.added + 1
    return replay._replace(
        episodes=jax.tree.map(
            lambda old, new: old.at[places].set(new.astype(old.dtype)), replay.episodes, episodes
        ),
        tree=put(replay.tree, steps, jnp.full(E * T, replay.newest_priority)),
        added=added,
        place=(replay.place + E) % M,
        filled=jnp.minimum(replay.filled + E, M),
        written=replay.written.at[places].set(added),
    )


def sample(replay: Replay, key: jax.Array, batch: int, beta: float | Float[Array, ""]) -> Sample:
    """Steps drawn by priority, one from each of `batch` equal parts of the mass.

    Args:
        replay: the memory, not empty.
        key: of the draws.
        batch: B.
        beta: how much of the bias the weights take away, 0 none to 1 all.
    """
    T = replay.written.shape[1]
    mass = total(replay.tree)
    part = jnp.arange(batch, dtype=jnp.float32)
    uniforms = jax.random.uniform(key, (batch,), jnp.float32)
    step = find(replay.tree, (part + uniforms) / batch * mass)
    chance = priorities(replay.tree, step) / jnp.maximum(mass, RAREST)
    relative = jnp.maximum(chance * (replay.filled * T).astype(jnp.float32), RAREST)
    # Against the rarest of the batch in the logarithm: no power overflows.
    logarithm = jnp.log(relative)
    weight = jnp.exp(jnp.asarray(beta, jnp.float32) * (logarithm.min() - logarithm))
    return Sample(step // T, step % T, weight)


def uniform(replay: Replay, key: jax.Array, batch: int) -> Sample:
    """Steps drawn uniformly, of weight one; the memory must not be empty."""
    one, two = jax.random.split(key)
    T = replay.written.shape[1]
    stored = jnp.maximum(replay.filled, 1)
    return Sample(
        jax.random.randint(one, (batch,), 0, stored, jnp.int32),
        jax.random.randint(two, (batch,), 0, T, jnp.int32),
        jnp.ones(batch, jnp.float32),
    )


def gather(replay: Replay, sample: Sample, leaf: PyTree) -> PyTree:
    """What a leaf (or each leaf of a tree) [M, T, ...] of the episodes has at the steps drawn."""
    del replay
    return jax.tree.map(lambda x: x[sample.episode, sample.tick], leaf)


def following(replay: Replay, sample: Sample, leaf: PyTree) -> PyTree:
    """What a leaf (or each leaf of a tree) [M, T + 1, ...] has one step after.

    Raises:
        InputError: a leaf has only T entries, so nothing after the last step.
    """
    T = replay.written.shape[1]

    def after(x: Array) -> Array:
        if x.shape[1] <= T:
            raise InputError(
                f"replay: an array of shape {x.shape} has nothing after step {T - 1}; "
                "store T + 1 entries"
            )
        return x[sample.episode, sample.tick + 1]

    return jax.tree.map(after, leaf)


def reprioritise(
    replay: Replay,
    sample: Sample,
    error: Float[Array, " B"],
    exponent: float = 0.6,
    least: float = 1e-3,
) -> Replay:
    """With the priorities of the steps drawn after their errors, (|error| + least)^exponent.

    Args:
        replay: the memory; donate it to be written in place.
        sample: the steps.
        error: of each, of any sign.
        exponent: 0 makes all steps alike, 1 draws in proportion to the error.
        least: what keeps a step without error from never being drawn again.
    """
    step = sample.episode * replay.written.shape[1] + sample.tick
    priority = (jnp.abs(error).astype(jnp.float32) + least) ** exponent
    return replay._replace(
        tree=put(replay.tree, step, priority),
        newest_priority=jnp.maximum(replay.newest_priority, priority.max()),
    )


def age(replay: Replay, sample: Sample) -> Int[Array, " B"]:
    """Calls of `add` since each step was stored; 0 for what came with the last."""
    return replay.added - replay.written[sample.episode, sample.tick]
