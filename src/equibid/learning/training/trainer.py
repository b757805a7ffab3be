"""Runs an algorithm: several seeds at once, judged, stopped early, and resumed to the same bits.

checkpoint.eqx      all of the run, as of the last step kept
metrics.parquet     what each step reported, a row a step and seed
judgements.parquet  what the judge said of the policies, a row a judgement and seed
policy.eqx          at the end: the best state of each seed
result.json         at the end: which steps were best, and how good
loggers/            for TensorBoard and others
timing.jsonl        seconds, which the tables do not know

Seeds are an axis of the arrays: one program steps them all. A sum may be taken in another order in
another program, so the bits of a seed are promised for one number of seeds, not across them; and
for one machine and one set of library versions. A run that was killed starts from its last
checkpoint and writes the very bytes of tables that an undisturbed run writes.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from equibid.bidders.bidder import Bidder
from equibid.errors import InputError
from equibid.learning.algorithm import Algorithm, habits_of, settings_of
from equibid.learning.training.best import judged, of_seed
from equibid.learning.training.loggers import Logger, opened
from equibid.learning.training.results import TrainResult, finish
from equibid.learning.training.state import Numbers, TrainState, advance, init_state, restore
from equibid.learning.training.writer import CHECKPOINT, RunWriter, make_folder
from equibid.origin import code_digest

# What a policy achieves, by name; always the same for the same policy.
Evaluator = Callable[[Bidder], Mapping[str, float]]

# Points a curve has in a logger, about; the tables have them all.
LOGGED_POINTS = 1000


@dataclass(frozen=True)
class Plan:
    """How long a run is, and what is done on the way.

    Attributes:
        steps: of the algorithm, at most.
        checkpoint_every: steps from checkpoint to checkpoint.
        eval_every: steps from judgement to judgement; the last step is judged too.
        eval_metric: which of the judge's numbers says how good a policy is; more is better.
        patience: stop when every seed had this many judgements in a row without improvement; until
            then all go on, and one that improves again counts anew. 0 never stops.
        tolerance: by which a score must pass the last that counted to be an improvement.
    """

    steps: int = 1000
    checkpoint_every: int = 50
    eval_every: int = 50
    eval_metric: str = "value"
    patience: int = 0
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (
            ("steps", 1),
            ("checkpoint_every", 1),
            ("eval_every", 1),
            ("patience", 0),
        ):
            if getattr(self, name) < least:
                raise InputError(f"{name} {getattr(self, name)}: ask for at least {least}")
        if not self.tolerance >= 0:
            raise InputError(f"tolerance {self.tolerance:g} must be 0 or more")


class TrainProgress(NamedTuple):
    """How far a run has come.

    Attributes:
        step: that has ended.
        metrics: of the step, the mean over seeds.
        score: best of each seed so far; -inf before the first judgement.
    """

    step: int
    metrics: Mapping[str, float]
    score: Float[np.ndarray, " S"]


def train(
    algorithm: Algorithm,
    task: Any,
    seeds: Sequence[int],
    plan: Plan,
    folder: Path,
    *,
    judge: Evaluator | None = None,
    config: Mapping[str, Any] | None = None,
    logger: Logger = "none",
    callback: Callable[[TrainProgress], None] | None = None,
) -> TrainResult:
    """Run an algorithm, or go on with the run in the folder.

    Args:
        algorithm: to run.
        task: to learn.
        seeds: each is a run of its own, all in one program.
        plan: of the run.
        folder: of the run; see the top of this file.
        judge: of policies; without one the last state is taken for the best.
        config: whatever else tells this run from others, such as the market; plain JSON.
        logger: where metrics are shown, beside TensorBoard.
        callback: told after every step.

    Raises:
        InputError: the folder holds another run or cannot be written, seeds or patience cannot be
            had, or the judge does not give the number it is to be judged by.
    """
    check_seeds(seeds)
    if plan.patience and judge is None:
        raise InputError("patience waits for judgements, and this task has no judge; leave it at 0")
    run = identity(algorithm, seeds, plan, config or {})
    path = folder / CHECKPOINT
    notice = ""
    if path.exists():
        train_state, notice = restore(path, algorithm, task, seeds, judge is not None, run)
    else:
        make_folder(folder)
        train_state = init_state(algorithm, task, seeds, judge is not None)
    if not ended(train_state, plan):
        with opened(folder, seeds, train_state.step, logger, run) as loggers:
            writer = RunWriter(folder, run, loggers, train_state.step, time.perf_counter())
            learn(algorithm, task, train_state, plan, writer, judge, callback)
    return finish(folder, train_state, run, train_state.step < plan.steps, plan.eval_metric, notice)


def learn(
    algorithm: Algorithm,
    task: Any,
    train_state: TrainState,
    plan: Plan,
    writer: RunWriter,
    judge: Evaluator | None,
    callback: Callable[[TrainProgress], None] | None,
) -> None:
    """Move a run to its end; arguments as in `train`."""
    stride = max(plan.steps // LOGGED_POINTS, 1)
    while not ended(train_state, plan):
        metrics = advance(algorithm, task, train_state)
        if train_state.step % stride == 0:
            writer.show(train_state, metrics)
        if judge and (train_state.step % plan.eval_every == 0 or train_state.step == plan.steps):
            said = judge_seeds(algorithm, task, train_state, judge, plan)
            writer.show(train_state, {f"judged/{name}": x for name, x in said.items()})
        if train_state.step % plan.checkpoint_every == 0 or ended(train_state, plan):
            writer.keep(train_state)
        if callback:
            means = {name: float(x.mean()) for name, x in metrics.items()}
            callback(TrainProgress(train_state.step, means, train_state.tracker.score))


def check_seeds(seeds: Sequence[int]) -> None:
    """Refuse seeds that no run can have.

    Raises:
        InputError: there is none, one comes twice, or one does not fit 32 bits.
    """
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0 or max(seeds) >= 2**32:
        raise InputError(f"seeds {list(seeds)}: name at least one, each once, from 0 to 2^32 - 1")


def identity(
    algorithm: Algorithm, seeds: Sequence[int], plan: Plan, config: Mapping[str, Any]
) -> dict[str, Any]:
    """What makes two runs the same run, as JSON gives it back; how often it is kept does not."""
    asked = {"algorithm": type(algorithm).__name__, "seeds": list(seeds)}
    planned = {name: x for name, x in asdict(plan).items() if name != "checkpoint_every"}
    settings = {f"setting {name}": x for name, x in settings_of(algorithm).items()}
    return json.loads(json.dumps({**config, **planned, **asked, **settings, **own_code(algorithm)}))


def own_code(algorithm: Algorithm) -> dict[str, str]:
    """The code of an algorithm that is not the package's own, as runs are known by it."""
    own = code_digest(type(algorithm), package=False)
    return {"code of the algorithm": own} if own else {}


def ended(train_state: TrainState, plan: Plan) -> bool:
    """By its length, or because no seed has improved for long enough."""
    tired = plan.patience > 0 and bool((train_state.tracker.stale >= plan.patience).all())
    return train_state.step >= plan.steps or tired


def judge_seeds(
    algorithm: Algorithm, task: Any, train_state: TrainState, judge: Evaluator, plan: Plan
) -> Numbers:
    """Judge the policies of all seeds, and note who is better than before.

    Returns:
        What the judge said, by seed.

    Raises:
        InputError: `eval_metric` is not among it.
    """
    S = len(train_state.metrics.seeds)
    said = [judge(algorithm.policy(task, of_seed(train_state.state, seed))) for seed in range(S)]
    numbers = {name: np.asarray([x[name] for x in said], np.float64) for name in said[0]}
    if plan.eval_metric not in numbers:
        near = get_close_matches(plan.eval_metric, numbers, n=3) or sorted(numbers)
        raise InputError(f"nothing is judged by {plan.eval_metric!r}; try {', '.join(near)}")
    train_state.judgements.add(train_state.step, numbers)
    train_state.tracker = judged(
        train_state.tracker,
        train_state.state,
        numbers[plan.eval_metric],
        train_state.step,
        plan.tolerance,
        habits_of(algorithm).keeps_last,
    )
    return numbers
