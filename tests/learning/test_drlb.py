"""DRLB: its dictionary and rules by hand, and how it recovers from a wrong λ."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Array, Float

import equibid.learning.algorithms.drlb.algorithm as drlb
from equibid.bidders.bidder import FactorBidder, Observation, State, pytree
from equibid.bidders.fixed import Fixed
from equibid.bidders.population import everybody
from equibid.envs.problem import Task
from equibid.envs.rewards import reward_named
from equibid.errors import InputError
from equibid.learning.algorithm import algorithm_named, settings_of
from equibid.learning.algorithms.drlb.actions import Regulation
from equibid.learning.algorithms.drlb.algorithm import Drlb, DrlbState
from equibid.learning.algorithms.drlb.config import ELEVEN, SEVEN
from equibid.learning.algorithms.drlb.learner import Learner, fit_wish, update
from equibid.learning.algorithms.drlb.losses import wish_loss
from equibid.learning.algorithms.drlb.replay import Transition, remember
from equibid.learning.algorithms.drlb.returns import (
    Returns,
    best_return,
    credit,
    keys_of,
    returns_table,
)
from equibid.learning.losses.deep_q import Steps, double_q_error
from equibid.learning.losses.targets import ranked_unimodal
from equibid.learning.networks.mlp import MLP, mlp
from equibid.learning.replay.buffer import Sample, add, replay, reprioritise
from equibid.learning.training import rollout
from equibid.learning.training.rollout import Episodes
from equibid.simulation.simulate import simulate
from learning.filled import filled
from learning.stationary import hindsight, stationary_practice

NOW = jnp.asarray(3)
enter = jax.jit(credit, static_argnames="window")


def entered(table: Returns, keys: list[int], values: list[float], now: int = 3) -> Returns:
    key = jnp.asarray(keys, jnp.uint32)
    counts = jnp.ones(len(keys), bool)
    return enter(table, key, jnp.asarray(values), counts, jnp.asarray(now), window=10)


def said(table: Returns, keys: list[int], own: float = -1.0) -> list[float]:
    key = jnp.asarray(keys, jnp.uint32)
    return [float(x) for x in best_return(table, key, jnp.full(len(keys), own))]


def test_two_episodes_that_share_a_step_are_both_worth_the_better() -> None:
    table = entered(returns_table(64), [7], [3.0])
    table = entered(table, [7], [5.0])
    assert said(table, [7]) == [5.0]
    assert said(entered(table, [7], [4.0]), [7]) == [5.0]
    # Within one batch too, and what was never met is worth its own return.
    assert said(entered(returns_table(64), [7, 7, 9], [3.0, 5.0, 1.0]), [7, 9, 8]) == [5.0, 1.0, -1]


def test_an_old_best_is_dropped_and_a_newcomer_takes_the_place() -> None:
    table = entered(returns_table(64), [7], [5.0], now=0)
    assert said(entered(table, [7], [2.0], now=10), [7]) == [5.0]
    assert said(entered(table, [7], [2.0], now=11), [7]) == [2.0]
    table = entered(table, [7 + 64], [1.0])
    assert said(table, [7, 7 + 64]) == [-1.0, 1.0]
    absent = credit(
        table, jnp.asarray([8], jnp.uint32), jnp.ones(1), jnp.zeros(1, bool), NOW, window=10
    )
    assert said(absent, [8]) == [-1.0]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-9, 9)), min_size=20, max_size=20))
def test_the_dictionary_is_a_dictionary(steps: list[tuple[int, int]]) -> None:
    table, plain = returns_table(64), dict[int, float]()
    for part in (steps[:10], steps[10:]):
        table = entered(table, [key for key, _ in part], [float(value) for _, value in part])
        for key, value in part:
            plain[key] = max(plain.get(key, -np.inf), value)
    assert said(table, list(plain)) == list(plain.values())


def test_keys_tell_start_campaign_tick_bin_and_action_apart() -> None:
    seen = jnp.array([0.12, -3.0])
    base = {"campaign": 1, "period": 0, "start": 0.05, "tick": 4, "seen": seen, "chosen": 2}
    changes = [
        {},
        {"campaign": 2},
        {"period": 1},
        {"start": 0.15},
        {"start": -0.05},
        {"tick": 5},
        {"chosen": 3},
        {"seen": seen + jnp.array([0.2, 0])},
        {"seen": -seen},
    ]
    rows = [{name: jnp.asarray(x) for name, x in (base | change).items()} for change in changes]
    keys = {int(keys_of(**row, grain=0.1)) for row in rows}
    assert len(keys) == len(changes)
    near = rows[0] | {"seen": seen + jnp.array([0.01, 0.001]), "start": jnp.asarray(0.08)}
    assert int(keys_of(**near, grain=0.1)) == int(keys_of(**rows[0], grain=0.1))


@pytest.mark.parametrize(
    ("q", "unimodal"),
    [
        ([1, 2, 3, 4], True),
        ([4, 3, 2, 1], True),
        ([1, 3, 2, 0], True),
        ([1, 1, 2, 2, 0, 0], True),
        ([2, 2, 2], True),
        ([3, 1, 2], False),
        ([1, 3, 2, 3, 1], False),
        ([2, 1, 1, 2], False),
    ],
)
def test_one_peak(q: list[int], unimodal: bool) -> None:
    assert bool(ranked_unimodal(jnp.asarray(q, jnp.float32))) is unimodal


def test_lambda_is_regulated_by_percents() -> None:
    """λ · 1.08 divides the factor by 1.08; the first action lowers λ, so it bids more."""
    rule, level = Regulation(), jnp.array([10.0, 10.0, 10.0])
    moved = rule.regulated(jnp.array([0, 3, 6]), level, jnp.full(3, 8.0))
    np.testing.assert_allclose(moved, [10 / 0.92, 10, 10 / 1.08])
    q = jnp.zeros((3, 7)).at[jnp.arange(3), jnp.array([0, 3, 6])].set(1.0)
    np.testing.assert_allclose(rule(q, level, jnp.full(3, 8.0)), moved)
    # Within twenty times the start.
    assert float(Regulation(ELEVEN).regulated(jnp.array([0]), jnp.array([150.0]), 8.0)[0]) == 160


def test_double_q_by_hand() -> None:
    """Three actions: the one network prefers the second, which the other holds worth 4."""

    def fixed(rows: list[list[float]]):
        return lambda seen: jnp.asarray(rows)[seen[..., 0].astype(int)]

    online, target = fixed([[0.5, 0.0, 0.2], [1.0, 3.0, 2.0]]), fixed([[0] * 3, [9.0, 4.0, 7.0]])
    here, there = jnp.zeros((2, 1, 1)), jnp.ones((2, 1, 1))
    reward, goes_on = jnp.full((2, 1), 0.25), jnp.array([[1.0], [0.0]])
    chosen, weight = jnp.array([[2], [0]]), jnp.ones((2, 1))
    error = double_q_error(online, target, Steps(here, chosen, reward, goes_on, there, weight))
    np.testing.assert_allclose(error[:, 0], [0.25 + 4 - 0.2, 0.25 - 0.5])


def test_reward_net_fits_the_best_or_a_quantile() -> None:
    wish = mlp(jax.random.key(0), [2, 3])
    values = np.asarray(wish(jnp.ones(2)))
    nothing = jnp.zeros(2)
    batch = Transition(
        jnp.ones((2, 2)), jnp.array([1, 2]), nothing, nothing, nothing, jnp.array([True, False]),
        nothing, nothing,
    )  # fmt: skip
    wanted = jnp.asarray(values[[1, 2]] + 0.5)
    assert float(wish_loss(wish, batch, wanted, None)) == pytest.approx(0.125)
    assert float(wish_loss(wish, batch, wanted, 0.9)) == pytest.approx(0.45)
    assert float(wish_loss(wish, batch, wanted - 1, 0.9)) == pytest.approx(0.05)


def test_a_step_credits_whole_returns() -> None:
    setup = stationary_practice(days=2, held_out=1, impressions=1200, ticks=12)
    small = Drlb(
        num_envs=3,
        num_updates=2,
        batch_size=16,
        buffer_size=100,
        hidden_sizes=(8,),
        table_size=4096,
    )
    task = setup.task(reward_named("value"), observer=small.observer, env_mode="log")
    state = small.init(task, jax.random.key(0))
    after, metrics = jax.jit(small.step)(task, state)
    assert all(np.isfinite(float(x)) for x in metrics.values())
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert (int(state.iteration), int(after.iteration)) == (0, 1)
    kept = jax.tree.map(lambda x: np.asarray(x)[:3], after.learner.replay.episodes)
    whole = np.broadcast_to(kept.direct.sum(axis=1, keepdims=True), kept.own.shape)
    np.testing.assert_allclose(kept.own, whole, rtol=1e-6)
    assert float(kept.own.mean()) == pytest.approx(float(metrics["return"]), rel=1e-5)
    held = np.asarray(best_return(after.table, jnp.asarray(kept.key.ravel()), jnp.zeros(36)))
    assert (held >= kept.own.ravel()).all()
    # RewardNet learns first: what it pays before it knows anything is worth nothing.
    networks_moved = [
        any((x != y).any() for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))
        for a, b in (
            (getattr(after.learner, name), getattr(state.learner, name))
            for name in ("wish", "q", "target")
        )
    ]
    assert networks_moved == [True, False, False]
    later, _ = jax.jit(small.step)(task, state._replace(iteration=jnp.asarray(5, jnp.int32)))
    assert (later.learner.q.layers[0].weight != state.learner.q.layers[0].weight).any()
    # The target moves with every so many updates, and rests between them.
    done = int(later.learner.updates)
    for every, moves in ((done + 1, True), (done + 2, False)):
        once = replace(small, target_update_every=every)
        args = (later.learner, jax.random.key(3))
        moved, _ = jax.jit(partial(update, once, later.table, jnp.asarray(True)))(*args)
        weights = [x.target.layers[0].weight for x in (later.learner, moved)]
        assert bool((weights[0] != weights[1]).any()) is moves
    assert not kept.goes_on[:, -1].any()
    # A day that ended early is paid its return for every tick that is left.
    stops = ~kept.goes_on
    left = (11 - np.arange(12)) / 12 * kept.own
    np.testing.assert_allclose(kept.rest, np.where(stops, left, 0), rtol=1e-5)


def test_periods_begin_on_both_sides_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = stationary_practice(days=2, held_out=1, impressions=300, ticks=3)
    small = Drlb(num_envs=16, num_updates=1, batch_size=4, buffer_size=100, hidden_sizes=(8,))
    small = replace(small, init_ratio=4.0)
    task = setup.task(reward_named("value"), observer=small.observer, env_mode="log")
    first = []

    def played(*words: Any) -> Any:
        episodes = rollout.play(*words)
        jax.debug.callback(first.append, episodes.factor[:, 0] / task.game.start_factor)
        return episodes

    monkeypatch.setattr(drlb, "play", played)
    jax.block_until_ready(jax.jit(small.step)(task, small.init(task, jax.random.key(0)))[1])
    jax.effects_barrier()
    moved = np.log(first[0])
    widest = np.log(4.0) + np.log(1.2)
    assert moved.min() < -0.5 and moved.max() > 0.5 and np.abs(moved).max() <= widest


def test_reward_net_takes_no_part_in_the_priorities_of_q() -> None:
    """It is fitted to a mean over what was played: which steps Q misjudges must not tilt it."""
    small = Drlb(num_updates=2, batch_size=16, hidden_sizes=(8,), table_size=64)
    T, F = 4, 3
    random = np.random.default_rng(0)
    shapes = ((T + 1, F), *[(T,)] * 7)
    seen, *rest = (random.normal(size=(2, *shape)).astype(np.float32) for shape in shapes)
    whole = np.ones((2, T), bool)
    chosen, key = np.abs(rest[0] * 3).astype(np.int32) % 7, np.zeros((2, T), np.uint32)
    days = Transition(seen, chosen, key, rest[2], rest[3], whole, whole, rest[6])
    wish = filled(lambda: mlp(jax.random.key(0), [F, 8, 7]))

    @jax.jit
    def fitted(exponent: float) -> MLP:
        memory = add(replay(jax.tree.map(lambda x: x[0], days), 2, T), days)
        first = Sample(jnp.arange(2), jnp.zeros(2, jnp.int32), jnp.ones(2))
        memory = reprioritise(memory, first, jnp.full(2, 1e3), exponent)
        empty: dict[str, Any] = dict.fromkeys(Learner._fields)
        moments = optax.adam(small.learning_rate).init(wish)
        empty |= {"replay": memory, "wish": wish, "wish_memory": moments}
        return fit_wish(small, returns_table(64), Learner(**empty), jax.random.key(0))[0]

    jax.tree.map(np.testing.assert_array_equal, fitted(0.0), fitted(1.0))


def test_the_best_of_one_period_is_no_best_of_another() -> None:
    """Two days on which the same was seen and done from the same start share no return."""
    T, N, F = 3, 1, 2
    empty: dict[str, Any] = dict.fromkeys(Episodes._fields)
    empty |= {
        "observation": np.ones((3, T + 1, N, F), np.float32),
        "present": np.ones((3, T + 1, N), bool),
        "action": np.ones((3, T, N, 1)),
        "reward": np.ones((3, T, N)),
        "period": np.array([0, 1, 0]),
    }
    task: Any = SimpleNamespace(best=np.ones(N))
    keys = np.asarray(remember(Drlb(), task, Episodes(**empty), jnp.zeros((3, N))).key)
    np.testing.assert_array_equal(keys[0], keys[2])
    assert (keys[0] != keys[1]).all()


def test_settings_are_checked() -> None:
    for bad in (
        {"action_values": (0.1,)},
        {"action_values": (0.1, -0.1)},
        {"quantile": 1.0},
        {"num_updates": 0},
    ):
        with pytest.raises(InputError):
            Drlb(**bad)  # type: ignore[arg-type]
    assert settings_of(algorithm_named("drlb-11"))["action_values"] == list(ELEVEN)
    assert settings_of(algorithm_named("drlb-published"))["target_update_every"] == 100
    assert settings_of(algorithm_named("drlb"))["action_values"] == list(SEVEN)


@pytree()
class Bslb(FactorBidder):
    """``v / (λ Δ)``, Δ the share of time left over that of money left."""

    start: Float[Array, " N"]
    budget: Float[Array, " N"]

    def factor(self, state: State, observation: Observation, key: Array) -> Float[Array, " N"]:
        return self.start * (observation.remaining / self.budget) / observation.time_left


def task_of(learner: Drlb) -> Task:
    days = stationary_practice(ticks=48)
    return days.task(reward_named("value"), observer=learner.observer, env_mode="log")


def trained(learner: Drlb, iterations: int, seeds: int = 1) -> DrlbState:
    task = task_of(learner)
    state = jax.vmap(partial(learner.init, task))(jax.random.split(jax.random.key(0), seeds))
    step = jax.jit(lambda task, state: jax.vmap(partial(learner.step, task))(state))
    for _ in range(iterations):
        state, _ = step(task, state)
    return state


@pytest.mark.slow
def test_recovers_from_a_wrong_lambda() -> None:
    """λ* = 1.3, λ_0 half, right and twice; published: FLB .4, BSLB .6 to .9, DRLB .9.

    Of three seeds each holds 90 %, and the median is above what both others get.
    """
    days = stationary_practice(ticks=48)
    learner = Drlb(observer="drlb", num_envs=16)
    states = trained(learner, 100, seeds=3)
    task = task_of(learner)
    policies = [
        learner.policy(task, jax.tree.map(lambda x, seed=seed: x[seed], states))
        for seed in range(3)
    ]
    best, level, budget = hindsight(days), task.game.start_factor, task.game.campaigns.budget
    for deviation in (0.5, 1.0, 2.0):
        start = level / deviation
        flb, bslb, *drlb = (
            days.judge(bidder)["value"] / best
            for bidder in (
                Fixed(start),
                Bslb(start, budget),
                *(replace(policy, start=start) for policy in policies),
            )
        )
        assert min(drlb) > 0.9
        assert deviation == 1.0 or flb < bslb < np.median(drlb)


@pytest.mark.slow
def test_direct_rewards_exhaust_early() -> None:
    """In the middle of training, of three seeds: what more money now buys is seen first."""
    days = stationary_practice(ticks=48)
    ended = {}
    for paid in ("direct", "best"):
        learner = Drlb(
            observer="drlb", step_reward=paid, num_envs=8, anneal_steps=40, num_updates=20,
        batch_size=256 )  # fmt: skip
        states = trained(learner, 36, seeds=3)
        for seed in range(3):
            state = jax.tree.map(lambda x, seed=seed: x[seed], states)
            policy = learner.policy(task_of(learner), state)
            delivery = simulate(
                days.held_out[0], days.auction, everybody(policy, 1), jax.random.key(0)
            )
            left = np.asarray(delivery.remaining)[:, 0] / float(days.log.campaigns.budget[0])
            ended.setdefault(paid, []).append(int((left > 0.05).sum()))
    assert max(ended["direct"]) <= 24
    assert np.mean(ended["direct"]) < np.mean(ended["best"])
