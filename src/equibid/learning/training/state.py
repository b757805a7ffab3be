"""Where a training run is: made anew, moved by a step, kept in a file, and read from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from equibid.learning.algorithm import Algorithm, habits_of
from equibid.learning.training.best import BestTracker, newcomer
from equibid.learning.training.checkpoint import load, save, verify, versions
from equibid.learning.training.table import Table, blank, table_of

Numbers = Mapping[str, np.ndarray]


@dataclass
class TrainState:
    """A run as of some step.

    Attributes:
        step: of the algorithm, that have ended.
        state: of the algorithm [S, ...].
        tracker: of the seeds.
        metrics: a row a step.
        judgements: a row a judgement.
    """

    step: int
    state: Any
    tracker: BestTracker
    metrics: Table
    judgements: Table


def init_state(algorithm: Algorithm, task: Any, seeds: Sequence[int], judges: bool) -> TrainState:
    """A run that has learnt nothing.

    Args:
        algorithm: of the run.
        task: to learn.
        seeds: S of them.
        judges: whether there will be judgements.
    """
    state = _init((algorithm, task), jnp.asarray(seeds, jnp.uint32))
    return TrainState(0, state, newcomer(state, len(seeds), judges), Table(seeds), Table(seeds))


def advance(algorithm: Algorithm, task: Any, train_state: TrainState) -> Numbers:
    """Move a course by one step.

    Returns:
        The metrics by seed.

    Raises:
        ValueError: the step changed the shapes of the state, or a metric is not a number.
    """
    before = _shapes(train_state.state) if train_state.step == 0 else None
    step = _step_on_host if habits_of(algorithm).on_host else _step
    train_state.state, metrics = step((algorithm, task), train_state.state)
    if before is not None and before != _shapes(train_state.state):
        raise ValueError(f"{type(algorithm).__name__}: a step changed the shapes of its state")
    train_state.step += 1
    metrics = jax.device_get(metrics)
    train_state.metrics.add(train_state.step, metrics)
    return metrics


def keep(path: Path, train_state: TrainState, run: Mapping[str, Any]) -> None:
    """Write a checkpoint.

    Args:
        path: of the file.
        train_state: to write.
        run: what makes two runs the same run.
    """
    header = {
        "run": run,
        "step": train_state.step,
        "metrics": train_state.metrics.names,
        "judged": len(train_state.judgements.steps),
        "judgements": train_state.judgements.names,
    }
    rows = train_state.metrics.rows(), train_state.judgements.rows()
    save(path, header, (train_state.state, train_state.tracker, *rows))


def restore(
    path: Path,
    algorithm: Algorithm,
    task: Any,
    seeds: Sequence[int],
    judges: bool,
    run: Mapping[str, Any],
) -> tuple[TrainState, str]:
    """The course of a checkpoint, and a notice if other libraries wrote it.

    Raises:
        InputError: the file is damaged or of another run.
    """
    S = len(seeds)
    state = eqx.filter_eval_shape(_init, (algorithm, task), jnp.asarray(seeds, jnp.uint32))

    def like(header: dict[str, Any]) -> Any:
        verify(path, header["run"], run)
        return (
            state,
            newcomer(state, S, judges),
            blank(header["step"], S, len(header["metrics"])),
            blank(header["judged"], S, len(header["judgements"])),
        )

    header, (state, tracker, metrics, judgements) = load(path, like)
    train_state = TrainState(
        header["step"],
        state,
        tracker,
        table_of(seeds, header["metrics"], metrics),
        table_of(seeds, header["judgements"], judgements),
    )
    now = versions()
    changed = [
        "other code of this package" if x == "code" else f"{x} {old}, now {now[x]}"
        for x, old in header["versions"].items()
        if old != now[x]
    ]
    callback = (
        f"the checkpoint was written with {'; '.join(changed)}: the bits may differ from here"
    )
    return train_state, callback if changed else ""


@eqx.filter_jit
def _init(fixed: tuple[Algorithm, Any], seeds: jax.Array) -> Any:
    algorithm, task = fixed
    return _over_seeds(lambda seed: algorithm.init(task, jax.random.key(seed)), seeds)


# The task's arrays are arguments, not constants of the program; the state's memory is used again.
@partial(eqx.filter_jit, donate="all-except-first")
def _step(fixed: tuple[Algorithm, Any], state: Any) -> tuple[Any, dict[str, jax.Array]]:
    algorithm, task = fixed
    return _over_seeds(partial(algorithm.step, task), state)


def _step_on_host(fixed: tuple[Algorithm, Any], state: Any) -> tuple[Any, dict[str, jax.Array]]:
    """As `_step`, seed after seed."""
    algorithm, task = fixed
    seeds = range(len(jax.tree.leaves(state)[0]))
    steps = [algorithm.step(task, jax.tree.map(lambda x, at=at: x[at], state)) for at in seeds]
    return jax.tree.map(lambda *each: jnp.stack(each), *steps)


def _over_seeds(function: Callable[[Any], Any], batch: Any) -> Any:
    """Map over the leading axis. Alone, a seed is not mapped: its `lax.cond` stays a choice."""
    if len(jax.tree.leaves(batch)[0]) == 1:
        one = function(jax.tree.map(lambda x: x[0], batch))
        mapped = jax.tree.map(lambda x: jnp.asarray(x)[None], one)
    else:
        mapped = jax.vmap(function)(batch)
    # A file does not keep weak types, so no state may have any.
    return jax.tree.map(lambda x: lax.convert_element_type(x, x.dtype), mapped)


def _shapes(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [(x.shape, x.dtype) for x in leaves]
