"""The environments beside stable-baselines3, where it is installed; it is no dependency."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import gsp
from equibid.bidders import BIDDERS
from equibid.bidders.population import Population
from equibid.envs import ID
from equibid.evaluation.arena import enter
from equibid.learning import mlp_from
from equibid.markets.days import market_days
from equibid.simulation import simulate
from equibid.simulation.scenario import generated_scenario

pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "stable_baselines3_bidder.py"
SIZES = {"impressions": 300, "ticks": 6, "advertisers": 5}

pytestmark = pytest.mark.slow


@pytest.fixture
def example() -> Iterator[dict[str, Any]]:
    """The example's names; its bidder is registered as long as the test runs."""
    yield runpy.run_path(str(EXAMPLE))
    del BIDDERS.entries["sb3-ppo"], BIDDERS.summaries["sb3-ppo"]


@pytest.mark.parametrize("head", ["increment", "multiple"])
def test_its_checker_accepts_the_bidder(head: str) -> None:
    from stable_baselines3.common.env_checker import check_env  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    check_env(gymnasium.make(ID, head=head, days=2, **SIZES))


def test_its_processes_share_a_game() -> None:
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    game = gymnasium.make(ID, days=2, **SIZES).unwrapped.game  # type: ignore[attr-defined]
    name = f"equibid.envs:{ID}"
    makers = [lambda: gymnasium.make(name, game=game, advertiser=1)] * 2
    apart, together = SubprocVecEnv(makers, start_method="spawn"), DummyVecEnv(makers)
    for envs in (apart, together):
        envs.seed(3)
    np.testing.assert_array_equal(apart.reset(), together.reset())
    for _ in range(3):
        actions = np.full((2, 1), 0.3, np.float32)
        for one, other in zip(apart.step(actions)[:3], together.step(actions)[:3], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)  # one keeps rewards in float32
    apart.close()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_what_it_learned_enters_a_comparison(example: dict[str, Any], tmp_path: Path) -> None:
    weights = tmp_path / "ppo.npz"
    model = example["learn"](768, weights, days=2, **SIZES)
    seen = np.random.default_rng(0).normal(size=(50, 18)).astype(np.float32)
    want = model.predict(seen, deterministic=True)[0]
    answers = np.clip(np.asarray(mlp_from(weights)(seen)), -1, 1)
    np.testing.assert_allclose(answers, want, atol=1e-5)
    assert np.ptp(want) > 0
    scenario = generated_scenario("demo", market_days("demo", sizes=SIZES), gsp())
    bidder = enter(scenario, [f"sb3-ppo:weights={weights}"])[0].bidder
    population = Population((bidder,), jnp.zeros(5, jnp.int32))
    delivery = simulate(scenario.market(0), gsp(), population, jax.random.key(0))
    assert delivery.tally.spend.sum() > 0
