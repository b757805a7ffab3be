"""The attention critic against its formulas written out, and what its symmetry asks."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.errors import InputError
from equibid.learning.networks.attention import (
    CROWD,
    AttentionCritic,
    attention_critic,
)

Table = npt.NDArray[np.float64]
N, F, A, D, H, Q = 5, 3, 2, 8, 2, 2
SHAPE = {"width": D, "heads": H, "outputs": Q, "residual_blocks": 2, "nearest": 2}
# Any weights, also where training starts at zero or one.
CRITIC = jax.tree.map(
    lambda x: (0.7 * np.random.default_rng(x.size).normal(size=x.shape)).astype(x.dtype),
    jax.eval_shape(lambda key: attention_critic(key, F, A, **SHAPE), jax.random.key(0)),
)
HERE = np.array([True, True, False, True, True])
both = jax.jit(lambda critic, *seen, **how: (critic(*seen, **how), critic.weights(*seen, **how)))


def values(*seen: object, **how: object) -> np.ndarray:
    return np.asarray(both(*seen, **how)[0])


def weights(*seen: object, **how: object) -> np.ndarray:
    return np.asarray(both(*seen, **how)[1])


def seen(*axes: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations and actions."""
    generator = np.random.default_rng(1)
    return (
        generator.normal(size=(*axes, F)).astype(np.float32),
        generator.normal(size=(*axes, A)).astype(np.float32),
    )


def softmax(score: Table) -> Table:
    return np.exp(score - score.max()) / np.exp(score - score.max()).sum()


def by_hand(
    critic: AttentionCritic, obs: Table, act: Table, chosen: list[list[int]], rest: bool = False
) -> tuple[Table, Table]:
    """Values [N, Q] and weights [H, N, N], agent by agent and head by head, in float64.

    `chosen` are those each agent attends to; `rest` adds the mean of all present others.
    """
    c: AttentionCritic = jax.tree.map(lambda x: np.asarray(x, np.float64), critic)
    n, d = len(obs), D // H

    def leaky(x: Table) -> Table:
        return np.where(x > 0, x, 0.01 * x)

    def normed(norm: object, x: Table) -> Table:
        return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * norm.scale + norm.shift  # pyright: ignore

    z = leaky(obs @ c.state.weight + c.state.bias)
    e = leaky(np.concatenate([obs, act], -1) @ c.other.weight + c.other.bias)
    q, share = [], np.zeros((H, n, n))
    for i in range(n):
        x = np.zeros(D)
        others = [j for j in range(n) if j != i and HERE[j % N]]
        tokens = [e[j] for j in chosen[i]]
        if rest and others:
            tokens.append(np.mean([e[j] for j in others], axis=0))
        for h in range(H if tokens else 0):
            head = slice(h * d, (h + 1) * d)
            query = (z[i] @ c.query)[head]
            alpha = softmax(np.array([query @ (t @ c.key)[head] / d**0.5 for t in tokens]))
            x[head] = sum(a * leaky(t @ c.value)[head] for a, t in zip(alpha, tokens, strict=True))
            for a, j in zip(alpha, chosen[i], strict=False):
                share[h, i, j] += a
            if rest:
                share[h, i, others] += alpha[-1] / len(others)
        hidden = np.concatenate([z[i], act[i] @ c.own, x]) @ c.join.weight + c.join.bias
        for block in c.blocks:
            inner = normed(block.norm, hidden) @ block.up.weight + block.up.bias
            hidden = hidden + np.maximum(inner, 0) @ block.down.weight + block.down.bias
        last = np.maximum(normed(c.final, hidden), 0)
        q.append(last @ c.head.weight + c.head.bias)
    return np.array(q), share


def agrees(critic_says: tuple[jax.Array, jax.Array], by_hand: tuple[Table, Table]) -> None:
    for got, wanted in zip(critic_says, by_hand, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=2e-5)


def test_written_out() -> None:
    obs, act = seen(2, N)
    others = [[j for j in range(N) if j != i and HERE[j]] for i in range(N)]
    # Five are no crowd, so that nobody is chosen by overlap.
    q, share = both(CRITIC, obs, act, np.broadcast_to(HERE, (2, N)), overlap=np.eye(N))
    assert q.shape == (2, N, Q) and q.dtype == jnp.float32
    for e in range(2):
        agrees((q[e], share[e]), by_hand(CRITIC, np.float64(obs[e]), np.float64(act[e]), others))


def test_a_crowd_attends_to_the_nearest_present_and_the_mean() -> None:
    n = CROWD + 1
    obs, act = seen(n)
    here = np.resize(HERE, n)
    # Few values, so that many tie; everybody is nearest to itself.
    overlap = np.random.default_rng(0).integers(0, 9, (n, n)) + 9.0 * np.eye(n)
    chosen = []
    for i, row in enumerate(overlap):
        order = np.argsort(-row, kind="stable").tolist()
        chosen.append([j for j in order if j != i and here[j]][:2])
    wanted = by_hand(CRITIC, np.float64(obs), np.float64(act), chosen, rest=True)
    agrees(both(CRITIC, obs, act, here, overlap=np.float32(overlap)), wanted)


@given(st.permutations(range(N)))
def test_order_of_agents_does_not_matter(order: list[int]) -> None:
    obs, act = seen(N)
    q = values(CRITIC, obs, act, HERE)
    at = np.array(order)
    np.testing.assert_allclose(values(CRITIC, obs[at], act[at], HERE[at]), q[at], atol=1e-6)


@given(st.lists(st.booleans(), min_size=N, max_size=N))
def test_rows_sum_to_one_and_the_absent_have_exactly_nothing(here: list[bool]) -> None:
    obs, act = seen(N)
    share = np.asarray(weights(CRITIC, obs, act, np.array(here)))
    company = [any(here[j] for j in range(N) if j != i) for i in range(N)]
    np.testing.assert_allclose(
        share.sum(-1), np.broadcast_to(np.float32(company), (H, N)), atol=1e-6
    )
    assert not share[:, :, ~np.array(here)].any()
    assert not share[:, range(N), range(N)].any()


def test_what_the_absent_see_and_do_changes_nothing() -> None:
    obs, act = seen(N)
    q = values(CRITIC, obs, act, HERE)
    obs[2] += 3
    act[2] -= 5
    moved = values(CRITIC, obs, act, HERE)
    np.testing.assert_array_equal(moved[HERE], q[HERE])
    assert np.all(moved[2] != q[2])


def test_one_agent_sees_a_zero_vector() -> None:
    obs, act = seen(1)
    here = np.ones(1, bool)
    np.testing.assert_array_equal(weights(CRITIC, obs, act, here), np.zeros((H, 1, 1)))
    q, _ = by_hand(CRITIC, np.float64(obs), np.float64(act), [[]])
    np.testing.assert_allclose(values(CRITIC, obs, act, here), q, atol=1e-5)


def test_own_action_and_others_actions_take_separate_ways() -> None:
    obs, act = seen(N)

    def slopes(own: jax.Array, others: jax.Array) -> jax.Array:
        """Of each agent's first value after what each does and after what it is seen doing."""
        ways = jax.jacrev(lambda *a: CRITIC(obs, a[0], HERE, others=a[1])[..., 0], (0, 1))
        return jnp.abs(jnp.stack(ways(own, others))).sum(-1)

    through_own, through_others = np.asarray(jax.jit(slopes)(act, act))
    own = np.eye(N, dtype=bool)
    np.testing.assert_array_equal(through_own > 0, own)
    np.testing.assert_array_equal(through_others > 0, HERE & ~own)


def test_gradients_are_finite_differences() -> None:
    obs, act = (np.asarray(x, np.float64) for x in seen(N))
    critic = jax.tree.map(lambda w: np.asarray(w, np.float64), CRITIC)
    loss = jax.jit(jax.value_and_grad(lambda critic: (critic(obs, act, HERE) ** 2).sum()))
    slope = loss(critic)[1]
    generator, step = np.random.default_rng(0), 1e-6
    for _ in range(5):
        way = jax.tree.map(lambda w: generator.normal(size=w.shape), critic)
        ahead, back = (
            float(loss(jax.tree.map(lambda w, u, s=sign: w + s * step * u, critic, way))[0])
            for sign in (1, -1)
        )
        along = jax.tree.map(lambda s, u: float((np.asarray(s) * u).sum()), slope, way)
        assert (ahead - back) / (2 * step) == pytest.approx(sum(jax.tree.leaves(along)), rel=1e-5)


def test_gradients_of_one_agent_are_finite() -> None:
    obs, act = seen(1)
    slope = jax.jit(jax.grad(lambda c: c(obs, act, np.ones(1, bool)).sum()))(CRITIC)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))
    assert not np.any(slope.value) and np.any(slope.own)


def test_drops_out_where_a_key_is_given() -> None:
    obs, act = seen(N)
    drop = jax.jit(lambda critic, key: critic(obs, act, HERE, key))
    key, plain = jax.random.key(0), values(CRITIC, obs, act, HERE)
    np.testing.assert_allclose(drop(CRITIC, key), plain, atol=1e-6)
    assert np.all(drop(replace(CRITIC, dropout=0.5), key) != plain)


@pytest.mark.parametrize(
    "wrong",
    [{"width": 6, "heads": 4}, {"outputs": 0}, {"residual_blocks": -1}, {"nearest": 0}],
)
def test_says_what_is_wrong(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="critic"):
        attention_critic(jax.random.key(0), F, A, **wrong)
