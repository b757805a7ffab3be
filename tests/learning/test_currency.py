"""Money in another unit changes nothing that is learnt: every algorithm, to the last bit."""

from dataclasses import fields, replace
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

from equibid.auctions.ranked import Ranked
from equibid.envs.periods import generated_setup
from equibid.envs.setup import Opponents, TrainingSetup
from equibid.learning.algorithm import ALGORITHMS
from equibid.markets import MARKETS
from equibid.markets.market import Market

# A power of two, so that every product with it is exact.
UNIT = 4.0
SMALL = {"num_updates": 2, "batch_size": 8, "num_envs": 2, "hidden_size": 8, "buffer_size": 8}
NAMES = ("attention-critic", "dcmab", "maab", "uscb", "drlb", "maddpg", "mappo", "ippo", "iddpg")


def day(number: int, unit: float) -> Market:
    """A day of a small market, its money counted in a unit of which `unit` make one."""
    sizes = {"impressions": 240, "advertisers": 4, "ticks": 6}
    market = MARKETS["demo"](jax.random.key(1), day=number, **sizes)
    campaigns = replace(
        market.campaigns,
        budget=unit * market.campaigns.budget,
        target_cpa=unit * market.campaigns.target_cpa,
    )
    return replace(market, campaigns=campaigns)


@cache
def setup(unit: float) -> TrainingSetup:
    # The reserve and the least budget are money too.
    rule = Ranked(exposure=(1.0, 0.8, 0.6), reserve=unit * 1e-4, minimum_budget=unit * 0.1)
    return generated_setup("small", lambda number: day(number, unit), rule, days=2, held_out=1)


@cache
def learnt(name: str, unit: float) -> tuple[Any, dict[str, float]]:
    """What is fitted after two steps beside opponents, and how it is judged."""
    algorithm: Any = ALGORITHMS[name]()
    whole = {x.name for x in fields(algorithm) if isinstance(getattr(algorithm, x.name), int)}
    algorithm = replace(algorithm, **{k: x for k, x in SMALL.items() if k in whole})
    opponents = Opponents(("pacing", "fixed"), 0.5) if algorithm.env_mode == "market" else None
    task = setup(unit).task_for(algorithm, opponents)
    step, state = jax.jit(algorithm.step), jax.jit(algorithm.init)(task, jax.random.key(2))
    for _ in range(2):
        state, _ = step(task, state)
    policy = algorithm.policy(task, state)
    return state, setup(unit).judge(policy)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_unit_of_money_changes_no_learned_policy(name: str) -> None:
    one, other = (learnt(name, unit) for unit in (1.0, UNIT))
    assert one[1] == other[1]
    changed = 0
    for pair in zip(jax.tree.leaves(one[0]), jax.tree.leaves(other[0]), strict=True):
        x, y = (np.asarray(leaf) for leaf in pair)
        # Money that is kept in a run's state is counted in the unit.
        if not np.array_equal(x, y):
            np.testing.assert_array_equal(y, UNIT * x)
            changed += 1
    assert changed <= 2
