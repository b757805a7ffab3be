"""``equibid solve``: an equilibrium of a market, with its certificate."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
import tyro
from rich.console import Console
from rich.progress import Progress

import equibid
from equibid.cli.certificates import (
    heading,
    print_certificate,
    print_equilibria,
    print_notices,
    print_results,
)
from equibid.cli.console import plain_console
from equibid.cli.progress import progress
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.solvers.registry import NCB_SELECT, SOLVERS
from equibid.equilibrium.solvers.select import Search, best_of
from equibid.errors import InputError
from equibid.markets.market import Market
from equibid.reports import write_report
from equibid.runs.certifying import (
    Certified,
    all_notices,
    certified,
    write_certified,
    write_factors,
)
from equibid.runs.folder import Run, open_run
from equibid.runs.market import (
    MarketChoice,
    datasets_of,
    digest,
    game_in,
    generated_days,
    soft_auction,
    whole_market,
)
from equibid.runs.options import check_numbers, refuse_idle
from equibid.runs.places import asked_of, place_for
from equibid.runs.solving import (
    Problem,
    deflated_by_default,
    equilibria_frame,
    kind_of,
    outcomes,
    starts_frame,
)


@dataclass(frozen=True)
class Settings:
    """How to solve it."""

    method: str = NCB_SELECT
    """How to look for it (see `equibid list`)."""

    objective: str = "welfare"
    """What the search holds dear: welfare, revenue, nash-welfare or, as an example,
    mix:revenue=0.02."""

    auction: str | None = None
    """soft or soft-hard, with its temperature as in soft:temperature=0.05. By default soft, and a
    temperature of 1 % of the mean second-highest bid."""

    cap: float = 1.0
    """Highest factor, in multiples of the target CPA."""

    starts: int = 12
    """Profiles that ncb-select starts from; one where an advertiser is alone in a market."""

    deflated: int | None = None
    """Further starts of ncb-select, turned away from the equilibria known by then. By default as
    many as starts for 2 to 50 advertisers, else none."""

    seed: int = 0
    """Of the search."""

    day: int = 0
    """Day of a generated market."""

    tolerance: float = 1e-6
    """Gain over welfare, and share of a budget, up to which a profile is an equilibrium."""

    out: Path | None = None
    """Run folder; default runs/solve-MARKET, or one beside it where that holds a run with other
    settings. A run that was stopped goes on from there."""

    force: bool = False
    """Replace the run that is in the folder."""


def solve(
    choice: tyro.conf.OmitArgPrefixes[MarketChoice],
    settings: tyro.conf.OmitArgPrefixes[Settings],
) -> Path:
    """Find an equilibrium of a market and prove how much anybody could gain by leaving it.

    Example: equibid solve demo --starts 20

    Example: equibid solve ncb-1000 --method tatonnement --objective revenue
    """
    return run_solve(choice, settings).parent


def run_solve(choice: MarketChoice, settings: Settings) -> Path:
    """Carry out a search; gives the path of the report."""
    check(choice, settings)
    console = plain_console()
    started = time.perf_counter()
    results: list[Certified] = []
    starts: list[pl.DataFrame] = []
    with progress(console) as bar:
        loading = bar.add_task("markets", total=None)
        problems = [problem_of(market, settings) for market in markets_of(choice, settings.day)]
        config = resolved(choice, settings, problems)
        folder = settings.out or place_for(Path("runs") / f"solve-{choice.stem}", config)
        run = open_run(folder, config, settings.force)
        bar.remove_task(loading)
        profiles = []
        for problem in problems:
            prefix = f"{problem.name}-" if len(problems) > 1 else ""
            result, rows = search_one(run, problem, prefix, bar, profiles)
            results.append(result)
            starts.append(rows)
    all_starts = pl.concat(starts)
    run.write_table("starts.parquet", all_starts)
    write_certified(run, results)
    report = write_report(folder)
    show(console, choice.name, results, all_starts)
    elapsed = time.perf_counter() - started
    for sentence in run.reuse():
        console.print(sentence)
    console.print(f"{elapsed:.0f} s; tables in {folder}, open {report} in a browser", style="dim")
    return report


def check(choice: MarketChoice, settings: Settings) -> None:
    """Refuse numbers no search can have.

    Raises:
        InputError: one is out of its range, or of another method, or there is no such method.
    """
    SOLVERS[settings.method]
    check_numbers(choice, settings)
    if settings.method != NCB_SELECT:
        refuse_idle(settings, ("starts", "deflated"), f"only {NCB_SELECT} has starts")
    if not 0 < settings.tolerance < 1:
        raise InputError(f"--tolerance {settings.tolerance:g}: name a number between 0 and 1")


def markets_of(choice: MarketChoice, day: int) -> list[Market]:
    """A day of the generated market, or the campaigns of a log."""
    if choice.generated:
        return [generated_days(choice, form="sparse")(day)]
    if day:
        raise InputError(f"--day {day}: only generated markets have days")
    return [whole_market(dataset) for dataset in datasets_of(choice)]


def problem_of(market: Market, settings: Settings) -> Problem:
    """A market as it is to be solved."""
    game = game_in(market, soft_auction(settings.auction, market), settings.cap)
    starts = settings.starts if market.advertisers > 1 else 1
    deflated = settings.deflated
    if deflated is None:
        deflated = deflated_by_default(game, starts)
    return Problem(
        name=market.labels.name,
        game=game,
        objective=objective_named(settings.objective),
        method=settings.method,
        search=Search(starts, deflated, settings.seed, settings.tolerance),
    )


def resolved(choice: MarketChoice, settings: Settings, problems: list[Problem]) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    asked = asked_of(settings)
    # What they come to in each market stands there.
    del asked["auction"], asked["starts"], asked["deflated"]
    games = [
        {
            "market": problem.name,
            "pricing": problem.game.auction.pricing,
            "temperature": problem.game.auction.temperature,
            "starts": problem.search.starts,
            "deflated": problem.search.deflated,
        }
        for problem in problems
    ]
    return (
        {"command": "solve", "version": equibid.__version__}
        | asdict(choice)
        | asked
        | {
            "market": choice.name,
            "log_digest": log_digest(choice, problems),
            "games": games,
        }
    )


def log_digest(choice: MarketChoice, problems: list[Problem]) -> str | None:
    """Of what was read; None for a generated market that has a name."""
    return None if choice.named else digest(problem.game.market for problem in problems)


def search_one(
    run: Run, problem: Problem, prefix: str, bar: Progress, profiles: list[Any]
) -> tuple[Certified, pl.DataFrame]:
    """Solve one market of a run, the best so far in factors.csv after every start.

    Args:
        run: an open run.
        problem: to be solved.
        prefix: of its parts.
        bar: shows where the search is.
        profiles: of the markets before; the one that is found is added.

    Returns:
        The certificate of the best profile, and a row a start.
    """
    task = bar.add_task(f"{problem.name}: starting", total=problem.jobs)
    best = ""
    found = []

    def told(step: int, residual: float) -> None:
        kind = kind_of(problem, len(found), found)
        bar.update(task, description=f"{kind}, step {step}, residual {residual:.1e}{best}")

    for outcome in outcomes(run, problem, prefix, told):
        found.append(outcome)
        leader = best_of(found)
        assert leader is not None
        best = f", best {leader.objective:,.6g}" if leader.holds else ""
        here = f"{outcome.kind}, residual {outcome.rest.residual:.1e}{best}"
        bar.update(task, advance=1, description=here)
        write_factors(run, [*profiles, (problem.game, leader.rest.factors)])
    bar.update(task, description=f"{problem.name}: certificate")
    leader = best_of(found)
    assert leader is not None
    profiles.append((problem.game, leader.rest.factors))
    tolerance = problem.search.tolerance
    result = certified(problem.name, 0, problem.game, leader.rest.factors, tolerance)
    bar.remove_task(task)
    return result, starts_frame(problem, found)


def show(console: Console, name: str, results: list[Certified], starts: pl.DataFrame) -> None:
    """Print what was found."""
    if len(results) > 1:
        print_results(console, results, f"{name}: {len(results)} markets")
    else:
        console.print(heading(results[0]))
        console.print()
        print_equilibria(console, equilibria_frame(starts), starts.height)
        console.print()
        print_certificate(console, results[0])
    print_notices(console, all_notices(results))
