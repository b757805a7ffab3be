"""A search for an equilibrium of each market, and what is proven of the best profile found."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

import equibid
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.solvers.registry import NCB_SELECT, SOLVERS
from equibid.equilibrium.solvers.select import Search, best_of
from equibid.errors import InputError
from equibid.markets.market import Market
from equibid.registry import label
from equibid.runs.certifying import Certified, certified, write_certified, write_factors
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
from equibid.runs.processes import answer, shared
from equibid.runs.progress import SILENT, Progress
from equibid.runs.solving import (
    Problem,
    deflated_by_default,
    kind_of,
    outcomes,
    starts_frame,
)


@dataclass(frozen=True)
class SolveConfig:
    """How to solve it."""

    method: str = NCB_SELECT
    """How to look for it (see `equibid list`), with settings as in primal-dual:penalty=10 or
    search:epsilon=0.01."""

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


@dataclass(frozen=True)
class Solved:
    """What came of a search.

    Attributes:
        run: its folder, in which all tables are.
        market: its name.
        results: what is proven of the best profile of each market.
        starts: a row a start, see `equibid.runs.solving.starts_frame`.
        seconds: that it took.
    """

    run: Run
    market: str
    results: list[Certified]
    starts: pl.DataFrame
    seconds: float


def solve(choice: MarketChoice, asked: SolveConfig, progress: Progress = SILENT) -> Solved:
    """Find an equilibrium of a market, and write it with its certificate.

    Args:
        choice: the market; each campaign of a log is one of its own.
        asked: how to solve it, and where to.
        progress: told how far it has come.

    Raises:
        InputError: something that is asked for is not there or does not go together, or the folder
            holds another run.
    """
    asked = _checked(choice, asked)
    started = time.perf_counter()
    loading = progress.add_task("markets", total=None)
    problems = _problems(choice, asked)
    config = _resolved(choice, asked, problems)
    progress.remove_task(loading)
    with shared([problem.game for problem in problems]) as games:
        folder = asked.out or place_for(Path("runs") / f"solve-{choice.stem}", config)
        run = open_run(folder, config, asked.force)
        found = [replace(problem, game=game) for problem, game in zip(problems, games, strict=True)]
        results, starts = _search(run, found, progress)
    run.write_table("starts.parquet", starts)
    write_certified(run, results)
    return Solved(run, choice.name, results, starts, time.perf_counter() - started)


def help_solve(choice: MarketChoice, asked: SolveConfig) -> None:
    """Compute what the first of several processes asks of its search, until it is done.

    Args:
        choice: the market, the same for all processes.
        asked: how the first solves it.

    Raises:
        InputError: something that is asked for is not there or does not go together.
    """
    asked = _checked(choice, asked)
    answer([problem.game for problem in _problems(choice, asked)])


def _checked(choice: MarketChoice, asked: SolveConfig) -> SolveConfig:
    """What is asked, the method by its shortest name.

    Raises:
        InputError: a number is out of its range, or of another method, or there is no such method
            or setting of it.
    """
    asked = replace(asked, method=label(SOLVERS, asked.method))
    check_numbers(choice, asked)
    if asked.method != NCB_SELECT:
        refuse_idle(asked, ("starts", "deflated"), f"only {NCB_SELECT} has starts")
    if not 0 < asked.tolerance < 1:
        raise InputError(f"--tolerance {asked.tolerance:g}: name a number between 0 and 1")
    return asked


def _markets_of(choice: MarketChoice, day: int) -> list[Market]:
    """A day of the generated market, or the campaigns of a log."""
    if choice.generated:
        return [generated_days(choice, form="sparse")(day)]
    if day:
        raise InputError(f"--day {day}: only generated markets have days")
    return [whole_market(dataset) for dataset in datasets_of(choice)]


def _problems(choice: MarketChoice, asked: SolveConfig) -> list[Problem]:
    """What is to be solved, a problem a market."""
    return [_problem_of(market, asked) for market in _markets_of(choice, asked.day)]


def _problem_of(market: Market, asked: SolveConfig) -> Problem:
    """A market as it is to be solved."""
    game = game_in(market, soft_auction(asked.auction, market), asked.cap)
    starts = asked.starts if market.advertisers > 1 else 1
    deflated = asked.deflated
    if deflated is None:
        deflated = deflated_by_default(game, starts)
    return Problem(
        name=market.labels.name,
        game=game,
        objective=objective_named(asked.objective),
        method=asked.method,
        search=Search(starts, deflated, asked.seed, asked.tolerance),
    )


def _resolved(choice: MarketChoice, asked: SolveConfig, problems: list[Problem]) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    told = asked_of(asked)
    # What they come to in each market stands there.
    del told["auction"], told["starts"], told["deflated"]
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
        | told
        | {
            "market": choice.name,
            "log_digest": _log_digest(choice, problems),
            "games": games,
        }
    )


def _log_digest(choice: MarketChoice, problems: list[Problem]) -> str | None:
    """Of what was read; None for a generated market that has a name."""
    return None if choice.named else digest(problem.game.market for problem in problems)


def _search(
    run: Run, problems: list[Problem], progress: Progress
) -> tuple[list[Certified], pl.DataFrame]:
    """Solve the markets of a run: a certificate each, and a row a start of all."""
    results: list[Certified] = []
    starts: list[pl.DataFrame] = []
    profiles: list[Any] = []
    for problem in problems:
        prefix = f"{problem.name}-" if len(problems) > 1 else ""
        result, rows = _search_one(run, problem, prefix, progress, profiles)
        results.append(result)
        starts.append(rows)
    return results, pl.concat(starts)


def _search_one(
    run: Run, problem: Problem, prefix: str, progress: Progress, profiles: list[Any]
) -> tuple[Certified, pl.DataFrame]:
    """Solve one market of a run, the best so far in factors.csv after every start.

    Args:
        run: an open run.
        problem: to be solved.
        prefix: of its parts.
        progress: told where the search is.
        profiles: of the markets before; the one that is found is added.

    Returns:
        The certificate of the best profile, and a row a start.
    """
    task = progress.add_task(f"{problem.name}: starting", total=problem.jobs)
    best = ""
    found = []

    def told(step: int, residual: float) -> None:
        kind = kind_of(problem, len(found), found)
        progress.update(task, description=f"{kind}, step {step}, residual {residual:.1e}{best}")

    for outcome in outcomes(run, problem, prefix, told):
        found.append(outcome)
        leader = best_of(found)
        assert leader is not None
        best = f", best {leader.objective:,.6g}" if leader.holds else ""
        here = f"{outcome.kind}, residual {outcome.rest.residual:.1e}{best}"
        progress.update(task, advance=1, description=here)
        write_factors(run, [*profiles, (problem.game, leader.rest.factors)])
    progress.update(task, description=f"{problem.name}: certificate")
    leader = best_of(found)
    assert leader is not None
    profiles.append((problem.game, leader.rest.factors))
    tolerance = problem.search.tolerance
    rest = leader.rest
    result = certified(problem.name, 0, problem.game, rest.factors, tolerance, rest.notice)
    progress.remove_task(task)
    return result, starts_frame(problem, found)
