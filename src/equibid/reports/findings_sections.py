"""The parts of a comparison's page that go beyond ranking and curves."""

import math
from html import escape

from equibid.evaluation.pairs import turned
from equibid.reports.document import figure
from equibid.reports.tables import RunTables, known, number

# As many rows as a reader looks through.
MOST_ROWS = 24


def certainty(tables: RunTables, shown: list[str]) -> str:
    """How sure the ranking is: profiles, differences of pairs, replicates that would settle it."""
    if "profile" not in shown and "paired" not in shown:
        return ""
    parts = []
    if "profile" in shown:
        parts.append(
            figure(
                "profile",
                "How often does it score how much?",
                "Share of replicates that score more than a mark. Further right is better; a steep "
                "line is a bidder that scores alike on all.",
            )
        )
    if "paired" in shown:
        parts.append(
            figure(
                "paired",
                "Who beats whom on the same days?",
                "What the bidder of a row buys beyond that of a column, in percent. A star: no "
                "chance, at 5\u00a0% for all pairs together.",
                heat_class(len(tables.bidders)),
            )
        )
    # Many bidders need the whole width for the numbers of their pairs.
    beside = "pair" if len(tables.bidders) <= 7 else ""
    return (
        "<section><h2>How sure is it?</h2>"
        '<p class="guide">All bidders meet the same days and draws, so they are compared day by '
        f'day.</p><div class="{beside}">{"".join(parts)}</div>{reliability_table(tables)}</section>'
    )


def reliability_table(tables: RunTables) -> str:
    """Interquartile means, and what it takes to tell each from the leader."""
    if tables.reliability is None or tables.replicates < 2:
        return ""
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
        f"{too_few(tables)}</p>"
    )


def too_few(tables: RunTables) -> str:
    """A warning where the test cannot say anything, whatever the differences."""
    if tables.paired is None:
        return ""
    pairs, played = tables.paired.height, tables.replicates
    least = pairs * 2.0 ** (1 - played)
    if least < 0.05:
        return ""
    enough = math.ceil(1 - math.log2(0.05 / pairs))
    return (
        f" <b>{played} replicates are too few for the test:</b> signs of {played} differences fall "
        f"alike by chance too often, so no p of {pairs} pairs is below {number(min(least, 1), 2)}. "
        f"From {enough} on it can be."
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
        found[name] = [cell, number(row["p_holm"], 4), number(row["needed"], 0), smallest]
    return found


def percents(x: float | None) -> str:
    """A share for people."""
    return number(None if x is None else 100 * x, 2)


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


def heat_class(columns: int) -> str:
    """Of a heat map's place: on a phone there is room for few numbers."""
    return "rows dense" if columns > 5 else "rows"


def table(first: str, heads: list[tuple[str, str]], rows: list[str], kind: str = "") -> str:
    """A table that scrolls sideways where it is too wide."""
    titles = "".join(
        f"<th>{escape(title)}<small>{escape(unit) or '&nbsp;'}</small></th>"
        for title, unit in heads
    )
    return (
        f'<div class="wide {kind}" tabindex="0"><table><thead><tr><th></th>'
        f'<th class="name">{escape(first)}</th>{titles}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def interval(low: float | None, high: float | None, digits: int, scale: float = 1.0) -> str:
    """An interval in small, if there is one."""
    if low is None or high is None or not (known(low) and known(high)):
        return ""
    dash = "–" if low >= 0 else "to"
    return (
        f"<small>{number(scale * low, digits)}\u00a0{dash} {number(scale * high, digits)}</small>"
    )
