"""The page of a comparison: words and tables around its charts."""

from html import escape

from equibid.reports.charts.chart import Chart
from equibid.reports.charts.svg import HALF, THIRD
from equibid.reports.comparison.certainty import certainty
from equibid.reports.comparison.charts import MOST_ADVERTISERS
from equibid.reports.comparison.curves import FEW
from equibid.reports.comparison.drawn import drawn
from equibid.reports.comparison.glossary import glossary
from equibid.reports.comparison.looks import marks
from equibid.reports.comparison.metric_table import ranking_table, shows_intervals
from equibid.reports.comparison.sections import market, meeting, strong
from equibid.reports.comparison.tables import RunTables
from equibid.reports.comparison.verdict import verdict
from equibid.reports.html.document import Section, document, figure
from equibid.reports.html.making import making
from equibid.reports.html.numbers import counted, number


def page(tables: RunTables) -> str:
    """The whole report as HTML."""
    charts, looks = drawn(tables), marks(tables)
    return document(
        title=tables.title,
        facts=facts(tables),
        said=verdict(tables),
        legend="Bidders",
        looks=[(name, looks[name]) for name in tables.bidders],
        few=len(looks) <= FEW,
        sections=(
            ranking(tables, charts),
            certainty(tables, charts),
            meeting(charts),
            period(tables, charts),
            market(tables, charts),
            strong(charts),
            advertisers(tables, charts),
            *making(tables.run, glossary(tables)),
        ),
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
    return " · ".join(counted(n, word) for n, word in counts)


def ranking(tables: RunTables, charts: dict[str, Chart]) -> Section:
    """Chart and table of the ranking."""
    key = (
        "Dots are estimates, lines 95\u00a0% intervals; the shaded band is the leader's. The"
        " paired test below says which bidders are told apart, not these intervals."
        if shows_intervals(tables)
        else ""
    )
    title = escape(tables.score_title)
    body = figure("ranking", charts["ranking"], title, key) + ranking_table(tables)
    return Section("Ranking", body)


def period(tables: RunTables, charts: dict[str, Chart]) -> Section:
    """The three charts over the period."""
    guide = "One replicate."
    if tables.replicates > 1:
        few = len(tables.bidders) <= FEW
        pick = f"Pick up to {FEW} bidders above to see their range."
        guide = f"Means over replicates. {'Bands are their range.' if few else pick}"
    return Section(
        "Over the period",
        figure(
            "pacing",
            charts["pacing"],
            "Does the money last?",
            "Above the dotted line a bidder spends early; flat at the top it is out of money, and "
            "what is missing at the right was never spent.",
        )
        + figure(
            "factor",
            charts["factor"],
            "How much is a unit of value worth to it?",
            "Money bid for each unit of value on offer. A steady line is a steady price; a swing "
            "is a bidder that corrects itself.",
        )
        + figure(
            "win-rate",
            charts["win-rate"],
            "How often does it win?",
            "Slots won for each impression bid on. A fall to zero is an empty budget.",
        ),
        guide,
    )


def advertisers(tables: RunTables, charts: dict[str, Chart]) -> Section:
    """Spend and value by advertiser, or by bidder where there is one advertiser."""
    count = tables.advertisers["advertiser"].n_unique()
    if count == 1:
        title, order = "Spend, value and price", "One advertiser; a row a bidder."
    else:
        title, order = "By advertiser", "Largest budgets on top; a dot a bidder."
    if count > MOST_ADVERTISERS:
        order += f" The {MOST_ADVERTISERS} largest of {number(count, 0)} are shown."
    parts = {
        "spend": ("Spent", "The grey bar is the budget."),
        "value": ("Bought", "Further right is more."),
        "cpa": ("Paid for a unit", "The grey bar is the target CPA."),
    }
    shown = [name for name in parts if name in charts]
    kind, width = ("trio", THIRD) if len(shown) == 3 else ("pair", HALF)
    body = "".join(figure(name, charts[name], *parts[name], width) for name in shown)
    return Section(title, f'<div class="{kind}">{body}</div>', order)
