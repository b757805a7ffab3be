"""USCB: what a held factor is worth, and what is learnt from it."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.bidders.training import TrainingLog
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.envs.rewards import reward_named
from equibid.envs.setup import TrainingSetup
from equibid.errors import InputError
from equibid.learning.algorithm import algorithm_named
from equibid.learning.algorithms.uscb.algorithm import Uscb, UscbState
from equibid.learning.algorithms.uscb.losses import critic_input
from equibid.learning.algorithms.uscb.probe_rollouts import (
    Played,
    Probes,
    play_and_hold,
    probe_ticks,
)
from equibid.learning.algorithms.uscb.replay import Transition
from equibid.learning.algorithms.uscb.score import score
from learning.stationary import hindsight, stationary_practice

T = 12
DISORDER = 1.5
SMALL = Uscb(
    num_envs=2, num_probes=3, num_updates=2, batch_size=16, buffer_size=100, critic_warmup=0
)


def setup() -> TrainingSetup:
    return stationary_practice(days=2, held_out=1, impressions=1200, ticks=T)


@cache
def task(world: str = "log") -> Task:
    return setup().task(reward_named("value"), env_mode="log" if world == "log" else "market")


def bought(log: TrainingLog, factors: np.ndarray) -> float:
    """Value a factor for each tick buys on a log of one advertiser, impression by impression."""
    values, prices = np.asarray(log.values)[:, 0], np.asarray(log.prices)[:, 0, 0]
    left, won = float(log.campaigns.budget[0]), 0.0
    for k, (value, price) in enumerate(zip(values, prices, strict=True)):
        if factors[k * T // len(values)] * value >= price and left >= price:
            left, won = left - price, won + value
    return won


@cache
def held() -> tuple[Probes, Played]:
    """Two periods whose factor falls by 10 % a tick after a first one, three probes in each."""
    game = task().game
    start = jax.vmap(game.reset)(jax.random.split(jax.random.key(0), 2), jnp.zeros(2, jnp.int32))
    tick = jnp.array([[0, 5, 11], [1, 2, 7]])
    spread = jnp.array([[1.0, 1.3, 0.7], [2.0, 0.5, 1.0]])[..., None]

    def run(start, tick, spread):
        disorder = jnp.full((2, 1), DISORDER)
        return play_and_hold(game, falling, start, tick, disorder, spread, jax.random.key(1))

    return jax.jit(run)(start, tick, spread)


def falling(key: jax.Array, seen: jax.Array, level: jax.Array) -> jax.Array:
    return 0.9 * level


def test_a_held_factor_is_played_to_the_end() -> None:
    log, level = setup().log, float(task().game.start_factor[0])
    path = level * DISORDER * 0.9 ** (1 + np.arange(T))
    probes, played = held()
    np.testing.assert_allclose(played.gain, bought(log, path), rtol=1e-9)
    for e, p in np.ndindex(2, 3):
        tick, factor = int(probes.tick[e, p]), float(probes.held[e, p, 0])
        spread = [[1.0, 1.3, 0.7], [2.0, 0.5, 1.0]][e][p]
        assert factor == pytest.approx(path[tick] * spread)
        whole = np.where(np.arange(T) < tick, path, factor)
        assert float(probes.gain[e, p, 0]) == pytest.approx(bought(log, whole))
        before = np.where(np.arange(T) < tick, path, 0.0)
        assert float(probes.gained[e, p, 0]) == pytest.approx(bought(log, before))
        last = path[tick - 1] if tick else level
        assert float(probes.last_factor[e, p, 0]) == pytest.approx(last)
        # "time left", the first feature, is that of the probed tick.
        assert float(probes.seen[e, p, 0, 0]) == pytest.approx(1 - tick / T)


def test_the_hindsight_factor_is_worth_one() -> None:
    """Within the last item: the best constant factor of the log, held from the start."""
    log, level = setup().log, float(task().game.start_factor[0])
    share = bought(log, np.full(T, level)) / float(task().best[0])
    assert abs(share - 1) <= float(log.values.max()) / float(task().best[0])


def test_probes_fall_in_equal_parts() -> None:
    ticks = np.asarray(probe_ticks(jax.random.key(0), 50, 4, T))
    assert (ticks // 3 == np.arange(4)).all()


def test_score_is_capped_and_fined() -> None:
    cpa = Uscb(target="cpa", penalty_coef=2.0, penalty_base=3.0, max_reward=1.0)
    best, one = jnp.array([2.0]), jnp.ones(1)
    gain, target = jnp.array([[1.0], [4.0]]), task().game.campaigns.target_cpa
    earned = np.asarray(score(SMALL, target, best, gain, one, 9 * one))
    np.testing.assert_allclose(earned[:, 0], [0.5, 1.0])
    # The target of the stationary market is 1: a cost of 1.5 exceeds it by a half.
    fined = np.asarray(score(cpa, target, best, gain, one, 1.5 * one))
    np.testing.assert_allclose(fined[:, 0], [0.5 - 2 * (3**0.5 - 1), 1 - 2 * (3**0.5 - 1)])


@pytest.mark.parametrize("world", ["log", pytest.param("market", marks=pytest.mark.slow)])
def test_a_step_learns_and_starts_from_the_day_before(world: str) -> None:
    state = SMALL.init(task(world), jax.random.key(0))
    step = jax.jit(SMALL.step)
    after, metrics = step(task(world), state)
    assert all(np.isfinite(float(x)) for x in metrics.values())
    shapes = [jax.tree.map(jnp.shape, x) for x in (state, after)]
    assert shapes[0] == shapes[1]
    assert int(after.replay.filled) == 2
    actors = state.learner.actor, after.learner.actor
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), *actors)
    assert all(jax.tree.leaves(moved))
    # Untrained, it hardly leaves the start.
    judged = setup().judge(SMALL.policy(task(world), state))
    assert judged["value"] > 0.95 * hindsight(setup())


def test_the_hindsight_of_a_target_keeps_it() -> None:
    cpa = algorithm_named("uscb-cpa", ["num_envs=2", "num_probes=2"])
    market = setup()
    campaigns = market.log.campaigns
    game = market.task(reward_named("value"), observer=cpa.observer, env_mode="log")
    tight = eqx.tree_at(
        lambda x: x.game.campaigns.target_cpa, game, jnp.full_like(campaigns.budget, 0.3)
    )
    state = cpa.init(tight, jax.random.key(0))
    values, prices = np.asarray(market.log.values)[:, 0], np.asarray(market.log.prices)[:, 0, 0]
    won = float(state.start[0]) * values >= prices
    assert prices[won].sum() <= 0.3 * values[won].sum()
    assert float(state.best[0]) == pytest.approx(values[won].sum(), rel=1e-6)
    assert float(state.start[0]) < 0.8 * float(game.game.start_factor[0])


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match="num_probes must be"):
        Uscb(num_probes=0)
    with pytest.raises(InputError, match="max_multiple must be"):
        Uscb(max_multiple=1.0)
    assert algorithm_named("uscb-published").observer == "uscb"


LEARNER = Uscb(num_envs=8, num_probes=6, batch_size=1024, num_updates=20)


@cache
def learnt() -> UscbState:
    step = jax.jit(LEARNER.step)
    state = LEARNER.init(task(), jax.random.key(1))
    for _ in range(80):
        state, _ = step(task(), state)
    return state


@pytest.mark.slow
def test_critic_is_what_the_log_says() -> None:
    """At the start, where nothing was gained yet, on a grid of factors."""
    state, game = learnt(), task().game
    level = float(game.start_factor[0])
    grid = np.exp(np.linspace(-0.5, 0.5, 9))
    truth = [bought(setup().log, np.full(T, level * x)) / float(task().best[0]) for x in grid]
    seen = game.observe(game.reset(jax.random.key(0)))[None].repeat(len(grid), axis=0)
    nothing = jnp.zeros((len(grid), 1))
    batch = Transition(seen, nothing > 0, nothing, nothing, nothing, nothing)
    said = state.learner.critic(critic_input(batch, jnp.log(jnp.asarray(grid))[:, None]))[:, 0, 0]
    np.testing.assert_allclose(said, np.minimum(truth, 1), atol=0.05)


@pytest.mark.slow
def test_the_factor_goes_to_the_threshold_of_hindsight() -> None:
    """From a first factor that was right, too low, or too high, and what was lost by it."""
    state, game = learnt(), task().game

    def play(first: jax.Array) -> tuple[jax.Array, jax.Array]:
        def step(now: GameState, multiple: jax.Array) -> tuple[GameState, jax.Array]:
            action = state.learner.actor(game.observe(now)).astype(jnp.float64)
            factor = multiple * LEARNER.rule(action, now.last_factor, state.start)
            return game.step(now, factor)[0], factor / game.start_factor

        multiples = jnp.ones(T).at[0].set(first)
        end, path = jax.lax.scan(step, game.reset(jax.random.key(0)), multiples)
        return path[:, 0], end.so_far.value[0] / task().best[0]

    low, right, high = (jax.tree.map(np.asarray, jax.jit(play)(x)) for x in (0.6, 1.0, 1.6))
    assert min(low[1], right[1], high[1]) > 0.95
    assert abs(right[0] - 1).max() < 0.2
    np.testing.assert_allclose(low[0][3:].mean(), 1, atol=0.1)
    # Who overspent has less to bid with: its threshold of what is left is lower.
    assert 0.7 < high[0][3:].mean() < 1
    assert right[1] > 0.985


@pytest.mark.slow
def test_on_other_days_it_is_near_hindsight() -> None:
    judged = setup().judge(LEARNER.policy(task(), learnt()))
    assert judged["value"] > 0.95 * hindsight(setup())
