"""Periods that are learnt from, held out and compared stay apart, for every algorithm."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import gsp
from equibid.auctions.ranked import second_price
from equibid.envs.periods import HELD_OUT, generated_setup, recorded_setup
from equibid.envs.problem import Task
from equibid.envs.setup import TrainingSetup, setup_of
from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS, algorithm_named
from equibid.learning.algorithms.uscb.algorithm import Uscb
from equibid.learning.algorithms.uscb.hindsight import start_and_best
from equibid.learning.clusters import tick_groups
from equibid.logs.dataset import LogDataset
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Labels, Market, even_ticks, joined
from equibid.simulation.scenario import HISTORY, generated_scenario, recorded_scenario

LENGTH, LEARNT, HELD, JUDGED = 60, 4, 1, 5
# Days of other lengths, so that none can pass for another.
DAYS = (50, 70, 40, 80, 60, 90, 30, 60, 55, 65)
LOGS = ("periods", "days")


def other(market: Market, first: int, last: int) -> Market:
    """The same market with other values and prices on the impressions `first` … `last` - 1."""
    random = np.random.default_rng(9)
    assert market.market_price is not None
    values, prices = np.array(market.values), np.array(market.market_price)
    values[first:last] = 5 * random.random((last - first, 1))
    prices[first:last] = 7 * random.random(last - first)
    return replace(market, values=jnp.asarray(values), market_price=jnp.asarray(prices))


def one(impressions: int, ticks: np.ndarray | jax.Array, seed: int) -> Market:
    """A campaign against logged prices."""
    random = np.random.default_rng(seed)
    return Market(
        values=jnp.asarray(random.random((impressions, 1))),
        tick_start=jnp.asarray(ticks, jnp.int32),
        campaigns=Campaigns(jnp.asarray([8.0]), jnp.asarray([0.5]), jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(random.random(impressions)),
        labels=Labels("made"),
    )


@cache
def dataset(kind: str, poison: str = "") -> LogDataset:
    """A log of five training periods, the last of which is held out, and as many to judge by.

    Args:
        kind: periods of equal length, or days of their own.
        poison: which part has other values and prices; with days, other numbers of impressions,
            too, in what is compared.
    """
    lengths = [LENGTH] * 10 if kind == "periods" else list(DAYS)
    if kind == "days" and poison == "compared":
        at = LEARNT + HELD
        lengths = lengths[:at] + [3 * length for length in lengths[at:]]

    def part(lengths: list[int], seed: int) -> Market:
        if kind == "periods":
            return one(sum(lengths), even_ticks(sum(lengths), 12), seed)
        return joined([one(x, even_ticks(x, 6), seed + 100 * n) for n, x in enumerate(lengths)])

    whole = LEARNT + HELD
    train, test = part(lengths[:whole], 1), part(lengths[whole:], 2)
    learnt = sum(lengths[:LEARNT])
    if poison == "learnt":
        train = other(train, 0, learnt)
    if poison == "held out":
        train = other(train, learnt, train.impressions)
    if poison == "compared":
        test = other(test, 0, test.impressions)
    periods = {"period": LENGTH} if kind == "periods" else {"day_ticks": 6}
    return LogDataset("made", test, train, **periods)


@cache
def practised(kind: str, poison: str = "") -> TrainingSetup:
    """Where that log is learnt, at several prices."""
    return recorded_setup(
        dataset(kind, poison), second_price(), "tick", rounds=6, price_augmentation=0.5
    )


@cache
def seated(kind: str, poison: str = "") -> TrainingSetup:
    """Where a policy takes its seat in a comparison on that log."""
    return setup_of(recorded_scenario(dataset(kind, poison), second_price(), "tick", rounds=6))


def day(number: int, poison: Callable[[int], bool] = lambda number: False) -> Market:
    """A day of a generated market; a poisoned one has other values."""
    sizes = {"impressions": 300, "advertisers": 4, "ticks": 6}
    market = MARKETS["demo"](jax.random.key(0), day=number, **sizes)
    return replace(market, values=market.values**2) if poison(number) else market


@cache
def generated(poisoned: bool = False) -> TrainingSetup:
    """Three days of a generated market, and two that are held out."""

    def poison(number: int) -> bool:
        return poisoned and (0 < number <= HISTORY or number >= HELD_OUT)

    return generated_setup("made", lambda number: day(number, poison), second_price(), days=3)


def contents(task: Task) -> list[np.ndarray]:
    """All numbers of a task, and what every tick sells to a high bid and a low one."""
    game = task.game
    N, D = game.agents, len(game.tick_start) - 1
    sold = np.zeros((2 * D, 13, N))
    asked = np.zeros((2 * D, 4 * N + 3))
    asked[:, : 4 * N] = np.repeat([[0.3], [3.0]], D, axis=0)
    asked[:, N : 2 * N], asked[:, 2 * N : 3 * N], asked[:, 3 * N : 4 * N] = 1e6, 1, 2.0**-30
    asked[:, 4 * N] = np.tile(np.arange(D), 2)
    cast(Any, game.sale).many(asked, None, sold, 0, 2 * D)
    return [*map(np.asarray, jax.tree.leaves(task)), sold]


def equal(one: Any, two: Any) -> bool:
    """Whether two tasks are the same to the bit."""
    pairs = zip(contents(one), contents(two), strict=True)
    return all(x.shape == y.shape and x.tobytes() == y.tobytes() for x, y in pairs)


@pytest.mark.parametrize("kind", LOGS)
@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_nothing_of_a_task_is_of_held_out_or_compared_periods_of_a_log(
    name: str, kind: str
) -> None:
    # An algorithm is a pure function of its task and a key: equal tasks train to equal bits.
    algorithm = algorithm_named(name, ["bid_form=none"] if name == "dcmab-published" else [])
    task = practised(kind).task_for(algorithm)
    assert task.game.periods == 5 * LEARNT
    for poison in ("held out", "compared"):
        assert equal(task, practised(kind, poison).task_for(algorithm)), poison
    assert not equal(task, practised(kind, "learnt").task_for(algorithm))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["attention-critic", "dcmab", "drlb", "maab", "maddpg", "mappo", "uscb-cpa"]
)
def test_a_trained_state_is_the_same_whatever_is_held_out_or_compared(name: str) -> None:
    algorithm = algorithm_named(name, ["num_envs=2"])

    def trained(poison: str) -> list[np.ndarray]:
        state, _ = step(practised("periods", poison).task_for(algorithm))
        return [np.asarray(x) for x in jax.tree.leaves(state)]

    # One program, which has a task's arrays as arguments.
    step = eqx.filter_jit(
        lambda task: algorithm.step(task, algorithm.init(task, jax.random.key(0)))
    )

    plain = trained("")
    for poison in ("held out", "compared"):
        for x, y in zip(plain, trained(poison), strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_nothing_of_a_task_is_of_held_out_or_compared_days_of_a_market(name: str) -> None:
    algorithm = algorithm_named(name, ["bid_form=none"] if name == "dcmab-published" else [])
    assert equal(generated().task_for(algorithm), generated(poisoned=True).task_for(algorithm))


@pytest.mark.parametrize("kind", LOGS)
def test_a_seat_in_a_comparison_knows_nothing_of_what_is_compared(kind: str) -> None:
    for name in ("mappo", "uscb", "attention-critic-segments"):
        algorithm = algorithm_named(name)
        known, again = (seated(kind, poison).task_for(algorithm) for poison in ("", "compared"))
        assert equal(known, again), name


@pytest.mark.parametrize("kind", LOGS)
def test_the_log_of_rivals_and_of_the_judges_neighbour_is_of_the_learnt_periods(kind: str) -> None:
    plain, held = practised(kind), practised(kind, "held out")
    np.testing.assert_array_equal(plain.log.values, held.log.values)
    np.testing.assert_array_equal(plain.log.prices, held.log.prices)
    np.testing.assert_array_equal(plain.log.history.counts, held.log.history.counts)
    lengths = [LENGTH] * LEARNT if kind == "periods" else DAYS[:LEARNT]
    assert len(plain.log.values) == sum(lengths)
    assert not np.array_equal(plain.held_out[0].values, held.held_out[0].values)


def test_days_of_a_market_are_of_one_set_only() -> None:
    asked: list[int] = []

    def told(number: int) -> Market:
        asked.append(number)
        return day(number)

    generated_setup("made", told, gsp(), days=3, held_out=2)
    practised, asked[:] = list(asked), []
    scenario = generated_scenario("made", told, gsp())
    for seed in (0, 12, HISTORY - 1):
        scenario.market(seed)
    assert len(set(practised)) == 5
    assert not set(practised) & set(asked[1:])
    with pytest.raises(InputError, match="seed 10000"):
        scenario.market(HISTORY)
    with pytest.raises(InputError, match="10001 days"):
        generated_setup("made", told, gsp(), days=HISTORY + 1)


@pytest.mark.parametrize("kind", LOGS)
def test_a_log_with_nothing_to_hold_out_is_refused(kind: str) -> None:
    log = dataset(kind)
    assert log.train is not None
    short = replace(log, train=one(LENGTH, even_ticks(LENGTH, 6), 1))
    unit = "1 days" if kind == "days" else "1 periods of 60 impressions"
    with pytest.raises(InputError, match=f"{unit}.*at least two"):
        recorded_setup(short, second_price(), "tick")


@pytest.mark.parametrize("kind", LOGS)
def test_a_log_whose_advertisers_meet_is_refused(kind: str) -> None:
    log = dataset(kind)
    met = replace(log, test=replace(log.test, market_price=None))
    with pytest.raises(InputError, match="equibid fit"):
        recorded_setup(met, second_price(), "tick")


def swapped(setup: TrainingSetup) -> TrainingSetup:
    """The same periods to learn on, the last one first."""
    return replace(setup, train=setup.train[::-1])


def test_swapped_days_make_no_other_statistics() -> None:
    setup = generated()
    algorithm = algorithm_named("dcmab")
    first, second = (one.task_for(algorithm) for one in (setup, swapped(setup)))
    np.testing.assert_allclose(first.overlap, second.overlap, rtol=1e-12)
    np.testing.assert_array_equal(tick_groups(first, 3), tick_groups(second, 3))
    # The days differ enough for one of them alone to tell.
    alone = replace(setup, train=setup.train[:1]).task_for(algorithm)
    assert not np.allclose(first.overlap, alone.overlap, rtol=1e-3)


def test_the_start_that_keeps_a_target_is_found_on_all_periods() -> None:
    setup = practised("periods")
    uscb = replace(algorithm_named("uscb-cpa"), env_mode="market")
    assert isinstance(uscb, Uscb)
    first, second = (
        start_and_best(uscb, one.task_for(uscb), jax.random.key(0))
        for one in (setup, swapped(setup))
    )
    for x, y in zip(first, second, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)
