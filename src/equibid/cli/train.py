"""``equibid train``: let an algorithm learn to bid on a market."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.progress import TaskID
from rich.table import Table

import equibid
from equibid import reports
from equibid.cli.console import plain_console, plain_table
from equibid.cli.progress import progress
from equibid.envs.setup import TrainingSetup
from equibid.files import file_name, write_json
from equibid.learning.algorithm import ALGORITHMS, Algorithm, algorithm_named, settings_of
from equibid.learning.training.results import TrainResult
from equibid.learning.training.trainer import TrainProgress, check_seeds, train
from equibid.runs.folder import Run, open_run
from equibid.runs.insight import write_insight
from equibid.runs.market import MarketChoice
from equibid.runs.options import check_numbers
from equibid.runs.places import place_for
from equibid.runs.training import TrainConfig, TrainingJob, plan_of, training_job, training_setups
from equibid.settings import described

# How many of a step's metrics stand beside the progress bar.
SHOWN = 3


@dataclass(frozen=True)
class Settings:
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

    show_settings: bool = False
    """List the algorithm's settings, and train nothing."""


def train_(
    choice: tyro.conf.OmitArgPrefixes[MarketChoice],
    training: tyro.conf.OmitArgPrefixes[TrainConfig],
    settings: tyro.conf.OmitArgPrefixes[Settings],
) -> Path | None:
    """Let an algorithm learn to bid on a market.

    Its curves are in the run folder: pip install tensorboard, then tensorboard --logdir runs.

    Example: equibid train demo --algorithm mappo --set actor_learning_rate=3e-4 --seeds 4
    """
    return run_train(choice, training, settings)


def run_train(choice: MarketChoice, training: TrainConfig, settings: Settings) -> Path | None:
    """Carry out a training run; gives its folder, None where only settings were to be shown.

    Campaigns of a log are markets of their own: where there are several, each has a run in a
    folder of its name.
    """
    console = plain_console()
    algorithm = algorithm_named(training.algorithm, training.set)
    folder = settings.out
    if settings.show_settings:
        show_settings(console, training.algorithm, algorithm)
        return None
    check_numbers(choice, training, settings)
    seeds = list(range(settings.seed, settings.seed + settings.seeds))
    plan = plan_of(training, algorithm)
    check_seeds(seeds)
    started = time.perf_counter()
    results = []
    with progress(console) as bar:
        loading = bar.add_task("markets", total=None)
        setups = training_setups(choice, training)
        bar.remove_task(loading)
        for setup in setups:
            job = training_job(setup, training, algorithm)
            config = resolved(choice, training, algorithm, seeds) | job.config
            inner = file_name(job.name) if len(setups) > 1 else ""
            default = Path("runs") / f"train-{choice.stem}-{training.algorithm}"
            folder = folder or place_for(default, config, inner)
            own = folder / inner
            run = open_run(own, config, settings.force)
            learning = bar.add_task(f"{job.name}: compiling", total=plan.steps, quiet=True)

            def told(now: TrainProgress, name: str = job.name, task: TaskID = learning) -> None:
                bar.update(task, completed=now.step, description=f"{name}: {headline(now)}")
                if now.step % plan.eval_every == 0 or now.step == plan.steps:
                    bar.milestone(f"{name}: step {now.step} of {plan.steps}, {headline(now)}")

            result = train(
                algorithm,
                job.task,
                seeds,
                plan,
                own,
                judge=job.judge,
                config=config,
                log=training.log,
                callback=told,
            )
            bar.update(learning, description=f"{job.name}: report")
            write_report(setup, job, algorithm, result, training, run)
            bar.remove_task(learning)
            results.append((job.name, result))
    for name, result in results:
        show(console, name, result, seeds, training)
    assert folder is not None
    if len(results) > 1:
        write_sum(folder, [result for _, result in results], seeds, training.eval_metric)
    elapsed = time.perf_counter() - started
    console.print(f"{elapsed:.0f} s; tables, policy.eqx and report.html in {folder}", style="dim")
    return folder


def write_report(
    setup: TrainingSetup,
    job: TrainingJob,
    algorithm: Algorithm,
    result: TrainResult,
    training: TrainConfig,
    run: Run,
) -> None:
    """Look into what was learnt, and write it for people."""
    write_insight(run, setup, job.task, algorithm, result, training.eval_metric)
    reports.write_report(run.folder)


def resolved(
    choice: MarketChoice, training: TrainConfig, algorithm: Algorithm, seeds: list[int]
) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    asked = asdict(training)
    # All settings stand there; neither the logger nor the checkpoints change the run.
    del asked["set"], asked["log"], asked["checkpoint_every"]
    return (
        {"command": "train", "version": equibid.__version__}
        | asdict(choice)
        | asked
        | {"market": choice.name, "settings": settings_of(algorithm), "seeds": seeds}
        | {"steps": plan_of(training, algorithm).steps}
    )


def headline(now: TrainProgress) -> str:
    """A step in a line: the best score, and the metrics that are not filed under a group."""
    best = f"best {now.score.max():.4g}, " if np.isfinite(now.score).any() else ""
    shown = [f"{name} {x:.3g}" for name, x in now.metrics.items() if "/" not in name]
    return best + ", ".join(shown[:SHOWN])


def show(
    console: Console, name: str, result: TrainResult, seeds: list[int], training: TrainConfig
) -> None:
    """Print what was learnt."""
    if result.notice:
        console.print(result.notice, style="yellow")
    why = "no seed improved any more" if result.stopped else "all steps made"
    console.print(f"{training.algorithm} on {name}: {result.steps:,} steps, {why}", style="bold")
    table = Table(box=None, pad_edge=False)
    for title in ("seed", training.eval_metric, "at step"):
        table.add_column(title, justify="right", no_wrap=True)
    for seed, score, step in zip(seeds, result.score, result.best_step, strict=True):
        judged = (f"{score:,.6g}", f"{step:,}") if step else ("–", f"{result.steps:,}")
        table.add_row(str(seed), *judged)
    console.print(table)


def write_sum(folder: Path, results: list[TrainResult], seeds: list[int], eval_metric: str) -> None:
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


def show_settings(console: Console, name: str, algorithm: Algorithm) -> None:
    """Print the settings that `--set` takes."""
    table = plain_table(f"{name}: {ALGORITHMS.summaries[name]}")
    for title in ("setting", "is", "takes", ""):
        table.add_column(title, no_wrap=title in ("setting", "is"))
    for row in described(algorithm):
        table.add_row(*row)
    console.print(table)
