"""The predictor is trained, kept, resumed and seated like any other algorithm."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from equibid.auctions import first_price, gsp, second_price
from equibid.auctions.soft import Soft
from equibid.envs.periods import generated_setup
from equibid.envs.setup import TrainingSetup
from equibid.errors import InputError, UnsuitableError
from equibid.learning import algorithm_named
from equibid.learning.ncb.algorithm import NcbPredictor
from equibid.learning.ncb.hindsight import Solver
from equibid.learning.training.trainer import Plan, train
from equibid.markets import MARKETS
from equibid.simulation import everybody, simulate
from learning.small_days import TINY

SMALL = NcbPredictor(
    num_envs=2,
    rounds=2,
    num_updates=4,
    batch_size=8,
    target_every=3,
    shape=TINY,
    solver=Solver(rounds=10, polishing=2),
)
SIZES = {"impressions": 900, "advertisers": 4, "ticks": 6}


def setup(auction: Any = None) -> TrainingSetup:
    """Three days of a small market, and one held out."""

    def day(number: int) -> Any:
        return MARKETS["demo"](jax.random.key(0), day=number, **SIZES)

    return generated_setup("made", day, auction or second_price(), days=3, held_out=1)


def test_a_run_learns_is_judged_and_seated_and_a_stopped_one_goes_on(tmp_path: Path) -> None:
    where = setup()
    task = where.task_for(SMALL)
    plan = Plan(steps=3, eval_every=1, checkpoint_every=1)
    whole = train(SMALL, task, seeds=[0, 1], plan=plan, folder=tmp_path / "a", judge=where.judge)
    metrics = whole.metrics
    assert metrics.height == 6
    assert metrics["loss"].is_finite().all()
    by_seed = metrics.filter(step=1)["loss"].to_list()
    assert by_seed[0] != by_seed[1]

    class StoppedError(Exception):
        pass

    def stop(progress: Any) -> None:
        if progress.step == 2:
            raise StoppedError

    run: Any = {"seeds": [0, 1], "plan": plan, "folder": tmp_path / "b", "judge": where.judge}
    with pytest.raises(StoppedError):
        train(SMALL, task, **run, callback=stop)
    again = train(SMALL, task, **run)
    assert again.metrics.equals(metrics)
    bidder = SMALL.policy(task, jax.tree.map(lambda x: x[0], again.states))
    market = where.held_out[0]
    sold = simulate(market, where.auction, everybody(bidder, 4), jax.random.key(0)).total()
    assert (np.asarray(sold.spend) <= np.asarray(market.campaigns.budget) * (1 + 1e-9)).all()
    assert float(sold.value.sum()) > 0


def test_untrained_it_bids_the_factor_of_the_log_up_to_the_target() -> None:
    task = setup().task_for(SMALL)
    bidder: Any = SMALL.policy(task, SMALL.init(task, jax.random.key(0)))
    state = bidder.init(task.game.campaigns)
    factor = bidder.factor(state, None, jax.random.key(1))
    expected = np.minimum(task.reference.factor, task.game.campaigns.target_cpa)
    np.testing.assert_allclose(factor, expected)


def test_rounds_take_the_next_days_and_come_round() -> None:
    task = setup().task_for(SMALL)
    assert len(task.markets) == 3
    first, second = SMALL._days(task, 0), SMALL._days(task, 2)
    got = [np.asarray(day.game.market.values) for day in (*first, *second)]
    wanted = [np.asarray(task.markets[number].values) for number in (0, 1, 2, 0)]
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("auction", [gsp(), first_price()])
def test_auctions_of_other_rules_are_refused(auction: Any) -> None:
    with pytest.raises(UnsuitableError, match="--auction second-price"):
        setup(auction).task_for(SMALL)


def test_a_soft_auction_is_solved_as_it_is() -> None:
    task = setup(Soft(0.05)).task_for(SMALL)
    assert SMALL._days(task, 0)[0].game.auction == Soft(0.05)


def test_what_it_cannot_learn_is_refused() -> None:
    for setting in ("reward=cpa", "env_mode=log"):
        with pytest.raises(InputError, match="learn"):
            algorithm_named("ncb-predictor", [setting])
    assert replace(SMALL, reward="value") == SMALL
