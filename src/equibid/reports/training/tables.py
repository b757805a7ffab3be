"""From a training run to the tables of its report."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.bidders.bidder import Bidder
from equibid.bidders.population import everybody
from equibid.bidders.registry import BIDDERS
from equibid.envs.problem import Task
from equibid.envs.setup import TrainingSetup
from equibid.evaluation.insight import attention_on_overlap, boldness, specialisation
from equibid.learning.algorithm import Algorithm, State
from equibid.learning.training.best import of_seed
from equibid.learning.training.results import TrainResult
from equibid.reports.training.charts import LearningTables
from equibid.simulation.simulate import simulate

# Who stands beside the learner.
BESIDE = ("fixed", "lin", "pacing")


@runtime_checkable
class Attends(Protocol):
    """An algorithm whose critic can be asked whom each agent attends to."""

    def attention(self, task: Task, state: State, key: jax.Array) -> Float[Array, "N N"]:
        """Mean weight of each agent (row) on each other over an episode."""
        ...


def from_training(
    setup: TrainingSetup,
    task: Task,
    algorithm: Algorithm,
    trained: TrainResult,
    eval_metric: str,
    config: Mapping[str, Any],
) -> LearningTables:
    """The report's tables.

    Args:
        setup: that was learnt on.
        task: the game of it.
        algorithm: that learned.
        trained: what came out; the best state of all seeds is looked into.
        eval_metric: what counts in its judgements.
        config: of the run.
    """
    market, rule = setup.held_out[0], setup.auction
    classic = {name: BIDDERS[name](setup.log) for name in BESIDE}
    state = of_seed(trained.states, int(np.argmax(trained.score)))
    learner = algorithm.policy(task, state)
    key = jax.random.key(0)

    def deliver(bidder: Bidder) -> Any:
        seats = everybody(bidder, market.advertisers)
        return simulate(market, rule, seats, key, play=setup.play)

    own = deliver(learner)
    found = {
        config["algorithm"]: specialisation(market, rule, own.factors()),
        "pacing": specialisation(market, rule, deliver(classic["pacing"]).factors()),
    }
    attention = None
    if isinstance(algorithm, Attends) and market.advertisers > 1:
        weights = algorithm.attention(task, state, key)
        attention = attention_on_overlap(np.asarray(weights), np.asarray(task.overlap))
    return LearningTables(
        config=config,
        algorithm=config["algorithm"],
        metrics=trained.metrics,
        judgements=trained.judgements,
        eval_metric=eval_metric,
        marks={name: setup.judge(bidder)[eval_metric] for name, bidder in classic.items()},
        names=tuple(market.labels.advertiser(i) for i in range(market.advertisers)),
        category=np.asarray(market.campaigns.category),
        specialisation=found,
        boldness=boldness(own, market.campaigns.budget, jnp.asarray(task.reference.factor)),
        attention=attention,
        value_unit=market.labels.value_unit,
    )
