"""The predictor keeps a bidder's contract, learns, and resumes to the same bits."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import Soft
from equibid.auctions.tally import FIELDS, Tally, no_tally
from equibid.bidders import Observation
from equibid.bidders.fixed import Fixed
from equibid.equilibrium.game import default_temperature, game_of
from equibid.errors import InputError
from equibid.learning.ncb.comparison import compare_on_day
from equibid.learning.ncb.config import NcbConfig
from equibid.learning.ncb.data import Data, Day, days_of
from equibid.learning.ncb.predictor import Predictor
from equibid.learning.ncb.resolving import Resolving
from equibid.learning.ncb.rollout import roll_out
from equibid.learning.ncb.training import (
    Training,
    init,
    load,
    policy,
    refresh,
    save,
    step,
    train,
)
from equibid.markets import MARKETS
from equibid.markets.market import dense
from equibid.simulation import everybody, simulate
from equibid.simulation.features import NAMES, Reference
from learning.small_days import SETTINGS, games, small_days, talkative

KEY = jax.random.key(8)


def bidder(seed: int = 0) -> Predictor:
    day = small_days()[0]
    return Predictor(
        talkative(seed), day.reference, jnp.asarray(day.game.cap), day.game.market.ticks
    )


def known(day: Day) -> tuple[Reference, jax.Array, int]:
    """What a bidder of a day knows beforehand."""
    return day.reference, jnp.asarray(day.game.cap), day.game.market.ticks


def tick_sums(seed: int, scale: np.ndarray) -> Tally:
    rng = np.random.default_rng(seed)
    return Tally(*(jnp.asarray(rng.random(len(scale)) * scale / 10) for _ in FIELDS))


def shown(bidder: Predictor, sums: list[Tally]) -> np.ndarray:
    """Factors [T N] of a day of these sums."""
    campaigns = small_days()[0].game.market.campaigns
    campaigns = replace(campaigns, budget=jnp.ones(len(bidder.cap)))
    state = bidder.init(campaigns)
    one = jnp.asarray(1)
    rows = []
    for sum_ in sums:
        observation = Observation(one, one, one, one, campaigns.budget)
        rows.append(bidder.factor(state, observation, KEY))
        before, state = state, bidder.update(state, sum_)
        assert jax.tree.structure(before) == jax.tree.structure(state)
        for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(state), strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
    return np.stack(rows)


def test_a_tick_that_is_seen_is_the_next() -> None:
    ours, campaigns = bidder(), small_days()[0].game.market.campaigns
    state = ours.init(replace(campaigns, budget=jnp.ones(len(ours.cap))))
    seen = [int(state.tick)]
    for _ in range(2):
        state = ours.update(state, no_tally(len(ours.cap)))
        seen.append(int(state.tick))
    assert seen == [0, 1, 2]


def test_factors_lie_between_zero_and_the_cap_and_start_at_the_reference() -> None:
    ours = bidder()
    loud = eqx.tree_at(lambda b: b.network.head, ours, 100 * ours.network.head)
    sums = [tick_sums(seed, np.ones(6)) for seed in range(6)]
    factors = shown(loud, sums)
    assert factors.dtype == np.float64
    assert (factors > 0).all() and (factors <= loud.cap).all() and (factors[1:] == loud.cap).any()
    np.testing.assert_array_equal(factors[0], jnp.minimum(loud.day_before.factor, loud.cap))
    assert not np.allclose(shown(ours, sums)[1:], factors[1:])
    np.testing.assert_array_equal(shown(ours, sums), shown(ours, sums))


def test_advertisers_in_another_order_get_their_factors_in_that_order() -> None:
    ours, order = bidder(), np.array([3, 0, 5, 1, 2, 4])
    sums = [tick_sums(seed, np.ones(6)) for seed in range(4)]
    mixed = replace(
        ours,
        day_before=jax.tree.map(lambda x: x[order], ours.day_before),
        cap=ours.cap[order],
    )
    other = shown(mixed, [jax.tree.map(lambda x: x[order], s) for s in sums])
    np.testing.assert_allclose(other, shown(ours, sums)[:, order], rtol=1e-5)


def test_plays_in_the_simulation_as_tick_by_tick() -> None:
    game, ours = small_days()[0].game, bidder(2)
    one = roll_out(game.market, game.auction, ours, KEY, sampled=False)
    seats = everybody(ours, game.market.advertisers)
    other = simulate(game.market, game.auction, seats, KEY, sampled=False)
    # Float32 sums of the network may differ in their last bits between two programs.
    np.testing.assert_allclose(one.factors(), other.factors(), rtol=1e-3)
    np.testing.assert_allclose(one.remaining, other.remaining, rtol=1e-3)


def test_untrained_it_bids_the_reference() -> None:
    day = small_days()[0]
    fresh = policy(init(small_days(), SETTINGS, KEY), *known(day))
    one = roll_out(day.game.market, day.game.auction, fresh, KEY, sampled=False)
    static = Fixed(jnp.minimum(day.reference.factor, day.game.cap))
    other = roll_out(day.game.market, day.game.auction, static, KEY, sampled=False)
    np.testing.assert_array_equal(one.remaining, other.remaining)


def test_a_day_is_set_beside_the_day_before() -> None:
    assert [day.game for day in small_days()] == list(games()[1:])
    for day, before in zip(small_days(), games()[:-1], strict=True):
        offered = np.asarray(dense(before.market) > 0).sum(axis=0)
        np.testing.assert_allclose(day.reference.offered, offered / before.market.ticks)


def test_learns_a_constant_target() -> None:
    state = init(small_days(), SETTINGS, KEY)
    P, T, N, F = state.data.features.shape
    noise = jax.random.normal(KEY, (P, T, N, F), jnp.float32)
    constant = Data(noise, jnp.full((P, T, N), 0.3, jnp.float32), jnp.ones((P, T, N)))
    state = state._replace(data=constant, filled=jnp.asarray(P))
    losses = []
    for _ in range(150):
        state, loss = step(state, SETTINGS)
        losses.append(float(loss))
    assert losses[0] == pytest.approx(0.09) and losses[-1] < 1e-3
    day = small_days()[0]
    factors = shown(policy(state, *known(day)), [tick_sums(1, np.ones(6))] * 3)
    ratio = np.log(factors[1:] / np.asarray(day.reference.factor))
    free = factors[1:] < day.game.cap
    np.testing.assert_allclose(ratio[free], 0.3, atol=0.15)


@lru_cache
def after_one_round() -> Training:
    state = refresh(init(small_days(), SETTINGS, KEY), small_days(), SETTINGS)
    for _ in range(3):
        state, _ = step(state, SETTINGS)
    return state


def rest(state: Training) -> Training:
    state = refresh(state, small_days(), SETTINGS)
    for _ in range(3):
        state, _ = step(state, SETTINGS)
    return state


def test_a_round_records_what_was_seen_beside_solved_targets() -> None:
    data, settings = after_one_round().data, SETTINGS
    solved = np.asarray(data.weight[:2]) > 0
    ticks = np.arange(solved.shape[1])
    for number in (0, 1):
        asked = ticks % settings.target_every == number
        assert solved[number, asked].mean() > 0.8 and not solved[number, ~asked].any()
    assert not data.weight[2:].any() and not data.features[2:].any()
    time_left = data.features[0, :, 0, NAMES.index("time left")]
    np.testing.assert_allclose(time_left, 1 - ticks / 6, rtol=1e-6)
    # At tick 0 all the money is there, and the target is the day's equilibrium.
    day = small_days()[0]
    before = np.asarray(day.reference.factor)
    whole = settings.solver.solve(day.game, before).factors
    np.testing.assert_allclose(data.target[0, 0], np.log(whole / before), atol=1e-5)


def test_a_saved_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    path = tmp_path / "run.eqx"
    save(path, after_one_round())
    again = load(path, init(small_days(), SETTINGS, jax.random.key(0)))
    for one, other in zip(
        jax.tree.leaves(rest(after_one_round())), jax.tree.leaves(rest(again)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_round_without_room_takes_the_place_of_the_oldest() -> None:
    full = refresh(after_one_round(), small_days(), SETTINGS)
    again = refresh(full, small_days(), SETTINGS)
    assert int(again.filled) == 6
    P = len(full.data.target)
    for before, after in zip(full.data, again.data, strict=True):
        np.testing.assert_array_equal(after[2:], before[2:])
        assert not np.array_equal(after[:2], before[:2])
    assert P == 4


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one day"):
        init([], SETTINGS, KEY)
    with pytest.raises(InputError, match="rounds must be an integer from 1, not 0"):
        NcbConfig(rounds=0)
    path = tmp_path / "other.eqx"
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match="not a training run"):
        load(path, after_one_round())
    with pytest.raises(InputError, match="not a training run"):
        load(tmp_path / "absent.eqx", after_one_round())


def test_comparison_on_a_day_whose_forecast_is_perfect() -> None:
    game = games()[1]
    day = small_days()[0]
    start = np.asarray(day.reference.factor)
    solver = replace(SETTINGS.solver, tolerance=1e-6)
    knows = Resolving(jnp.asarray(solver.solve(game, start).factors), game, solver)
    static = Fixed(jnp.asarray(0.3 * start))
    table = compare_on_day(game, {"knows": knows, "low": static}, start, KEY, sampled=False)
    hindsight, perfect, low = table.rows(named=True)
    # The last impression that a budget cannot pay in full is lost.
    assert hindsight["welfare_share"] == 1 and hindsight["exploitability"] < 1e-3
    assert perfect["welfare_share"] == pytest.approx(1, abs=1e-3)
    assert perfect["exploitability"] < 1e-3
    assert low["exploitability"] > 0.03 and low["spent"] < hindsight["spent"]


@pytest.mark.slow
def test_trained_it_beats_yesterday_s_factors() -> None:
    sizes = {"impressions": 4000, "advertisers": 12, "ticks": 24, "form": "sparse"}
    markets = [MARKETS["demo"](jax.random.key(0), day=day, **sizes) for day in range(7)]
    rule = Soft(default_temperature(markets[0]))
    every = [game_of(market, rule) for market in markets]
    settings = NcbConfig(rounds=2, num_updates=150, learning_rate=1e-3)
    state = train(days_of(every[:5]), settings, jax.random.key(1))
    for day in days_of(every[4:]):
        level = day.reference.factor
        ours = policy(state, *known(day))
        table = compare_on_day(
            day.game, {"ours": ours, "static": Fixed(level)}, np.asarray(level), KEY
        )
        _, trained, static = table.rows(named=True)
        assert trained["welfare"] > static["welfare"]
        assert trained["exploitability"] < static["exploitability"]
