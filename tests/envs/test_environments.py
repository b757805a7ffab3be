"""The environments keep their libraries' contracts, and are the game."""

import builtins
import importlib
import runpy
import sys
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.test.state_test import test_parallel_env as check_state
from pettingzoo.utils import parallel_to_aec

from equibid.auctions import gsp
from equibid.envs import ID
from equibid.envs.game import ByFactor, MarkovGame, markov_game
from equibid.envs.parallel_env import MarketEnv
from equibid.envs.rewards import Value
from equibid.envs.single_env import BidderEnv
from equibid.errors import InputError
from equibid.simulation import everybody, simulate
from equibid.simulation.features import Reference
from worlds import Steady, levels, market

N, T, AGENT = 6, 7, 4
RULE = gsp(reserve=0.05)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def game_of(**settings: Any) -> MarkovGame:
    """Two periods; the level is a factor with which some money lasts and some does not."""
    reference = Reference(levels(3) / 5, jnp.full(N, 30.0), jnp.full(N, 0.08))
    made = [settings.pop("market", market(3))] * 2
    return markov_game(made, RULE, reference, Value(), **settings)


@cache
def all_learn() -> MarkovGame:
    return game_of()


@cache
def one_learns() -> MarkovGame:
    seat = np.where(np.arange(N) == AGENT, 0, 1)
    return game_of(opponents=[Steady(levels(3) / 5)], seat=seat)


def test_pettingzoo_accepts_the_market() -> None:
    parallel_api_test(MarketEnv(all_learn()))
    parallel_seed_test(lambda: MarketEnv(all_learn()))
    api_test(parallel_to_aec(MarketEnv(all_learn())))
    check_state(MarketEnv(all_learn()))
    assert str(MarketEnv(all_learn())) == "equibid_market_v0"


def test_gymnasium_accepts_the_bidder() -> None:
    env = gymnasium.make(ID, game=one_learns())
    assert isinstance(env.unwrapped, BidderEnv) and ID == "equibid/Bidder-v0"
    check_env(env.unwrapped)


def test_who_holds_its_factor_gets_what_simulate_delivers() -> None:
    """Actions of zero are the level; so are those of half the span's exponent of its square."""
    env, level = MarketEnv(all_learn(), "multiple:span=9"), all_learn().start_factor
    seed = int(np.random.Generator(np.random.PCG64(np.random.SeedSequence(5))).integers(2**63))
    factor = level * 9.0 ** np.asarray([0, 0.5, -0.5, 0, 1, -1])
    want = simulate(market(3), RULE, everybody(Steady(factor), N), jax.random.key(seed))
    env.reset(seed=5, options={"period": 0})
    actions = {f"advertiser_{i}": [a] for i, a in enumerate((0, 0.5, -0.5, 0, 7.0, -1))}
    before: list[str] = []
    for tick in range(T):
        before = list(env.agents)
        _, rewards, ends, cuts, infos = env.step({name: actions[name] for name in before})
        assert set(rewards) == set(ends) == set(infos) == set(before)
        assert not any(cuts.values())
        for name in before:
            i, info = int(name.split("_")[1]), infos[name]
            for key in ("value", "spend", "wins", "conversions"):
                assert info[key] == float(getattr(want.tally, key)[tick, i])
            assert info["money"] == float(want.remaining[tick, i])
            assert rewards[name] == info["value"] and isinstance(rewards[name], float)
        assert env.agents == [name for name in before if not ends[name]]
    assert env.agents == [] and env.step({}) == ({}, {}, {}, {}, {})
    assert len(before) < N, "somebody should have left early"


def test_one_bidder_is_the_agent_of_the_same_market() -> None:
    env, seat = BidderEnv(one_learns()), one_learns().population.seat
    both = game_of(opponents=[Steady(levels(3) / 5)], seat=jnp.where(seat == 0, 0, 1))
    market_env = MarketEnv(both)
    name = f"advertiser_{AGENT}"
    assert env.agent == AGENT and market_env.possible_agents == [name]
    seen, info = env.reset(seed=3)
    all_seen, infos = market_env.reset(seed=3)
    action, ended = np.asarray([0.3], np.float32), False
    while not ended:
        np.testing.assert_array_equal(seen, all_seen[name])
        np.testing.assert_array_equal(market_env.state()[0], seen)
        told = {key: x for key, x in info.items() if key != "advertiser"}
        assert told == infos[name] and seen in env.observation_space
        seen, reward, ended, cut, info = env.step(action)
        all_seen, rewards, ends, _, infos = market_env.step({name: action})
        assert (reward, ended, cut) == (rewards[name], ends[name], False)
    assert market_env.agents == []
    with pytest.raises(InputError, match=r"call reset\(\)"):
        env.step(action)


def test_without_money_one_leaves_or_stays() -> None:
    highest = {f"advertiser_{i}": [1.0] for i in range(N)}
    lengths = []
    for stays in (False, True):
        env = MarketEnv(all_learn(), "multiple:span=100", stays)
        env.reset(seed=0)
        count = []
        while env.agents:
            count.append(len(env.agents))
            env.step({name: highest[name] for name in env.agents})
        lengths.append(count)
    assert lengths[1] == [N] * T
    assert lengths[0][-1] < N
    poor = market(3).with_budget(jnp.asarray([5.0, 0.0, 5.0, 0.0, 5.0, 5.0]))
    assert MarketEnv(game_of(market=poor)).possible_agents == [
        f"advertiser_{i}" for i in (0, 2, 4, 5)
    ]


def test_only_who_is_free_is_an_agent() -> None:
    """Whom an opponent drives for a period is no agent of it, and what agents do reaches it."""
    opponents = [Steady(levels(3) / 5), Steady(levels(4) / 5)]
    env = MarketEnv(game_of(opponents=opponents, opponent_prob=0.7))
    assert env.possible_agents == [f"advertiser_{i}" for i in range(N)]
    met = set()
    for seed in range(12):
        seen, infos = env.reset(seed=seed)
        assert env._state is not None
        seat = np.asarray(env._state.seat)
        free = [f"advertiser_{i}" for i in np.flatnonzero(seat == 0)]
        assert env.agents == list(seen) == list(infos) == free and free
        met.add(len(free))
    assert len(met) > 1 and min(met) < N / 2, "it should be drawn anew"
    env.reset(seed=1)
    free = list(env.agents)
    env.step({name: [1.0] for name in free})
    assert env._state is not None
    ratio = np.asarray(env._state.last_factor / env.game.start_factor)
    np.testing.assert_allclose([ratio[int(name.split("_")[1])] for name in free], 4.0)
    driven = next(name for name in env.possible_agents if name not in free)
    with pytest.raises(InputError, match=f"{driven} is no agent of this period"):
        env.step({name: [0.0] for name in [*env.agents, driven]})
    crowded = MarketEnv(game_of(opponents=opponents, opponent_prob=1.0))
    with pytest.raises(InputError, match="set opponent_prob below 1"):
        crowded.reset(seed=0)


@pytest.mark.filterwarnings("ignore:No agents present but not all possible_agents")
def test_pettingzoo_accepts_a_market_with_rivals() -> None:
    env = MarketEnv(game_of(opponents=[Steady(levels(3) / 5)], opponent_prob=0.5), "increment")
    parallel_api_test(env, num_cycles=60)


def test_the_learner_is_never_driven() -> None:
    opponents = [Steady(levels(3) / 5), Steady(levels(4) / 5)]
    game = game_of(opponents=opponents, opponent_prob=0.6)
    env = BidderEnv(game, advertiser=AGENT)
    seatings = set()
    for seed in range(20):
        _, info = env.reset(seed=seed)
        assert env._state is not None
        seat = np.asarray(env._state.seat)
        assert info["advertiser"] == env.agent == AGENT
        assert np.flatnonzero(seat == 0).tolist() == [AGENT]
        seatings.add(tuple(seat.tolist()))
    assert len(seatings) > 10, "opponents should be drawn anew"
    env.step([1.0])
    assert env._state is not None
    np.testing.assert_allclose(env._state.last_factor[AGENT] / game.start_factor[AGENT], 4.0)
    still = BidderEnv(game, advertiser=AGENT, drawn=False)
    for seed in range(3):
        still.reset(seed=seed)
        assert still._state is not None
        assert np.asarray(still._state.seat).tolist() == [1, 2, 1, 2, 0, 2]


def test_the_learner_is_drawn_named_or_refused() -> None:
    made = market(3).with_budget(jnp.asarray([5.0, 0.0, 5.0, 5.0, 5.0, 5.0]))
    env = BidderEnv(game_of(market=made, opponents=[Steady(levels(3) / 5)]))
    assert {env.reset(seed=seed)[1]["advertiser"] for seed in range(40)} == {0, 2, 3, 4, 5}
    assert env.reset(options={"advertiser": 3})[1]["advertiser"] == env.agent == 3
    check_env(env, skip_render_check=True)
    for wrong in (1, 6, "a"):
        with pytest.raises(InputError, match=f"advertiser={wrong}: those who may learn are 0, 2"):
            env.reset(options={"advertiser": wrong})
        with pytest.raises(InputError, match=f"advertiser={wrong}"):
            BidderEnv(env.game, advertiser=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "factors"),
    [
        ("multiple:span=9", [9**0.5, 9**0.5, 9**-1]),
        ("increment:largest=0.4", [np.exp(0.2), np.exp(0.2), np.exp(-0.2)]),
        ("sigmoid:cap=4,steep=2", [4 / (1 + 3 * np.exp(-1))] * 2 + [4 / (1 + 3 * np.exp(2))]),
    ],
)
def test_heads_make_factors_of_actions(head: str, factors: list[float]) -> None:
    """Over the level, at actions of a half twice and of minus one (cut off).

    The second tick is empty: nothing is bid, and the factor bid last stays.
    """
    env = BidderEnv(one_learns(), head=head, stays=True)
    env.reset(seed=0)
    for action, factor in zip((0.5, 0.5, -3.0), factors, strict=True):
        env.step([action])
        assert env._state is not None
        level = env._state.last_factor[AGENT] / env.game.start_factor[AGENT]
        np.testing.assert_allclose(level, factor, rtol=1e-12)


def test_rewards_are_scaled() -> None:
    scale = 1.0 + np.arange(N)
    plain, scaled = BidderEnv(one_learns()), BidderEnv(one_learns(), scale=scale)
    for env in (plain, scaled):
        env.reset(seed=0)
    reward = plain.step([0.0])[1]
    assert reward > 0
    np.testing.assert_allclose(scaled.step([0.0])[1], reward / scale[AGENT])
    both = MarketEnv(all_learn()), MarketEnv(all_learn(), scale=scale)
    rewards = []
    for env in both:
        env.reset(seed=0)
        rewards.append(env.step({name: [0.0] for name in env.agents})[1])
    for number, name in enumerate(both[0].possible_agents):
        np.testing.assert_allclose(rewards[1][name], rewards[0][name] / scale[number])


def test_periods_are_drawn_or_named() -> None:
    env = BidderEnv(one_learns())
    periods = [env.reset(seed=seed)[1]["period"] for seed in range(12)]
    assert set(periods) == {0, 1}
    assert env.reset(options={"period": 1})[1]["period"] == 1
    with pytest.raises(InputError, match="periods 0 to 1"):
        env.reset(options={"period": 2})


def test_spaces_are_as_wide_as_what_is_shown() -> None:
    bounded = MarketEnv(game_of(observer="pace+uscb+cost-status+auction-foresight"))
    space = bounded.observation_space("advertiser_0")
    assert isinstance(space, Box)
    assert (space.high == 5).all() and (space.low == -5).all()
    seen, _ = bounded.reset(seed=1)
    while bounded.agents:
        for name in bounded.agents:
            assert seen[name] in space
        actions = {name: bounded.action_space(name).sample() for name in bounded.agents}
        seen, *_ = bounded.step(actions)
    published = MarketEnv(game_of(observer="traits+auctionnet"))
    space = published.observation_space("advertiser_0")
    assert isinstance(space, Box)
    assert (space.high[:3] == 5).all() and np.isinf(space.high[3:]).all()


def test_what_cannot_be_played_is_told() -> None:
    with pytest.raises(InputError, match="6 advertisers learn"):
        BidderEnv(all_learn())
    with pytest.raises(InputError, match="nobody who learns has money"):
        MarketEnv(game_of(market=market(3).with_budget(jnp.zeros(N))))
    with pytest.raises(InputError, match="without agent="):
        MarketEnv(game_of(agent=Steady(levels(3))))
    assert isinstance(all_learn().population.bidders[0], ByFactor)
    with pytest.raises(InputError, match="head multiple: span must be a number above 1"):
        MarketEnv(all_learn(), "multiple:span=1")
    with pytest.raises(InputError, match="a number above 0, or one for each of 6"):
        MarketEnv(all_learn(), scale=[1.0, 2.0])
    env = MarketEnv(all_learn())
    with pytest.raises(InputError, match=r"call reset\(\)"):
        env.step({})
    env.reset(seed=0)
    actions: dict[str, Any] = {name: [0.0] for name in env.agents}
    with pytest.raises(InputError, match="advertiser_2 has no action"):
        env.step({name: x for name, x in actions.items() if name != "advertiser_2"})
    with pytest.raises(InputError, match="advertiser_1 gave nan"):
        env.step(actions | {"advertiser_1": [np.nan]})
    with pytest.raises(InputError, match="an action is one number"):
        env.step({name: [0.0, 1.0] for name in env.agents})


@pytest.mark.parametrize("module", ["single_env", "parallel_env", "spaces"])
def test_without_the_libraries_the_extra_is_named(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "pettingzoo" if module.endswith("parallel_env") else "gymnasium"
    name = f"equibid.envs.{module}"
    genuine = builtins.__import__

    def without(name: str, *rest: Any, **kwargs: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == missing:
            raise ImportError(f"No module named {missing!r}")
        return genuine(name, *rest, **kwargs)

    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install equibid\[environments\]"):
        importlib.import_module(name)


@pytest.mark.parametrize("example", ["pettingzoo_market", "gymnasium_bidder"])
def test_examples_run(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / f"{example}.py"))
    assert "value" in capsys.readouterr().out
