"""The parts of a comparison's page on its markets, segments and pairs."""

from html import escape

from equibid.reports.comparison.heat_maps import heat_class
from equibid.reports.comparison.tables import RunTables, number
from equibid.reports.html.document import figure, interval, table

# As many rows as a reader looks through.
MOST_ROWS = 24


def market(tables: RunTables, shown: list[str]) -> str:
    """Prices, win-rate curves, and the figures of whole markets."""
    charts = ""
    if "prices" in shown:
        charts += figure(
            "prices",
            "What does a slot cost?",
            "The bid to beat, over the period: its median, the middle half and the middle 80\u00a0%"
            " of impressions. Dashed is the first slot, if there are several.",
        )
    if "win-curve" in shown:
        charts += figure(
            "win-curve",
            "How often does a bid win?",
            "Share of impressions on which a bid is high enough. Dots are bidders at their mean "
            "bid: off the line, for they bid more for some impressions than for others.",
        )
    figures = market_table(tables)
    if not charts and not figures:
        return ""
    return f'<section><h2>The market</h2><div class="pair">{charts}</div>{figures}</section>'


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


def strong(tables: RunTables, shown: list[str]) -> str:
    """Where each bidder is better than elsewhere."""
    places = {
        "category": ("By category of the advertiser", "A column a category.", "rows dense"),
        "time": ("By time", "A column a span of the period.", "rows dense"),
        "budget": ("By budget", "A column a quarter of the advertisers, by budget.", "rows"),
    }
    there = [name for name in shown if name in places]
    if not there:
        return ""
    parts = "".join(figure(name, *places[name]) for name in there)
    return (
        '<section><h2>Where is it strong?</h2><p class="guide">What a bidder buys of a segment '
        "beside the contenders there, against what it buys beside them overall: blue is better "
        f"than its own score, red is worse, in percent.</p>{parts}</section>"
    )


def meeting(tables: RunTables, shown: list[str]) -> str:
    """Who loses when others deviate."""
    if "head-to-head" not in shown:
        return ""
    return (
        "<section><h2>Head to head</h2>"
        + figure(
            "head-to-head",
            "Who loses to whom?",
            "What the bidder of a row buys when half the market bids as the column does, beside a "
            "market of its own kind, in percent. A red row is exploited, a blue column is prey.",
            heat_class(len(tables.bidders)),
        )
        + "</section>"
    )
