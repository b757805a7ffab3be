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
from equibid.cli.console import plain_console, plain_table
from equibid.cli.lesson import Lesson, Prepared, plan_of, practices_of, prepared
from equibid.cli.market import MarketChoice
from equibid.cli.options import check_numbers
from equibid.cli.progress import progress
from equibid.envs.setup import Practice
from equibid.files import file_name, write_json
from equibid.learning.algorithm import ALGORITHMS, Algorithm, algorithm_named, settings_of
from equibid.learning.training.results import Trained
from equibid.learning.training.trainer import Told, check_seeds, train
from equibid.reports.training.page import write_learning
from equibid.reports.training.tables import from_training
from equibid.runs.folder import open_run
from equibid.runs.places import place_for
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
    lesson: tyro.conf.OmitArgPrefixes[Lesson],
    settings: tyro.conf.OmitArgPrefixes[Settings],
) -> Path | None:
    """Let an algorithm learn to bid on a market.

    Its curves are in the run folder: pip install tensorboard, then tensorboard --logdir runs.

    Example: equibid train demo --algorithm mappo --set actor_learning_rate=3e-4 --seeds 4
    """
    return run_train(choice, lesson, settings)


def run_train(choice: MarketChoice, lesson: Lesson, settings: Settings) -> Path | None:
    """Carry out a training run; gives its folder, None where only settings were to be shown.

    Campaigns of a log are markets of their own: where there are several, each has a run in a
    folder of its name.
    """
    console = plain_console()
    algorithm = algorithm_named(lesson.algorithm, lesson.set)
    folder = settings.out
    if settings.show_settings:
        show_settings(console, lesson.algorithm, algorithm)
        return None
    check_numbers(choice, lesson, settings)
    seeds = list(range(settings.seed, settings.seed + settings.seeds))
    plan = plan_of(lesson, algorithm)
    check_seeds(seeds)
    started = time.perf_counter()
    results = []
    with progress(console) as bar:
        loading = bar.add_task("markets", total=None)
        practices = practices_of(choice, lesson)
        bar.remove_task(loading)
        for practice in practices:
            ready = prepared(practice, lesson, algorithm)
            config = resolved(choice, lesson, algorithm, seeds) | ready.config
            inner = file_name(ready.name) if len(practices) > 1 else ""
            default = Path("runs") / f"train-{choice.stem}-{lesson.algorithm}"
            folder = folder or place_for(default, config, inner)
            own = folder / inner
            open_run(own, config, settings.force)
            learning = bar.add_task(f"{ready.name}: compiling", total=plan.steps, quiet=True)

            def told(now: Told, name: str = ready.name, task: TaskID = learning) -> None:
                bar.update(task, completed=now.step, description=f"{name}: {headline(now)}")
                if now.step % plan.judge_every == 0 or now.step == plan.steps:
                    bar.milestone(f"{name}: step {now.step} of {plan.steps}, {headline(now)}")

            result = train(
                algorithm,
                ready.task,
                seeds,
                plan,
                own,
                judge=ready.judge,
                config=config,
                log=lesson.log,
                told=told,
            )
            bar.update(learning, description=f"{ready.name}: report")
            write_report(practice, ready, algorithm, result, lesson, config, own)
            bar.remove_task(learning)
            results.append((ready.name, result))
    for name, result in results:
        show(console, name, result, seeds, lesson)
    assert folder is not None
    if len(results) > 1:
        write_sum(folder, [result for _, result in results], seeds, lesson.judged_by)
    elapsed = time.perf_counter() - started
    console.print(f"{elapsed:.0f} s; tables, policy.eqx and report.html in {folder}", style="dim")
    return folder


def write_report(
    practice: Practice,
    ready: Prepared,
    algorithm: Algorithm,
    result: Trained,
    lesson: Lesson,
    config: dict[str, Any],
    folder: Path,
) -> None:
    """Look into what was learnt, and write it for people."""
    tables = from_training(practice, ready.task, algorithm, result, lesson.judged_by, config)
    write_learning(tables, folder / "report.html")


def resolved(
    choice: MarketChoice, lesson: Lesson, algorithm: Algorithm, seeds: list[int]
) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    asked = asdict(lesson)
    # All settings stand there; neither the board nor the checkpoints change the run.
    del asked["set"], asked["log"], asked["keep_every"]
    return (
        {"command": "train", "version": equibid.__version__}
        | asdict(choice)
        | asked
        | {"market": choice.name, "settings": settings_of(algorithm), "seeds": seeds}
        | {"steps": plan_of(lesson, algorithm).steps}
    )


def headline(now: Told) -> str:
    """A step in a line: the best score, and the metrics that are not filed under a group."""
    best = f"best {now.score.max():.4g}, " if np.isfinite(now.score).any() else ""
    shown = [f"{name} {x:.3g}" for name, x in now.metrics.items() if "/" not in name]
    return best + ", ".join(shown[:SHOWN])


def show(console: Console, name: str, result: Trained, seeds: list[int], lesson: Lesson) -> None:
    """Print what was learnt."""
    if result.notice:
        console.print(result.notice, style="yellow")
    why = "no seed improved any more" if result.stopped else "all steps made"
    console.print(f"{lesson.algorithm} on {name}: {result.steps:,} steps, {why}", style="bold")
    table = Table(box=None, pad_edge=False)
    for title in ("seed", lesson.judged_by, "at step"):
        table.add_column(title, justify="right", no_wrap=True)
    for seed, score, step in zip(seeds, result.score, result.best_step, strict=True):
        judged = (f"{score:,.6g}", f"{step:,}") if step else ("–", f"{result.steps:,}")
        table.add_row(str(seed), *judged)
    console.print(table)


def write_sum(folder: Path, results: list[Trained], seeds: list[int], judged_by: str) -> None:
    """What the runs of all campaigns came to, for who compares settings by their sum."""
    scores = np.sum([result.score for result in results], axis=0)
    steps = np.max([result.best_step for result in results], axis=0)
    told = {
        "seeds": seeds,
        "steps": max(result.steps for result in results),
        "stopped": all(result.stopped for result in results),
        "judged_by": judged_by,
        "score": [float(x) if np.isfinite(x) else None for x in scores],
        "best_step": steps.tolist(),
    }
    write_json(folder / "result.json", told)


def show_settings(console: Console, name: str, algorithm: Algorithm) -> None:
    """Print the settings that `--set` takes."""
    table = plain_table(f"{name}: {ALGORITHMS.summaries[name]}")
    for title in ("setting", "is", ""):
        table.add_column(title, no_wrap=title != "")
    for setting, value, told in described(algorithm):
        table.add_row(setting, value, told)
    console.print(table)
