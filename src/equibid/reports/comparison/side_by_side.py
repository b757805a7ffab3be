"""The page of several comparisons: what differs, the ranking of each, and differences."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import polars as pl

from equibid.evaluation.metrics import Metric
from equibid.evaluation.ranking import places
from equibid.reports.charts.svg import HALF
from equibid.reports.comparison.certainty import p_value
from equibid.reports.comparison.metric_chart import SCORE, bidders_of, metric_chart
from equibid.reports.comparison.metric_table import FIRST
from equibid.reports.html.changed import settings
from equibid.reports.html.document import (
    Section,
    Verdict,
    document,
    figure,
    folded,
    interval,
    swatch,
    table,
)
from equibid.reports.html.numbers import number
from equibid.reports.html.palette import Mark
from equibid.reports.html.palette import look as look_of
from equibid.runs.diff_runs import PastComparison, comparable, differences, differing


def page(runs: Sequence[PastComparison]) -> str:
    """The whole page."""
    looks = looks_of(runs)
    changed = differing([run.config for run in runs])
    metrics = shared(runs)
    first = [metric for metric in metrics if metric.column in ("score", *FIRST)]
    dots, more = (
        "".join(
            figure(
                m.column,
                metric_chart(runs, m, looks),
                escape(m.title),
                escape(f"{m.meaning} {in_words(m)}"),
                HALF,
            )
            for m in some
        )
        for some in (first, [metric for metric in metrics if metric not in first])
    )
    beneath = folded("More metrics", f'<div class="pair">{more}</div>') if more else ""
    return document(
        title="Runs side by side: " + ", ".join(run.name for run in runs),
        facts=f"{len(runs)} runs · {len(bidders_of(runs))} bidders",
        said=verdict(runs, changed),
        legend="Runs",
        looks=[(run.name, look) for run, look in zip(runs, looks, strict=True)],
        sections=(
            settings([run.name for run in runs], changed),
            change(runs),
            Section(
                "Ranking by metric",
                f'{ranking(runs, looks)}<div class="pair">{dots}</div>{beneath}',
                "A dot a run, lines 95\u00a0% intervals. Scores compare bidders within a run, not "
                "runs.",
            ),
        ),
    )


def looks_of(runs: Sequence[PastComparison]) -> list[Mark]:
    """A look a run, in the order they were named."""
    return [look_of(place) for place in range(len(runs))]


def shared(runs: Sequence[PastComparison]) -> list[Metric]:
    """The score, and the metrics that every run has in the same unit."""
    first, *others = ({m.column: m for m in run.result.ranked.metrics} for run in runs)
    alike = [
        m
        for m in first.values()
        if all(m.unit == o[m.column].unit for o in others if m.column in o)
    ]
    return [SCORE, *(m for m in alike if all(m.column in other for other in others))]


def verdict(runs: Sequence[PastComparison], changed: Mapping[str, list[Any]]) -> Verdict:
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


def change(runs: Sequence[PastComparison]) -> Section:
    """Differences to the first run, day by day."""
    found = differences(runs)
    if found.is_empty():
        return Section("What it changed", "")
    apart = [escape(run.name) for run in runs[1:] if not comparable(runs[0], run)]
    left = f" Not on the same days, so not here: {', '.join(apart)}." if apart else ""
    unit = runs[0].result.info.value_unit
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
    return Section(
        "What it changed",
        table("Bidder", heads, lines),
        "The same bidder on the same days and draws, beside "
        f"{escape(runs[0].name)}. p is that of the sign-flip test of the differences, corrected "
        f"for all rows.{left}",
    )


def ranking(runs: Sequence[PastComparison], looks: Sequence[Mark]) -> str:
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


def placed(run: PastComparison, name: str) -> str:
    """A bidder's place and score in a run."""
    ranked = run.result.ranking
    for place, row in zip(places(ranked), ranked.iter_rows(named=True), strict=True):
        if row["bidder"] == name:
            mark = "reference" if row["reference"] else f"{place}."
            ends = interval(row["score_low"], row["score_high"], 3)
            return f"{mark} {number(row['score'], 3)}{ends}"
    return "–"


def in_words(metric: Metric) -> str:
    """Which end is good."""
    return {"higher": "Higher is better.", "lower": "Lower is better.", "": ""}[metric.better]
