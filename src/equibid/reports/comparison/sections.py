"""The parts of a comparison's page on its markets, segments and pairs."""

from html import escape

from equibid.reports.charts.chart import Chart
from equibid.reports.charts.svg import HALF
from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.document import Section, figure, interval, table
from equibid.reports.html.numbers import number

# As many rows as a reader looks through.
MOST_ROWS = 24


def market(tables: RunTables, charts: dict[str, Chart]) -> Section:
    """Prices, win-rate curves, and the figures of whole markets."""
    parts = ""
    if "prices" in charts:
        parts += figure(
            "prices",
            charts["prices"],
            "What does a slot cost?",
            "The bid to beat, over the period: its median, the middle half and the middle 80\u00a0%"
            " of impressions. Dashed is the first slot, if there are several.",
            HALF,
        )
    if "win-curve" in charts:
        parts += figure(
            "win-curve",
            charts["win-curve"],
            "How often does a bid win?",
            "Share of impressions on which a bid is high enough. Dots are bidders at their mean "
            "bid: off the line, for they bid more for some impressions than for others.",
            HALF,
        )
    body = f'<div class="pair">{parts}</div>' if parts else ""
    return Section("The market", body + market_table(tables))


def market_table(tables: RunTables) -> str:
    """Welfare, revenue and concentration of every market that was played."""
    if tables.markets is None:
        return ""
    unit, money = f"{tables.value_unit}s a period", f"{tables.currency} a period"
    columns = [
        ("welfare", "Welfare", unit, 2, 1.0),
        ("liquid_welfare", "Liquid welfare", money, 1, 1.0),
        ("revenue", "Revenue", money, 1, 1.0),
        ("budget_use", "Budget use", "%", 1, 100.0),
        ("concentration", "Concentration of spend", "Herfindahl index", 4, 1.0),
        ("gini", "Inequality of spend", "Gini coefficient", 3, 1.0),
    ]
    columns = [c for c in columns if tables.markets[c[0]].null_count() < tables.markets.height]
    rows = []
    for row in tables.markets.head(MOST_ROWS).iter_rows(named=True):
        cells = "".join(
            f"<td>{number(None if row[name] is None else scale * row[name], digits)}"
            f"{interval(row[f'{name}_low'], row[f'{name}_high'], digits, scale)}</td>"
            for name, _, _, digits, scale in columns
        )
        rows.append(f'<tr><td></td><td class="name">{escape(row["population"])}</td>{cells}</tr>')
    left = tables.markets.height - len(rows)
    note = f'<p class="note">{left} more are in markets.parquet.</p>' if left > 0 else ""
    return table("Who bids", [(title, unit) for _, title, unit, _, _ in columns], rows) + note


def strong(charts: dict[str, Chart]) -> Section:
    """Where each bidder is better than elsewhere."""
    places = {
        "category": ("By category of the advertiser", "A column a category."),
        "time": ("By time", "A column a span of the period."),
        "budget": ("By budget", "A column a quarter of the advertisers, by budget."),
    }
    shown = [name for name in places if name in charts]
    return Section(
        "Where is it strong?",
        "".join(figure(name, charts[name], *places[name]) for name in shown),
        "What a bidder buys of a segment beside the contenders there, against what it buys beside "
        "them overall, in percent: green is better than its own score, pink is worse.",
    )


def meeting(charts: dict[str, Chart]) -> Section:
    """Who loses when others deviate."""
    if "head-to-head" not in charts:
        return Section("Head to head", "")
    return Section(
        "Head to head",
        figure(
            "head-to-head",
            charts["head-to-head"],
            "Who loses to whom?",
            "What the bidder of a row buys when half the market bids as the column does, beside a "
            "market of its own kind, in percent. A pink row is exploited, a green column is prey.",
        ),
    )
