"""``equibid train``: let an algorithm learn to bid on a market."""

from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from equibid.cli.console import plain_console, plain_table
from equibid.cli.progress import progress
from equibid.learning.algorithm import ALGORITHMS, Algorithm, algorithm_named
from equibid.learning.training.results import TrainResult
from equibid.reports import write_report
from equibid.runs import train as training_runs
from equibid.runs.market import MarketChoice
from equibid.runs.train import TrainRuns
from equibid.runs.training import TrainConfig, plan_of
from equibid.settings import described


def train(
    choice: tyro.conf.OmitArgPrefixes[MarketChoice],
    training: tyro.conf.OmitArgPrefixes[TrainConfig],
    settings: tyro.conf.OmitArgPrefixes[TrainRuns],
    show_settings: Annotated[
        bool, tyro.conf.arg(help="List the algorithm's settings, and train nothing.")
    ] = False,
) -> Path | None:
    """Let an algorithm learn to bid on a market.

    Its curves are in the run folder: pip install tensorboard, then tensorboard --logdir runs.

    Example: equibid train demo --algorithm mappo --set actor_learning_rate=3e-4 --seeds 4
    """
    console = plain_console()
    if show_settings:
        algorithm = algorithm_named(training.algorithm, training.set)
        print_settings(console, training.algorithm, algorithm)
        return None
    with progress(console) as bar:
        trained = training_runs.train(choice, training, settings, bar)
    for market in trained.markets:
        write_report(market.run.folder)
        show(console, market.name, market.result, trained.seeds, training)
    told = f"{trained.seconds:.0f} s; tables, policy.eqx and report.html in {trained.folder}"
    console.print(told, style="dim")
    return trained.folder


def show(
    console: Console, name: str, result: TrainResult, seeds: list[int], training: TrainConfig
) -> None:
    """Print what was learnt."""
    if result.notice:
        console.print(result.notice, style="yellow")
    why = "no seed improved any more" if result.stopped else "all steps made"
    console.print(f"{training.algorithm} on {name}: {result.steps:,} steps, {why}", style="bold")
    table = Table(box=None, pad_edge=False)
    plan = plan_of(training, algorithm_named(training.algorithm, training.set))
    for title in ("seed", plan.eval_metric, "at step"):
        table.add_column(title, justify="right", no_wrap=True)
    for seed, score, step in zip(seeds, result.score, result.best_step, strict=True):
        judged = (f"{score:,.6g}", f"{step:,}") if step else ("–", f"{result.steps:,}")
        table.add_row(str(seed), *judged)
    console.print(table)


def print_settings(console: Console, name: str, algorithm: Algorithm) -> None:
    """Print the settings that `--set` takes."""
    table = plain_table(f"{name}: {ALGORITHMS.summaries[name]}")
    for title in ("setting", "is", "takes", ""):
        table.add_column(title, no_wrap=title in ("setting", "is"))
    for row in described(algorithm):
        table.add_row(*row)
    console.print(table)
