"""The frontier of a market: the most of an objective at each gain that advertisers may leave.

frontier.parquet      a row a market and allowed gain: the best profile that is known
points.parquet        a row a market, allowed gain and side from which it was followed
factors.parquet       a row a market, allowed gain and advertiser, currency per value unit
certificate.parquet   what is proven of the best profiles, a row an advertiser
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import equibid
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.objectives import Objective, objective_named
from equibid.equilibrium.solvers.frontier import (
    FrontierPoint,
    FrontierSettings,
    as_it_is,
    frontier,
)
from equibid.equilibrium.solvers.select import Search, best_of, search
from equibid.errors import InputError
from equibid.markets.market import Market
from equibid.runs.certifying import Certified, certified
from equibid.runs.command import soft_text
from equibid.runs.folder import Run, open_run
from equibid.runs.market import (
    MarketChoice,
    digest,
    game_in,
    generated_days,
    refuse_log,
    soft_auction,
)
from equibid.runs.options import check_numbers
from equibid.runs.places import asked_of, place_for
from equibid.runs.progress import SILENT, Progress


@dataclass(frozen=True)
class FrontierConfig:
    """Which frontier."""

    epsilon: str = "0,0.002,0.005,0.01,0.02,0.04"
    """Gains that an advertiser may leave, as shares of welfare, separated by commas."""

    objective: str = "welfare"
    """What is to be most: welfare, revenue, nash-welfare or, as an example, mix:revenue=0.02."""

    auction: str | None = None
    """soft or soft-hard, with its temperature as in soft:temperature=0.05. By default soft, and a
    temperature of 1 % of the mean second-highest bid."""

    cap: float = 1.0
    """Highest factor, in multiples of the target CPA."""

    starts: int = 6
    """Profiles from which the equilibrium is looked for that the frontier is followed from."""

    seed: int = 0
    """Of that search."""

    day: int = 0
    """Day of the market."""

    tolerance: float = 1e-4
    """Gain beyond what is allowed, and share of a budget, up to which a profile is a point."""

    out: Path | None = None
    """Run folder; default runs/frontier-MARKET, or one beside it where that holds a run with other
    settings. A run that was stopped goes on from there."""

    force: bool = False
    """Replace the run that is in the folder."""


@dataclass(frozen=True)
class Traced:
    """What came of it.

    Attributes:
        run: its folder, in which all tables are.
        market: its name.
        table: the rows of frontier.parquet.
        results: what is proven of the best profile at each allowed gain.
        seconds: that it took.
    """

    run: Run
    market: str
    table: pl.DataFrame
    results: list[Certified]
    seconds: float


def trace(choice: MarketChoice, asked: FrontierConfig, progress: Progress = SILENT) -> Traced:
    """Find the frontier of a market, and write it with certificates.

    Args:
        choice: the market, a generated one.
        asked: which frontier, and where to.
        progress: told how far it has come.

    Raises:
        InputError: something that is asked for is not there or does not go together, or the folder
            holds another run.
    """
    check_numbers(choice, asked)
    epsilons = _epsilons_of(asked.epsilon)
    if not 0 < asked.tolerance < 1:
        raise InputError(f"--tolerance {asked.tolerance:g}: name a number between 0 and 1")
    refuse_log(choice)
    started = time.perf_counter()
    market = generated_days(choice, form="sparse")(asked.day)
    game = _game_of(market, asked)
    objective = objective_named(asked.objective)
    config = _resolved(choice, asked, game, epsilons)
    run = open_run(
        asked.out or place_for(Path("runs") / f"frontier-{choice.stem}", config),
        config,
        asked.force,
    )
    task = progress.add_task(f"{choice.name}: an equilibrium", total=2 * len(epsilons) + 2)
    rest = _equilibrium(run, game, objective, asked)
    progress.update(task, advance=1)
    found = _points(run, game, objective, rest, epsilons, asked, progress, task)
    progress.update(task, description=f"{choice.name}: certificates")
    best = {epsilon: _best(found, epsilon, asked.tolerance) for epsilon in epsilons}
    results = [
        certified(choice.name, asked.day, game, point.factors, max(epsilon, 0) + asked.tolerance)
        for epsilon, (_, point) in best.items()
    ]
    table = _table(game, best, results)
    _write(run, game, found, best, results)
    run.write_table("frontier.parquet", table)
    progress.remove_task(task)
    return Traced(run, choice.name, table, results, time.perf_counter() - started)


def _epsilons_of(text: str) -> list[float]:
    """The gains that are allowed, in ascending order.

    Raises:
        InputError: one is no share from 0, or none is named.
    """
    try:
        found = sorted({float(word) for word in text.split(",") if word.strip()})
    except ValueError as error:
        raise InputError(f"--epsilon {text}: write numbers, as in 0,0.01,0.02") from error
    if not found or not np.isfinite(found).all() or found[0] < 0:
        raise InputError(f"--epsilon {text}: name shares of welfare, each from 0 on")
    return found


def _game_of(market: Market, asked: FrontierConfig) -> Game:
    """The game of the market.

    Raises:
        InputError: nobody has a budget that ends, so that nothing but the cap binds.
    """
    game = game_in(market, soft_auction(asked.auction, market), asked.cap)
    ends = np.isfinite(np.asarray(market.campaigns.budget))
    if not (game.players & ends).any():
        raise InputError(
            f"market {market.labels.name}: no advertiser has a budget that ends, so there is no "
            "frontier within budgets; give budgets to it"
        )
    return game


def _resolved(
    choice: MarketChoice, asked: FrontierConfig, game: Game, epsilons: list[float]
) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    return (
        {"command": "frontier", "version": equibid.__version__}
        | asdict(choice)
        | asked_of(asked)
        | {
            "market": choice.name,
            "auction": soft_text(asdict(game.auction)),
            "epsilon": epsilons,
            "digest": digest([game.market]),
        }
    )


def _equilibrium(run: Run, game: Game, objective: Objective, asked: FrontierConfig) -> Floats:
    """The best equilibrium that a search finds.

    Raises:
        InputError: it finds none.
    """

    def make() -> pl.DataFrame:
        starts = asked.starts if len(game.cap) > 1 else 1
        leader = best_of(list(search(game, objective, Search(starts, 0, asked.seed))))
        assert leader is not None
        if not leader.holds:
            raise InputError(
                f"market {game.market.labels.name}: no start led to an equilibrium; raise --starts "
                "or the temperature of --auction"
            )
        return pl.DataFrame({"factor": leader.rest.factors})

    return run.piece("equilibrium", "", make)["factor"].to_numpy()


def _points(
    run: Run,
    game: Game,
    objective: Objective,
    rest: Floats,
    epsilons: list[float],
    asked: FrontierConfig,
    progress: Progress,
    task: Any,
) -> dict[str, FrontierPoint]:
    """All points by name, those of an earlier run taken from their pieces."""
    found = {"equilibrium": as_it_is(game, objective, 0.0, rest)}
    name = game.market.labels.name
    now = ["budgets alone"]

    def told(step: int, violation: float) -> None:
        off = f", off by {violation:.1e}" if np.isfinite(violation) else ""
        progress.update(task, description=f"{name}: {now[0]}, step {step}{off}")

    def kept(title: str, epsilon: float, make: Any) -> FrontierPoint:
        def rows() -> pl.DataFrame:
            point = make()
            by_gap, by_budget = np.split(point.multipliers, 2)
            return pl.DataFrame(
                {"factor": point.factors, "by_gap": by_gap, "by_budget": by_budget}
            ).with_columns(steps=pl.lit(point.steps))

        now[0] = title
        frame = run.piece(title, "", rows)
        held = np.concatenate([frame[column].to_numpy() for column in ("by_gap", "by_budget")])
        factors, steps = frame["factor"].to_numpy(), int(frame["steps"][0])
        point = as_it_is(game, objective, epsilon, factors, held, steps)
        progress.update(task, advance=1)
        found[title] = point
        return point

    settings = FrontierSettings(tolerance=asked.tolerance)
    for _ in frontier(game, objective, epsilons, rest, settings, told, kept):
        pass
    return found


def _best(
    found: dict[str, FrontierPoint], epsilon: float, tolerance: float
) -> tuple[str, FrontierPoint]:
    """The best point that nobody gains more by leaving: also one of a smaller ε is allowed."""
    allowed = {
        name: point
        for name, point in found.items()
        if point.gap <= epsilon + tolerance and point.overspend <= tolerance
    }
    name = max(allowed, key=lambda name: allowed[name].objective)
    return name, allowed[name]


def _table(
    game: Game, best: dict[float, tuple[str, FrontierPoint]], results: list[Certified]
) -> pl.DataFrame:
    """A row an allowed gain."""
    money = game.market.labels.per_currency
    rows = []
    for (epsilon, (name, point)), result in zip(best.items(), results, strict=True):
        figures = result.figures()
        rows.append(
            {
                "epsilon": epsilon,
                "objective": point.objective,
                "welfare": point.response.welfare,
                "revenue": point.response.revenue / money,
                "gain": figures["exploitability"],
                "gain_bound": figures["exploitability_bound"],
                "overspend": figures["overspend"],
                "found": name,
                "steps": point.steps,
            }
        )
    return pl.DataFrame(rows)


def _write(
    run: Run,
    game: Game,
    found: dict[str, FrontierPoint],
    best: dict[float, tuple[str, FrontierPoint]],
    results: list[Certified],
) -> None:
    """The tables beside the main one."""
    labels = game.market.labels
    points = [
        {
            "point": name,
            "epsilon": point.epsilon,
            "objective": point.objective,
            "welfare": point.response.welfare,
            "revenue": point.response.revenue / labels.per_currency,
            "gain": point.gap,
            "overspend": point.overspend,
            "steps": point.steps,
        }
        for name, point in found.items()
    ]
    run.write_table("points.parquet", pl.DataFrame(points))
    factors = [
        pl.DataFrame(
            {
                "epsilon": epsilon,
                "advertiser": np.arange(len(point.factors)),
                "name": [labels.advertiser(i) for i in range(len(point.factors))],
                "factor": point.factors / labels.per_currency,
            }
        )
        for epsilon, (_, point) in best.items()
    ]
    run.write_table("factors.parquet", pl.concat(factors))
    proven = [
        result.frame().select(pl.lit(epsilon).alias("epsilon"), pl.all())
        for epsilon, result in zip(best, results, strict=True)
    ]
    run.write_table("certificate.parquet", pl.concat(proven))
    run.write_json(
        "frontier.json",
        {
            "value_unit": labels.value_unit,
            "currency": labels.currency,
            "advertisers": game.market.advertisers,
            "impressions": game.market.impressions,
            "first_best": results[0].certificate.first_best,
        },
    )
