"""The page of a comparison: words and tables around its charts."""

from html import escape
from typing import Any, NamedTuple

import polars as pl

from equibid.evaluation.ranking import places, tied
from equibid.reports.comparison.certainty import certainty
from equibid.reports.comparison.charts import MOST_ADVERTISERS
from equibid.reports.comparison.curves import FEW
from equibid.reports.comparison.drawn import drawn
from equibid.reports.comparison.sections import market, meeting, strong
from equibid.reports.comparison.tables import RunTables, decimals, known, number
from equibid.reports.comparison.verdict import has_interval, verdict
from equibid.reports.html.document import buttons, document, figure, made_of, swatch
from equibid.reports.html.palette import marks

PAID = "The grey bar is the target CPA."


def page(tables: RunTables) -> str:
    """The whole report as HTML."""
    said, figures = verdict(tables), drawn(tables)
    shown = list(figures)
    return document(
        title=tables.title,
        facts=facts(tables),
        said=said,
        legend="Bidders",
        chips=chips(tables),
        sections=(
            ranking(tables),
            certainty(tables, shown),
            meeting(tables, shown),
            period(tables),
            market(tables, shown),
            strong(tables, shown),
            advertisers(tables, shown),
            making(tables),
        ),
        figures=figures,
    )


def facts(tables: RunTables) -> str:
    """The size of the run in a line."""
    contenders = len(tables.bidders) - len(tables.references)
    counts = (
        (contenders, "bidder"),
        (tables.advertisers["advertiser"].n_unique(), "advertiser"),
        (tables.ticks, "tick"),
        (tables.replicates, "replicate"),
    )
    return " · ".join(f"{number(n, 0)} {word}{'s' * (n != 1)}" for n, word in counts)


def chips(tables: RunTables) -> str:
    """The legend of all charts, and the switch that picks bidders out."""
    looks = marks(tables)
    return buttons([(name, looks[name]) for name in tables.bidders])


class Column(NamedTuple):
    """A column of the ranked table, as `Metric` describes it."""

    column: str
    title: str
    unit: str
    better: str
    digits: int


def ranking(tables: RunTables) -> str:
    """Chart and table of the ranking."""
    key = (
        " Dots are estimates, lines 95\u00a0% intervals; the shaded band is the leader's. The"
        " paired test below says which bidders are told apart, not these intervals."
        if shows_intervals(tables)
        else ""
    )
    guide = f"{escape(tables.score_title)}.{key}"
    return (
        "<section><h2>Ranking</h2>"
        f'<p class="guide">{guide}</p>'
        '<figure><div class="rows" data-figure="ranking" role="img" aria-label="Ranking"></div>'
        f"</figure>{ranking_table(tables)}</section>"
    )


def shows_intervals(tables: RunTables) -> bool:
    """Whether any score has an interval."""
    return any(has_interval(row, tables) for row in tables.ranking.to_dicts())


def ranking_table(tables: RunTables) -> str:
    """Score and metrics, a row a bidder; the best contender of each metric in bold."""
    score = Column("score", "Score", tables.score_unit, "higher", tables.score_digits)
    main, more = (
        [
            Column(m.column, m.title, m.unit, m.better, m.digits)
            for m in tables.metrics
            if m.detail is detail
        ]
        for detail in (False, True)
    )
    bold = "Bold is the best contender of a column." if len(tables.bidders) > 1 else ""
    small = " Small are 95\u00a0% intervals." if shows_intervals(tables) else ""
    return (
        metric_table(tables, [score, *main])
        + (metric_table(tables, more) if more else "")
        + f'<p class="note">{bold}{small}</p>'
    )


def metric_table(tables: RunTables, columns: list[Column]) -> str:
    """Some columns, a row a bidder."""
    heads = "".join(
        f"<th>{escape(m.title)}<small>{escape(m.unit) or '&nbsp;'}</small></th>" for m in columns
    )
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
    return (
        '<div class="wide" tabindex="0"><table><thead><tr><th></th><th class="name">Bidder</th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


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


def period(tables: RunTables) -> str:
    """The three charts over the ticks."""
    guide = "One replicate."
    if tables.replicates > 1:
        few = len(tables.bidders) <= FEW
        pick = f"Pick up to {FEW} bidders above to see their range."
        guide = f"Means over replicates. {'Bands are their range.' if few else pick}"
    return (
        "<section><h2>Over the period</h2>"
        f'<p class="guide">{guide}</p>'
        + figure(
            "pacing",
            "Does the money last?",
            "Above the dotted line a bidder spends early; flat at the top it is out of money, and "
            "what is missing at the right was never spent.",
        )
        + figure(
            "factor",
            "How much is a unit of value worth to it?",
            "Money bid for each unit of value on offer. A steady line is a steady price; a swing "
            "is a bidder that corrects itself.",
        )
        + figure(
            "win-rate",
            "How often does it win?",
            "Slots won for each impression bid on. A fall to zero is an empty budget.",
        )
        + "</section>"
    )


def advertisers(tables: RunTables, shown: list[str]) -> str:
    """Spend and value by advertiser, or by bidder where there is one advertiser."""
    count = tables.advertisers["advertiser"].n_unique()
    if count == 1:
        title, order = "Spend, value and price", "One advertiser; a row a bidder."
    else:
        title, order = "By advertiser", "Largest budgets on top; a dot a bidder."
    if count > MOST_ADVERTISERS:
        order += f" The {MOST_ADVERTISERS} largest of {number(count, 0)} are shown."
    return (
        f'<section><h2>{title}</h2><p class="guide">{order}</p><div class="trio">'
        + figure("spend", "Spent", "The grey bar is the budget.", "rows")
        + figure("value", "Bought", "Further right is more.", "rows")
        + (figure("cpa", "Paid for a unit", PAID, "rows") if "cpa" in shown else "")
        + "</div></section>"
    )


def making(tables: RunTables) -> str:
    """Configuration and glossary."""
    return made_of(tables.config, glossary(tables))


def glossary(tables: RunTables) -> list[tuple[str, str]]:
    """What the numbers are, with units."""
    price = f"{tables.currency} per {tables.value_unit}"
    ends = {"higher": "Higher is better.", "lower": "Lower is better.", "": ""}
    terms = {
        "Bid factor": f"Sum of bids over sum of values of the impressions bid on, in {price}.",
        "Win rate": "Slots won over impressions bid on.",
        "Tick": f"One of the {number(tables.ticks, 0)} spans of the period that a budget is for.",
        "Replicate": "The whole period played once: a seed of a generator, or a day of a log.",
        "95\u00a0% interval": "Of 100 such runs, about 95 have an interval that holds the truth.",
        "Interquartile mean": "Mean of the middle half of the replicates, the best and worst "
        "quarter left out.",
        "Performance profile": "Share of the replicates that score more than each mark.",
        "Power": "The chance that a test sees a difference that is there.",
        "Reference": "A bidder that knows what none can know: a mark, not a contender.",
        "Score": f"{tables.score_title}. {in_unit(tables.score_unit)}Higher is better.",
    }
    metrics = {
        m.title: f"{m.meaning} {in_unit(m.unit)}{ends[m.better]}".strip() for m in tables.metrics
    }
    return sorted((terms | metrics).items())


def in_unit(unit: str) -> str:
    """A sentence that names a unit, if there is one."""
    return f"In {unit}. " if unit else ""
