"""Attention-critic coordinated bidding: its losses against their formulas, and what it learns."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from equibid.auctions.ranked import second_price
from equibid.bidders import BIDDERS
from equibid.bidders.bidder import Bidder, FactorBidder, Observation
from equibid.bidders.fixed import Fixed
from equibid.bidders.population import Population
from equibid.bidders.training import training_log
from equibid.bidders.value_table import value_table
from equibid.envs.problem import Task
from equibid.envs.rewards import CpaScore, reward_named
from equibid.envs.setup import TrainingSetup
from equibid.errors import InputError
from equibid.learning.algorithm import algorithm_named
from equibid.learning.algorithms.attention_critic.algorithm import (
    AttentionCriticBidding,
    AttentionCriticState,
)
from equibid.learning.algorithms.attention_critic.competition import cooperation
from equibid.learning.algorithms.attention_critic.losses import (
    Batch,
    actor_loss,
    critic_loss,
    targets,
)
from equibid.learning.algorithms.attention_critic.replay import Transition, both, draw
from equibid.learning.algorithms.attention_critic.temperature import relative_index, temperatures
from equibid.learning.losses.targets import huber
from equibid.learning.networks.attention import AttentionCritic, attention_critic
from equibid.learning.networks.mlp import Policies, mlp, policies
from equibid.learning.replay.buffer import add, replay
from equibid.markets.market import Campaigns, Market, even_ticks
from equibid.simulation.scenario import day_before
from learning.stationary import hindsight, stationary_practice

B, N, F = 5, 4, 3
OVERLAP = jnp.ones((N, N))
SPREAD = jnp.array([0.3, 2.0])
PRESENT = jnp.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 0]], bool)
LEARNS = jnp.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0]], bool)


def make(key: Array) -> tuple[AttentionCritic, Policies]:
    critic = attention_critic(key, F, 1, width=8, heads=2, residual_blocks=0)
    return critic, policies(key, lambda key: mlp(key, [F, 8, 1]), None)


@cache
def networks() -> tuple[AttentionCritic, Policies]:
    """Of random weights, without compiling how they are drawn."""
    random = np.random.default_rng(0)
    shapes = jax.eval_shape(make, jax.random.key(0))
    return jax.tree.map(lambda x: jnp.asarray(0.5 * random.normal(size=x.shape), x.dtype), shapes)


def a_batch(**changes: Array) -> Batch:
    """Random steps of which the second is the last of its period, with changes."""
    random = np.random.default_rng(7)

    def normal(*shape: int) -> Array:
        return jnp.asarray(random.normal(size=shape), jnp.float32)

    batch = Batch(
        observation=normal(B, N, F),
        following=normal(B, N, F),
        learns=LEARNS,
        present=PRESENT,
        # The second step is the last of its period.
        staying=PRESENT & (jnp.arange(N) != 2) & (jnp.arange(B) != 1)[:, None],
        action=normal(B, N, 1),
        reward=normal(B, N, 2),
        returns=normal(B, N, 2),
        cooperation=jax.nn.sigmoid(normal(B, N)),
        weight=jax.nn.sigmoid(normal(B)),
        fresh=jnp.arange(B) < 3,
    )
    return batch._replace(**changes)


def test_hybrid_targets() -> None:
    """η = 0 is TD, η = 1 the return where it is fresh; whoever has no money expects the team's."""
    critic, actor = networks()
    batch, still = a_batch(), jnp.zeros((B, N, 1))
    own = batch.staying
    action = jnp.where(own[..., None], actor(batch.following), 0)
    after = jax.jit(lambda: critic(batch.following, action, batch.staying))()
    # In the fourth step too the last agent leaves.
    goes_on = jnp.array([True, False, True, False, True])
    team = jnp.broadcast_to(goes_on[:, None], own.shape)
    td = batch.reward + jnp.stack([own, team], -1) * after
    fit_to = jax.jit(targets)
    got = [np.asarray(fit_to(actor, (critic,), batch, still, x, OVERLAP)) for x in (0.0, 1.0, 0.3)]
    np.testing.assert_allclose(got[0], td, rtol=1e-5)
    np.testing.assert_array_equal(got[1][:3], batch.returns[:3])
    np.testing.assert_allclose(got[1][3:], td[3:], rtol=1e-5)
    np.testing.assert_allclose(got[2][:3], 0.7 * td[:3] + 0.3 * batch.returns[:3], rtol=1e-4)
    twins = fit_to(actor, (critic, critic), batch, still, 0.0, OVERLAP)
    np.testing.assert_allclose(twins, got[0], rtol=1e-5)


def test_critic_loss_by_hand() -> None:
    """Two agents' own values and three agents' team values count in the third step, over 3."""
    critic, _ = networks()
    batch, y = a_batch(), jnp.ones((B, N, 2))
    q = jax.jit(critic.__call__)(batch.observation, batch.action, batch.present)
    off = jnp.where(jnp.stack([PRESENT, LEARNS], -1), q - y, 0)
    agents = LEARNS.sum(axis=1)
    assert agents.tolist() == [4, 4, 3, 2, 3]
    fitted = jax.jit(lambda: critic_loss((critic,), batch, y, None, OVERLAP))
    loss, (error, first) = fitted()
    each = batch.weight * huber(off).sum((1, 2)) / (2 * agents)
    np.testing.assert_allclose(loss, each.mean(), rtol=1e-5)
    np.testing.assert_allclose(error, jnp.abs(off).sum((1, 2)) / (2 * agents), rtol=1e-5)
    np.testing.assert_allclose(first, q, rtol=1e-4, atol=1e-6)


@jax.jit
def own_gradients(critic: AttentionCritic, batch: Batch, action: Array, kappa: Array) -> Array:
    """∂U_i/∂a_i, agent by agent, all others' actions constants."""

    def aim(own: Array, i: int) -> Array:
        q = critic(batch.observation, action.at[:, i, 0].set(own), batch.present)[:, i] / SPREAD
        return ((1 - kappa[:, i]) * q[:, 0] + kappa[:, i] * q[:, 1]).sum()

    return jnp.stack([jax.grad(aim)(action[:, i, 0], i) for i in range(N)], axis=1)


@jax.jit
def led_by(
    critic: AttentionCritic, batch: Batch, action: Array, restraint: float | Array = 0.0
) -> Array:
    """Gradient of the actor loss in the actions themselves."""

    def loss(action: Array) -> Array:
        def actor(_: Array) -> Array:
            return action

        return actor_loss(actor, critic, batch, SPREAD, None, OVERLAP, restraint)[0]  # type: ignore[arg-type]

    return jax.grad(loss)(action)[..., 0]


def test_nobody_is_led_by_the_gain_of_another() -> None:
    """The loss's gradient in a_j is that of U_j alone; of U_i, i ≠ j, nothing is in it."""
    critic, actor = networks()
    batch = a_batch()
    action = actor(batch.observation)
    alone = own_gradients(critic, batch, action, batch.cooperation)
    expected = jnp.where(batch.present, -batch.weight[:, None] * alone, 0) / batch.present.sum()
    got = led_by(critic, batch, action)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-7)

    def together(action: Array) -> Array:
        return jnp.where(PRESENT, critic(batch.observation, action, PRESENT)[..., 0], 0).sum()

    naive = jax.jit(jax.grad(together))(action)[..., 0]
    own = own_gradients(critic, batch, action, jnp.zeros((B, N))) * SPREAD[0]
    assert np.abs(np.where(PRESENT, naive - own, 0)).max() > 1e-3


@pytest.mark.parametrize(("temperature", "head"), [(np.inf, 0), (0.0, 1)])
def test_limits_of_the_temperature(temperature: float, head: int) -> None:
    """Infinite: each actor follows a critic of its own return; zero: the team's."""
    critic, actor = networks()
    batch = a_batch(cooperation=jnp.full((B, N), cooperation(temperature), jnp.float32))

    def follow(actor: Policies) -> Array:
        action = actor(batch.observation)
        others = jax.lax.stop_gradient(action)
        q = critic(batch.observation, action, batch.present, others=others)[..., head]
        return (
            -jnp.where(PRESENT, batch.weight[:, None] * q, 0).sum() / PRESENT.sum() / SPREAD[head]
        )

    got = jax.grad(lambda a: actor_loss(a, critic, batch, SPREAD, None, OVERLAP, 0.0)[0])(actor)
    for one, two in zip(
        jax.tree.leaves(got), jax.tree.leaves(jax.grad(follow)(actor)), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-7)


def test_the_absent_neither_learn_nor_count() -> None:
    critic, actor = networks()
    batch = a_batch()
    action = actor(batch.observation)
    absent = ~batch.present
    assert (np.asarray(led_by(critic, batch, action, restraint=0.1))[absent] == 0).all()
    # What the absent saw and did changes neither what the present are led by nor their values.
    strange = batch._replace(
        observation=jnp.where(absent[..., None], 9.0, batch.observation),
        action=jnp.where(absent[..., None], -9.0, batch.action),
    )
    np.testing.assert_allclose(
        led_by(critic, strange, jnp.where(absent[..., None], 5.0, action)),
        led_by(critic, batch, action),
        rtol=1e-5,
        atol=1e-8,
    )
    value = jax.jit(critic.__call__)
    q = [value(x.observation, x.action, x.present) for x in (batch, strange)]
    np.testing.assert_allclose(
        np.asarray(q[1])[batch.present], np.asarray(q[0])[batch.present], rtol=1e-5
    )


def kept(T: int, seed: int) -> Transition:
    """One random episode of four agents."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        return jnp.asarray(random.normal(size=(1, *shape)), jnp.float32)

    here = jnp.asarray(random.random((1, T + 1, N)) < 0.7)
    both_ways = normal(T, N, 2), normal(T, N, 2)
    return Transition(normal(T + 1, N, F), here, normal(T, N, 1), *both_ways, normal(T, N))


def test_steps_are_drawn_with_what_follows_and_returns_are_fresh_for_a_while() -> None:
    """Two episodes, the second an iteration later: its returns are eight actor steps younger."""
    T, old, young = 3, kept(3, 0), kept(3, 1)
    memory = add(add(replay(jax.tree.map(lambda x: x[0], old), 4, T), old), young)
    run = jax.jit(draw, static_argnums=0)
    settings = AttentionCriticBidding(batch_size=64, num_updates=8, max_return_age=10)
    for done, ages in ((0, (1, 1)), (2, (0, 1)), (10, (0, 0))):
        at, batch = run(settings, memory, jax.random.key(done), jnp.float32(0.4), jnp.asarray(done))
        e, t = np.asarray(at.episode), np.asarray(at.tick)
        assert {*zip(e.tolist(), t.tolist(), strict=True)} == {
            (i, j) for i in (0, 1) for j in range(T)
        }
        both_seen = np.concatenate([old.observation, young.observation])
        both_here = np.concatenate([old.present, young.present])
        np.testing.assert_array_equal(batch.observation, both_seen[e, t])
        np.testing.assert_array_equal(batch.following, both_seen[e, t + 1])
        np.testing.assert_array_equal(batch.staying, both_here[e, t + 1])
        np.testing.assert_array_equal(batch.learns, both_here[e, 0])
        np.testing.assert_array_equal(batch.fresh, np.asarray(ages, bool)[e])


def test_settings_of_the_temperature_reach_what_is_learned_from() -> None:
    """A team has κ = 1 throughout, the independent 0; by competition it lies between."""
    played: Any = SimpleNamespace(reward=jnp.zeros((2, 4, 2)))
    for name, wanted in (("team", 1.0), ("independent", 0.0), (0.5, np.exp(-0.5))):
        fixed = temperatures(replace(SMALL, temperature=name), small_task(), played, jnp.ones(()))
        np.testing.assert_allclose(cooperation(fixed), np.full((2, 4, 2), wanted))
    learned_from = stepped()[2][0].learner.replay.episodes.cooperation
    assert 0 < float(learned_from.min()) < float(learned_from.max()) < 1


def test_the_index_of_a_period_that_goes_as_planned_stays_at_one() -> None:
    """Money falls with time and prices are as usual, so no step is harder than the first."""
    game, T = small_task().game, small_task().game.steps
    budget = np.asarray(game.campaigns.budget)
    left = (1 - np.arange(T + 1) / T)[None, :, None] * budget
    played: Any = SimpleNamespace(
        tally=SimpleNamespace(
            market_price=jnp.full((1, T, len(budget)), 6.0), offered=jnp.full((1, T, 2), 3.0)
        ),
        present=jnp.ones((1, T + 1, len(budget)), bool),
        remaining=jnp.asarray(left),
    )
    index = relative_index(small_task(), played, jnp.asarray(2.0))
    np.testing.assert_allclose(index, np.ones((1, T)), rtol=1e-6)


def test_the_team_gets_the_weighted_sum() -> None:
    got = both(jnp.array([[1.0, 2.0, 4.0]]), jnp.array([0.5, 0.5, 0.0]))
    np.testing.assert_allclose(got, [[[1.0, 1.5], [2.0, 1.5], [4.0, 1.5]]])


SMALL = AttentionCriticBidding(
    num_envs=2,
    num_updates=2,
    batch_size=8,
    buffer_size=4,
    actor_hidden_sizes=(8,),
    critic_hidden_size=8,
    critic_warmup=1,
    num_heads=2,
)


@cache
def small_task(observer: str = "auction") -> Task:
    """Two advertisers, four ticks of six impressions; the second may run out of money."""
    random = np.random.default_rng(4)
    market = Market(
        values=jnp.asarray(random.random((24, 2))),
        tick_start=even_ticks(24, 4),
        campaigns=Campaigns(jnp.array([3.0, 0.5]), jnp.ones(2), jnp.zeros(2, jnp.int32)),
        market_price=jnp.asarray(0.4 * random.random(24)),
    )
    setup = TrainingSetup(
        "small", stationary_log(market), [market], [market], second_price(), "tick"
    )
    return setup.task(reward_named("value"), observer=observer)


def stationary_log(market: Market):
    return training_log(market, second_price())


@cache
def stepped() -> list[tuple[AttentionCriticState, dict[str, Array]]]:
    """The same state stepped twice, and the state after it."""
    task = small_task()
    step = jax.jit(SMALL.step)
    start = jax.jit(SMALL.init)(task, jax.random.key(5))
    one = step(task, start)
    return [one, step(task, start), step(task, one[0])]


def test_a_step_depends_on_its_state_alone() -> None:
    one, again, then = stepped()
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(x, y)
    assert int(then[0].iteration) == 2
    assert all(np.isfinite(np.asarray(x)).all() for x in jax.tree.leaves(then))
    moved = [
        not np.array_equal(x, y)
        for x, y in zip(
            jax.tree.leaves(one[0].learner.actor),
            jax.tree.leaves(then[0].learner.actor),
            strict=True,
        )
    ]
    # The actor waits for one iteration, then moves.
    start = jax.jit(SMALL.init)(small_task(), jax.random.key(5))
    for x, y in zip(
        jax.tree.leaves(start.learner.actor), jax.tree.leaves(one[0].learner.actor), strict=True
    ):
        np.testing.assert_array_equal(x, y)
    assert any(moved)


def test_what_is_remembered_adds_up() -> None:
    """Shaped rewards sum to the return less the potential of the start, which is one."""
    task, (_, _, (state, told)) = small_task(), stepped()
    kept = state.learner.replay.episodes
    total = np.asarray(kept.reward[..., 0]).sum(axis=1) / SMALL.reward_scale + 1
    np.testing.assert_allclose(total[2:].mean(), float(told["return"]), rtol=1e-5)
    np.testing.assert_allclose(kept.returns[:, 0], kept.reward.sum(axis=1), rtol=1e-4)
    share = np.asarray(task.best) / np.asarray(task.best).sum()
    own, team = np.moveaxis(np.asarray(kept.reward), -1, 0)
    together = np.broadcast_to((own * share).sum(-1, keepdims=True), team.shape)
    np.testing.assert_allclose(team, together, atol=1e-5)
    assert ((np.asarray(kept.cooperation) >= 0) & (np.asarray(kept.cooperation) <= 1)).all()


@pytest.mark.parametrize(
    ("cap", "sharing"), [("factor", "shared"), ("paced", "shared"), ("budget", "separate")]
)
def test_an_untrained_policy_bids_the_reference(cap: str, sharing: str) -> None:
    task, state = small_task(), stepped()[0][0]
    algorithm = replace(SMALL, bid_cap=cap, parameter_sharing=sharing)
    # Of the program only what makes the actors is compiled.
    actor = jax.jit(lambda key: algorithm.init(task, key).learner.actor)(jax.random.key(0))
    bidder = algorithm.policy(task, state._replace(learner=state.learner._replace(actor=actor)))
    assert isinstance(bidder, FactorBidder)
    campaigns = task.game.campaigns
    state = bidder.init(campaigns)

    def factor(share: float) -> np.ndarray:
        now = Observation(
            tick=jnp.asarray(0),
            ticks=jnp.asarray(4),
            impression=jnp.asarray(0),
            impressions=jnp.asarray(24),
            remaining=share * campaigns.budget,
        )
        return np.asarray(bidder.factor(state, now, jax.random.key(0)))

    np.testing.assert_allclose(factor(1.0), task.reference.factor, rtol=0.05)
    money_matters = {"factor": 1.0, "paced": 0.5**2, "budget": 0.5}[cap]
    np.testing.assert_allclose(factor(0.5), money_matters * task.reference.factor, rtol=0.05)


def test_presets_and_refusals() -> None:
    assert algorithm_named("attention-critic-budget-cap") == AttentionCriticBidding(
        bid_cap="budget"
    )
    assert algorithm_named("attention-critic-paced") == AttentionCriticBidding(bid_cap="paced")
    for_targets = algorithm_named("attention-critic-cpa")
    assert isinstance(for_targets, AttentionCriticBidding)
    assert isinstance(reward_named(for_targets.reward), CpaScore)
    published = algorithm_named("attention-critic-published", ["temperature=team"])
    assert isinstance(published, AttentionCriticBidding)
    assert published.batch_size == 1024 and published.temperature == "team"
    assert algorithm_named("attention-critic", ["temperature=0.5"]) == AttentionCriticBidding(
        temperature=0.5
    )
    for wrong in (
        "temperature=inf",
        "temperature=-1",
        "num_updates=0",
        "buffer_size=2",
        "max_multiple=1",
    ):
        with pytest.raises(InputError, match=r"^(?!.*has no setting)"):
            algorithm_named("attention-critic", [wrong])


def trained(
    algorithm: AttentionCriticBidding,
    setup: TrainingSetup,
    iterations: int,
    opponent: Bidder | None = None,
) -> Bidder:
    """A policy; of two agents the second is the opponent's, if there is one."""
    task = setup.task(
        reward_named(algorithm.reward),
        observer=algorithm.observer,
        opponents=() if opponent is None else (opponent,),
        seat=None if opponent is None else jnp.arange(2),
    )
    state = jax.jit(algorithm.init)(task, jax.random.key(1))
    step = jax.jit(algorithm.step, donate_argnums=1)
    for _ in range(iterations):
        state, _ = step(task, state)
    return algorithm.policy(task, state)


@pytest.mark.slow
def test_alone_in_a_steady_market_it_buys_what_hindsight_buys() -> None:
    setup = stationary_practice()
    bidder = trained(AttentionCriticBidding(), setup, 80)
    assert setup.judge(bidder)["value"] >= 0.95 * hindsight(setup)


AUCTIONS, MONEY, LEVELS = 32, 60, 10


def tiny(seed: int, periods: int = 1) -> Market:
    """Impressions of value one at prices uniform on 1 … 10, money for a third of them."""
    K = AUCTIONS * periods
    prices = np.random.default_rng(seed).integers(1, LEVELS + 1, K)
    return Market(
        values=jnp.ones((K, 1)),
        tick_start=even_ticks(K, AUCTIONS),
        campaigns=Campaigns(jnp.array([float(MONEY)]), jnp.ones(1), jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(prices, jnp.float64),
        bid_step=1.0,
    )


def tiny_practice() -> TrainingSetup:
    log = training_log(tiny(0, 100), second_price(), AUCTIONS)
    train, held_out = ([tiny(first + d) for d in range(64)] for first in (100, 1000))
    return TrainingSetup("tiny", log, train, held_out, second_price(), "impression")


@pytest.mark.slow
def test_agrees_with_the_exact_dynamic_program() -> None:
    """One decision an impression: within 5 % of the most that can be expected, and of RLB."""
    setup = tiny_practice()
    pmf = np.append(0.0, np.full(LEVELS, 1 / LEVELS))
    best = float(value_table(pmf, 1.0, AUCTIONS, MONEY)[AUCTIONS, MONEY])
    bidder = trained(AttentionCriticBidding(), setup, 120)
    got = setup.judge(bidder)["value"]
    assert got >= 0.95 * best
    assert got >= 0.95 * setup.judge(BIDDERS["rlb"](setup.log))["value"]


SPECIALISED = AttentionCriticBidding(
    observer="auction-foresight+traits", reward="profit", shaping_coef=0.0, actor_learning_rate=1e-3
)


def two_kinds() -> TrainingSetup:
    """Ticks of two kinds in turn: to each of two agents one kind is worth about 1, one 0.8."""
    kind = np.arange(80) // 10 % 2
    values = np.random.default_rng(0).uniform(0.75, 1.25, (80, 2))
    values *= np.where(kind[:, None] == np.arange(2), 1.0, 0.8)
    market = Market(
        values=jnp.asarray(values),
        tick_start=even_ticks(80, 8),
        campaigns=Campaigns(jnp.array([60.0, 10.0]), jnp.ones(2), jnp.zeros(2, jnp.int32)),
    )
    auction = second_price()
    return TrainingSetup(
        "two kinds", day_before(market, auction), [market], [market], auction, "tick"
    )


@pytest.mark.slow
def test_a_team_comes_apart() -> None:
    """At temperature zero each wins its kind, at next to no price: payments leave the team."""
    setup = two_kinds()
    most = float(np.asarray(setup.train[0].values).max(axis=1).sum())
    start = setup.judge(trained(SPECIALISED, setup, 0))
    assert start["value"] < 0.9 * most
    got = setup.judge(trained(replace(SPECIALISED, temperature="team"), setup, 150))
    assert got["value"] >= 0.95 * most
    assert got["spend"] <= 0.3 * start["spend"]


@pytest.mark.slow
def test_for_itself_an_agent_answers_a_rival_that_paces() -> None:
    """At infinite temperature: no worse than the best constant factor against it."""
    setup, seat = two_kinds(), np.arange(2)
    opponent = BIDDERS["pacing"](setup.log)

    def profit(bidder: Bidder) -> float:
        got = setup.judged(Population((bidder, opponent), jnp.asarray(seat)))
        return got["value"] - 60 * got["spend"]

    constant = [profit(Fixed(jnp.full(2, factor))) for factor in np.linspace(0, 2, 41)]
    independent = replace(SPECIALISED, temperature="independent")
    assert profit(trained(independent, setup, 150, opponent)) >= 0.95 * max(constant)
