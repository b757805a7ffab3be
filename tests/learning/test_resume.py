"""Every algorithm's run goes on after a stop to the same bytes, and so do its tables."""

from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import pytest

from equibid.auctions.ranked import gsp
from equibid.envs.periods import generated_setup
from equibid.envs.setup import TrainingSetup
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.training.trainer import Plan, TrainProgress, train
from equibid.markets import MARKETS

FILES = ("checkpoint.eqx", "metrics.parquet", "judgements.parquet", "policy.eqx", "result.json")
PLAN = Plan(steps=3, checkpoint_every=2, eval_every=2)
# Smaller than the defaults, where an algorithm has the setting; what is kept is the same.
SMALL = {"num_updates": 2, "batch_size": 8, "num_envs": 2, "hidden_size": 8, "buffer_size": 8}


class StopError(Exception):
    """Stands for whatever ends a process."""


@lru_cache
def setup() -> TrainingSetup:
    sizes = {"impressions": 240, "advertisers": 4, "ticks": 6}
    key = jax.random.key(1)
    return generated_setup(
        "small", lambda day: MARKETS["demo"](key, day=day, **sizes), gsp(), days=1, held_out=1
    )


def stop(now: TrainProgress) -> None:
    if now.step == 3:
        raise StopError


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "attention-critic",
        "dcmab",
        "maab",
        "uscb",
        "drlb",
        "maddpg",
        "mappo",
        "ippo",
        "iddpg",
        "bpg",
    ],
)
def test_a_stopped_run_goes_on_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    algorithm = ALGORITHMS[name]()
    settings: Any = algorithm
    whole = {x.name for x in fields(settings) if isinstance(getattr(settings, x.name), int)}
    small = {name: x for name, x in SMALL.items() if name in whole}
    algorithm = replace(settings, **small)
    task = setup().task_for(algorithm)

    def run(folder: Path, **more: Any) -> None:
        train(algorithm, task, (0, 7), PLAN, folder, judge=setup().judge, **more)

    run(tmp_path / "whole")
    with pytest.raises(StopError):
        run(tmp_path / "stopped", callback=stop)
    assert not (tmp_path / "stopped" / "result.json").exists()
    run(tmp_path / "stopped")
    for file in FILES:
        there, here = (tmp_path / x / file for x in ("stopped", "whole"))
        assert there.read_bytes() == here.read_bytes(), file
