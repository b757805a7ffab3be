"""Certificates of one or more markets, as tables and files of a run folder.

factors.csv           a row an advertiser: what it bids, currency per value unit
certificate.parquet   a row a market, day and advertiser, money in currency
certificate.json      the figures of each market and day, with the game they are about
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np
import polars as pl

from equibid.bidders.bidder import FactorBidder
from equibid.bidders.population import everybody
from equibid.bidders.registry import bidder_named
from equibid.equilibrium.certificate import Certificate, Status, certify, compliance
from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.solvers.conditions import Conditions, conditions
from equibid.errors import InputError
from equibid.evaluation.notices import notices
from equibid.evaluation.statistics import Interval, jackknife, leave_one_out
from equibid.runs.folder import Run
from equibid.simulation.scenario import Scenario
from equibid.simulation.simulate import simulate

# Figures of a certificate that are money.
MONEY = ("liquid_welfare", "liquid_bound", "revenue")


@dataclass(frozen=True)
class Certified:
    """A profile in a market, and what is proven of it.

    Attributes:
        name: of the market.
        day: of the market; 0 for a log.
        game: the game.
        certificate: of the profile.
        tolerance: up to which it holds.
        notices: what is out of the ordinary.
        conditions: what the proof of the primal-dual method assumes; None where it is not measured.
    """

    name: str
    day: int
    game: Game
    certificate: Certificate
    tolerance: float
    notices: Sequence[str]
    conditions: Conditions | None = None

    @property
    def holds(self) -> bool:
        """Whether it is an equilibrium within the tolerance."""
        return self.certificate.holds(self.tolerance)

    def figures(self) -> dict[str, float | int]:
        """The certificate's summary, money in currency; infinite is a gain over nothing."""
        money = self.game.market.labels.per_currency
        figures = self.certificate.summary()
        return {name: x / money if name in MONEY else x for name, x in figures.items()}

    def frame(self) -> pl.DataFrame:
        """A row an advertiser: the certificate's, its cap and where it is, money in currency."""
        labels, count = self.game.market.labels, len(self.game.cap)
        frame = self.certificate.frame([labels.advertiser(i) for i in range(count)])
        frame = frame.with_columns(cap=self.game.cap)
        money = pl.col("factor", "budget", "cost", "best_factor", "cap") / labels.per_currency
        place = [pl.lit(self.name).alias("market"), pl.lit(self.day).alias("day")]
        return frame.with_columns(money).select(*place, pl.all())


def certified(
    name: str, day: int, game: Game, factors: Floats, tolerance: float, notice: str = ""
) -> Certified:
    """Prove what there is to prove of a profile.

    Args:
        name: of the market.
        day: of the market.
        game: the game.
        factors: [N] or [T N].
        tolerance: gain over welfare, and share of a budget, up to which it holds.
        notice: of the method that found the profile.
    """
    certificate = certify(game, factors, tolerance)
    said = [*filter(None, [notice]), *notices(game, certificate)]
    measured = conditions(game, factors)
    return Certified(name, day, game, certificate, tolerance, said, measured)


def fitted(scenario: Scenario, name: str) -> FactorBidder:
    """A bidder, tuned on a case's training log, whose factors can be certified.

    Raises:
        InputError: it does not bid factors or is a reference, or the case is a stack of periods.
    """
    if scenario.periods is not None:
        raise InputError(
            f"{scenario.name} is cut into delivery periods, where bidders are not certified; "
            "name a file of factors"
        )
    bidder = bidder_named(name)(scenario.train)
    if not isinstance(bidder, FactorBidder) or bidder.reference:
        raise InputError(
            f"bidder {name} cannot be certified: it does not bid a factor times the value, or "
            "knows the day; try fixed, pacing or online-lp"
        )
    return bidder


def played_factors(scenario: Scenario, bidder: FactorBidder, seed: int) -> Floats:
    """What a bidder bids [T N] if everybody uses it: bids over values, tick by tick.

    Everybody is charged expectations, so there is nothing to draw but a bidder's own noise. Zero
    where an advertiser's money had run out, or nothing was for it.

    Args:
        scenario: one period, under a soft auction.
        bidder: for all advertisers.
        seed: of the case.
    """
    market = scenario.market(seed)
    population = everybody(bidder, market.advertisers)
    played = simulate(market, scenario.auction, population, jax.random.key(seed), sampled=False)
    return played.factors()


def all_notices(results: Sequence[Certified]) -> list[str]:
    """The notices of all markets and days, each with its place where there are several."""
    days = len({result.day for result in results})
    places: dict[str, list[str]] = {}
    for result in results:
        for said in result.notices:
            places.setdefault(said, []).append(f"day {result.day}" if days > 1 else result.name)
    return [
        said if len(where) == len(results) else f"{', '.join(where)}: {said}"
        for said, where in places.items()
    ]


def mean_figures(results: Sequence[Certified]) -> dict[str, Interval]:
    """Means over days of the figures that every day has, with 95 % intervals.

    An infinite mean has no interval.
    """
    rows = [result.figures() for result in results]
    # A status that nobody has is not among a day's figures.
    named = [name for name in rows[0] if name not in list(Status)]
    table = np.array([[row[name] for name in named] for row in rows], np.float64)

    def mean(column: Floats) -> Interval:
        if not np.isfinite(column).all():
            return Interval(np.inf, np.nan, np.nan)
        return jackknife(float(column.mean()), leave_one_out(column) / max(len(column) - 1, 1))

    return {name: mean(column) for name, column in zip(named, table.T, strict=True)}


def write_certified(run: Run, results: Sequence[Certified], **more: Any) -> pl.DataFrame:
    """Write the files; gives the rows of certificate.parquet.

    Args:
        run: an open run.
        results: one a market and day.
        more: for certificate.json.
    """
    rows = pl.concat([result.frame() for result in results])
    run.write_table("certificate.parquet", rows)
    run.write_json("certificate.json", as_json(results) | more)
    return rows


def write_factors(run: Run, profiles: Sequence[tuple[Game, Floats]]) -> None:
    """Write factors.csv, with a column `market` if there are several."""
    frames = []
    for game, factors in profiles:
        labels, count = game.market.labels, len(factors)
        frame = pl.DataFrame(
            {
                "advertiser": np.arange(count),
                "name": [labels.advertiser(i) for i in range(count)],
                "factor": factors / labels.per_currency,
            }
        )
        if len(profiles) > 1:
            frame = frame.select(pl.lit(labels.name).alias("market"), pl.all())
        frames.append(frame)
    run.write_text("factors.csv", pl.concat(frames).write_csv())


def as_json(results: Sequence[Certified]) -> dict[str, Any]:
    """The figures of each market and day, with the game they are about."""
    certificates = [result.certificate for result in results]
    whole: dict[str, Any] = {
        "tolerance": results[0].tolerance,
        "compliance": compliance(certificates, results[0].tolerance),
        "notices": all_notices(results),
    }
    if len(results) > 1:
        means = mean_figures(results)
        whole["mean"] = {
            name: [x if np.isfinite(x) else None for x in interval]
            for name, interval in means.items()
        }
    whole["markets"] = [
        {
            "market": result.name,
            "day": result.day,
            "pricing": result.game.auction.pricing,
            "temperature": result.game.auction.temperature,
            "impressions": result.game.market.impressions,
            "advertisers": result.game.market.advertisers,
            "value_unit": result.game.market.labels.value_unit,
            "currency": result.game.market.labels.currency,
            "holds": result.holds,
            "notices": list(result.notices),
            "conditions": _finite(asdict(result.conditions)) if result.conditions else None,
        }
        | _finite(result.figures())
        for result in results
    ]
    return whole


def _finite(figures: Mapping[str, float | int]) -> dict[str, float | int | None]:
    """The figures for JSON, null where one is infinite."""
    return {name: x if np.isfinite(x) else None for name, x in figures.items()}
