"""The report of `equibid frontier`."""

from html import escape

import polars as pl

from equibid.reports.charts.chart import Axis, Chart, Line, Marks, fitted
from equibid.reports.frontier.tables import FrontierTables, sheet
from equibid.reports.html.document import Section, Verdict, document, figure, table
from equibid.reports.html.making import making
from equibid.reports.html.numbers import counted, number, percent, small
from equibid.reports.html.palette import COLOURS, GREY, Mark

HEIGHT = 340
# From where a point was followed: the better of both is the frontier as far as it is known.
SIDES = {
    "from below": Mark(COLOURS[0], "solid", "triangle-up"),
    "from above": Mark(COLOURS[1], "solid", "triangle-down"),
}
GLOSSARY = (
    ("Gain", "What an advertiser gains by its best factor, the others as they are."),
    ("Gain left", "The largest gain that a profile may leave to any advertiser."),
    ("From above", "Followed down from low factors, at which budgets bind nobody."),
    ("From below", "Followed up from an equilibrium."),
    ("Any bids", "A bound of what chosen bids on every impression could gain."),
    ("First best", "Every impression to whom it is worth most, whatever the budgets."),
    ("Welfare", "Expected value that all advertisers buy."),
)


def drawn(tables: FrontierTables) -> dict[str, Chart]:
    """The frontier, and points of both sides."""
    chart = Chart(HEIGHT)
    best = tables.best
    chart.add(
        Line(
            x=best["epsilon"].to_list(),
            y=best["objective"].to_list(),
            colour=GREY,
            steps=True,
            name="most that is known",
        )
    )
    for rank, (side, look) in enumerate(SIDES.items()):
        mine = tables.kept.filter(pl.col("point").str.starts_with(side))
        chart.add(
            Marks(
                x=mine["epsilon"].to_list(),
                y=mine["objective"].to_list(),
                colour=look.colour,
                symbol=look.symbol,
                name=side,
                told=[
                    f"{row['point']}\n{number(row['objective'], 3)}, gain {small(row['gain'])}"
                    for row in mine.to_dicts()
                ],
                rank=rank,
            )
        )
    seen = [*best["objective"].to_list(), *tables.kept["objective"].to_list()]
    chart.x = fitted(best["epsilon"].to_list(), zero=True)
    chart.x.title = "largest gain that is left, share of welfare"
    chart.y = fitted(seen)
    chart.y.title = f"objective: {tables.objective}"
    chart.x = Axis(chart.x.title, 0.0, chart.x.high, form="share")
    return {"frontier": chart}


def page(tables: FrontierTables) -> str:
    """The whole report as HTML."""
    chart = drawn(tables)["frontier"]
    guide = (
        "The line is the best profile that is known at each gain. A point that two sides agree on "
        "is likely the best there is; where they differ, the lower side ended at a local best. A "
        "side that did not come to keep its gain is not drawn."
    )
    return document(
        title=f"The frontier of {tables.run.config['market']}",
        facts=facts(tables),
        said=verdict(tables),
        legend="Followed",
        looks=[(f"{side}", look) for side, look in SIDES.items()],
        sections=[
            Section("The curve", figure("frontier", chart, "Frontier", guide)),
            points(tables),
            *making(tables.run, GLOSSARY),
        ],
    )


def facts(tables: FrontierTables) -> str:
    """The size of the market in a line."""
    counts = [(tables.about[f"{word}s"], word) for word in ("advertiser", "impression")]
    sizes = [counted(n, word) for n, word in counts]
    rule, _, temperature = str(tables.run.config["auction"]).partition(":temperature=")
    return " · ".join([*sizes, f"{rule} auction, temperature {float(temperature):.4g}"])


def verdict(tables: FrontierTables) -> Verdict:
    """What the ends are, in words."""
    first, last = tables.best.row(0, named=True), tables.best.row(-1, named=True)
    low, high = first["welfare"], last["welfare"]
    more = percent(high / low - 1) if low > 0 else "–"
    bound = tables.about["first_best"]
    least = f"more than {small(first['epsilon'])} of welfare" if first["epsilon"] else "anything"
    share = f", {percent(high / bound)} of first best" if bound > 0 else ""
    return Verdict(
        f"{number(low, 2)} {tables.unit} where nobody gains {least} by leaving, "
        f"{number(high, 2)} where {small(last['epsilon'])} of welfare",
        f"That is {more} more{share}. Every profile keeps all budgets within "
        f"{small(float(tables.run.config['tolerance']))} of them.",
    )


def points(tables: FrontierTables) -> Section:
    """The table of allowed gains."""
    shown = sheet(tables)
    heads = [(column.title, column.unit) for column in shown.columns]
    rows = []
    for place, (name, cells) in enumerate(shown.rows, start=1):
        told = "".join(f"<td>{escape(cell)}</td>" for cell in shown.cells(cells))
        rows.append(f'<tr><td>{place}</td><td class="name">{escape(name)}</td>{told}</tr>')
    guide = "Largest gains are certified: of the best factor of each advertiser, and of any bids."
    return Section("At each gain", table("Gain left", heads, rows), guide)
