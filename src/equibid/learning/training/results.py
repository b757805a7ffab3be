"""A finished run: written, and read again as a bidder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import polars as pl
from jaxtyping import Float, Int

from equibid.bidders.bidder import Bidder
from equibid.errors import InputError
from equibid.files import read_json, write_json, write_parquet
from equibid.learning.algorithm import Algorithm, State, with_settings
from equibid.learning.training.best import best_state, of_seed, without_replay
from equibid.learning.training.checkpoint import load, save
from equibid.learning.training.state import TrainState
from equibid.plugins import plugins_in, recall

# From a run's config to the task its policy is to play.
TaskBuilder = Callable[[dict[str, Any]], Any]


class TrainResult(NamedTuple):
    """What came out.

    Attributes:
        steps: that were made.
        stopped: for lack of improvement, before the last step planned.
        states: of the best step of each seed, or of the last where none was judged [S, ...].
        score: of these; -inf where none was judged.
        best_step: of these; 0 where none was judged.
        metrics: a row a step and seed.
        judgements: a row a judgement and seed.
        notice: something a person should know of this run, or nothing.
    """

    steps: int
    stopped: bool
    states: Any
    score: Float[np.ndarray, " S"]
    best_step: Int[np.ndarray, " S"]
    metrics: pl.DataFrame
    judgements: pl.DataFrame
    notice: str


def finish(
    folder: Path,
    train_state: TrainState,
    run: Mapping[str, Any],
    stopped: bool,
    eval_metric: str,
    notice: str,
) -> TrainResult:
    """Write what a run came to, and give it.

    Args:
        folder: of the run.
        train_state: at its end.
        run: what makes two runs the same run.
        stopped: before the last step planned.
        eval_metric: the name of the score.
        notice: for people.
    """
    tracker = train_state.tracker
    known = (tracker.at > 0).tolist()
    scores = tracker.score.tolist()
    result = {
        "seeds": list(train_state.metrics.seeds),
        "steps": train_state.step,
        "stopped": stopped,
        "eval_metric": eval_metric,
        "score": [x if k else None for x, k in zip(scores, known, strict=True)],
        "best_step": tracker.at.tolist(),
    }
    states = best_state(tracker, jax.device_get(train_state.state))
    write_tables(folder, train_state)
    save(folder / "policy.eqx", {"run": run, **result}, states)
    write_json(folder / "result.json", result)
    metrics, judgements = train_state.metrics.frame(), train_state.judgements.frame()
    return TrainResult(
        train_state.step, stopped, states, tracker.score, tracker.at, metrics, judgements, notice
    )


def write_tables(folder: Path, train_state: TrainState) -> None:
    """What was reported and judged so far."""
    for name, table in (("metrics", train_state.metrics), ("judgements", train_state.judgements)):
        write_parquet(folder / f"{name}.parquet", table.frame())


def saved_algorithm(folder: Path) -> tuple[Algorithm, dict[str, Any]]:
    """The algorithm of a training run with its settings, and the run's whole config.

    Raises:
        InputError: it is not the folder of a training run, or a plugin of it is not known here.
    """
    try:
        config = read_json(folder / "config.json")
        name, settings = config["algorithm"], dict(config["settings"])
        plugins = plugins_in(config)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: not a run of `equibid train`") from error
    recall(folder, plugins)
    return with_settings(name, settings), config


def load_state(folder: Path, like: State, seed: int | None = None) -> State:
    """The best state of a finished run.

    Args:
        folder: of the run.
        like: a state of one seed, as `Algorithm.init` gives; its shapes and dtypes are enough.
        seed: of the run; by default the one with the best score, the first if none was judged.

    Raises:
        InputError: the run is not finished, has no such seed, or its states are of other shapes.
    """
    path = folder / "policy.eqx"
    if not path.exists():
        raise InputError(f"{folder}: no policy.eqx; let `equibid train` finish this run first")

    def batch(header: dict[str, Any]) -> Any:
        S = len(header["seeds"])
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((S, *x.shape), x.dtype), without_replay(like)
        )

    header, states = load(path, batch)
    if seed is None:
        scores = [-np.inf if score is None else score for score in header["score"]]
        index = int(np.argmax(scores))
    elif seed in header["seeds"]:
        index = header["seeds"].index(seed)
    else:
        raise InputError(f"{folder}: has seeds {header['seeds']}, not {seed}")
    return of_seed(states, index)


def load_policy(folder: Path, task_builder: TaskBuilder, seed: int | None = None) -> Bidder:
    """The best policy of a finished run, for a task.

    Args:
        folder: of the run.
        task_builder: makes the task to be played from the run's config.
        seed: as `load_state` takes it.

    Raises:
        InputError: as `saved_algorithm` and `load_state` raise it, or the task has other sizes
            than the one that was learnt and the algorithm's state depends on them.
    """
    algorithm, config = saved_algorithm(folder)
    task = task_builder(config)
    like = eqx.filter_eval_shape(lambda: algorithm.init(task, jax.random.key(0)))
    return algorithm.policy(task, load_state(folder, like, seed))
