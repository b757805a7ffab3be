"""The page of several comparisons: what differs, the ranking of each, and differences."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from equibid.evaluation.metrics import Metric
from equibid.evaluation.ranking import places
from equibid.files import write_text
from equibid.reports.comparison.certainty import p_value
from equibid.reports.comparison.metric_chart import SCORE, bidders_of, metric_chart
from equibid.reports.comparison.tables import number
from equibid.reports.comparison.verdict import Verdict
from equibid.reports.html.document import buttons, document, figure, interval, swatch, table
from equibid.reports.html.palette import COLOURS, DASHES, SYMBOLS, Mark
from equibid.runs.across import Past, comparable, differences, differing


def write_side_by_side(runs: Sequence[Past], path: Path) -> None:
    """Write the report of several comparisons to `path` (about 5 MB)."""
    write_text(path, page(runs))


def page(runs: Sequence[Past]) -> str:
    """The whole page."""
    looks = looks_of(runs)
    changed = differing([run.config for run in runs])
    metrics = shared(runs)
    drawn = {metric.column: metric_chart(runs, metric, looks) for metric in metrics}
    dots = "".join(
        figure(m.column, escape(m.title), escape(f"{m.meaning} {in_words(m)}"), "rows")
        for m in metrics
    )
    return document(
        title="Runs side by side: " + ", ".join(run.name for run in runs),
        facts=f"{len(runs)} runs · {len(bidders_of(runs))} bidders",
        said=verdict(runs, changed),
        legend="Runs",
        chips=buttons([(run.name, look) for run, look in zip(runs, looks, strict=True)]),
        sections=(
            settings(runs, changed),
            change(runs),
            f'<section><h2>Ranking by metric</h2><p class="guide">A dot a run, lines 95\u00a0% '
            f'intervals. Scores compare bidders within a run, not runs.</p><div class="pair">'
            f"{dots}</div>{ranking(runs, looks)}</section>",
        ),
        figures=drawn,
    )


def looks_of(runs: Sequence[Past]) -> list[Mark]:
    """A look a run, in the order they were named."""
    turns = (divmod(place, len(COLOURS)) for place in range(len(runs)))
    return [
        Mark(COLOURS[at], DASHES[turn % len(DASHES)], SYMBOLS[turn % len(SYMBOLS)])
        for turn, at in turns
    ]


def shared(runs: Sequence[Past]) -> list[Metric]:
    """The score, and the metrics that every run has in the same unit."""
    first, *others = ({m.column: m for m in run.findings.ranked.metrics} for run in runs)
    alike = [
        m
        for m in first.values()
        if all(m.unit == o[m.column].unit for o in others if m.column in o)
    ]
    return [SCORE, *(m for m in alike if all(m.column in other for other in others))]


def verdict(runs: Sequence[Past], changed: Mapping[str, list[Any]]) -> Verdict:
    """Whether what changed made a difference that is no chance."""
    table = differences(runs)
    names = [name for name in changed if name not in ("bidders", "out")]
    what = (
        f"They differ in {', '.join(names[:6])}{' and more' * (len(names) > 6)}." if names else ""
    )
    if table.is_empty():
        return Verdict(
            f"{len(runs)} runs, not on the same days",
            f"{what} So their figures stand side by side, and are not compared day by day.".strip(),
        )
    apart = table.filter(~pl.col("same"))
    if apart.is_empty():
        return Verdict("Every bidder bought the same in all runs", what)
    seen = apart.filter("separable")
    of = seen if seen.height else apart
    most = max(of.iter_rows(named=True), key=size)
    headline = f"{most['bidder']} buys {gap_in_words(most)} in {most['run']}"
    if seen.height:
        return Verdict(
            headline,
            f"That is beside {runs[0].name}, and the largest of {seen.height} differences beyond "
            f"chance, of {table.height}. {what}".strip(),
        )
    days = most["replicates"]
    if apart["separable"].null_count() == apart.height:
        return Verdict(
            f"{headline}, on {days} day{'s' * (days != 1)}",
            f"So few days prove no difference, be it ever so large. {what}".strip(),
        )
    return Verdict(
        "No bidder is told apart between runs",
        f"No difference is beyond chance, at 5\u00a0% for all of them. {what}".strip(),
    )


def size(row: Mapping[str, Any]) -> float:
    """How large a difference is; from nothing to something is the largest."""
    return math.inf if row["difference"] is None else abs(row["difference"])


def gap_in_words(row: Mapping[str, Any]) -> str:
    """How much more or less than in the first run."""
    gap = row["difference"]
    if gap is None:
        return "something instead of nothing"
    return f"{number(100 * abs(gap), 1)}\u00a0% {'more' if gap > 0 else 'less'}"


def settings(runs: Sequence[Past], changed: Mapping[str, list[Any]]) -> str:
    """Which settings differ."""
    if not changed:
        return '<section><h2>What differs</h2><p class="guide">No setting.</p></section>'
    lines = [
        f'<tr><td></td><td class="name">{escape(name)}</td>'
        + "".join(f"<td>{escape(said(value))}</td>" for value in values)
        + "</tr>"
        for name, values in changed.items()
    ]
    heads = [(run.name, "") for run in runs]
    shown = table("Setting", heads, lines, "settings")
    return f"<section><h2>What differs</h2>{shown}</section>"


def said(value: Any) -> str:
    """A setting for people."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)


def change(runs: Sequence[Past]) -> str:
    """Differences to the first run, day by day."""
    found = differences(runs)
    if found.is_empty():
        return ""
    apart = [escape(run.name) for run in runs[1:] if not comparable(runs[0], run)]
    left = f" Not on the same days, so not here: {', '.join(apart)}." if apart else ""
    unit = runs[0].findings.settled.value_unit
    lines = []
    for row in found.iter_rows(named=True):
        ends = interval(row["low"], row["high"], 2, 100)
        gap = None if row["difference"] is None else 100 * row["difference"]
        cells = (
            escape(row["run"]),
            number(row["first"], 2),
            number(row["value"], 2),
            number(gap, 2) + ends,
            p_value(row),
            number(row["replicates"], 0),
        )
        lines.append(
            f'<tr><td></td><td class="name">{escape(row["bidder"])}</td>'
            f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        )
    heads = [
        ("Run", ""),
        (f"Value in {runs[0].name}", f"{unit}s a period"),
        ("Value in this run", f"{unit}s a period"),
        ("Difference", "%"),
        ("p", "corrected"),
        ("Days", "in common"),
    ]
    return (
        '<section><h2>What it changed</h2><p class="guide">The same bidder on the same days and '
        f"draws, beside {escape(runs[0].name)}. p is that of the sign-flip test of the "
        f"differences, corrected for all rows.{left}</p>{table('Bidder', heads, lines)}</section>"
    )


def ranking(runs: Sequence[Past], looks: Sequence[Mark]) -> str:
    """Score and rank of every bidder in every run."""
    lines = []
    for name in bidders_of(runs):
        cells = "".join(f"<td>{placed(run, name)}</td>" for run in runs)
        lines.append(f'<tr><td></td><td class="name">{escape(name)}</td>{cells}</tr>')
    heads = [(run.name, f"rank, score {SCORE.unit}") for run in runs]
    shown = table("Bidder", heads, lines)
    for run, look in zip(runs, looks, strict=True):
        head = f"<th>{escape(run.name)}<small>"
        shown = shown.replace(head, f"<th>{swatch(look)} {escape(run.name)}<small>", 1)
    return shown


def placed(run: Past, name: str) -> str:
    """A bidder's place and score in a run."""
    ranked = run.findings.ranking
    for place, row in zip(places(ranked), ranked.iter_rows(named=True), strict=True):
        if row["bidder"] == name:
            mark = "reference" if row["reference"] else f"{place}."
            ends = interval(row["score_low"], row["score_high"], 3)
            return f"{mark} {number(row['score'], 3)}{ends}"
    return "–"


def in_words(metric: Metric) -> str:
    """Which end is good."""
    return {"higher": "Higher is better.", "lower": "Lower is better.", "": ""}[metric.better]
