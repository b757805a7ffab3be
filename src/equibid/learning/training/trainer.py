"""Runs an algorithm: several seeds at once, judged, stopped early, and resumed to the same bits.

checkpoint.eqx      all of the run, as of the last step kept
metrics.parquet     what each step reported, a row a step and seed
judgements.parquet  what the judge said of the policies, a row a judgement and seed
policy.eqx          at the end: the best state of each seed
result.json         at the end: which steps were best, and how good
board/              for TensorBoard
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
from equibid.learning.algorithm import Algorithm, settings_of
from equibid.learning.training.best import judged, of_seed
from equibid.learning.training.loggers import Log, opened
from equibid.learning.training.results import Trained, finish
from equibid.learning.training.state import Course, Numbers, advance, begun, resumed
from equibid.learning.training.writer import CHECKPOINT, Keeping, make_folder
from equibid.origin import code_digest

# What a policy achieves, by name; always the same for the same policy.
Judge = Callable[[Bidder], Mapping[str, float]]

# Points a curve has on a board, about; the tables have them all.
BOARD_POINTS = 1000


@dataclass(frozen=True)
class Plan:
    """How long a run is, and what is done on the way.

    Attributes:
        steps: of the algorithm, at most.
        keep_every: steps from checkpoint to checkpoint.
        judge_every: steps from judgement to judgement; the last step is judged too.
        judged_by: which of the judge's numbers says how good a policy is; more is better.
        patience: stop when every seed had this many judgements in a row without improvement; until
            then all go on, and one that improves again counts anew. 0 never stops.
        tolerance: by which a score must pass the last that counted to be an improvement.
    """

    steps: int = 1000
    keep_every: int = 50
    judge_every: int = 50
    judged_by: str = "value"
    patience: int = 0
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("keep_every", 1), ("judge_every", 1), ("patience", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} {getattr(self, name)}: ask for at least {least}")
        if not self.tolerance >= 0:
            raise InputError(f"tolerance {self.tolerance:g} must be 0 or more")


class Told(NamedTuple):
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
    judge: Judge | None = None,
    config: Mapping[str, Any] | None = None,
    log: Log = "none",
    told: Callable[[Told], None] | None = None,
) -> Trained:
    """Run an algorithm, or go on with the run in the folder.

    Args:
        algorithm: to run.
        task: to learn.
        seeds: each is a run of its own, all in one program.
        plan: of the run.
        folder: of the run; see the top of this file.
        judge: of policies; without one the last state is taken for the best.
        config: whatever else tells this run from others, such as the market; plain JSON.
        log: a board beside TensorBoard.
        told: told after every step.

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
        course, notice = resumed(path, algorithm, task, seeds, judge is not None, run)
    else:
        make_folder(folder)
        course = begun(algorithm, task, seeds, judge is not None)
    if not ended(course, plan):
        with opened(folder, seeds, course.step, log, run) as board:
            keeping = Keeping(folder, run, board, course.step, time.perf_counter())
            learn(algorithm, task, course, plan, keeping, judge, told)
    return finish(folder, course, run, course.step < plan.steps, plan.judged_by, notice)


def learn(
    algorithm: Algorithm,
    task: Any,
    course: Course,
    plan: Plan,
    keeping: Keeping,
    judge: Judge | None,
    told: Callable[[Told], None] | None,
) -> None:
    """Move a course to its end; arguments as in `train`."""
    stride = max(plan.steps // BOARD_POINTS, 1)
    while not ended(course, plan):
        metrics = advance(algorithm, task, course)
        if course.step % stride == 0:
            keeping.show(course, metrics)
        if judge and (course.step % plan.judge_every == 0 or course.step == plan.steps):
            said = judge_seeds(algorithm, task, course, judge, plan)
            keeping.show(course, {f"judged/{name}": x for name, x in said.items()})
        if course.step % plan.keep_every == 0 or ended(course, plan):
            keeping.keep(course)
        if told:
            means = {name: float(x.mean()) for name, x in metrics.items()}
            told(Told(course.step, means, course.standing.score))


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
    planned = {name: x for name, x in asdict(plan).items() if name != "keep_every"}
    settings = {f"setting {name}": x for name, x in settings_of(algorithm).items()}
    return json.loads(json.dumps({**config, **planned, **asked, **settings, **own_code(algorithm)}))


def own_code(algorithm: Algorithm) -> dict[str, str]:
    """The code of an algorithm that is not the package's own, as runs are known by it."""
    own = code_digest(type(algorithm), package=False)
    return {"code of the algorithm": own} if own else {}


def ended(course: Course, plan: Plan) -> bool:
    """By its length, or because no seed has improved for long enough."""
    tired = plan.patience > 0 and bool((course.standing.stale >= plan.patience).all())
    return course.step >= plan.steps or tired


def judge_seeds(
    algorithm: Algorithm, task: Any, course: Course, judge: Judge, plan: Plan
) -> Numbers:
    """Judge the policies of all seeds, and note who is better than before.

    Returns:
        What the judge said, by seed.

    Raises:
        InputError: `judged_by` is not among it.
    """
    S = len(course.metrics.seeds)
    said = [judge(algorithm.policy(task, of_seed(course.state, seed))) for seed in range(S)]
    numbers = {name: np.asarray([x[name] for x in said], np.float64) for name in said[0]}
    if plan.judged_by not in numbers:
        near = get_close_matches(plan.judged_by, numbers, n=3) or sorted(numbers)
        raise InputError(f"nothing is judged by {plan.judged_by!r}; try {', '.join(near)}")
    course.judgements.add(course.step, numbers)
    course.standing = judged(
        course.standing, course.state, numbers[plan.judged_by], course.step, plan.tolerance
    )
    return numbers
