"""Which state of each seed was best, and for how long there was none better."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from equibid.learning.replay.buffer import Replay


class BestTracker(NamedTuple):
    """Of the seeds of a run, by judgements so far.

    Attributes:
        best: the best state of each seed, `without_replay`, in main memory [S, ...]; nothing if
            there is no judge.
        score: of these; -inf before the first judgement.
        at: steps of these; 0 before the first judgement.
        mark: the last score that was an improvement.
        stale: judgements since then.
    """

    best: Any
    score: Float[np.ndarray, " S"]
    at: Int[np.ndarray, " S"]
    mark: Float[np.ndarray, " S"]
    stale: Int[np.ndarray, " S"]


def without_replay(state: Any) -> Any:
    """A state without what it remembers of episodes: all that a policy needs."""

    def replayed(x: Any) -> bool:
        return isinstance(x, Replay)

    return jax.tree.map(lambda x: None if replayed(x) else x, state, is_leaf=replayed)


def newcomer(state: Any, seeds: int, judges: bool) -> BestTracker:
    """Before the first judgement.

    Args:
        state: of the run [S, ...]; its shapes and dtypes are enough.
        seeds: S.
        judges: whether there will be any.
    """
    best = (
        jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), without_replay(state))
        if judges
        else None
    )
    worst, none = np.full(seeds, -np.inf), np.zeros(seeds, np.int64)
    return BestTracker(best, worst, none, worst, none)


def judged(
    tracker: BestTracker,
    state: Any,
    score: Float[np.ndarray, " S"],
    step: int,
    tolerance: float,
    latest: bool = False,
) -> BestTracker:
    """After a judgement; a score that is not a number is no improvement.

    Args:
        tracker: before.
        state: that was judged [S, ...].
        score: more is better.
        step: of the judgement.
        tolerance: by which a score must pass the mark to be an improvement; the best state is
            kept whatever it is better by.
        latest: keep this state, better or not.
    """
    better = (score > tracker.score) | latest
    improved = score > tracker.mark + tolerance
    best = tracker.best
    if better.any():
        new = without_replay(state)
        best = jax.tree.map(lambda old, new: _where(better, np.asarray(new), old), best, new)
    return BestTracker(
        best,
        np.where(better, score, tracker.score),
        np.where(better, step, tracker.at),
        np.where(improved, score, tracker.mark),
        np.where(improved, 0, tracker.stale + 1),
    )


def best_state(tracker: BestTracker, state: Any) -> Any:
    """The best state of each seed; the last of a seed that no judgement found any good.

    Args:
        tracker: of the seeds.
        state: the last [S, ...].
    """
    known, last = tracker.at > 0, without_replay(state)
    if not known.any():
        return last
    return jax.tree.map(lambda best, last: _where(known, best, last), tracker.best, last)


def of_seed(state: Any, index: int) -> Any:
    """The state of one seed."""
    return jax.tree.map(lambda x: x[index], state)


def _where(which: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    # A copy always: the memory of the new state is the next step's.
    return np.where(which.reshape(-1, *[1] * (new.ndim - 1)), new, old)
