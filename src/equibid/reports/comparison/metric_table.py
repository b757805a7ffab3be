"""The ranked table: the score and five metrics, the rest folded beneath."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import polars as pl

from equibid.evaluation.ranking import places, tied
from equibid.reports.comparison.looks import marks
from equibid.reports.comparison.tables import RunTables
from equibid.reports.comparison.verdict import has_interval
from equibid.reports.html.document import folded, swatch, table
from equibid.reports.html.numbers import decimals, known, number

# What is shown first; all else waits until it is asked for.
FIRST = ("conversions", "budget_use", "win_rate", "cpm", "cpa")


class Column(NamedTuple):
    """A column of the ranked table, as `Metric` describes it."""

    column: str
    title: str
    unit: str
    better: str
    digits: int


def ranking_table(tables: RunTables) -> str:
    """Score and metrics, a row a bidder; the best contender of each metric in bold."""
    score = Column("score", "Score", tables.score_unit, "higher", tables.score_digits)
    first, more = (
        [
            Column(m.column, m.title, m.unit, m.better, m.digits)
            for m in tables.metrics
            if (m.column in FIRST) is first
        ]
        for first in (True, False)
    )
    bold = "Bold is the best contender of a column." if len(tables.bidders) > 1 else ""
    small = " Small are 95\u00a0% intervals." if shows_intervals(tables) else ""
    # As many columns as a page has room for.
    rest = "".join(metric_table(tables, more[at : at + 6]) for at in range(0, len(more), 6))
    return (
        metric_table(tables, [score, *first])
        + f'<p class="note">{bold}{small}</p>'
        + (folded(f"{len(more)} more metrics", rest) if more else "")
    )


def shows_intervals(tables: RunTables) -> bool:
    """Whether any score has an interval."""
    return any(has_interval(row, tables) for row in tables.ranking.to_dicts())


def metric_table(tables: RunTables, columns: Sequence[Column]) -> str:
    """Some columns, a row a bidder."""
    looks = marks(tables)
    best = {m.column: best_value(tables, m) for m in columns}
    rows = []
    for place, row in zip(places(tables.ranking), tables.ranking.to_dicts(), strict=True):
        cells = "".join(
            cell(row, m, best[m.column], has_interval(row, tables, m.column)) for m in columns
        )
        name = f"{swatch(looks[row['bidder']])} {escape(row['bidder'])}"
        mark = "<small>reference</small>" if row["reference"] else ""
        rows.append(
            f'<tr class="{"reference" if row["reference"] else "contender"}">'
            f"<td>{place.rstrip('=')}{'<small>tied</small>' * place.endswith('=')}</td>"
            f'<td class="name">{name}{mark}</td>{cells}</tr>'
        )
    return table("Bidder", [(m.title, m.unit) for m in columns], rows)


def best_value(tables: RunTables, metric: Column) -> float | None:
    """The best contender's number, None where neither end is good or all are alike."""
    column = tables.ranking.filter(~pl.col("reference"))[metric.column]
    numbers = [x for x in column.to_list() if known(x)]
    if not metric.better or len(numbers) < 2 or tied(min(numbers), max(numbers)):
        return None
    return max(numbers) if metric.better == "higher" else min(numbers)


def cell(row: dict[str, Any], metric: Column, best: float | None, interval: bool) -> str:
    """One number with its interval beneath."""
    x = row[metric.column]
    digits = decimals(x, metric.digits)
    low, high = (number(row[metric.column + end], digits) for end in ("_low", "_high"))
    first = best is not None and not row["reference"] and tied(x, best)
    kind = ' class="best"' if first else ""
    small = f"<small>{low}\u00a0– {high}</small>" if interval else ""
    return f"<td{kind}>{number(x, digits)}{small}</td>"
