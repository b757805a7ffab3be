"""Copies of environments step on to the same numbers, in this process and in others."""

import copy
import multiprocessing
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import cloudpickle
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

from bidders.training_logs import random_log
from equibid.auctions import gsp
from equibid.envs import ID, BidderEnv, BidderVectorEnv, MarketEnv, forked
from equibid.envs.game import MarkovGame, logged_game, markov_game
from equibid.envs.held import Held
from equibid.envs.rewards import Value
from equibid.errors import InputError
from equibid.simulation.features import Reference
from worlds import Steady, levels, market

N, COPIES = 6, 4

COPIED: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "pickle 4": lambda x: pickle.loads(pickle.dumps(x, 4)),
    "pickle 5": lambda x: pickle.loads(pickle.dumps(x, 5)),
    "cloudpickle": lambda x: cloudpickle.loads(cloudpickle.dumps(x)),
}


@cache
def game(play: str = "tick") -> MarkovGame:
    reference = Reference(levels(3) / 5, jnp.full(N, 30.0), jnp.full(N, 0.08))
    opponents = [Steady(levels(3) / 5), Steady(levels(4) / 5)]
    periods = [market(3, impressions=60)] * 2
    return markov_game(periods, gsp(0.05), reference, Value(), opponents=opponents, play=play)  # type: ignore[arg-type]


# Copies in one step are another program, whose sums may be rounded another way.
ROUNDING = 1e-5


def same(one: Any, other: Any, rtol: float = 0.0) -> None:
    """To the last bit, infos included; or as near as two programs round the same sum."""
    if isinstance(one, dict):
        assert set(one) == set(other)
        for key in one:
            same(one[key], other[key], rtol)
    elif isinstance(one, tuple):
        for x, y in zip(one, other, strict=True):
            same(x, y, rtol)
    elif rtol and np.issubdtype(np.asarray(one).dtype, np.floating):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=0.1 * rtol)
        assert np.asarray(one).dtype == np.asarray(other).dtype
    else:
        np.testing.assert_array_equal(one, other)
        assert np.asarray(one).dtype == np.asarray(other).dtype


@contextmanager
def compiled() -> Iterator[list[str]]:
    """What is compiled meanwhile."""
    made: list[str] = []

    def told(event: str, duration: float, **_: Any) -> None:
        if "backend_compile" in event:
            made.append(event)

    jax.monitoring.register_event_duration_secs_listener(told)
    yield made
    jax.monitoring.unregister_event_duration_listener(told)


@pytest.mark.parametrize("how", COPIED)
def test_a_copied_bidder_steps_on(how: str) -> None:
    env = gymnasium.make(ID, game=game(), head="increment")
    env.reset(seed=1)
    env.step(np.asarray([0.5], np.float32))
    other = COPIED[how](env)
    with compiled() as made:
        for _ in range(3):
            action = np.asarray([-0.3], np.float32)
            same(env.step(action), other.step(action))
        same(env.reset(), other.reset())
    assert not made
    with compiled() as made:
        jax.jit(lambda x: x + len(how))(jnp.ones(3))
    assert made, "the listener should hear"


@pytest.mark.parametrize("how", COPIED)
def test_a_copied_market_steps_on(how: str) -> None:
    env = MarketEnv(game())
    env.reset(seed=1)
    other = COPIED[how](env)
    while env.agents:
        actions = {name: [0.7] for name in env.agents}
        same(env.step(actions), other.step(actions))
    same(env.reset(), other.reset())


def logged() -> MarkovGame:
    log = random_log(3, advertisers=N)
    return logged_game(log, Reference(levels(3), jnp.full(N, 8.0), jnp.full(N, 0.1)), Value())


@pytest.mark.parametrize("make", [lambda: game("impression"), logged])
def test_games_of_every_sale_are_pickled(make: Callable[[], MarkovGame]) -> None:
    made = make()
    other = pickle.loads(pickle.dumps(made))
    assert copy.deepcopy(made) is made
    state = made.reset(jax.random.key(0))
    one, two = (jax.tree.leaves(x.step(state, x.start_factor)[1].tally) for x in (made, other))
    assert float(one[0].sum()) > 0
    same(tuple(one), tuple(two))


def test_what_is_held_stays_one_and_cannot_be_written() -> None:
    array = np.arange(3.0)
    held = Held(np.add, (array, array), 1.0)
    other = pickle.loads(pickle.dumps(held))
    assert other == held and hash(other) == hash(held) and copy.copy(held) is held
    assert Held(np.add, array) != Held(np.add, array)
    (one, two), _ = other.given
    assert one is two and not one.flags.writeable and array.flags.writeable
    assert len(pickle.dumps(Held(np.add, (array.repeat(1000),) * 2))) < 2 * 8 * 3000


def test_copies_in_one_step_are_bidders_of_their_seeds() -> None:
    """Observations, rewards, ends and infos over several periods, begun anew at the step after."""
    asked: dict[str, Any] = {"head": "multiple:span=60", "scale": 2.0}
    envs = gymnasium.make_vec(ID, num_envs=COPIES, game=game(), **asked)
    assert isinstance(envs.unwrapped, BidderVectorEnv)
    alone = SyncVectorEnv([lambda: BidderEnv(game(), **asked)] * COPIES)
    assert envs.observation_space == alone.observation_space
    assert envs.action_space == alone.action_space and envs.metadata["autoreset_mode"]
    same(envs.reset(seed=3), alone.reset(seed=3), ROUNDING)
    random, ends = np.random.default_rng(0), []
    for _ in range(40):
        actions = random.uniform(-1, 1, (COPIES, 1)).astype(np.float32)
        told = envs.step(actions)
        same(told, alone.step(actions), ROUNDING)
        ends.append(told[2])
    assert any(some.any() and not some.all() for some in ends), "some should end before others"
    same(envs.reset(seed=[7, 1, 2, 9]), alone.reset(seed=[7, 1, 2, 9]), ROUNDING)
    options = {"period": 1, "advertiser": 2}
    _, infos = envs.reset(options=options)
    assert infos["period"].tolist() == [1] * COPIES and infos["advertiser"].tolist() == [2] * COPIES


def test_copies_refuse_what_they_cannot_do() -> None:
    with pytest.raises(InputError, match="num_envs=0"):
        BidderVectorEnv(0, game())
    envs = BidderVectorEnv(2, game(), advertiser=1)
    with pytest.raises(InputError, match=r"call reset\(\)"):
        envs.step(np.zeros((2, 1)))
    with pytest.raises(InputError, match="3 seeds for 2 copies"):
        envs.reset(seed=[1, 2, 3])
    envs.reset(seed=0)
    with pytest.raises(InputError, match="one number for each of 2 copies"):
        envs.step(np.zeros((3, 1)))
    with pytest.raises(InputError, match="copy 1 gave nan"):
        envs.step(np.asarray([[0.0], [np.nan]]))


def test_a_forked_process_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    env, market_env, envs = BidderEnv(game()), MarketEnv(game()), BidderVectorEnv(2, game())
    monkeypatch.setattr(forked.os, "getpid", lambda: -1)
    for call in (
        lambda: BidderEnv(game()),
        lambda: gymnasium.make(ID, market="example-3.2"),
        *(one.reset for one in (env, market_env, envs)),
        lambda: env.step([0.0]),
        lambda: envs.step([[0.0], [0.0]]),
        lambda: market_env.step({}),
        logged,
    ):
        with pytest.raises(InputError, match=r"context='spawn'.*start_method='spawn'.*make_vec"):
            call()


@pytest.mark.slow
def test_processes_share_one_game_or_say_why_not() -> None:
    """Under spawn they give the numbers of one process; under fork they end with the sentence."""
    made = game()
    envs = AsyncVectorEnv([lambda: BidderEnv(made)] * 2, context="spawn")
    alone = SyncVectorEnv([lambda: BidderEnv(made)] * 2)
    same(envs.reset(seed=3), alone.reset(seed=3), ROUNDING)
    for _ in range(4):
        zeros = np.zeros((2, 1), np.float32)
        same(envs.step(zeros), alone.step(zeros), ROUNDING)
    envs.close()
    context = multiprocessing.get_context("fork")
    said = context.Queue()
    child = context.Process(target=_try, args=(made, said))
    # JAX warns of a fork as well.
    with warnings.catch_warnings(action="ignore"):
        child.start()
    assert "forked from one that had a market running" in said.get(timeout=60)
    child.join(timeout=60)
    assert child.exitcode == 0


def _try(made: MarkovGame, said: Any) -> None:
    try:
        BidderEnv(made).reset(seed=0)
    except InputError as error:
        said.put(str(error))
