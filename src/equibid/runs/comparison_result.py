"""What a comparison found, as tables, and as files of its run folder.

delivery.parquet      a row a market, replicate, bidder, tick and advertiser, money in currency
campaigns.parquet     a row a market and advertiser
comparison.json       units, references, what is compared
ranking.parquet       see `ranking.rank`
paired.parquet        see `pairs.paired_tests`
scores.parquet        see `reliability.relative_scores`
reliability.parquet   see `reliability.reliability`
profile.parquet       see `reliability.profiles`
markets.parquet       see `market_figures.market_figures`
segments.parquet      see `segment_table.segment_table`
prices.parquet        see `price_distribution.price_table`
win_curve.parquet     see `price_distribution.win_curve`
head_to_head.parquet  see `pairs.head_to_head`; of pairs
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import polars as pl

from equibid.errors import input_error
from equibid.evaluation.market_figures import by_population, market_figures
from equibid.evaluation.metrics import METRICS
from equibid.evaluation.pairs import head_to_head, paired_tests
from equibid.evaluation.price_distribution import Prices, price_table, win_curve
from equibid.evaluation.ranking import Ranking, rank
from equibid.evaluation.reliability import profiles, relative_scores, reliability
from equibid.evaluation.segment_table import segment_table
from equibid.markets.market import Labels
from equibid.runs.folder import Run
from equibid.runs.reading import RunFolder


@dataclass(frozen=True)
class ComparisonInfo:
    """What a comparison was about.

    Attributes:
        score: the sum that is compared, "value" or "conversions".
        references: bidders that are no contenders.
        value_unit: what one unit of value is.
        currency: what one unit of money is.
        notices: sentences for people on how the replicates are counted.
        tick_hours: hours of a tick, None where a tick is no span of a day.
    """

    score: str
    references: tuple[str, ...]
    value_unit: str
    currency: str
    notices: tuple[str, ...] = ()
    tick_hours: float | None = None

    @property
    def labels(self) -> Labels:
        """For people; amounts are in currency already."""
        return Labels(value_unit=self.value_unit, currency=self.currency)


@dataclass(frozen=True)
class ComparisonResult:
    """The tables; see the top of this page. `paired` takes two bidders, `head_to_head` pairs."""

    info: ComparisonInfo
    delivery: pl.DataFrame
    campaigns: pl.DataFrame
    ranking: pl.DataFrame
    scores: pl.DataFrame
    reliability: pl.DataFrame
    profile: pl.DataFrame
    markets: pl.DataFrame
    segments: pl.DataFrame
    prices: pl.DataFrame
    win_curve: pl.DataFrame
    paired: pl.DataFrame | None = None
    head_to_head: pl.DataFrame | None = None

    @property
    def ranked(self) -> Ranking:
        """The ranking with its metrics."""
        labels, columns = self.info.labels, self.ranking.columns
        metrics = tuple(metric.named(labels) for metric in METRICS if metric.column in columns)
        return Ranking(self.ranking, metrics, self.info.score)


TABLES = tuple(field.name for field in fields(ComparisonResult) if field.name != "info")
OPTIONAL = ("paired", "head_to_head")
SETTLED = ("score", "references", "value_unit", "currency", "notices", "tick_hours")
LISTS = ("references", "notices")
# What other versions wrote tables without.
COLUMNS = {"paired": ("separable",)}


def summarise(
    rows: pl.DataFrame,
    campaigns: pl.DataFrame,
    info: ComparisonInfo,
    prices: Mapping[str, Prices],
    mixed: bool,
) -> ComparisonResult:
    """All tables of a comparison.

    Args:
        rows: a row a market, replicate, bidder, tick and advertiser, money in currency.
        campaigns: see `campaign_frame`.
        info: what it is about.
        prices: of each market, in currency.
        mixed: whether contenders shared the market.
    """
    score, references = info.score, info.references
    ranking = rank(rows, campaigns, references, score, info.labels).table
    scores = relative_scores(rows, references, score)
    return ComparisonResult(
        info=info,
        delivery=rows,
        campaigns=campaigns,
        ranking=ranking,
        scores=scores,
        reliability=reliability(scores),
        profile=profiles(scores),
        markets=market_figures(by_population(rows, campaigns, references, mixed)),
        segments=segment_table(rows, campaigns, references, score),
        prices=price_table(prices),
        win_curve=win_curve(prices),
        paired=paired_tests(rows, score) if ranking.height > 1 else None,
        head_to_head=head_to_head(rows, score) if "against" in rows.columns else None,
    )


def write_result(run: Run, result: ComparisonResult) -> None:
    """Write the tables into an open run folder."""
    run.write_json("comparison.json", asdict(result.info))
    for name in TABLES:
        table = getattr(result, name)
        if table is not None:
            run.write_table(f"{name}.parquet", table)


def read_result(run: RunFolder) -> ComparisonResult:
    """The tables of a comparison's folder.

    Raises:
        InputError: one is not there, or lacks a column.
    """
    known = run.json("comparison.json", SETTLED)
    try:
        lists: dict[str, Any] = {name: tuple(known[name]) for name in LISTS}
        info = ComparisonInfo(**{**known, **lists})
    except TypeError as error:
        raise input_error(run.path / "comparison.json", f"it was changed; {run.mend}") from error
    tables: dict[str, Any] = {
        name: None
        if name in OPTIONAL and not run.has(f"{name}.parquet")
        else run.table(f"{name}.parquet", COLUMNS.get(name, ()))
        for name in TABLES
    }
    return ComparisonResult(info, **tables)


def contenders_of(names: Sequence[str], references: Sequence[str]) -> list[str]:
    """Who competes, in the order of their entry; the references where there is nobody else."""
    return [name for name in names if name not in references] or list(names)
