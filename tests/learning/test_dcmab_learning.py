"""What DCMAB learns: slow tests against grids, against DDPG, and the published order."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from equibid.auctions.ranked import second_price
from equibid.bidders.bidder import Bidder
from equibid.bidders.fixed import Fixed
from equibid.bidders.training import training_log
from equibid.envs.problem import Task
from equibid.envs.rewards import Value
from equibid.envs.setup import TrainingSetup
from equibid.learning.algorithms.dcmab.algorithm import DCMAB
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from learning.stationary import stationary_practice

SEEDS, K = 5, 400


def starting_at(task: Task, factor: Array) -> Task:
    """The same task with another base bid."""
    reference = task.reference._replace(factor=factor)
    return replace(task, reference=reference, game=replace(task.game, start_factor=factor))


def trained(algorithm: DCMAB, task: Task, steps: int, seeds: int) -> list[Bidder]:
    """Policies of several seeds, learnt in one program."""
    keys = jax.random.split(jax.random.key(0), seeds)
    state = jax.jit(jax.vmap(partial(algorithm.init, task)))(keys)
    step = jax.jit(jax.vmap(partial(algorithm.step, task)))
    for _ in range(steps):
        state, _ = step(state)
    each = [jax.tree.map(lambda x, seed=seed: x[seed], state) for seed in range(seeds)]
    return [algorithm.policy(task, one) for one in each]


@pytest.mark.slow
def test_one_cluster_finds_the_factor_that_spends_the_budget() -> None:
    """From a start of six tenths of it, against a grid of constant actions."""
    setup = stationary_practice(impressions=2400, ticks=12)
    task = setup.task(Value(), observer="traits")
    low = 0.6 * task.reference.factor
    algorithm = DCMAB(num_clusters=1, num_tick_groups=1, bid_form="none", num_envs=8)
    (policy,) = trained(algorithm, starting_at(task, low), 100, seeds=1)
    grid = np.arange(-0.8, 0.91, 0.1)
    bought = [setup.judge(Fixed(low * (1 + a)))["value"] for a in grid]
    got = setup.judge(policy)
    assert got["value"] > 0.96 * max(bought)
    assert got["spend"] > 0.95
    assert setup.judge(Fixed(low))["value"] < 0.9 * max(bought)


def priced(values: np.ndarray, prices: np.ndarray, budget: list[float]) -> Market:
    """Two advertisers and a price from outside, in four ticks."""
    campaigns = Campaigns(jnp.asarray(budget), jnp.ones(2), jnp.zeros(2, jnp.int32))
    return Market(
        jnp.asarray(values),
        even_ticks(len(values), 4),
        campaigns,
        market_price=jnp.asarray(prices),
        labels=Labels("two"),
    )


def setup_of(day) -> TrainingSetup:
    days = [day(number) for number in range(6)]
    return TrainingSetup(
        "two", training_log(day(99), second_price()), days[:4], days[4:], second_price(), "tick"
    )


def apart(seed: int) -> Market:
    """Each has impressions of its own, worth more in the second half of the day."""
    random = np.random.default_rng(seed)
    values = random.uniform(0.5, 1, (K, 2)) * (np.arange(K)[:, None] % 2 == np.arange(2))
    values *= np.where(np.arange(K) < K // 2, 0.5, 1)[:, None]
    return priced(values, random.uniform(0.1, 0.6, K), [20.0, 10.0])


@pytest.mark.slow
def test_without_rivals_a_joint_critic_earns_what_ddpg_earns() -> None:
    setup = setup_of(apart)
    task = setup.task(Value(), observer="traits")
    task = starting_at(task, 2 * task.reference.factor)
    value = {}
    for critic in ("joint", "own"):
        algorithm = replace(SMALL, critic_sees=critic)
        policies = trained(algorithm, task, 60, seeds=3)
        value[critic] = np.mean([setup.judge(policy)["value"] for policy in policies])
    assert value["joint"] == pytest.approx(value["own"], rel=0.03)
    # That is no tie of two that learnt nothing.
    start = setup.judge(Fixed(task.reference.factor))["value"]
    assert min(value.values()) > 1.1 * start


def turns(seed: int) -> Market:
    """Quarters of a day in which one and the other are worth more by a half, all three times as
    much in the second half of it; prices from outside do not change, and one is richer."""
    random = np.random.default_rng(seed)
    quarter = np.arange(K) * 4 // K
    values = random.uniform(0.25, 0.75, (K, 2))
    values[np.arange(K), quarter % 2] += 0.5
    values *= np.where(quarter < 2, 1 / 3, 1.0)[:, None]
    return priced(values, random.uniform(0.1, 0.4, K), [60.0, 20.0])


# Actions that answer to one quarter of the day each. More noise than by default, for longer, and a
# stronger hold on the actors, without which a team often settles too soon.
SMALL = DCMAB(
    num_clusters=2,
    num_tick_groups=4,
    bid_form="none",
    decision_ticks=1,
    shaping=False,
    num_envs=8,
    actor_hidden_size=64,
    critic_hidden_size=64,
    actor_learning_rate=1e-3,
    critic_learning_rate=3e-3,
    noise_std=(0.5, 0.05),
    anneal_episodes=600,
    action_l2=1e-2,
)


@pytest.mark.slow
def test_bandits_earn_less_than_the_selfish_and_those_no_more_than_a_team() -> None:
    """The published order of total revenue, bandit < self-interest <= coordination, of five seeds.

    A bandit spends while all is cheap in worth. The selfish save, but the richer takes what is
    worth more to the other.
    """
    setup = setup_of(turns)
    task = starting_at(setup.task(Value(), observer="traits"), jnp.ones(2))
    kinds = {
        "bandit": replace(SMALL, gamma=0.0),
        "self": SMALL,
        "coord": replace(SMALL, reward_sharing="coord"),
    }
    total = {
        name: np.asarray([setup.judge(x)["value"] for x in trained(kind, task, 120, SEEDS)])
        for name, kind in kinds.items()
    }

    assert total["bandit"].max() < total["self"].min()
    assert total["bandit"].mean() < 0.9 * total["self"].mean()
    assert total["self"].mean() <= total["coord"].mean()
