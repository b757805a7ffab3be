"""``equibid sweep``: train with every combination of some settings, and rank them."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import MISSING, asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import tyro
from rich.console import Console

import equibid
from equibid.cli.console import plain_console, plain_table
from equibid.cli.progress import progress
from equibid.cli.trials import Ends, Trial, last_line, on_ray, on_this_machine
from equibid.errors import InputError
from equibid.files import file_name, read_json
from equibid.kept import content_digest
from equibid.learning.algorithm import algorithm_named, settings_of
from equibid.learning.training.trainer import own_code
from equibid.plugins import words
from equibid.runs.folder import open_run
from equibid.runs.market import MarketChoice
from equibid.runs.options import check_numbers, refuse_idle
from equibid.runs.places import place_for
from equibid.runs.training import TrainConfig, plan_of
from equibid.settings import as_text

# What a trial is started with; the words of `equibid train` follow.
# Modules are not looked for in the folder that the sweep was called in.
PROGRAM = (sys.executable, "-P", "-m", "equibid")


@dataclass(frozen=True)
class Settings:
    """Which trials, and where."""

    grid: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A setting of the algorithm with the values to try, as actor_learning_rate=1e-4,3e-4 of mappo;
    name it once for every setting. Values that hold commas themselves are parted by semicolons."""

    seeds: str = "0"
    """Seeds, each a trial of its own: 0..4, or 0,3,8."""

    jobs: int = 1
    """Trials at a time."""

    ray: bool = True
    """Run trials on Ray; without it they are plain processes of this machine."""

    address: str | None = None
    """Of a Ray cluster, as ray://HOST:PORT; its machines must see this folder. By default Ray is
    started on this machine."""

    gpus: float = 0.0
    """GPUs of a trial on Ray, which hides the others from it; two trials share one with 0.5."""

    out: Path | None = None
    """Folder of the sweep; default runs/sweep-MARKET-ALGORITHM, or one beside it where that holds a
    sweep with other settings. Finished trials in it are not run again, and trials may be added by a
    wider grid."""

    force: bool = False
    """Replace the sweep that is in the folder."""


def sweep(
    choice: tyro.conf.OmitArgPrefixes[MarketChoice],
    training: tyro.conf.OmitArgPrefixes[TrainConfig],
    settings: tyro.conf.OmitArgPrefixes[Settings],
) -> None:
    """Train with every combination of some settings, and rank them by what the judge says.

    Each trial is a run of `equibid train` in a folder of its own.

    Example: equibid sweep demo --algorithm mappo --grid actor_learning_rate=1e-4,3e-4 --seeds 0..4
    """
    run_sweep(choice, training, settings)


def run_sweep(choice: MarketChoice, training: TrainConfig, settings: Settings) -> pl.DataFrame:
    """Carry out a sweep; gives the table of its trials, the best settings first.

    Raises:
        InputError: a setting or a number is wrong, Ray is not installed, or trials failed.
    """
    check_numbers(choice, training, settings)
    if not settings.ray:
        refuse_idle(settings, ("address", "gpus"), "it is Ray's, and --no-ray is asked for")
    plan = plan_of(training, algorithm_named(training.algorithm, training.set))
    console = plain_console()
    points = grid_points(training, settings.grid)
    seeds = seeds_of(settings.seeds)
    config = resolved(choice, training)
    default = Path("runs") / f"sweep-{choice.stem}-{training.algorithm}"
    folder = settings.out or place_for(default, config)
    run = open_run(folder, config, settings.force)
    trials = [
        trial_of(point, seed, choice, training, run.parts, PROGRAM)
        for point in points
        for seed in seeds
    ]
    waiting = [trial for trial in trials if not trial.finished]
    failed = []
    with progress(console) as bar:
        task = bar.add_task("trials", total=len(trials), completed=len(trials) - len(waiting))
        with closing(ends_of(waiting, settings)) as ends:
            for trial, code in ends:
                bar.update(task, advance=1, description=trial.folder.name)
                if code or not trial.finished:
                    failed.append(trial)
    table = ranked([trial for trial in trials if trial.finished])
    run.write_table("sweep.parquet", table)
    show(console, table, training, plan.eval_metric)
    console.print(f"a row a trial in {folder / 'sweep.parquet'}", style="dim")
    if failed:
        first = failed[0]
        raise InputError(
            f"{len(failed)} of {len(trials)} trials failed; the first ends with "
            f"“{last_line(first.log)}”, see {first.log}"
        )
    return table


def grid_points(training: TrainConfig, grid: Sequence[str]) -> list[dict[str, str]]:
    """Every combination of the values, each as the algorithm reads it.

    Raises:
        InputError: a part of the grid is not ``SETTING=VALUE,…``, is named twice, or a value is
            not one of its setting.
    """
    axes: dict[str, list[str]] = {}
    for part in grid:
        setting, _, listed = part.partition("=")
        setting = setting.strip()
        texts = [x.strip() for x in listed.split(";" if ";" in listed else ",") if x.strip()]
        if not texts or setting in axes:
            raise InputError(
                f"--grid {part}: write each setting once, as actor_learning_rate=1e-4,3e-4"
            )
        values = []
        for text in texts:
            algorithm = algorithm_named(training.algorithm, [*training.set, f"{setting}={text}"])
            # 1e-4 and 0.0001 are one trial.
            values.append(as_text(settings_of(algorithm)[setting]))
        axes[setting] = list(dict.fromkeys(values))
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def seeds_of(text: str) -> list[int]:
    """The seeds of ``0..4`` or ``0,3,8``.

    Raises:
        InputError: it is neither.
    """
    first, dots, last = text.partition("..")
    try:
        seeds = list(range(int(first), int(last) + 1)) if dots else [*map(int, text.split(","))]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise InputError(f"--seeds {text}: write 0..4, or 0,3,8")
    return seeds


def trial_of(
    point: Mapping[str, str],
    seed: int,
    choice: MarketChoice,
    training: TrainConfig,
    parts: Path,
    program: Sequence[str],
) -> Trial:
    """A trial with its command: the same as a person would type."""
    name = "_".join([*(f"{setting}={text}" for setting, text in point.items()), f"seed={seed}"])
    folder = (parts / file_name(name)).absolute()
    market = choice.market if choice.named else str(Path(choice.market).absolute())
    tried = [word for setting, text in point.items() for word in ("--set", f"{setting}={text}")]
    command = [*program, "train", market, *flags(choice), *flags(training), *tried, *words()]
    return Trial(point, seed, folder, [*command, "--seed", str(seed), "--out", str(folder)])


def flags(settings: Any) -> list[str]:
    """The words that ask for what is not by default."""
    words = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name == "market" or (field.default is not MISSING and value == field.default):
            continue
        for each in value if isinstance(value, tuple) else (value,):
            words += [f"--{field.name.replace('_', '-')}", str(each)]
    return words


def resolved(choice: MarketChoice, training: TrainConfig) -> dict[str, Any]:
    """What all trials share: a folder's trials differ in the grid's settings and seeds alone."""
    asked = asdict(training)
    del asked["logger"], asked["checkpoint_every"]
    version = {"command": "sweep", "version": equibid.__version__}
    read = {} if choice.named else {"digest": content_digest(Path(choice.market))}
    code = own_code(algorithm_named(training.algorithm, training.set))
    return version | asdict(choice) | asked | {"market": choice.name} | read | code


def ends_of(trials: Sequence[Trial], settings: Settings) -> Ends:
    """Run the trials where they are asked for; Ray is not started for none."""
    if settings.ray and trials:
        return on_ray(trials, settings.jobs, settings.address, settings.gpus)
    return on_this_machine(trials, settings.jobs)


def ranked(trials: Sequence[Trial]) -> pl.DataFrame:
    """A row a finished trial, the best settings first.

    Returns:
        `rank` of the settings by their mean score over seeds, the settings, `mean_score`, and of
        the trial its seed, score, best_step, steps, stopped and folder.
    """
    rows = []
    for trial in trials:
        result = read_json(trial.folder / "result.json")
        rows.append(
            {
                **trial.point,
                "seed": trial.seed,
                "score": result["score"][0],
                "best_step": result["best_step"][0],
                "steps": result["steps"],
                "stopped": result["stopped"],
                "folder": trial.folder.name,
            }
        )
    if not rows:
        return pl.DataFrame()
    names = list(trials[0].point)
    table = pl.DataFrame(rows, schema_overrides={"score": pl.Float64})
    mean = pl.col("score").mean()
    table = table.with_columns(mean_score=mean.over(names) if names else mean)
    rank = pl.col("mean_score").rank("dense", descending=True)
    return table.select(
        rank.alias("rank"), *names, "mean_score", pl.exclude(*names, "mean_score")
    ).sort("rank", *names, "seed", nulls_last=True)


def show(console: Console, table: pl.DataFrame, training: TrainConfig, metric: str) -> None:
    """Print the settings in order of rank."""
    if table.is_empty():
        return
    names = table.columns[1 : table.columns.index("mean_score")]
    printed = plain_table(f"{training.algorithm}: {metric} of the best state")
    for title in ("", *names, "mean", "lowest", "highest", "seeds"):
        printed.add_column(title, justify="left" if title in names else "right", no_wrap=True)
    for (_, *point), rows in table.group_by("rank", *names, maintain_order=True):
        score = rows["score"]
        figures = [
            f"{x:,.6g}" if x is not None else "–" for x in (score.mean(), score.min(), score.max())
        ]
        place = rows["rank"][0]
        printed.add_row(
            "–" if place is None else str(place), *map(str, point), *figures, str(rows.height)
        )
    console.print(printed)
