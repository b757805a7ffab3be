"""Runs of a learning algorithm on a market, with a look into what was learnt."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import equibid
from equibid.files import file_name, write_json
from equibid.learning.algorithm import Algorithm, algorithm_named, settings_of
from equibid.learning.training import trainer
from equibid.learning.training.results import TrainResult
from equibid.learning.training.trainer import TrainProgress, check_seeds
from equibid.runs.folder import Run, open_run
from equibid.runs.market import MarketChoice
from equibid.runs.options import check_numbers
from equibid.runs.places import place_for
from equibid.runs.policy_analysis import write_policy_analysis
from equibid.runs.progress import SILENT, Progress
from equibid.runs.training import (
    TrainConfig,
    opponents_chance,
    plan_of,
    training_job,
    training_setups,
)

# How many of a step's metrics stand beside the progress bar.
SHOWN = 3


@dataclass(frozen=True)
class TrainRuns:
    """Which runs, and where."""

    seeds: int = 1
    """Runs from different chance, all in one program. Their bits depend on how many they are."""

    seed: int = 0
    """Of the first; the others follow."""

    out: Path | None = None
    """Run folder; default runs/train-MARKET-ALGORITHM, or one beside it where that holds a run with
    other settings. A run that was stopped goes on from there, to the same bits."""

    force: bool = False
    """Replace the run that is in the folder."""


class TrainedMarket(NamedTuple):
    """What came of the runs on one market.

    Attributes:
        name: of the market.
        run: its folder, in which all tables are.
        result: of the training.
    """

    name: str
    run: Run
    result: TrainResult


@dataclass(frozen=True)
class Trained:
    """What came of all runs.

    Attributes:
        folder: of the run, or with a folder a campaign where a log has several.
        markets: what was learnt on each.
        seeds: of the runs.
        seconds: that they took.
    """

    folder: Path
    markets: list[TrainedMarket]
    seeds: list[int]
    seconds: float


def train(
    choice: MarketChoice, training: TrainConfig, asked: TrainRuns, progress: Progress = SILENT
) -> Trained:
    """Let an algorithm learn to bid on a market, and write what it learnt.

    Campaigns of a log are markets of their own: where there are several, each has a run in a
    folder of its name.

    Args:
        choice: the market.
        training: what is learnt, and for how long.
        asked: how many runs, and where to.
        progress: told how far it has come.

    Raises:
        InputError: something that is asked for is not there or does not go together, or the folder
            holds another run.
    """
    algorithm = algorithm_named(training.algorithm, training.set)
    check_numbers(choice, training, asked)
    seeds = list(range(asked.seed, asked.seed + asked.seeds))
    plan = plan_of(training, algorithm)
    check_seeds(seeds)
    started = time.perf_counter()
    folder = asked.out
    markets: list[TrainedMarket] = []
    loading = progress.add_task("markets", total=None)
    setups = training_setups(choice, training)
    progress.remove_task(loading)
    for setup in setups:
        job = training_job(setup, training, algorithm)
        config = _resolved(choice, training, algorithm, seeds) | job.config
        inner = file_name(job.name) if len(setups) > 1 else ""
        default = Path("runs") / f"train-{choice.stem}-{training.algorithm}"
        folder = folder or place_for(default, config, inner)
        run = open_run(folder / inner, config, asked.force)
        learning = progress.add_task(f"{job.name}: compiling", total=plan.steps, quiet=True)

        def told(now: TrainProgress, name: str = job.name, task: Any = learning) -> None:
            line = _headline(now)
            progress.update(task, completed=now.step, description=f"{name}: {line}")
            if now.step % plan.eval_every == 0 or now.step == plan.steps:
                progress.milestone(f"{name}: step {now.step} of {plan.steps}, {line}")

        result = trainer.train(
            algorithm,
            job.task,
            seeds,
            plan,
            run.folder,
            judge=job.judge,
            config=config,
            logger=training.logger,
            callback=told,
        )
        progress.update(learning, description=f"{job.name}: looking into it")
        write_policy_analysis(run, setup, job.task, algorithm, result, plan.eval_metric)
        progress.remove_task(learning)
        markets.append(TrainedMarket(job.name, run, result))
    assert folder is not None
    if len(markets) > 1:
        _write_sum(folder, [x.result for x in markets], seeds, plan.eval_metric)
    return Trained(folder, markets, seeds, time.perf_counter() - started)


def _resolved(
    choice: MarketChoice, training: TrainConfig, algorithm: Algorithm, seeds: list[int]
) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    asked, plan = asdict(training), plan_of(training, algorithm)
    # All settings stand there; neither the logger nor the checkpoints change the run.
    del asked["set"], asked["logger"], asked["checkpoint_every"]
    return (
        {"command": "train", "version": equibid.__version__}
        | asdict(choice)
        | asked
        | {"market": choice.name, "settings": settings_of(algorithm), "seeds": seeds}
        | {"steps": plan.steps, "eval_metric": plan.eval_metric}
        | {"opponent_prob": opponents_chance(training, algorithm)}
    )


def _headline(now: TrainProgress) -> str:
    """A step in a line: the best score, and the metrics that are not filed under a group."""
    best = f"best {now.score.max():.4g}, " if np.isfinite(now.score).any() else ""
    shown = [f"{name} {x:.3g}" for name, x in now.metrics.items() if "/" not in name]
    return best + ", ".join(shown[:SHOWN])


def _write_sum(
    folder: Path, results: list[TrainResult], seeds: list[int], eval_metric: str
) -> None:
    """What the runs of all campaigns came to, for who compares settings by their sum."""
    scores = np.sum([result.score for result in results], axis=0)
    steps = np.max([result.best_step for result in results], axis=0)
    told = {
        "seeds": seeds,
        "steps": max(result.steps for result in results),
        "stopped": all(result.stopped for result in results),
        "eval_metric": eval_metric,
        "score": [float(x) if np.isfinite(x) else None for x in scores],
        "best_step": steps.tolist(),
    }
    write_json(folder / "result.json", told)
