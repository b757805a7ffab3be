"""How sure a ranking is: profiles, differences of pairs, replicates that would settle it."""

from collections.abc import Mapping
from html import escape
from typing import Any

from equibid.evaluation.pairs import turned
from equibid.reports.charts.chart import Chart
from equibid.reports.charts.svg import HALF, WHOLE
from equibid.reports.comparison.tables import RunTables
from equibid.reports.comparison.verdict import too_few
from equibid.reports.html.document import Section, figure, interval, table
from equibid.reports.html.numbers import number


def certainty(tables: RunTables, charts: dict[str, Chart]) -> Section:
    """How sure the ranking is: profiles, differences of pairs, replicates that would settle it."""
    # Many bidders need the whole width for the numbers of their pairs.
    beside = len(tables.bidders) <= 7
    width = HALF if beside else WHOLE
    parts = []
    if "profile" in charts:
        parts.append(
            figure(
                "profile",
                charts["profile"],
                "How often does it score how much?",
                "Share of replicates that score more than a mark. Further right is better; a steep "
                "line is a bidder that scores alike on all.",
                width,
            )
        )
    if "paired" in charts:
        parts.append(
            figure(
                "paired",
                charts["paired"],
                "Who beats whom on the same days?",
                "What the bidder of a row buys beyond that of a column, in percent. A star: no "
                "chance, at 5\u00a0% for all pairs together; –: no difference could be shown.",
                width,
            )
        )
    return Section(
        "How sure is it?",
        f'<div class="{"pair" if beside else ""}">{"".join(parts)}</div>{reliability_table(tables)}'
        if parts
        else "",
        "All bidders meet the same days and draws, so they are compared day by day.",
    )


def reliability_table(tables: RunTables) -> str:
    """Interquartile means, and what it takes to tell each from the leader."""
    if tables.reliability is None or tables.replicates < 2:
        return ""
    few = too_few(tables)
    warning = f" <b>{few}</b>" if few else ""
    leader = next((name for name in tables.bidders if name not in tables.references), None)
    against = differences(tables, leader)
    rows = []
    places = {row["bidder"]: row for row in tables.reliability.iter_rows(named=True)}
    for name in tables.bidders:
        row = places.get(name)
        if row is None:
            continue
        iqm = f"{number(row['iqm'], 3)}{interval(row['iqm_low'], row['iqm_high'], 3)}"
        gap = against.get(name)
        cells = [iqm, number(row["median"], 3), number(row["worst"], 3)]
        if against:
            cells += ["–"] * 4 if gap is None else gap
        rows.append(
            f'<tr class="{"reference" if name in tables.references else "contender"}"><td></td>'
            f'<td class="name">{escape(name)}</td>{"".join(f"<td>{c}</td>" for c in cells)}</tr>'
        )
    heads = [
        ("Interquartile mean", tables.score_unit),
        ("Median", tables.score_unit),
        ("Worst", tables.score_unit),
    ]
    if against:
        heads += [
            (f"Beside {leader}", "%"),
            ("p", "corrected"),
            ("Replicates to settle", f"of {tables.replicates} played"),
            ("Least visible", "%"),
        ]
    return (
        table("Bidder", heads, rows)
        + '<p class="note">The interquartile mean is that of the middle half of the replicates. '
        "Replicates to settle: how many would show the difference seen with 80\u00a0% power, all "
        "pairs tested. Least visible: the difference that the replicates played would show."
        f"{warning}</p>"
    )


def differences(tables: RunTables, leader: str | None) -> dict[str, list[str]]:
    """Cells of each bidder beside the leader."""
    if tables.paired is None or leader is None:
        return {}
    found = {}
    for row in tables.paired.iter_rows(named=True):
        if leader not in (row["bidder"], row["other"]):
            continue
        x, low, high, least = (row[c] for c in ("difference", "low", "high", "detectable"))
        name = row["bidder"]
        if name == leader:
            # In multiples of the leader's mean instead of the other's.
            name, scale = row["other"], turned(x)
            least = None if least is None or scale is None else least * (1 + scale)
            x, low, high = turned(x), turned(high), turned(low)
        cell = percents(x) + interval(low, high, 2, 100)
        # More than everything is no difference to look for.
        smallest = percents(None if least is None or least > 1 else least)
        found[name] = [cell, p_value(row), number(row["needed"], 0), smallest]
    return found


def p_value(row: Mapping[str, Any]) -> str:
    """The corrected p of a pair; a dash where the test could show no difference, however large."""
    return "–" if row["separable"] is None else number(row["p_holm"], 4)


def percents(x: float | None) -> str:
    """A share for people."""
    return number(None if x is None else 100 * x, 2)
