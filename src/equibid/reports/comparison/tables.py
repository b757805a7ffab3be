"""What a report is made from: the tables of one run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from equibid.errors import InputError
from equibid.evaluation.metrics import Metric


@dataclass(frozen=True)
class RunTables:
    """One run of the arena.

    Attributes:
        config: how the run was made, resolved; may nest.
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
        scores, reliability, profile, paired, markets, strengths, prices, win_curve, head_to_head:
            further tables of a run folder (`equibid.runs.findings`); what is None is not
            shown.
        notices: sentences on how the replicates are counted.
    """

    config: Mapping[str, Any]
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
    strengths: pl.DataFrame | None = None
    prices: pl.DataFrame | None = None
    win_curve: pl.DataFrame | None = None
    head_to_head: pl.DataFrame | None = None
    notices: Sequence[str] = ()

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


# A number that needs more is written with a power of ten.
MOST_DECIMALS = 8
MORE = (
    *("scores", "reliability", "profile", "paired", "markets"),
    *("strengths", "prices", "win_curve", "head_to_head"),
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


def known(x: float | None) -> bool:
    """Whether there is a number."""
    return x is not None and math.isfinite(x)


def decimals(x: float | None, least: int) -> int:
    """Decimals that show a number of any size: at least these, and two digits that say something.

    Whole numbers (no decimals) stay whole.
    """
    if not least or not known(x) or not x:
        return least
    return max(least, 1 - math.floor(math.log10(abs(x))))


def number(x: float | None, digits: int) -> str:
    """A number for people: thousands apart, a true minus, a dash for none.

    A small number has more decimals than were asked for, as `decimals` says, so that it is not
    taken for zero; a tiny one has a power of ten.
    """
    if x is None or not math.isfinite(x):
        return "–"
    shown = decimals(x, digits)
    text = f"{x:,.{shown}f}" if shown <= MOST_DECIMALS else f"{x:.1e}"
    return text.replace("-", "−").replace(",", "\u202f")
