"""The report of `equibid fit`."""

from html import escape

import polars as pl

from equibid.markets.likeness import DISTANCES, NEAR, TIMES
from equibid.reports.charts.chart import Chart
from equibid.reports.charts.svg import HALF
from equibid.reports.fitting.charts import (
    SIDES,
    distance_chart,
    sample_chart,
    traffic_chart,
)
from equibid.reports.fitting.tables import FitTables
from equibid.reports.html.document import Section, Verdict, document, figure, folded, keys, table
from equibid.reports.html.making import making
from equibid.reports.html.numbers import counted, number

SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)
GLOSSARY = (
    (
        "Budget over spend",
        "An advertiser's budget over what it would spend if everybody bid its target CPA times "
        "the value. Below 1, money is scarce.",
    ),
    (
        "By chance",
        "The mean distance of the generated day from days of the same settings with other "
        "advertisers.",
    ),
    (
        "Correlation within, across",
        "Of the log values of two advertisers on an impression, both of one category or not, over "
        "a span of the day in which values keep their level.",
    ),
    (
        "Kolmogorov-Smirnov",
        "The largest difference of the shares of two samples that lie below a number.",
    ),
    (
        "Logged price",
        "What would have won a slot, as the log has it; of the generated day, the price at rest.",
    ),
    ("Mean by advertiser", "The mean value of the impressions an advertiser has a value for."),
    (
        "Price at rest",
        "The highest bid that wins no slot, when everybody bids a multiple of its values that "
        "just spends its budget.",
    ),
    ("Relative difference", "The difference of two numbers over the larger of them."),
    ("Share with a value", "Of all pairs of an impression and an advertiser."),
    ("Total variation", "Half the sum of the differences of two sets of shares."),
)


def drawn(tables: FitTables) -> dict[str, Chart]:
    """The charts that the fit has data for."""
    drawn = {"distances": distance_chart(tables)}
    for row in tables.samples:
        drawn[row["measure"]] = sample_chart(tables, row["measure"], row["unit"])
    if tables.of("traffic").height > 1:
        drawn["traffic"] = traffic_chart(tables)
    return drawn


def page(tables: FitTables) -> str:
    """The whole report as HTML."""
    figures = drawn(tables)
    return document(
        title=f"A market like {tables.name}",
        facts=facts(tables),
        said=verdict(tables),
        legend="Days",
        looks=SIDES,
        sections=[
            closeness(tables, figures),
            side_by_side(tables, figures),
            settings(tables),
            *making(tables.run, GLOSSARY),
        ],
    )


def facts(tables: FitTables) -> str:
    """The size of the market in a line."""
    sizes = {name: text for name, text, _ in tables.settings}
    words = ("impressions", "advertisers", "ticks")
    counts = [(int(sizes[word]), word.removesuffix("s")) for word in words]
    return " · ".join(counted(n, word) for n, word in counts)


def verdict(tables: FitTables) -> Verdict:
    """What is like the log and what is not, in words."""
    alike = tables.distances["like"]
    far = tables.distances.filter(~alike)["title"].to_list()
    count = len(alike)
    if not far:
        headline = f"The generated day is like the log in all {count} measures"
    else:
        what = " and ".join(filter(None, [", ".join(far[:-1]), far[-1]]))
        headline = f"Like the log in {count - len(far)} of {count} measures, but not in {what}"
    detail = (
        f"Alike is a distance of at most {NEAR:g}, or {TIMES:g} times what two generated markets "
        "of these settings differ by."
    )
    if tables.kept:
        detail += f" The log cannot tell {', '.join(tables.kept)}: defaults are kept."
    return Verdict(headline, detail)


def closeness(tables: FitTables, figures: dict[str, Chart]) -> Section:
    """Distances, and quantiles beneath."""
    noted = "".join(
        f'<p class="note">{escape(said[:1].upper() + said[1:])}.</p>' for said in tables.notes
    )
    guide = (
        "Dots are distances of the generated day from the log: 0 is equal, 1 has nothing in "
        "common. Green is alike, pink is not. Grey bars are what chance alone makes of them."
    )
    chart = figure("distances", figures["distances"], "Distances", guide)
    return Section("How far off", chart + folded("Quantiles", quantile_table(tables)) + noted)


def quantile_table(tables: FitTables) -> str:
    """Quantiles of both days, one above the other."""
    heads = [*((f"{at:.0%}", "") for at in SHOWN), ("Distance", ""), ("By chance", "")]
    lines = []
    for row in tables.distances.to_dicts():
        cells = "".join(
            f"<td>{short(mine)}<small>{short(his)}</small></td>"
            for mine, his in columns(tables.of(row["measure"]), row["kind"])
        )
        unit = tables.unit(row["unit"])
        lines.append(
            f'<tr><td></td><td class="name">{escape(row["title"])}'
            f"<small>{escape(unit)}</small></td>{cells}"
            f"<td>{short(row['distance'])}<small>{DISTANCES[row['kind']]}</small></td>"
            f"<td>{short(row['chance'])}</td></tr>"
        )
    note = (
        '<p class="note">Quantiles of the log, and beneath them those of the generated day. A '
        "single number stands under 50%; of traffic, quantiles over spans of the day.</p>"
    )
    return table("Measure", heads, lines) + note


def columns(table: pl.DataFrame, kind: str) -> list[tuple[float | None, float | None]]:
    """Both days at the quantiles that are shown; a single number in the middle."""
    if kind in ("number", "amount"):
        only = table["log"][0], table["generated"][0]
        return [only if at == 0.5 else (None, None) for at in SHOWN]
    if kind == "shares":
        return [(table["log"].quantile(at), table["generated"].quantile(at)) for at in SHOWN]
    rows = [table.row(round(at * (table.height - 1)), named=True) for at in SHOWN]
    return [(row["log"], row["generated"]) for row in rows]


def short(x: float | None) -> str:
    """Three digits that count."""
    if x is None:
        return ""
    text = f"{x:.3g}"
    return number(x, 0) if "e+" in text else text.replace("-", "−")


def side_by_side(tables: FitTables, figures: dict[str, Chart]) -> Section:
    """The curves of both days."""
    places = [
        figure(
            row["measure"],
            figures[row["measure"]],
            escape(row["title"][:1].upper() + row["title"][1:]),
            f"Kolmogorov-Smirnov distance {short(row['distance'])}.",
            HALF,
        )
        for row in tables.samples
    ]
    if "traffic" in figures:
        far = short(tables.distances.filter(measure="traffic")["distance"][0])
        guide = f"Total variation {far}."
        places.append(figure("traffic", figures["traffic"], "Traffic over the day", guide, HALF))
    return Section(
        "Side by side",
        f'<div class="pair">{"".join(places)}</div>',
        "A curve says which share of a day lies below a number.",
    )


def settings(tables: FitTables) -> Section:
    """The settings and how they were found."""
    lines = [
        (name, f"{text}, {'the default: ' * (name in tables.kept)}{how}")
        for name, text, how in tables.settings
    ]
    guide = "Of market.toml, which every command takes as its market."
    return Section("Settings", keys(lines), guide)
