"""A search for an equilibrium, kept start by start so that it can go on after a stop.

Every start is a job with a part of its own. A start may look at the outcomes before it, and these
are read back from their parts even in the run that made them: the bits are the same either way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from equibid.equilibrium.game import Game
from equibid.equilibrium.objectives import Objective
from equibid.equilibrium.response.response import Response
from equibid.equilibrium.solvers.dynamics import Progress, SolverResult
from equibid.equilibrium.solvers.registry import NCB_SELECT, SOLVERS, solver_named
from equibid.equilibrium.solvers.select import (
    Outcome,
    Search,
    best_of,
    equilibria,
    run_start,
    verified,
)
from equibid.equilibrium.solvers.select import start_of as profile_of
from equibid.origin import code_digest
from equibid.runs.folder import Run

# Above it no starts are deflated unless they are asked for: each is worth a matrix N × N.
DEFLATED_MOST = 50


@dataclass(frozen=True)
class Problem:
    """A game, and how it is to be solved.

    Attributes:
        name: of the market.
        game: the game.
        objective: what the search maximises.
        method: a name in `SOLVERS`, with its settings; `NCB_SELECT` has a job a start, others are
            one.
        search: of `NCB_SELECT`; others take seed and tolerance alone.
    """

    name: str
    game: Game
    objective: Objective
    method: str
    search: Search

    @property
    def jobs(self) -> int:
        """How many starts there are."""
        if self.method != NCB_SELECT:
            return 1
        return self.search.starts + self.search.deflated


def deflated_by_default(game: Game, starts: int) -> int:
    """As many as starts in a small market, none in a large one or where one plays alone."""
    return starts if 1 < game.market.advertisers <= DEFLATED_MOST else 0


def outcomes(
    run: Run, problem: Problem, prefix: str = "", callback: Progress | None = None
) -> Iterator[Outcome]:
    """The outcomes of all starts, each kept in the run folder before it is given.

    Args:
        run: an open run.
        problem: to be solved.
        prefix: of the parts' names, to tell several markets of a run apart.
        callback: told the number of each step and its residual.
    """
    found: list[Outcome] = []
    way = SOLVERS[problem.method.partition(":")[0]]
    identity = code_digest(type(problem.objective), way)
    for index in range(problem.jobs):
        name = f"{prefix}start-{index:04d}"
        part = run.piece(
            name, identity, lambda at=index: part_frame(_start(problem, at, found, callback))
        )
        found.append(part_outcome(part, problem.game))
        yield found[-1]


def kind_of(problem: Problem, index: int, before: Sequence[Outcome]) -> str:
    """What the next start is called, for the progress line."""
    if problem.method != NCB_SELECT:
        return problem.method
    if index >= problem.search.starts:
        return "deflated"
    leader = best_of(before)
    factors = leader.rest.factors if leader else None
    return profile_of(problem.game, np.random.default_rng(0), index, factors)[0]


def _start(
    problem: Problem, index: int, before: Sequence[Outcome], callback: Progress | None
) -> Outcome:
    game, objective, search = problem.game, problem.objective, problem.search
    if problem.method == NCB_SELECT:
        return run_start(game, objective, search, index, before, callback)
    rest = solver_named(problem.method)(game, objective, search.seed, callback)
    return verified(game, objective, search.tolerance, index, problem.method, rest)


def part_frame(outcome: Outcome) -> pl.DataFrame:
    """An outcome as a row an advertiser, exactly."""
    rest = outcome.rest
    return pl.DataFrame(
        {
            "advertiser": np.arange(len(rest.factors)),
            "factor": rest.factors,
            "returns": rest.response.returns,
            "cost": rest.response.cost,
        }
    ).with_columns(
        index=pl.lit(outcome.index),
        kind=pl.lit(outcome.kind),
        steps=pl.lit(rest.steps),
        residual=pl.lit(rest.residual),
        gain=pl.lit(outcome.gain),
        objective=pl.lit(outcome.objective),
        holds=pl.lit(outcome.holds),
        notice=pl.lit(rest.notice),
    )


def part_outcome(part: pl.DataFrame, game: Game) -> Outcome:
    """The outcome that `part_frame` made the part of.

    Raises:
        ValueError: it is of another game.
    """
    if part.height != game.market.advertisers:
        raise ValueError(f"{part.height} rows")
    response = Response(part["returns"].to_numpy(), part["cost"].to_numpy())
    row = part.row(0, named=True)
    return Outcome(
        index=row["index"],
        kind=row["kind"],
        rest=SolverResult(
            part["factor"].to_numpy(), response, row["residual"], row["steps"], row["notice"]
        ),
        gain=row["gain"],
        objective=row["objective"],
        holds=row["holds"],
    )


def starts_frame(problem: Problem, found: Sequence[Outcome]) -> pl.DataFrame:
    """A row a start: where it led, and which of the distinct equilibria that is.

    `equilibrium` counts them from 0, best objective first; null where the profile does not hold.
    Welfare is in value units, revenue in currency.
    """
    distinct = sorted(equilibria(found), key=lambda outcome: -outcome.objective)

    def same(outcome: Outcome) -> int | None:
        if not outcome.holds:
            return None
        alike = (i for i, one in enumerate(distinct) if len(equilibria([one, outcome])) == 1)
        return next(alike, None)

    money = problem.game.market.labels.per_currency
    rows = [
        {
            "market": problem.name,
            "start": outcome.index,
            "kind": outcome.kind,
            "equilibrium": same(outcome),
            "objective": outcome.objective,
            "welfare": outcome.rest.response.welfare,
            "revenue": outcome.rest.response.revenue / money,
            "gain": outcome.gain,
            "residual": outcome.rest.residual,
            "steps": outcome.rest.steps,
            "holds": outcome.holds,
        }
        for outcome in found
    ]
    return pl.DataFrame(rows, schema_overrides={"equilibrium": pl.Int64}, infer_schema_length=None)


def equilibria_frame(starts: pl.DataFrame) -> pl.DataFrame:
    """A row a distinct equilibrium, best first: its welfare, revenue, gain, and starts it drew."""
    return (
        starts.filter("holds")
        .group_by("market", "equilibrium", maintain_order=True)
        .agg(
            pl.col("objective", "welfare", "revenue").first(),
            pl.col("gain").max(),
            starts=pl.len(),
        )
        .sort("market", "equilibrium", maintain_order=True)
    )
