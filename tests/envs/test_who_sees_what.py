"""A bid depends on what is its agent's own, and on what everybody knows: on nothing else.

What others have is moved in one step: their values, budgets, targets, money left, and all that the
tick before told of them. What they bid reaches an agent through prices only, which it is told of
its own auctions.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import gsp
from equibid.auctions.ranked import second_price
from equibid.auctions.tally import FIELDS, Tally
from equibid.bidders.bidder import Arriving, Bidder, Observation
from equibid.bidders.fixed import Fixed
from equibid.bidders.population import Population
from equibid.bidders.registry import BIDDERS
from equibid.bidders.training import training_log
from equibid.envs.observers import OBSERVERS, observer_named
from equibid.envs.periods import generated_setup, recorded_setup
from equibid.envs.problem import planned, reference_of
from equibid.envs.rewards import reward_named
from equibid.learning.algorithm import ALGORITHMS, algorithm_named
from equibid.logs.dataset import LogDataset
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Labels, Market, even_ticks, joined
from equibid.simulation.blocks import observe
from equibid.simulation.features import Reference
from equibid.simulation.scenario import day_before, recorded_scenario

N, T, K = 4, 6, 300
# Learners whose agents read what others have although one bidder drives them all, and why.
SHARING = {
    "dcmab": "the books are those of all advertisers that the bidder drives, as published",
    "dcmab-coord": "as dcmab",
    "dcmab-published": "as dcmab",
    "mappo cooperative": "mates of a team tell each other what they see, as asked for",
    "maddpg cooperative": "as mappo cooperative",
}
TALKING = ("structure=cooperative", "message_size=2")
LEARNERS = [*ALGORITHMS, "mappo cooperative", "maddpg cooperative"]


def day(number: int) -> Market:
    sizes = {"impressions": K, "advertisers": N, "ticks": T}
    return MARKETS["demo"](jax.random.key(0), day=number, **sizes)


@cache
def setup():
    return generated_setup("made", day, gsp(), days=1, held_out=1)


def told(seed: int) -> tuple[Campaigns, Observation, Tally, jax.Array]:
    """What an agent may be told: campaigns, what it sees, sums of a tick, values; by a seed.

    All is about as a day brings it, so that no feature, action or bid is cut off.
    """
    random = np.random.default_rng(seed)

    def about(x: Any) -> jax.Array:
        return jnp.asarray(x) * jnp.asarray(random.uniform(0.8, 1.25, N))

    usual, plan = setup().train[0].campaigns, setup().day_before
    campaigns = Campaigns(about(usual.budget), about(usual.target_cpa), usual.category)
    tick, ticks, before, all_ = (jnp.asarray(x) for x in (2, T, K // 3, K))
    arriving = Arriving(about(plan.offered), about(plan.offered * plan.mean_value))
    left = about(0.6 * usual.budget)
    observation = Observation(tick, ticks, before, all_, left, arriving)
    value = plan.offered * plan.mean_value
    sums = {name: about(plan.offered / 2) for name in FIELDS} | {
        "value_offered": about(value),
        "bid": about(value * plan.factor),
        "market_price": about(value * plan.factor),
        "spend": about(usual.budget / (2 * T)),
        "value": about(setup().best / (2 * T)),
    }
    return campaigns, observation, Tally(**sums), jnp.stack([about(plan.mean_value)] * 3)


def mixed(mine: np.ndarray, own: Any, others: Any) -> Any:
    """The first where it is mine, the second elsewhere; along the last axis of N."""

    def choose(x: Any, y: Any) -> jax.Array:
        x, y = jnp.asarray(x), jnp.asarray(y)
        return jnp.where(mine, x, y) if x.ndim and x.shape[-1] == N else x

    return jax.tree.map(choose, own, others)


def tuned(seed: int) -> Reference:
    """A day before, by a seed."""
    log = day_before(day(0), gsp())
    if seed:
        random = np.random.default_rng(seed)
        log = replace(log, values=log.values * jnp.asarray(random.uniform(0.5, 2, N)))
    return planned(reference_of(log), log, 3)


@pytest.mark.parametrize("name", list(OBSERVERS))
def test_an_observer_shows_an_agent_its_own_alone(name: str) -> None:
    one, two = told(1), told(2)
    known, moved = tuned(0), tuned(3)

    def row(mine: np.ndarray) -> np.ndarray:
        campaigns, now, sums, _ = mixed(mine, one, two)
        reference = mixed(mine, known._replace(plan=None), moved._replace(plan=None))
        observer = observer_named(name, campaigns, reference._replace(plan=known.plan))
        memory = observer.update(observer.init(campaigns), sums)
        return np.asarray(observer.observe(memory, now))

    everybody = row(np.ones(N, bool))
    for agent in range(N):
        alone = row(np.arange(N) == agent)
        np.testing.assert_array_equal(alone[agent], everybody[agent])
    if name != "uscb":
        assert not np.array_equal(row(np.zeros(N, bool)), everybody)


@cache
def learnt(name: str) -> Bidder:
    """The bidder of a run whose networks answer at random, not by rote."""
    first, _, talks = name.partition(" ")
    algorithm = algorithm_named(first, TALKING if talks else ())
    # The predictor of equilibrium factors learns in auctions of one slot alone.
    auction = second_price() if first == "ncb-predictor" else setup().auction
    task = replace(setup(), auction=auction).task_for(algorithm)
    bidder = algorithm.policy(task, algorithm.init(task, jax.random.key(0)))
    random = np.random.default_rng(5)

    def stirred(x: Any) -> Any:
        if not jnp.issubdtype(x.dtype, jnp.floating):
            return x
        # Small enough for no head to cut an answer off: all that is read shows in bids.
        scale = 0.25 / max(x.shape[-1:], default=1) ** 0.5
        return jnp.asarray(np.asarray(x) + random.normal(0, scale, x.shape), x.dtype)

    network = "actors" if hasattr(bidder, "actors") else "network"
    return replace(bidder, **{network: jax.tree.map(stirred, getattr(bidder, network))})


def bids(population: Population, mine: np.ndarray) -> np.ndarray:
    """What a population bids in the tick after the one it was told of."""
    campaigns, now, sums, values = mixed(mine, told(1), told(2))
    states = population.init(campaigns)
    for _ in range(T):
        states = population.update(states, sums)
    return np.asarray(population.bid(states, now, values, jax.random.key(0), jnp.asarray(0)))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_reads_nothing_of_other_bidders_seats(name: str) -> None:
    # Of the four agents, a team in some structures, two are driven by another bidder.
    mine = np.asarray([True, False, True, False])
    seat = jnp.asarray(np.where(mine, 0, 1), jnp.int32)
    population = Population((learnt(name), Fixed(jnp.ones(N))), seat)
    before, after = bids(population, np.ones(N, bool)), bids(population, mine)
    np.testing.assert_array_equal(before[:, mine], after[:, mine])
    assert not np.array_equal(bids(population, ~mine)[:, mine], before[:, mine])


@pytest.mark.parametrize("name", LEARNERS)
def test_an_agent_reads_nothing_of_the_others_that_its_bidder_drives(name: str) -> None:
    population = Population((learnt(name),), jnp.zeros(N, jnp.int32))
    before = bids(population, np.ones(N, bool))
    alike = all(
        np.array_equal(bids(population, np.arange(N) == agent)[:, agent], before[:, agent])
        for agent in range(N)
    )
    assert alike == (name not in SHARING)


@pytest.mark.parametrize("name", list(BIDDERS))
def test_a_classic_bidder_reads_nothing_of_others(name: str) -> None:
    market = replace(day(0), market_price=jnp.linspace(0.1, 2, K))
    bidder = BIDDERS[name](training_log(market, second_price()))
    mine = np.arange(N) == 2
    population = Population((bidder,), jnp.zeros(N, jnp.int32))
    before, after = bids(population, np.ones(N, bool)), bids(population, mine)
    np.testing.assert_array_equal(before[:, mine], after[:, mine])


def test_a_mate_that_is_out_of_the_market_is_silent() -> None:
    bidder: Any = learnt("mappo cooperative")
    _, now, _, _ = told(1)
    seen = bidder.observer.observe(bidder.observer.init(told(1)[0]), now)

    def heard(present: list[bool], other: float = 0.0) -> np.ndarray:
        acting = replace(now, present=jnp.asarray(present)).acting
        return np.asarray(bidder.network(seen.at[3].add(other), acting))[0]

    assert not np.array_equal(heard([True] * 4), heard([True] * 4, 1.0))
    np.testing.assert_array_equal(
        heard([True, True, True, False]), heard([True, True, True, False], 1.0)
    )


DAYS = (50, 70, 40, 80, 60, 90, 30, 60, 55, 65)


def days_of_a_log() -> LogDataset:
    """Ten days of other lengths, the first five of them to learn on."""

    def one(impressions: int) -> Market:
        random = np.random.default_rng(impressions)
        return Market(
            values=jnp.asarray(random.random((impressions, 1))),
            tick_start=even_ticks(impressions, T),
            campaigns=Campaigns(jnp.asarray([8.0]), jnp.ones(1), jnp.zeros(1, jnp.int32)),
            market_price=jnp.asarray(random.random(impressions)),
            labels=Labels("made"),
        )

    train, test = (joined([one(x) for x in part]) for part in (DAYS[:5], DAYS[5:]))
    return LogDataset("made", test, train, day_ticks=T)


def test_how_many_impressions_a_day_has_is_expected_and_not_known() -> None:
    dataset = days_of_a_log()
    scenario = recorded_scenario(dataset, second_price(), "tick")
    learning = recorded_setup(dataset, second_price(), "tick")
    for market, usual in (
        *((scenario.market(number), np.mean(DAYS[:5])) for number in range(5)),
        *((market, np.mean(DAYS[:4])) for market in (*learning.train, *learning.held_out)),
    ):
        start, money = np.asarray(market.tick_start), market.campaigns.budget
        for tick in range(T):
            at = (market, jnp.asarray(tick), jnp.asarray(start[tick]), money)
            seen = observe(*at)
            assert int(seen.impressions_left) == pytest.approx(usual * (T - tick) / T, abs=1)
        late = observe(market, jnp.asarray(T - 1), jnp.asarray(market.impressions - 1), money)
        assert int(late.impressions_left) <= usual / T + 1
    # Games show the same, day by day and on the log alone.
    for world in ("market", "log"):
        game = learning.task(reward_named("value"), observer="pace", env_mode=world).game
        for period in range(game.periods):
            seen = game.observation(game.reset(jax.random.key(0), period))
            assert int(seen.impressions_left) == np.mean(DAYS[:4])
