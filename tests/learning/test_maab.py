"""MAAB: credit by its laws, bars, mean agents, what money still buys, and what is learnt."""

# Presets and policies are asked for settings that only this algorithm has.
# pyright: reportAttributeAccessIssue=false

from dataclasses import replace
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.auctions.ranked import gsp, second_price
from equibid.bidders.fixed import Fixed
from equibid.bidders.training import training_log
from equibid.envs.periods import generated_setup
from equibid.envs.problem import Task
from equibid.envs.rewards import Tempered, Value
from equibid.envs.setup import TrainingSetup
from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.maab.algorithm import MAAB, State
from equibid.learning.algorithms.maab.credit import Terms, credited, meeting, shared, weights
from equibid.learning.algorithms.maab.groups import pooled
from equibid.learning.algorithms.maab.learner import Learner, init_learner
from equibid.learning.algorithms.maab.replay import (
    Periods,
    draw,
    level_slopes,
    one_period,
    remember,
)
from equibid.learning.losses.potential import (
    elasticity,
    guessed_elasticity,
    no_slopes,
    prospects,
    seen_slopes,
)
from equibid.learning.replay.buffer import add, replay
from equibid.learning.training.rollout import play
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from learning.filled import filled
from learning.stationary import hindsight, stationary_practice

TINY = MAAB(
    num_envs=2, num_updates=2, batch_size=8, buffer_size=4, hidden_size=8, target_update_every=2
)
ONES = jnp.ones((4, 4), jnp.float32)
amounts = st.lists(st.floats(0, 5), min_size=4, max_size=4)
run_credit = jax.jit(credited, static_argnums=0)


@cache
def market() -> TrainingSetup:
    """A small one of four advertisers."""
    sizes = {"impressions": 600, "advertisers": 4, "ticks": 6, "categories": 2}
    return generated_setup(
        "small", lambda day: MARKETS["demo"](jax.random.key(0), day=day, **sizes), gsp(), days=2
    )


@cache
def market_task() -> Task:
    return market().task(Value())


@cache
def after_a_step() -> tuple[State, dict[str, jax.Array]]:
    """Of `TINY`."""
    state = jax.jit(TINY.init)(market_task(), jax.random.key(0))
    return jax.jit(TINY.step)(market_task(), state)


def credit(kind, reward, level, temperature, present=None, meets=ONES) -> np.ndarray:
    """As arrays."""
    here = jnp.ones(4, bool) if present is None else jnp.asarray(present)
    reward, level = (jnp.asarray(x, jnp.float64) for x in (reward, level))
    return np.asarray(run_credit(kind, reward, level, here, meets, temperature))


@given(reward=amounts, level=amounts, seed=st.integers(0, 5))
def test_what_is_won_is_shared_out(reward: list[float], level: list[float], seed: int) -> None:
    overlap = jnp.asarray(np.random.default_rng(seed).random((4, 4)))
    for meets in (ONES, meeting(overlap, local=True)):
        got = credit("tempered", reward, level, 0.7, meets=meets)
        assert got.sum() == pytest.approx(sum(reward), rel=1e-5) and (got >= 0).all()


@given(reward=amounts, level=amounts)
def test_alike_it_is_the_published_rule(reward: list[float], level: list[float]) -> None:
    present = jnp.asarray([True, True, False, True])
    shares = Tempered(2.0).shares(jnp.asarray(level), present)
    got = credit("tempered", reward, level, 2.0, present)
    np.testing.assert_allclose(got, np.asarray(shares) * sum(reward), rtol=1e-5, atol=1e-9)


def test_cold_the_winner_takes_all_and_hot_all_get_alike() -> None:
    reward, level = [0.0, 3.0, 0.0, 0.0], [1.0, 2.0, 1.9, 0.5]
    np.testing.assert_allclose(credit("tempered", reward, level, 1e-6), reward)
    np.testing.assert_array_equal(credit("own", reward, level, 1.0), reward)
    np.testing.assert_allclose(credit("tempered", reward, level, 1e6), [0.75] * 4, rtol=1e-5)
    np.testing.assert_allclose(credit("total", reward, level, 1.0), [0.75] * 4)


def test_locally_strangers_share_nothing_and_the_winner_keeps_half() -> None:
    overlap = jnp.asarray([[1, 0.6, 0.2, 0], [0.6, 1, 0, 0], [0.2, 0, 1, 0], [0, 0, 0, 1.0]])
    meets = meeting(overlap, local=True)
    even = weights(jnp.ones(4), jnp.ones(4, bool), 1.0)
    got = shared(jnp.asarray([1.0, 0, 0, 0]), even, meets)
    np.testing.assert_allclose(got, [0.5, 0.375, 0.125, 0], rtol=1e-6)
    np.testing.assert_allclose(shared(jnp.asarray([0, 0, 0, 2.0]), even, meets), [0, 0, 0, 2])


def test_the_weaker_of_two_competes_below_a_temperature() -> None:
    """One auction, values v1 > v2, bids in 0 … Δ, the stronger at 0 and winning ties: the weaker
    ties for v1 / 2 rather than win iff τ >= Δ / ln(v1 / (2 v2 - v1)), or v1 >= 2 v2."""
    grid, delta = np.linspace(0, 5, 21), 5.0
    taus = np.linspace(0.5, 30, 296)
    meets = jnp.ones((2, 2), jnp.float32)
    levels = jnp.stack([jnp.zeros(21), jnp.asarray(grid)], axis=-1)
    for strong, weak in ((1.0, 0.7), (1.0, 0.9), (1.0, 0.55), (1.0, 0.5)):
        won = jnp.asarray(np.where(grid[:, None] > 0, [0, weak], [strong, 0]))

        @jax.jit
        def best(tau: jax.Array, won: jax.Array = won) -> jax.Array:
            paid = credited("tempered", won, levels, jnp.ones((21, 2), bool), meets, tau)
            return jnp.argmax(paid[:, 1])

        bids = grid[np.asarray([int(best(tau)) for tau in taus])]
        assert set(bids.tolist()) <= {0.0, delta}
        if strong >= 2 * weak:
            assert (bids == 0).all()
            continue
        wanted = delta / np.log(strong / (2 * weak - strong))
        np.testing.assert_array_equal(bids == 0, taus >= wanted)


def steps_of(bar: int, of_bar: bool):
    """Steps of a memory in which all bid level 3 under a bar; chance cannot matter."""
    T, N, F = 3, 2, 1
    blank = one_period(T, N, F)
    period = blank._replace(
        chosen=jnp.full((T, N), 3, jnp.int32),
        bar=jnp.full((T, N), bar, jnp.int32),
        reward=jnp.full((T, N), 0.5, jnp.float32),
        paid=jnp.full((T, N), 0.25, jnp.float32),
        present=jnp.ones((T + 1, N), bool).at[T].set(False),
    )
    memory = add(replay(blank, 2, T), jax.tree.map(lambda x: x[None], period))
    terms = Terms("own", jnp.eye(N), None, None, 1.0)
    return draw(memory, jax.random.key(0), 16, terms, of_bar)


def test_bars_gate_both_rewards() -> None:
    for bar, cleared in ((0, 1), (3, 1), (4, 0)):
        np.testing.assert_array_equal(steps_of(bar, False).reward, 0.5 * cleared)
        np.testing.assert_array_equal(steps_of(bar, True).reward, 0.25 * cleared)
    assert (np.asarray(steps_of(0, False).chosen) == 3).all()
    assert (np.asarray(steps_of(4, True).chosen) == 4).all()
    ends = np.asarray(steps_of(0, False).discount)[:, 0]
    assert set(ends.tolist()) == {0.0, 1.0}


def test_a_bar_of_zero_is_no_bar() -> None:
    """The bidders learn what they learn without bars (MIX-IL), to the bit."""
    task = market_task()
    state = jax.jit(TINY.init)(task, jax.random.key(0))
    free, _ = jax.jit(replace(TINY, bar_agents="none").step)(task, state)
    low, told = jax.jit(replace(TINY, bar_agents="fixed", fixed_bar=0.0).step)(task, state)
    assert float(told["bar/cleared"]) == 1
    jax.tree.map(np.testing.assert_array_equal, free.bidder, low.bidder)


def test_groups_are_averaged() -> None:
    x = jnp.asarray([[1.0, 2.0, 3.0, 10.0]])
    group = jnp.asarray([4, 9, 4, 9])
    np.testing.assert_allclose(pooled(x, group), [[2, 6, 2, 6]])
    here = jnp.asarray([[True, False, False, False]])
    np.testing.assert_allclose(pooled(x, group, here), [[1, 2, 1, 10]])
    np.testing.assert_array_equal(pooled(x, None), x)


def test_members_of_a_mean_agent_bid_its_bid() -> None:
    """One level a group and tick, whatever is drawn; so of equal starts and values equal bids."""
    task = market_task()
    algorithm = replace(TINY, grouping="category", epsilon=(0.5, 0.05))
    state = algorithm.init(task, jax.random.key(0))
    act = partial(algorithm._act, task, state)
    days = jax.jit(lambda task: play(task.game, act, jax.random.key(1), 2))(task)
    chosen, start = np.asarray(days.action), np.asarray(task.game.start_factor)
    category = np.asarray(task.game.campaigns.category)
    for i in range(4):
        for j in range(4):
            if category[i] == category[j]:
                np.testing.assert_array_equal(chosen[:, :, i], chosen[:, :, j])
                ratio = days.factor[:, :, i] * start[j]
                np.testing.assert_allclose(ratio, days.factor[:, :, j] * start[i])
    assert len(np.unique(chosen[..., 0])) > 2


def test_mean_agents_keep_what_they_acted_on_beside_a_rival() -> None:
    """Without chance the level bid is the best for what is kept; an opponent is in no mean."""
    seat = jnp.asarray([0, 0, 1, 0])
    task = market().task(Value(), opponents=[Fixed(jnp.full(4, 0.5))], seat=seat)
    algorithm = replace(TINY, grouping="category", epsilon=(0.0, 0.0))
    network = filled(lambda: init_learner(algorithm, 18, jax.random.key(0)).online)
    learner = Learner(network, network, ())

    @jax.jit
    def kept(task: Task) -> tuple[Periods, jax.Array]:
        state = algorithm.init(task, jax.random.key(0))._replace(bidder=learner)
        days = play(task.game, partial(algorithm._act, task, state), jax.random.key(1), 2)
        made = remember(algorithm, task, state.group, days)
        return made, jnp.argmax(learner.online(made.seen[:, :-1]), axis=-1)

    made, best = kept(task)
    here = np.asarray(made.present[:, :-1])
    assert here[..., [0, 1, 3]].any() and not here[..., 2].any()
    np.testing.assert_array_equal(np.asarray(made.chosen)[here], np.asarray(best)[here])
    category = np.asarray(task.game.campaigns.category)
    assert (category[[0, 1, 3]] == category[2]).any()


def test_what_money_buys_is_linear_in_money_and_time_together() -> None:
    money = jnp.asarray([[0.5, 1.0, 0.0, 0.3]])
    e = jnp.asarray([0.5, 0.3, 0.4, 0.25])
    whole = prospects(money, jnp.asarray([1.0]), e)
    np.testing.assert_allclose(prospects(money / 2, jnp.asarray([0.5]), e), whole / 2)
    np.testing.assert_allclose(whole[0, :3], [0.5**0.5, 1, 0])
    np.testing.assert_array_equal(prospects(money, jnp.zeros(1), e), 0)
    slope = jax.grad(lambda m: prospects(m, jnp.asarray([0.6]), e).sum())(jnp.full((1, 4), 0.6))
    np.testing.assert_allclose(slope[0], e)


def test_elasticity_is_a_half_where_prices_are_uniform() -> None:
    task = stationary_practice().task(Value())
    assert float(guessed_elasticity(task)[0]) == pytest.approx(0.5, abs=0.02)


def test_elasticity_is_seen_in_what_chance_bought() -> None:
    """Advertisers whose value and spend rise with their level as e says, seen through noise."""
    random = np.random.default_rng(0)
    E, T, e = 200, 24, np.asarray([0.2, 0.35, 0.5])
    level = random.choice(np.linspace(0.5, 1.5, 11), (E, T, 3))
    noise = random.lognormal(0, 0.3, (E, T, 3)) / T
    value, spend = noise * level ** (e / (1 - e)), noise * level ** (1 / (1 - e))
    moves = (jnp.asarray(x) for x in (level, value, spend, np.ones((E, T, 3))))
    got = elasticity(seen_slopes(no_slopes(3), *moves), jnp.full(3, 0.5))
    np.testing.assert_allclose(got, e, atol=0.04)
    # What was not drawn by chance is not counted, and nothing seen leaves the guess.
    moves = (jnp.asarray(x) for x in (level, value, spend, np.zeros((E, T, 3))))
    blind = elasticity(seen_slopes(no_slopes(3), *moves), jnp.full(3, 0.5))
    np.testing.assert_allclose(blind, 0.5)


def test_slopes_are_learnt_from_random_levels_near_the_start_alone() -> None:
    """Of levels of 0, 0.5, 1, 1.5 and 2 times the start the three in the middle are near."""
    settings = replace(TINY, num_actions=5, max_multiple=2.0)
    random = np.random.default_rng(2)
    E, T, N = 40, 6, 3
    chosen = random.integers(0, 5, (E, T, N))
    drawn = random.integers(0, 2, (E, T, N))
    present = random.random((E, T + 1, N)) < 0.8
    reward, spend = random.random((2, E, T, N))
    task: Any = SimpleNamespace(
        best=np.asarray([1.0, 2.0, 4.0]),
        game=SimpleNamespace(campaigns=SimpleNamespace(budget=np.asarray([2.0, 1.0, 0.0]))),
    )
    periods: Any = SimpleNamespace(
        reward=jnp.asarray(reward),
        tally=SimpleNamespace(spend=jnp.asarray(spend)),
        action=np.stack([chosen, chosen, drawn], axis=-1),
    )
    kept: Any = SimpleNamespace(chosen=jnp.asarray(chosen), present=present)
    got = level_slopes(settings, no_slopes(N), task, periods, kept)
    seen = (drawn == 1) & np.isin(chosen, [1, 2, 3]) & present[:, :-1]
    wanted = seen_slopes(
        no_slopes(N),
        jnp.asarray(chosen * 0.5),
        jnp.asarray(reward / [1, 2, 4]),
        jnp.asarray(spend / [2, 1, 1]),
        jnp.asarray(seen),
    )
    jax.tree.map(np.testing.assert_allclose, got, wanted)
    # Who was there in the last tick counts, and who is there after it does not matter.
    kept.present = np.concatenate([present[:, :-1], ~present[:, -1:]], axis=1)
    again = level_slopes(settings, no_slopes(N), task, periods, kept)
    jax.tree.map(np.testing.assert_array_equal, again, got)


def test_a_step_keeps_the_state_s_shapes() -> None:
    state = TINY.init(market_task(), jax.random.key(0))
    after, metrics = after_a_step()
    same = jax.tree.map(lambda x, y: x.shape == y.shape and x.dtype == y.dtype, state, after)
    assert jax.tree.all(same) and all(np.isfinite(x) for x in metrics.values())
    assert int(after.updates) == 2 and int(after.played) == 2
    # The copy was due with the second update.
    for name in ("bidder", "bar"):
        learner = getattr(after, name)
        assert jax.tree.all(jax.tree.map(np.array_equal, learner.online, learner.target))


def test_the_policy_bids_levels_of_the_grid() -> None:
    task = market_task()
    policy = TINY.policy(task, after_a_step()[0])
    seen = task.game.observe(task.game.reset(jax.random.key(0)))
    factor = policy.head(policy.network(seen), task.game.start_factor, task.game.start_factor)
    number = np.asarray(factor / task.game.start_factor) * 10
    np.testing.assert_allclose(number, np.round(number), atol=1e-9)
    assert market().judge(policy)["value"] > 0


def test_bad_settings_are_refused() -> None:
    for settings in ({"num_actions": 1}, {"temperature": 0.0}, {"buffer_size": 1}, {"gamma": 1.1}):
        with pytest.raises(InputError, match=next(iter(settings))):
            MAAB(**settings)


def test_presets_are_registered() -> None:
    assert ALGORITHMS["maab-competitive"]().credit == "own"
    assert ALGORITHMS["maab-cooperative"]().credit == "total"
    published = ALGORITHMS["maab-published"]()
    assert published.temperature * published.max_multiple == pytest.approx(4)
    assert (published.num_actions, published.gamma, published.target_update_every) == (
        21,
        0.99,
        200,
    )


def trained(algorithm: MAAB, task: Task, steps: int, seeds: int = 1) -> list[State]:
    """After a number of steps, a seed each."""
    step, init = jax.jit(algorithm.step), jax.jit(algorithm.init)
    states = []
    for seed in range(seeds):
        state = init(task, jax.random.key(seed))
        for _ in range(steps):
            state, _ = step(task, state)
        states.append(state)
    return states


@pytest.mark.slow
def test_alone_it_bids_what_hindsight_bids() -> None:
    """One agent against prices that do not change: the best bid is one factor times the value."""
    setup = stationary_practice()
    algorithm = ALGORITHMS["maab-competitive"]()
    task = setup.task(Value())
    (state,) = trained(algorithm, task, 150)
    got = setup.judge(algorithm.policy(task, state))["value"]
    assert got > 0.95 * hindsight(setup)


def two(seed: int) -> Market:
    """Two advertisers that take turns in being worth more; one is ten times as rich."""
    values = np.random.default_rng(seed).random((1200, 2)) / 2
    values[np.arange(1200), np.arange(1200) // 100 % 2] += 0.5
    campaigns = Campaigns(jnp.asarray([300.0, 30.0]), jnp.ones(2), jnp.zeros(2, jnp.int32))
    return Market(jnp.asarray(values), even_ticks(1200, 12), campaigns, labels=Labels("two"))


@pytest.mark.slow
def test_competition_pays_the_auction_and_cooperation_the_bidders() -> None:
    """The paper's two-agent game: for itself the rich one drives the poor one's prices up, until
    it is out, and sells worse; all for the total they part the ticks."""
    seeds = 40
    log = training_log(replace(two(99), market_price=jnp.full(1200, 0.2)), second_price())
    days = [two(day) for day in range(3)]
    setup = TrainingSetup("two", log, days[:2], days[2:], second_price(), "tick")
    task = setup.task(Value())
    # Both choose among the same factors, up to one.
    half = jnp.full(2, 0.5)
    task = replace(
        task,
        best=jnp.full(2, 400.0),
        reference=task.reference._replace(factor=half),
        game=replace(task.game, start_factor=half),
    )
    paid, welfare = {}, {}
    for credit in ("own", "total"):
        algorithm = MAAB(credit=credit, bar_agents="none")
        # All seeds in one program.
        keys = jax.random.split(jax.random.key(0), seeds)
        states = jax.vmap(partial(algorithm.init, task))(keys)
        step = jax.jit(jax.vmap(partial(algorithm.step, task)))
        for _ in range(150):
            states, _ = step(states)
        each = [jax.tree.map(lambda x, seed=seed: x[seed], states) for seed in range(seeds)]
        judged = [setup.judge(algorithm.policy(task, state)) for state in each]
        paid[credit] = np.asarray([x["spend"] for x in judged])
        welfare[credit] = np.asarray([x["value"] for x in judged])
    # By chance thirty of forty come out so in 0.1 %.
    assert (welfare["total"] > welfare["own"]).sum() >= 30
    # What is paid differs less, and some seeds end the other way.
    more = paid["own"] - paid["total"]
    assert more.mean() > more.std(ddof=1) / seeds**0.5
