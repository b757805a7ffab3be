"""What a training run learned, seen from outside, as tables of its folder.

training.json           the unit of value, what counts in judgements, what other bidders reach
aggressiveness.parquet  a row a share of money left and span of the period
wins.parquet            a row a bidder, advertiser and segment of impressions: expected wins
specialisation.parquet  a row a bidder and advertiser
attention.parquet       a row a pair of agents: overlap of targeting, attention; if it attends

What the columns are stands in `equibid.evaluation.policy_analysis`.
"""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from equibid.bidders.bidder import Bidder
from equibid.bidders.population import everybody
from equibid.bidders.registry import BIDDERS
from equibid.envs.problem import Task
from equibid.envs.setup import TrainingSetup
from equibid.evaluation.policy_analysis import (
    Aggressiveness,
    Specialisation,
    aggressiveness,
    attention_on_overlap,
    specialisation,
)
from equibid.learning.algorithm import Algorithm, State
from equibid.learning.training.best import of_seed
from equibid.learning.training.results import TrainResult
from equibid.markets.market import Market
from equibid.runs.folder import Run
from equibid.simulation.delivery import Delivery
from equibid.simulation.simulate import simulate

# Who stands beside the learner.
BESIDE = ("fixed", "lin", "pacing")


@runtime_checkable
class Attends(Protocol):
    """An algorithm whose critic can be asked whom each agent attends to."""

    def attention(self, task: Task, state: State, key: jax.Array) -> Float[Array, "N N"]:
        """Mean weight of each agent (row) on each other over an episode."""
        ...


def write_policy_analysis(
    run: Run,
    setup: TrainingSetup,
    task: Task,
    algorithm: Algorithm,
    trained: TrainResult,
    eval_metric: str,
) -> None:
    """Look into the best state of all seeds on a held-out period, and write the tables.

    Args:
        run: the folder of the training run.
        setup: that was learnt on.
        task: the game of it.
        algorithm: that learned.
        trained: what came out.
        eval_metric: what counts in its judgements.
    """
    market, rule = setup.held_out[0], setup.auction
    classic = {name: BIDDERS[name](setup.log) for name in BESIDE}
    state = of_seed(trained.states, int(np.argmax(trained.score)))
    key = jax.random.key(0)

    def deliver(bidder: Bidder) -> Delivery:
        seats = everybody(bidder, market.advertisers)
        return simulate(market, rule, seats, key, play=setup.play)

    own = deliver(algorithm.policy(task, state))
    found = {
        "learned": specialisation(market, rule, own.factors()),
        "pacing": specialisation(market, rule, deliver(classic["pacing"]).factors()),
    }
    reference = jnp.asarray(task.reference.factor)
    run.write_table(
        "aggressiveness.parquet",
        aggressiveness_frame(aggressiveness(own, market.campaigns.budget, reference)),
    )
    run.write_table("wins.parquet", wins_frame(found))
    run.write_table("specialisation.parquet", specialisation_frame(found, market))
    if isinstance(algorithm, Attends) and market.advertisers > 1:
        weights = np.asarray(algorithm.attention(task, state, key))
        pairs = attention_on_overlap(weights, np.asarray(task.overlap))
        frame = pl.DataFrame(pairs, schema=["overlap", "attention"], orient="row")
        run.write_table("attention.parquet", frame)
    told: dict[str, Any] = {
        "value_unit": market.labels.value_unit,
        "eval_metric": eval_metric,
        "marks": {name: setup.judge(bidder)[eval_metric] for name, bidder in classic.items()},
    }
    run.write_json("training.json", told)


def aggressiveness_frame(found: Aggressiveness) -> pl.DataFrame:
    """A row a share of `money` left and span of `time`, both counted from 0, the least first.

    `level` is null where nobody stood; `weight` says how many did.
    """
    money, time = (at.ravel() for at in np.indices(found.level.shape))
    columns = {"level": found.level.ravel(), "weight": found.weight.ravel()}
    return pl.DataFrame({"money": money, "time": time} | columns).with_columns(
        pl.col("level").fill_nan(None)
    )


def wins_frame(found: dict[str, Specialisation]) -> pl.DataFrame:
    """A row a `bidder`, `advertiser` and `segment`: expected `wins`."""
    frames = []
    for name, one in found.items():
        advertiser, segment = (at.ravel() for at in np.indices(one.wins.shape))
        frame = pl.DataFrame(
            {"advertiser": advertiser, "segment": segment, "wins": one.wins.ravel()}
        )
        frames.append(frame.select(pl.lit(name).alias("bidder"), pl.all()))
    return pl.concat(frames)


def specialisation_frame(found: dict[str, Specialisation], market: Market) -> pl.DataFrame:
    """A row a `bidder` and `advertiser`, with its `name` and `category`.

    `distance` is null where it won nothing.
    """
    N = market.advertisers
    who = pl.DataFrame(
        {
            "advertiser": np.arange(N),
            "name": [market.labels.advertiser(i) for i in range(N)],
            "category": np.asarray(market.campaigns.category, np.int64),
        }
    )
    frames = [
        who.select(pl.lit(name).alias("bidder"), pl.all()).with_columns(
            distance=pl.Series(one.distance).fill_nan(None)
        )
        for name, one in found.items()
    ]
    return pl.concat(frames)
