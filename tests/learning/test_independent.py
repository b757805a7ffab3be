"""Independent learners: critics that see one agent, and every structure in a market of several."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions.ranked import second_price
from equibid.bidders.training import training_log
from equibid.envs.setup import TrainingSetup
from equibid.learning.algorithm import Algorithm, algorithm_named
from equibid.learning.algorithms import independent
from equibid.learning.algorithms.maddpg.algorithm import Maddpg
from equibid.learning.algorithms.mappo.algorithm import Mappo
from equibid.learning.networks.central_value import CentralValue
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from learning.filled import filled
from learning.stationary import hindsight, stationary_practice

N = 4


def company(seed: int) -> Market:
    """Two companies of two campaigns, which meet each other and an outside price."""
    random = np.random.default_rng(seed)
    prices, values = 0.5 * random.random(300), random.random((300, N))
    campaigns = Campaigns(
        jnp.asarray([4.0, 5.0, 6.0, 7.0]), jnp.ones(N), jnp.asarray([0, 1, 0, 1], jnp.int32)
    )
    return Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(300, 3),
        campaigns=campaigns,
        market_price=jnp.asarray(prices),
        labels=Labels("company"),
    )


@cache
def setup() -> TrainingSetup:
    days = [company(seed) for seed in range(3)]
    # A log of its own prices is enough here; nobody is judged against it.
    return TrainingSetup(
        "company", training_log(days[0], second_price()), days[:2], days[2:], second_price(), "tick"
    )


@pytest.mark.parametrize("name", ["ippo", "iddpg"])
def test_critics_see_their_own_agent_alone(name: str) -> None:
    algorithm = algorithm_named(name)
    assert isinstance(algorithm, Mappo | Maddpg) and name in independent.ALGORITHMS
    task = setup().task_for(algorithm)
    state = filled(lambda: algorithm.init(task, jax.random.key(1)).learner)
    teams, here = np.arange(N), np.ones(N, bool)
    action = np.zeros((N, 1), np.float32)

    def values(seen: jax.Array) -> jax.Array:
        if isinstance(state.critic, CentralValue):
            return state.critic(seen, here, jnp.asarray(teams))
        return state.critic(seen, action, action, here, jnp.asarray(teams))

    seen = np.random.default_rng(0).normal(size=(N, task.game.features)).astype(np.float32)
    felt = np.abs(np.asarray(jax.jit(jax.jacobian(values))(seen))).sum(axis=-1)
    assert (felt[~np.eye(N, dtype=bool)] == 0).all()
    assert (np.diag(felt) > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("sharing", ["shared", "separate", "team"])
@pytest.mark.parametrize("name", ["mappo", "maddpg"])
def test_companies_learn_with_messages_and_any_sharing(name: str, sharing: str) -> None:
    settings = ["structure=teams:category", "message_size=2", "hidden_sizes=8,8", "num_envs=2"]
    algorithm: Algorithm = algorithm_named(name, [*settings, f"parameter_sharing={sharing}"])
    market = setup()
    task = market.task_for(algorithm)
    # The task is an argument, so that categories are known only while the program runs.
    state = jax.jit(algorithm.init)(task, jax.random.key(0))
    before = jax.tree.map(lambda x: (x.shape, x.dtype), state)
    step = jax.jit(algorithm.step)
    state, _ = step(task, state)
    state, told = step(task, state)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), state) == before
    assert all(np.isfinite(x) for x in told.values())
    assert market.judge(algorithm.policy(task, state))["value"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ippo", "iddpg"])
def test_a_single_agent_learns_a_stationary_market(name: str) -> None:
    market = stationary_practice(days=4, held_out=2, impressions=2400, ticks=12)
    extra = ["batch_size=256", "actor_learning_rate=3e-4"] if name == "iddpg" else []
    algorithm = algorithm_named(name, ["hidden_sizes=32,32", *extra])
    task = market.task_for(algorithm)
    state, step = algorithm.init(task, jax.random.key(0)), jax.jit(algorithm.step)
    for _ in range(50):
        state, _ = step(task, state)
    assert market.judge(algorithm.policy(task, state))["value"] >= 0.95 * hindsight(market)
