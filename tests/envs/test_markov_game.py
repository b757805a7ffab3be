"""The game is the market that `simulate` plays: same factors, same sums."""

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Array, Float

from equibid.auctions import Soft, gsp
from equibid.auctions.tally import FIELDS, Tally, no_tally
from equibid.bidders import FactorBidder, Observation
from equibid.bidders.bidder import State, by_factor, pytree
from equibid.bidders.replay import replay
from equibid.bidders.training import TrainingLog
from equibid.envs.game import GameState, MarkovGame, logged_game, markov_game
from equibid.envs.heads import Increment
from equibid.envs.outcome import Outcome, Reward
from equibid.envs.rewards import Value
from equibid.errors import InputError
from equibid.learning.algorithms.dcmab.actions import Tilt, TiltedSeat
from equibid.learning.policy import Learned
from equibid.learning.training.rollout import Episodes, play_periods
from equibid.markets import Campaigns, Market
from equibid.markets.market import joined
from equibid.simulation import Delivery, Population, everybody, simulate
from equibid.simulation.features import Reference, share
from equibid.simulation.training_day import counterfactual_log
from worlds import Chaser, Watcher, levels, market, not_by_factor

N, T = 6, 7
KEY = jax.random.key(7)
RULE, VALUE = gsp(reserve=0.05), Value()
ENGINES = ("fused", "xla")


@pytree()
class Script(FactorBidder):
    """A factor for every tick; in the game, a policy that says one for every step."""

    table: Float[Array, "T N"]

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        return self.table[observation.tick]

    def __call__(self, key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
        return seen[..., :1], self.table[state.step]


@pytree()
class Foreseer(FactorBidder):
    """Bids less on what is worth more than usual."""

    level: Float[Array, " N"]

    @property
    def needs_forecast(self) -> bool:
        return True

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        assert observation.arriving is not None
        offered, value = observation.arriving
        return self.level / (1 + 10 * share(value, offered))


@pytree()
class Glimpse:
    """Sees its money, its last tick, and what arrives."""

    budget: Float[Array, " N"]
    names = ("money left", "win rate", "arriving")
    needs_forecast = True

    def init(self, campaigns: Campaigns) -> Tally:
        return no_tally(campaigns.count)

    def observe(self, memory: Tally, observation: Observation) -> Float[Array, "N 3"]:
        assert observation.arriving is not None
        left = share(observation.remaining, self.budget)
        seen = (left, share(memory.wins, memory.offered), 10 * share(*observation.arriving[::-1]))
        return jnp.stack(seen, axis=-1).astype(jnp.float32)

    def update(self, memory: Tally, feedback: Tally) -> Tally:
        return feedback


@pytree()
class Speaks:
    """A learned bidder as a policy in the game."""

    bidder: Learned

    def __call__(self, key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
        action = self.bidder.network(seen)
        factor = self.bidder.head(action.astype(jnp.float64), state.last_factor, self.bidder.start)
        return action, factor


@pytree()
class Steps:
    """A network of one layer that answers in eighths: no compiler's last bit shows in a bid."""

    weights: Float[Array, "F 1"]

    def __call__(self, seen: Float[Array, "... F"]) -> Float[Array, "... 1"]:
        return jnp.round(8 * seen @ self.weights) / 8


def script(seed: int = 3) -> Script:
    """Factors that change from tick to tick; somebody sits out now and then."""
    luck = np.random.default_rng(seed)
    table = np.asarray(levels(seed)) * luck.uniform(0.05, 0.3, (T, N))
    return Script(jnp.asarray(np.where(luck.random((T, N)) < 0.1, -np.inf, table)))


def reference_of(seed: int) -> Reference:
    return Reference(levels(seed) / 5, jnp.full(N, 30.0), jnp.full(N, 0.08))


def game_of(
    *periods: Market, reward: Reward = VALUE, observer: str = "traits", **settings: Any
) -> MarkovGame:
    return markov_game(periods, RULE, reference_of(3), reward, observer=observer, **settings)


@cache
def small_game(engine: str) -> MarkovGame:
    """The same day twice: a game that several tests share, so that it is compiled once."""
    return game_of(market(3), market(3), engine=engine)


@jax.jit
def _played(game: MarkovGame, act: Any, period: Array) -> Episodes:
    return play_periods(game, act, KEY[None], period[None], jax.random.key(0))


def period_of(game: MarkovGame, act: Any, period: int = 0) -> Episodes:
    """A period with the chance of `KEY`."""
    return jax.tree.map(lambda x: x[0], _played(game, act, jnp.asarray(period)))


def delivered(episode: Episodes) -> Delivery:
    """A period of ticks."""
    return Delivery(episode.tally, episode.remaining[1:])


def delivered_by_tick(episode: Episodes, made: Market) -> Delivery:
    """A period whose steps were impressions."""
    start = np.asarray(made.tick_start)
    tick = np.repeat(np.arange(made.ticks), np.diff(start))
    sums = jax.tree.map(lambda x: jax.ops.segment_sum(x, tick, made.ticks), episode.tally)
    return Delivery(sums, episode.remaining[start[1:]])


def assert_same(one: Delivery, other: Delivery, exact: bool = False) -> None:
    """Counts and money to the last bit; other sums to rounding, or to the last bit too."""
    np.testing.assert_array_equal(one.remaining, other.remaining)
    for name in FIELDS:
        rtol = 0 if exact or name in {"offered", "wins", "spend"} else 1e-12
        a, b = getattr(one.tally, name), getattr(other.tally, name)
        np.testing.assert_allclose(a, b, rtol=rtol, err_msg=name)


def assert_equal_trees(one: Any, other: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_same_factors_same_sums() -> None:
    made, act = market(3), script()
    want = simulate(made, RULE, everybody(act, N), KEY)
    for engine in ENGINES:
        assert_same(delivered(period_of(small_game(engine), act)), want, exact=engine == "fused")
    left = np.asarray(want.remaining)[-1] < 0.2 * np.asarray(made.campaigns.budget)
    assert left.any() and not left.all()


def test_candidate_lists_outside_prices_and_logged_outcomes_come_along() -> None:
    made, act = market(3, candidates=True, outside=True, outcomes=True), script()
    want = simulate(made, RULE, everybody(act, N), KEY)
    assert_same(delivered(period_of(game_of(made), act)), want, exact=True)
    assert 0 < want.total().conversions.sum() < want.total().wins.sum()


@pytest.mark.parametrize("way", [*ENGINES, "impression"])
def test_a_policy_meets_its_rivals_as_in_simulate(way: str) -> None:
    """Who learns, who foresees and who plays with chance, each on seats of its own."""
    made, seat = market(4, 150, dtype=np.float32), jnp.asarray([0, 1, 2, 0, 1, 0])
    opponents = (Chaser(levels(4) / 50), Foreseer(levels(4) / 4))
    how: dict[str, Any] = {"play": way} if way == "impression" else {"engine": way}
    game = game_of(made, opponents=opponents, seat=seat, **how)
    game = replace(game, observer=Glimpse(made.campaigns.budget))
    np.testing.assert_array_equal(game.learns, seat == 0)
    network = Steps(jnp.asarray([[-0.1], [0.3], [-0.2]], jnp.float32))
    bidder = Learned(network, game.observer, game.start_factor, Increment())
    episode = period_of(game, Speaks(bidder))
    population = Population((bidder, *opponents), seat)
    if way == "impression":
        want = simulate(made, RULE, population, KEY, play="impression")
        assert_same(delivered_by_tick(episode, made), want)
    else:
        want = simulate(made, RULE, population, KEY)
        assert_same(delivered(episode), want, exact=way == "fused")
    assert len(np.unique(episode.action)) > 3
    assert not np.asarray(episode.present)[:, seat > 0].any()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rival_need_not_bid_by_factor(engine: str) -> None:
    made, act, seat = market(3, 900), script(), jnp.asarray([0, 1, 2, 0, 1, 0])
    opponents = (not_by_factor("lin", 3).bidders[0], Chaser(levels(3) / 50))
    game = game_of(made, opponents=opponents, seat=seat, engine=engine)
    want = simulate(made, RULE, Population((act, *opponents), seat), KEY)
    assert_same(delivered(period_of(game, act)), want, exact=engine == "fused")
    assert (want.total().wins > 0).all()


@pytest.mark.parametrize("shape", [{}, {"candidates": True, "outside": True}])
def test_engines_agree_on_agents_and_rivals_that_bid_no_factor(shape: dict[str, bool]) -> None:
    """Three markets at once, in two periods whose ticks have other lengths."""
    day = market(3, 900, **shape)
    night = day if shape else replace(market(5, 700), campaigns=day.campaigns)
    opponents = (*not_by_factor("random", 3).bidders, *not_by_factor("ortb1", 3).bidders)
    seat, luck = jnp.asarray([0, 1, 0, 2, 0, 0]), np.random.default_rng(0)
    games = [
        game_of(
            day,
            night,
            agent=TiltedSeat("paper", 0.9),
            opponents=opponents,
            seat=seat,
            engine=engine,
        )
        for engine in ENGINES
    ]
    keys = jax.random.split(KEY, 3)
    start = [games[0].reset(key, period) for key, period in zip(keys, (0, 1, 1), strict=True)]
    together = [jax.tree.map(lambda *x: jnp.stack(x), *start)] * 2
    everywhere = jnp.broadcast_to(levels(3) / 5, (3, N)), jnp.full((3, N), 0.05)
    for _ in range(T):
        action = Tilt(jnp.asarray(luck.uniform(-1, 1, (3, N))), *everywhere)
        both = [_steps(g, state, action) for g, state in zip(games, together, strict=True)]
        together = [state for state, _ in both]
        one, other = (Delivery(result.tally, state.budgets.remaining) for state, result in both)
        assert_same(one, other)
    assert (together[0].so_far.wins[:, jnp.asarray([0, 1, 3])] > 0).all()


def test_each_period_is_a_day_of_its_own() -> None:
    """In expectation: an impression has its own draws in each period."""
    first = market(3)
    others = [replace(market(seed, 200), campaigns=first.campaigns) for seed in (4, 5)]
    game, act = game_of(first, *others, sampled=False), script()
    assert (game.periods, game.steps, game.agents) == (3, T, N)
    for period, day in enumerate((first, *others)):
        want = simulate(day, RULE, everybody(act, N), KEY, sampled=False)
        assert_same(delivered(period_of(game, act, period)), want, exact=True)


def test_periods_have_their_own_chance() -> None:
    one, again, two = (period_of(small_game("fused"), script(), period) for period in (0, 0, 1))
    assert_equal_trees(one, again)
    assert not np.array_equal(one.tally.exposures, two.tally.exposures)


_step = jax.jit(MarkovGame.step)
_steps = jax.jit(lambda game, states, factor: jax.vmap(game.step)(states, factor))


@pytest.mark.parametrize("engine", ENGINES)
def test_many_markets_at_once_are_each_as_alone(engine: str) -> None:
    game = small_game(engine)
    keys = jax.random.split(KEY, 3)
    states = [game.reset(key, period) for key, period in zip(keys, (0, 1, 1), strict=True)]
    together = jax.tree.map(lambda *x: jnp.stack(x), *states)
    for tick in range(3):
        factor = jnp.stack([script(seed).table[tick] for seed in range(3)])
        together, results = _steps(game, together, factor)
        for e in range(3):
            states[e], result = _step(game, states[e], factor[e])
            own = jax.tree.map(lambda x, e=e: x[e], (together, results))
            assert_equal_trees((states[e], result), own)


tables = arrays(
    np.float64,
    (T, N),
    elements=st.floats(0, 20) | st.sampled_from([-np.inf, 0.0, 1e-300, 1e9, 5.0]),
)


@given(tables, st.integers(0, 1))
def test_money_only_falls(table: np.ndarray, period: int) -> None:
    act = Script(jnp.asarray(table))
    played = [period_of(small_game(engine), act, period) for engine in ENGINES]
    assert_same(*map(delivered, played))
    for episode in played:
        money, spend = np.asarray(episode.remaining), np.asarray(episode.tally.spend)
        assert (money >= 0).all() and (spend >= 0).all()
        np.testing.assert_array_equal(money[:-1] - spend, money[1:])
        present = np.asarray(episode.present)
        assert (present[1:] <= present[:-1]).all()
        for name in ("offered", "wins", "spend", "value"):
            assert (np.asarray(getattr(episode.tally, name))[~present[:-1]] == 0).all()
        np.testing.assert_allclose(episode.reward, episode.tally.value, rtol=1e-6)


def test_a_factor_is_remembered_until_the_next_bid() -> None:
    table = np.asarray(script().table).copy()
    table[:4, 0] = [2.0, -np.inf, -np.inf, 3.0]
    episode = period_of(small_game("fused"), Script(jnp.asarray(table)))
    bid = np.asarray(episode.tally.offered)[:, 0] > 0
    level = [float(small_game("fused").start_factor[0])]
    for tick in range(T - 1):
        level.append(table[tick, 0] if bid[tick] else level[-1])
    np.testing.assert_allclose(episode.last_factor[:, 0], level, rtol=1e-12)
    assert bid[0] and bid[3] and not bid[1:3].any()


def test_the_reward_sees_how_far_the_period_is() -> None:
    def clock(outcome: Outcome) -> Array:
        return jnp.broadcast_to(outcome.progress + 10 * outcome.ends, outcome.budget.shape)

    episode = period_of(game_of(market(3), reward=clock), script())
    want = np.arange(1, T + 1) / T + 10 * (np.arange(T) == T - 1)
    np.testing.assert_allclose(episode.reward[:, 0], want, rtol=1e-6)


@cache
def log_of(periods: int) -> TrainingLog:
    """Periods of 200 impressions each; a single one knows its ticks."""
    made = market(8, 600, outside=True)
    whole = counterfactual_log(made, RULE, jnp.broadcast_to(levels(8), (T, N)))
    log = replace(whole, period=200, tick_start=None, bid_step=0.01, bid_cap=1.5)
    if periods == 3:
        return log
    start = jnp.asarray([0, 10, 10, 70, 71, 120, 190, 200])
    return replace(log, values=log.values[:200], prices=log.prices[:200], tick_start=start)


@pytest.mark.parametrize("periods", [1, 3])
def test_a_log_bought_tick_by_tick_is_the_log_replayed(periods: int) -> None:
    log = log_of(periods)
    game = logged_game(log, reference_of(8), VALUE, observer="traits")
    assert (game.periods, game.steps) == (periods, T)
    act = Script(jnp.broadcast_to(0.8 * levels(8), (T, N)))
    for period in range(periods):
        rows = slice(200 * period, 200 * (period + 1))
        part = replace(log, values=log.values[rows], prices=log.prices[rows])
        want = replay(part, by_factor(act.table[0], part.values))
        got: Tally = jax.tree.map(lambda x: x.sum(axis=0), period_of(game, act, period).tally)
        for name in ("value", "spend", "wins"):
            np.testing.assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-9)
        assert (got.spend > 0.9 * log.campaigns.budget).any() and (got.wins > 0).all()


def test_what_cannot_be_played_is_told() -> None:
    made = market(3)
    poorer = made.with_budget(made.campaigns.budget / 2)
    with pytest.raises(InputError, match="at least one"):
        joined([])
    with pytest.raises(InputError, match="the same advertisers, budgets and form"):
        joined([made, poorer])
    with pytest.raises(InputError, match="the same advertisers, budgets and form"):
        joined([made, market(3, candidates=True)])
    with pytest.raises(InputError, match="as many ticks"):
        game_of(made, replace(market(4, ticks=5), campaigns=made.campaigns))
    shorter = replace(market(4, 200), campaigns=made.campaigns)
    with pytest.raises(InputError, match="as many impressions"):
        game_of(made, shorter, play="impression")
    with pytest.raises(InputError, match="watches every impression"):
        game_of(made, opponents=[Watcher(levels(3))], seat=jnp.arange(N) % 2)
    with pytest.raises(InputError, match="use engine 'xla'"):
        markov_game([made], Soft(0.3), reference_of(3), VALUE, engine="fused")
    with pytest.raises(InputError, match="without foresight"):
        logged_game(log_of(1), reference_of(8), VALUE, observer="auction-foresight")
