"""Double Q-learning against loops, and the laws of exploration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.learning.losses.deep_q import (
    Greedy,
    Grid,
    Steps,
    double_q_error,
    double_q_loss,
    epsilon,
    explored,
    levels,
    q_values,
)

B, N, F, A = 5, 3, 2, 4
generator = np.random.default_rng(0)
ONLINE, TARGET = generator.normal(size=(2, F, A))
STEPS = Steps(
    seen=jnp.asarray(generator.normal(size=(B, N, F))),
    chosen=jnp.asarray(generator.integers(0, A, (B, N))),
    reward=jnp.asarray(generator.normal(size=(B, N))),
    discount=jnp.asarray([[0.9], [0.0], [0.9], [0.5], [0.9]]),
    following=jnp.asarray(generator.normal(size=(B, N, F))),
    weight=jnp.asarray(generator.integers(0, 2, (B, N)), jnp.float64),
)


def by(weights: np.ndarray | jax.Array):
    """A linear network."""
    return lambda seen: seen @ weights


def test_errors_are_those_of_a_loop() -> None:
    error = np.asarray(double_q_error(by(ONLINE), by(TARGET), STEPS))
    for b in range(B):
        for n in range(N):
            after = np.asarray(STEPS.following[b, n])
            best = int((after @ ONLINE).argmax())
            y = STEPS.reward[b, n] + STEPS.discount[b, 0] * (after @ TARGET)[best]
            q = (np.asarray(STEPS.seen[b, n]) @ ONLINE)[int(STEPS.chosen[b, n])]
            assert error[b, n] == pytest.approx(float(y - q), abs=1e-12)


def test_the_loss_is_a_weighted_mean_and_the_gradient_half_a_square_s() -> None:
    loss, error = double_q_loss(by(ONLINE), by(TARGET), STEPS)
    weight = np.asarray(STEPS.weight)
    error = np.asarray(error)
    assert float(loss) == pytest.approx((weight * error**2 / 2).sum() / weight.sum())
    slope = jax.grad(lambda w: double_q_loss(by(w), by(TARGET), STEPS)[0])(jnp.asarray(ONLINE))
    wanted = np.zeros((F, A))
    for b in range(B):
        for n in range(N):
            share = weight[b, n] * error[b, n] / weight.sum()
            wanted[:, int(STEPS.chosen[b, n])] -= share * np.asarray(STEPS.seen[b, n])
    np.testing.assert_allclose(slope, wanted, atol=1e-12)


def test_who_is_absent_teaches_nothing() -> None:
    nobody = STEPS._replace(weight=jnp.zeros((B, N)))
    assert float(double_q_loss(by(ONLINE), by(TARGET), nobody)[0]) == 0
    other = STEPS._replace(reward=jnp.where(STEPS.weight > 0, STEPS.reward, 1e6))
    losses = [float(double_q_loss(by(ONLINE), by(TARGET), s)[0]) for s in (STEPS, other)]
    assert losses[0] == losses[1]


def test_values_of_chosen_actions() -> None:
    q = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(q_values(q, jnp.asarray([2, 0])), [2, 3])


def test_exploration_falls_on_a_line() -> None:
    got = [float(epsilon(step, 1.0, 0.05, 10)) for step in (0, 5, 10, 99)]
    np.testing.assert_allclose(got, [1, 0.525, 0.05, 0.05], rtol=1e-6)


def test_random_actions_are_uniform_and_as_many_as_asked_for() -> None:
    q = jnp.zeros((20_000, 1, A)).at[..., 2].set(1.0)
    chosen, random = explored(jax.random.key(0), q, 0.4)
    assert float(random.mean()) == pytest.approx(0.4, abs=0.02)
    share = np.bincount(np.asarray(chosen[:, 0]), minlength=A) / len(chosen)
    np.testing.assert_allclose(share, [0.1, 0.1, 0.7, 0.1], atol=0.02)
    assert (np.asarray(explored(jax.random.key(1), q, 0.0)[0]) == 2).all()


def test_a_group_draws_together() -> None:
    group = jnp.asarray([5, 7, 5, 7])
    chosen, random = explored(jax.random.key(0), jnp.zeros((50, 4, A)), 0.5, group)
    for pair in ((0, 2), (1, 3)):
        np.testing.assert_array_equal(chosen[:, pair[0]], chosen[:, pair[1]])
        np.testing.assert_array_equal(random[:, pair[0]], random[:, pair[1]])
    assert (np.asarray(chosen[:, 0]) != np.asarray(chosen[:, 1])).any()


def test_smoothing_tells_neighbours_and_keeps_what_is_flat() -> None:
    plain, smooth = (levels(jax.random.key(0), F, 8, 21, s) for s in (0.0, 2.0))
    seen = jnp.asarray(generator.normal(size=(7, F)), jnp.float32)
    np.testing.assert_array_equal(plain(seen), plain.network(seen))
    said, told = np.asarray(smooth.network(seen)), np.asarray(smooth(seen))
    assert np.abs(np.diff(told)).max() < np.abs(np.diff(said)).max()
    assert (told.max(axis=1) <= said.max(axis=1)).all()
    number = np.asarray(Greedy(smooth)(seen[:, None])).astype(int)[:, 0, 0]
    np.testing.assert_array_equal(number, told.argmax(axis=1))


def test_levels_are_multiples_of_the_start() -> None:
    grid = Grid(21, 5.0)
    start = jnp.asarray([2.0, 3.0])
    action = jnp.asarray([[4.0], [20.0]])
    np.testing.assert_allclose(grid(action, jnp.zeros(2), start), [2.0, 15.0])
    np.testing.assert_allclose(grid.level(jnp.asarray([0, 1])), [0, 0.25])
