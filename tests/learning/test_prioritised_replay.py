"""Replay against a plain list of episodes, and the laws of prioritised sampling."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.errors import InputError
from equibid.learning.replay.buffer import (
    Replay,
    Sample,
    add,
    age,
    following,
    gather,
    replay,
    reprioritise,
    sample,
    uniform,
)
from equibid.learning.replay.sum_tree import priorities

M, T = 3, 4


class Episode(NamedTuple):
    """Of two agents; the name of an episode is in all it stores."""

    reward: np.ndarray
    seen: np.ndarray


def episodes(*names: int) -> Episode:
    """Rewards name + t / 10; what is seen before and after each step is name + t."""
    name = np.array(names, np.float32)[:, None]
    return Episode(name + np.arange(T, dtype=np.float32) / 10, name + np.arange(T + 1))


def empty() -> Replay:
    return replay(jax.tree.map(lambda x: x[0], episodes(0)), M, steps=T)


put = jax.jit(add, donate_argnums=0)
draw = jax.jit(sample, static_argnames="batch")
judge = jax.jit(reprioritise)


def steps(at: Sample) -> np.ndarray:
    return np.asarray(at.episode) * T + np.asarray(at.tick)


def test_the_oldest_give_way() -> None:
    memory = put(put(empty(), episodes(10, 20)), episodes(30, 40))
    assert memory.episodes.seen[:, 0].tolist() == [40, 20, 30]
    assert (int(memory.added), int(memory.filled), int(memory.place)) == (2, 3, 1)
    every = Sample(jnp.arange(3), jnp.array([0, 1, 3]), jnp.ones(3))
    assert age(memory, every).tolist() == [0, 1, 0]
    memory = put(memory, episodes(50, 60))
    assert memory.episodes.seen[:, 0].tolist() == [40, 50, 60]
    assert age(memory, every).tolist() == [1, 0, 0]


def test_only_what_is_stored_is_drawn() -> None:
    memory = put(empty(), episodes(10, 20))
    for at in (draw(memory, jax.random.key(0), 64, 0.5), uniform(memory, jax.random.key(0), 64)):
        assert set(steps(at)) == set(range(2 * T))
        assert np.all(at.weight == 1)
        assert at.episode.dtype == at.tick.dtype == jnp.int32


def test_steps_and_what_follows() -> None:
    memory = put(empty(), episodes(10, 20))
    at = draw(memory, jax.random.key(1), 32, 0.5)
    name, tick = np.array([10, 20])[at.episode], np.asarray(at.tick)
    got = gather(memory, at, memory.episodes)
    np.testing.assert_allclose(got.reward, name + tick / 10, rtol=1e-6)
    np.testing.assert_array_equal(got.seen, name + tick)
    np.testing.assert_array_equal(following(memory, at, memory.episodes.seen), name + tick + 1)
    with pytest.raises(InputError, match="store T \\+ 1"):
        following(memory, at, memory.episodes.reward)


def judged(error: np.ndarray, exponent: float) -> Replay:
    """Two episodes whose steps erred by `error`."""
    memory = put(empty(), episodes(10, 20))
    episode, tick = (jnp.asarray(x) for x in np.divmod(np.arange(2 * T), T))
    every = Sample(episode, tick, jnp.ones(2 * T))
    return judge(memory, every, jnp.float32(error), exponent=exponent, least=1e-3)


ERROR = np.array([0.5, -1, 2, 0.1, -3, 0.7, 0.2, 1.5])


def test_priority_is_a_power_of_the_error_and_new_steps_have_the_largest() -> None:
    memory = judged(ERROR, 0.6)
    wanted = (np.abs(ERROR) + 1e-3) ** 0.6
    np.testing.assert_allclose(priorities(memory.tree, jnp.arange(2 * T)), wanted, rtol=1e-6)
    assert float(memory.newest_priority) == pytest.approx(3.001**0.6)
    memory = put(memory, episodes(30))
    np.testing.assert_allclose(
        priorities(memory.tree, jnp.arange(2 * T, 3 * T)), 3.001**0.6, rtol=1e-6
    )
    # It stays the largest, though the error that made it is gone.
    calmer = judge(memory, Sample(jnp.array([1]), jnp.array([0]), jnp.ones(1)), jnp.zeros(1))
    assert float(calmer.newest_priority) == pytest.approx(3.001**0.6)
    assert float(priorities(calmer.tree, jnp.array(T))) == pytest.approx(1e-3**0.6, rel=1e-5)


@pytest.mark.parametrize("exponent", [0.6, 1.0])
def test_frequencies_follow_the_power(exponent: float) -> None:
    memory, draws = judged(ERROR, exponent), 40_000
    times = np.bincount(steps(draw(memory, jax.random.key(2), draws, 0.4)), minlength=2 * T)
    mass = (np.abs(ERROR) + 1e-3) ** exponent
    chance = mass / mass.sum()
    assert np.all(np.abs(times - draws * chance) < 3 * np.sqrt(draws * chance * (1 - chance)))


def test_weights_are_the_formula() -> None:
    memory = judged(ERROR, 0.6)
    at = draw(memory, jax.random.key(3), 64, 0.7)
    mass = (np.abs(ERROR) + 1e-3) ** 0.6
    weight = (2 * T * mass / mass.sum())[steps(at)] ** -0.7
    np.testing.assert_allclose(at.weight, weight / weight.max(), rtol=1e-5)
    np.testing.assert_array_equal(draw(memory, jax.random.key(3), 64, 0.0).weight, np.ones(64))


def test_the_weighted_mean_is_not_biased() -> None:
    """With β = 1 the mean of w x over draws is the mean of x over steps; without w it is not."""
    memory, batch = judged(ERROR, 0.6), 64
    mass = (np.abs(ERROR) + 1e-3) ** 0.6
    # Each batch is large enough to meet the rarest step for sure, so its largest weight is known.
    assert batch * mass.min() / mass.sum() > 2
    largest = mass.sum() / mass.min() / (2 * T)
    keys = jax.random.split(jax.random.key(4), 400)
    at = jax.jit(jax.vmap(lambda key: sample(memory, key, batch, 1.0)))(keys)
    x = np.abs(ERROR)[steps(at)]
    means = (np.asarray(at.weight) * x).mean(1) * largest
    error = means.std() / len(keys) ** 0.5
    assert abs(means.mean() - np.abs(ERROR).mean()) < 3 * error
    assert abs(x.mean() - np.abs(ERROR).mean()) > 10 * error


def test_an_empty_memory_gives_no_nonsense() -> None:
    at = draw(empty(), jax.random.key(5), 8, 0.4)
    assert np.all(at.weight == 1) and not np.any(at.episode) and not np.any(at.tick)


def test_learns_in_a_loop_for_many_seeds() -> None:
    """One compiled loop of adding, drawing and judging; seeds know nothing of each other."""

    def run(key: jax.Array) -> Replay:
        def once(memory: Replay, key: jax.Array) -> tuple[Replay, jax.Array]:
            memory = add(memory, episodes(10, 20))
            at = sample(memory, key, 4, 0.4)
            return reprioritise(memory, at, at.tick.astype(jnp.float32)), age(memory, at)

        return jax.lax.scan(once, empty(), jax.random.split(key, 3))[0]

    keys = jax.random.split(jax.random.key(6), 2)
    runs = jax.jit(jax.vmap(run))
    one, other = runs(keys), runs(keys[::-1])
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[::-1]), one, other)
    assert one.added.tolist() == [3, 3]
    assert np.any(one.tree.nodes[0] != one.tree.nodes[1])


def test_says_what_is_wrong() -> None:
    with pytest.raises(InputError, match="capacity"):
        replay(jnp.zeros(T), 0, steps=T)
    with pytest.raises(InputError, match="has no 5 steps"):
        replay(jnp.zeros(T), 2, steps=5)
    with pytest.raises(InputError, match="do not fit"):
        add(empty(), episodes(1, 2, 3, 4))
