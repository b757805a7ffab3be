"""Environments made from words: registered, shared, the game of the words, or a clear sentence."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test

from equibid.auctions import second_price
from equibid.envs import ID, BidderEnv, BidderVectorEnv, market_env
from equibid.envs.made import EnvSpec, made
from equibid.envs.periods import generated_setup
from equibid.envs.rewards import CpaScore
from equibid.envs.single_env import Seat
from equibid.errors import InputError
from equibid.markets.days import market_days
from equibid.markets.presets import DEMO
from equibid.markets.toml import market_text

SMALL: dict[str, Any] = {"impressions": 400, "ticks": 6, "advertisers": 5, "days": 2}


def bidder(**words: Any) -> BidderEnv:
    env = gymnasium.make(ID, **SMALL | words).unwrapped
    assert isinstance(env, BidderEnv)
    return env


def test_words_make_a_bidder_among_rivals() -> None:
    env = bidder(
        market="demo",
        reward="cpa-score:dense=1",
        opponents="pacing,fixed",
        advertiser=3,
        head="increment",
    )
    check_env(env, skip_render_check=True)
    game = env.game
    assert game.reward == CpaScore(dense=True) and env.agent == 3
    assert (game.agents, game.ticks, game.periods) == (5, 6, 2)
    names = [type(one).__name__ for one in game.population.bidders]
    assert names == ["ByFactor", "Pacing", "Fixed"]
    _, reward, *_ = [env.reset(seed=0), env.step([0.5])][1]
    np.testing.assert_allclose(env._state.last_factor[3] / game.start_factor[3], np.exp(0.1))  # type: ignore[union-attr]
    assert isinstance(reward, float)
    assert bidder(opponents=["pacing", "fixed"], reward="cpa-score:dense=1").game is game


def test_equal_words_share_one_game() -> None:
    one, other = bidder(head="increment"), bidder(advertiser=2, drawn=False, stays=True)
    assert one.game is other.game and one.game is not bidder(days=1).game
    envs = gymnasium.make_vec(ID, num_envs=3, **SMALL)
    assert isinstance(envs, BidderVectorEnv) and envs.seat.game is one.game


def test_the_game_is_the_one_that_learners_meet() -> None:
    """Its days, levels and scale are those of `generated_setup`."""
    sizes = {name: SMALL[name] for name in ("impressions", "ticks", "advertisers")}
    setup = generated_setup("demo", market_days("demo", 3, sizes), second_price(), days=2)
    env = bidder(market_seed=3, auction="second-price", scaled=True)
    np.testing.assert_array_equal(env.game.start_factor, setup.day_before.factor)
    np.testing.assert_array_equal(env.seat.scale, setup.best)
    assert Seat(env.game).scale.tolist() == [1.0] * 5


def test_words_make_a_market() -> None:
    env = market_env(
        "demo", opponents="fixed", opponent_prob=0.5, head="paced", scaled=True, **SMALL
    )
    assert len(env.possible_agents) == 5
    env.reset(seed=1)
    assert 0 < len(env.agents) < 5
    parallel_api_test(market_env("demo", **SMALL), num_cycles=20)


def test_a_market_of_a_file_or_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(market_text(DEMO))
    asked: dict[str, Any] = {**SMALL, "auction": "gsp"}
    first = bidder(market=str(path), **asked)
    assert first.game is bidder(market=DEMO, **asked).game
    path.write_text(market_text(DEMO).replace("advertisers", "advertiser", 1))
    with pytest.raises(InputError, match=r"mine\.toml"):
        bidder(market=str(path), **asked)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"market": "dmo"}, "there is no market 'dmo'; try demo"),
        ({"reward": "cpa-scor"}, "there is no reward 'cpa-scor'; try cpa-score"),
        ({"opponents": "pacin"}, "there is no bidder 'pacin'"),
        ({"head": "incremnt"}, "there is no head 'incremnt'; try increment"),
        ({"head": "increment:larg=1"}, "there is no setting 'larg'"),
        ({"advertiser": 5}, "advertiser=5: those who may learn are 0, 1, 2, 3, 4"),
        ({"marke": "demo"}, "there is no 'marke'; try market"),
        ({"days": 0}, "days=0: write a whole number of at least 1"),
        ({"ticks": "6"}, "ticks='6': write a whole number"),
        ({"play": "ticks"}, "play='ticks': write tick or impression"),
        ({"opponent_prob": 0.5}, "opponents drive all but the learner"),
        ({"opponents": ""}, "5 advertisers learn in this game and nobody is their opponent"),
        ({"market": __file__}, "is a log; make its game with"),
    ],
)
def test_words_that_mean_nothing_are_told(words: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        gymnasium.make(ID, **SMALL | words)
    assert sentence in str(error.value)


def test_a_game_is_taken_as_it_is() -> None:
    game, _ = made(EnvSpec(opponents="pacing", **SMALL))
    assert bidder_of(game).game is game
    with pytest.raises(InputError, match="leave market out"):
        gymnasium.make(ID, game=game, market="demo")
    with pytest.raises(InputError, match="leave scaled out"):
        gymnasium.make(ID, game=game, scaled=True)
    with pytest.raises(InputError, match="drive nobody; write a share above 0"):
        market_env("demo", opponents="pacing")
    with pytest.raises(InputError, match="market_env: there is no 'marke'"):
        market_env(marke="demo")


def test_makers_that_want_a_picture_do_without() -> None:
    """As stable-baselines3's `make_vec_env`, which tries again after a `TypeError`."""
    with pytest.raises(TypeError, match="leave render_mode out"):
        gymnasium.make(ID, render_mode="rgb_array", **SMALL)
    assert bidder(render_mode=None).game is bidder().game


def bidder_of(game: Any) -> BidderEnv:
    env = gymnasium.make(ID, game=game).unwrapped
    assert isinstance(env, BidderEnv)
    return env


def test_the_id_names_its_module() -> None:
    """One line is enough, and importing Gymnasium alone imports nothing of this package."""
    program = (
        "import sys, gymnasium; assert 'equibid' not in sys.modules; "
        f"spec = gymnasium.envs.registration._find_spec('equibid.envs:{ID}'); "
        "print(spec.id, spec.vector_entry_point)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [ID, "equibid.envs.made:bidder_vector_env"]
