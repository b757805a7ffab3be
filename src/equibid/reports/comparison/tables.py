"""What a report is made from: the tables of one run."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import polars as pl

from equibid.errors import InputError
from equibid.evaluation.metrics import Metric
from equibid.reports.html.numbers import number
from equibid.reports.sheet import Column, Sheet
from equibid.runs.reading import RunFolder


class Clock(NamedTuple):
    """How time is told: in hours of the period, or in ticks where an hour has no place in it.

    Attributes:
        hours: of a tick, None where that is not known.
    """

    hours: float | None = None

    @property
    def length(self) -> float:
        """Of a tick, in the unit of the time axis."""
        return self.hours or 1.0

    @property
    def title(self) -> str:
        """Of the time axis."""
        return "tick" if self.hours is None else "hour"

    def told(self, tick: float, ticks: int) -> str:
        """A moment in words."""
        now, end = (round(x * self.length, 2) for x in (tick, ticks))
        return f"after {now:g} of {end:g} {self.title}s"


TICKS = Clock()


@dataclass(frozen=True)
class RunTables:
    """One run of the arena.

    Attributes:
        run: the folder; its config says how the run was made.
        ranking: a row a bidder in rank order: `bidder`, `reference` (a mark that is no contender),
            `score` (higher is better) with `score_low` and `score_high` (95 % interval), and the
            columns of `metrics`; numbers are null where there are none.
        metrics: further columns of `ranking`, each with a ``_low`` and a ``_high``.
        score_title: what the score is.
        score_unit: of the score ("× mean").
        delivery: a row a `seed` (number of the replicate), `bidder` and `tick` (from 0): the sums
            of a `Tally` over the advertisers the bidder drove, and their `budget` for the period.
        advertisers: a row a `bidder` and `advertiser`, means over replicates: `name`, `category`,
            `budget`, `spend`, `value`, `conversions`, `target_cpa` (null when there is none).
        title: of the page.
        value_unit: what one unit of value is.
        currency: what one unit of money is.
        score_digits: decimals of the score.
        scores, reliability, profile, paired, markets, segments, prices, win_curve, head_to_head:
            further tables of a run folder (`equibid.runs.comparison_result`); what is None is not
            shown.
        notices: sentences on how the replicates are counted.
        clock: how time is told.
    """

    run: RunFolder
    ranking: pl.DataFrame
    metrics: Sequence[Metric]
    score_title: str
    score_unit: str
    delivery: pl.DataFrame
    advertisers: pl.DataFrame
    title: str = "Equibid run"
    value_unit: str = "conversion"
    currency: str = "unit"
    score_digits: int = 3
    scores: pl.DataFrame | None = None
    reliability: pl.DataFrame | None = None
    profile: pl.DataFrame | None = None
    paired: pl.DataFrame | None = None
    markets: pl.DataFrame | None = None
    segments: pl.DataFrame | None = None
    prices: pl.DataFrame | None = None
    win_curve: pl.DataFrame | None = None
    head_to_head: pl.DataFrame | None = None
    notices: Sequence[str] = ()
    clock: Clock = TICKS

    @property
    def bidders(self) -> list[str]:
        """Names in rank order, references included."""
        return self.ranking["bidder"].to_list()

    @property
    def references(self) -> set[str]:
        """Bidders that are marks, not contenders."""
        return set(self.ranking.filter("reference")["bidder"])

    @cached_property
    def replicates(self) -> int:
        """Number of seeds, or of days of a log; 1 if all came out alike, as nothing was drawn."""
        marks = self.delivery.select("seed", mark=pl.struct(pl.exclude("seed")).hash())
        sums = marks.group_by("seed", maintain_order=True).agg(pl.col("mark").sum())
        return sums.height if sums["mark"].n_unique() > 1 else 1

    @property
    def ticks(self) -> int:
        """T, the number of ticks."""
        return int(self.delivery.select(pl.col("tick").max()).item()) + 1


MORE = (
    *("scores", "reliability", "profile", "paired", "markets"),
    *("segments", "prices", "win_curve", "head_to_head"),
)
RANKING = ("bidder", "reference", "score", "score_low", "score_high")
DELIVERY = ("seed", "bidder", "tick", "spend", "budget", "wins", "offered", "bid", "value_offered")
ADVERTISERS = (
    *("bidder", "advertiser", "name", "category", "budget"),
    *("spend", "value", "conversions", "target_cpa"),
)


def check(tables: RunTables) -> RunTables:
    """The tables themselves, if a report can be made from them.

    Raises:
        InputError: a column is missing, a table is empty, a bidder is ranked twice or not at all,
            or the ranking is out of order.
    """
    of_metrics = [m.column + end for m in tables.metrics for end in ("", "_low", "_high")]
    for name, table, columns in (
        ("ranking", tables.ranking, [*RANKING, *of_metrics]),
        ("delivery", tables.delivery, DELIVERY),
        ("advertisers", tables.advertisers, ADVERTISERS),
    ):
        missing = [column for column in columns if column not in table.columns]
        if missing:
            raise InputError(f"table {name}: add the missing columns {', '.join(missing)}")
        if table.is_empty():
            raise InputError(f"table {name}: it has no rows, so there is nothing to report")
    bidders = tables.bidders
    if len(set(bidders)) < len(bidders):
        raise InputError("table ranking: give every bidder one row and a name of its own")
    for name, table in (("delivery", tables.delivery), ("advertisers", tables.advertisers)):
        unranked = sorted(set(table["bidder"]) - set(bidders))
        if unranked:
            raise InputError(f"table {name}: rank {', '.join(unranked)}, or leave them out here")
    scores = tables.ranking.filter(~pl.col("reference"))["score"]
    if not scores.equals(scores.sort(descending=True, nulls_last=True)):
        raise InputError("table ranking: sort the contenders by score, highest first")
    return tables


def sheet(tables: RunTables) -> Sheet:
    """The ranking with its main metrics and their 95 % intervals."""
    metrics = [metric for metric in tables.metrics if not metric.detail]
    columns = {
        "score": Column("Score", tables.score_unit, partial(number, digits=tables.score_digits)),
        **{m.column: Column(m.title, m.unit, partial(number, digits=m.digits)) for m in metrics},
    }
    rows = [
        (row["bidder"], [(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in columns])
        for row in tables.ranking.iter_rows(named=True)
    ]
    return Sheet("Bidder", list(columns.values()), rows)
