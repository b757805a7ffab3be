"""What is compared, met and judged by unless somebody asks for other things."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import gsp
from equibid.bidders.population import Population
from equibid.bidders.registry import BIDDERS
from equibid.cli.demo import BIDDERS as IN_DEMO
from equibid.envs.periods import generated_setup, usual_days
from equibid.envs.setup import NEIGHBOURS, TrainingSetup
from equibid.markets import MARKETS
from equibid.registry import parted
from equibid.runs.compare import CLASSIC
from equibid.runs.training import TrainConfig


def day(number: int):
    sizes = {"impressions": 200, "advertisers": 9, "ticks": 4}
    return MARKETS["demo"](jax.random.key(0), day=number, **sizes)


def test_the_best_classic_bidders_are_everywhere() -> None:
    best = {"pacing-ratio", "online-lp"}
    assert best <= set(CLASSIC) & set(parted(IN_DEMO)) & set(NEIGHBOURS)
    opponents = parted(TrainConfig("mappo").opponents)
    assert "pacing-ratio" in opponents
    # A game shows no bidder every impression, so those that watch cannot be opponents.
    assert not any(BIDDERS[name](generated().log).needs_impressions for name in opponents)


def generated() -> TrainingSetup:
    return generated_setup("made", day, gsp())


def test_a_generated_market_is_learnt_on_many_days_and_judged_on_eight() -> None:
    setup = generated()
    assert [len(setup.train), len(setup.held_out)] == [32, 8]
    assert TrainConfig("mappo").days is None


@pytest.mark.parametrize(("impressions", "days"), [(100_000, 32), (500_000, 8), (5_000_000, 4)])
def test_large_days_are_fewer(impressions: int, days: int) -> None:
    # Only the size of the values is looked at.
    market = day(0)
    object.__setattr__(market, "values", jax.ShapeDtypeStruct((impressions, 48), jnp.float32))
    assert usual_days(market) == days


def test_a_policy_is_judged_beside_every_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    setup, seats = generated(), []

    def judged(self: TrainingSetup, population: Population) -> dict[str, float]:
        seats.append(np.asarray(population.seat).tolist())
        return {"value": 1.0, "score": 2.0, "conversions": 0.0, "spend": 0.0}

    monkeypatch.setattr(TrainingSetup, "judged", judged)
    got = setup.judge(setup.neighbours[0])
    assert seats == [[0] * 9, [0, 1, 0, 2, 0, 3, 0, 1, 0], [1, 0, 2, 0, 3, 0, 1, 0, 2]]
    assert (got["seated"], got["seated-score"]) == (2.0, 4.0)
