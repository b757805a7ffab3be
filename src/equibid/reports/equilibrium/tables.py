"""What the report of an equilibrium is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from equibid.equilibrium.certificate import Status
from equibid.reports.html.palette import COLOURS, GREY, Mark
from equibid.runs.certifying import Certified

# Blue and green are well, orange and red are off, grey has nothing to do.
LOOKS = {
    Status.SPENDS: Mark(COLOURS[0], "solid", "circle"),
    Status.CAPPED: Mark(COLOURS[2], "solid", "square"),
    Status.UNDER: Mark(COLOURS[1], "dash", "triangle-down"),
    Status.OVER: Mark(COLOURS[3], "dash", "triangle-up"),
    Status.PRICED_OUT: Mark(COLOURS[5], "dot", "x"),
    Status.OUT: Mark(COLOURS[4], "dot", "diamond"),
    Status.NO_BUDGET: Mark(GREY, "dot", "circle-open"),
    Status.NO_VALUE: Mark(GREY, "dot", "square-open"),
}

# Over several days an advertiser counts as what it was on its worst.
WORST = (Status.OVER, Status.UNDER, Status.OUT, Status.PRICED_OUT)


@dataclass(frozen=True)
class EquilibriumTables:
    """One run of `equibid solve` or `equibid certify`.

    Attributes:
        config: how the run was made, resolved; may nest.
        results: certificates, one a market and day.
        advertisers: a row a market and advertiser. Over several days amounts are means, gains the
            largest and `status` the worst; gains are shares: `gain`, `hindsight` and `bound` of
            total welfare, `own` of the own return.
        starts: a row a start; None where nothing was searched.
        title: of the page.
    """

    config: Mapping[str, Any]
    results: Sequence[Certified]
    advertisers: pl.DataFrame
    starts: pl.DataFrame | None
    title: str

    @property
    def value_unit(self) -> str:
        """What one unit of value is."""
        return self.results[0].game.market.labels.value_unit

    @property
    def currency(self) -> str:
        """What one unit of money is."""
        return self.results[0].game.market.labels.currency

    @property
    def tolerance(self) -> float:
        """Up to which a certificate holds."""
        return self.results[0].tolerance

    @property
    def days(self) -> int:
        """Number of days."""
        return len({result.day for result in self.results})

    @property
    def names(self) -> list[str]:
        """A name a result: its day, or its market."""
        return [f"day {one.day}" if self.days > 1 else one.name for one in self.results]

    @property
    def statuses(self) -> list[Status]:
        """Those that somebody has, in the order of `LOOKS`."""
        there = set(self.advertisers["status"])
        return [status for status in LOOKS if status.value in there]


def equilibrium_tables(
    results: Sequence[Certified], config: Mapping[str, Any], starts: pl.DataFrame | None = None
) -> EquilibriumTables:
    """The report's tables.

    Args:
        results: certificates, one a market and day; at least one.
        config: how the run was made.
        starts: a row a start, see `starts_frame`.
    """
    found = config["command"] == "solve" and all(result.holds for result in results)
    return EquilibriumTables(
        config=config,
        results=results,
        advertisers=by_advertiser(results),
        starts=starts,
        title=f"{'Equilibrium' if found else 'Certificate'} of {config['market']}",
    )


def by_advertiser(results: Sequence[Certified]) -> pl.DataFrame:
    """A row a market and advertiser, the largest bound on a gain first."""
    shares = []
    for result in results:
        welfare = result.certificate.response.welfare or 1.0
        shares.append(
            result.frame().with_columns(
                gain=pl.col("gain") / welfare,
                hindsight=pl.col("gain_hindsight") / welfare,
                bound=pl.col("gain_bound") / welfare,
                own=pl.col("gain_share"),
            )
        )
    order = [*WORST, *(status for status in LOOKS if status not in WORST)]
    places = {status.value: place for place, status in enumerate(order)}
    worst = pl.col("status").replace_strict(places, return_dtype=pl.Int64)
    return (
        pl.concat(shares)
        .group_by("market", "advertiser", maintain_order=True)
        .agg(
            pl.col("name").first(),
            pl.col("factor", "cap", "best_factor", "budget", "cost", "returns").mean(),
            pl.col("gain", "hindsight", "bound", "own").max(),
            pl.col("status").sort_by(worst).first(),
        )
        .sort("bound", "gain", descending=True, maintain_order=True)
    )
