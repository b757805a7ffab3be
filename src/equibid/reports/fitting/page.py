"""The report of `equibid fit`."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl

from equibid.files import write_text
from equibid.markets.likeness import DISTANCES
from equibid.markets.toml import setting_text
from equibid.reports.comparison.tables import number
from equibid.reports.comparison.verdict import Verdict
from equibid.reports.fitting.charts import (
    SIDES,
    FitTables,
    distance_chart,
    sample_chart,
    traffic_chart,
)
from equibid.reports.html.document import buttons, document, figure, keys, made_of
from equibid.runs.fitted import Fitted

__all__ = ["FitTables", "fit_tables", "like", "write_fit"]

# A distance below this, or below this multiple of chance, is called alike.
NEAR, TIMES = 0.1, 2.0
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


def fit_tables(found: Fitted, config: Mapping[str, Any], log: str) -> FitTables:
    """The report's tables.

    Args:
        found: the fitted market.
        config: of the run.
        log: its name.
    """
    how = found.fit.how
    return FitTables(
        config=config,
        name=log,
        settings=[
            (name, setting_text(getattr(found.fit.settings, name)), told)
            for name, told in how.items()
        ],
        kept=found.fit.kept,
        notes=found.fit.notes,
        distances=found.distances,
        quantiles=found.quantiles,
        value_unit=found.value_unit,
        currency=found.currency,
    )


def like(distances: pl.DataFrame) -> pl.Series:
    """Whether each measure is alike: a distance below `NEAR`, or not far above chance."""
    bound = pl.max_horizontal(pl.lit(NEAR), TIMES * pl.col("chance").fill_null(0))
    return distances.select(like=pl.col("distance") <= bound)["like"]


def write_fit(tables: FitTables, path: Path) -> None:
    """Write the report to `path` (about 5 MB: Plotly's script is inside)."""
    write_text(path, page(tables))


def figures(tables: FitTables) -> dict[str, go.Figure]:
    """The charts that the fit has data for."""
    drawn = {"distances": distance_chart(tables)}
    for row in tables.samples:
        drawn[row["measure"]] = sample_chart(tables, row["measure"], row["unit"])
    if tables.of("traffic").height > 1:
        drawn["traffic"] = traffic_chart(tables)
    return drawn


def page(tables: FitTables) -> str:
    """The whole report as HTML."""
    return document(
        title=f"A market like {tables.name}",
        facts=facts(tables),
        said=verdict(tables),
        legend="Days",
        chips=buttons(SIDES),
        sections=[
            closeness(tables),
            side_by_side(tables),
            settings(tables),
            made_of(tables.config, GLOSSARY),
        ],
        figures=figures(tables),
    )


def facts(tables: FitTables) -> str:
    """The size of the market in a line."""
    sizes = {name: text for name, text, _ in tables.settings}
    words = ("impressions", "advertisers", "ticks")
    counts = [(int(sizes[word]), word.removesuffix("s")) for word in words]
    return " · ".join(f"{number(n, 0)} {word}{'s' * (n != 1)}" for n, word in counts)


def verdict(tables: FitTables) -> Verdict:
    """What is like the log and what is not, in words."""
    alike = like(tables.distances)
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


def closeness(tables: FitTables) -> str:
    """Distances, and quantiles beneath."""
    noted = "".join(
        f'<p class="note">{escape(said[:1].upper() + said[1:])}.</p>' for said in tables.notes
    )
    return (
        '<section><h2>How far off</h2><p class="guide">Dots are distances of the generated day '
        "from the log: 0 is equal, 1 has nothing in common. Grey bars are what chance alone makes "
        "of them.</p>"
        '<figure><div class="rows" data-figure="distances" role="img" aria-label="Distances">'
        f"</div></figure>{quantile_table(tables)}{noted}</section>"
    )


def quantile_table(tables: FitTables) -> str:
    """Quantiles of both days, one above the other."""
    heads = "".join(f"<th>{at:.0%}</th>" for at in SHOWN)
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
    return (
        '<div class="wide" tabindex="0"><table><thead><tr><th></th><th class="name">Measure</th>'
        f"{heads}<th>Distance</th><th>By chance</th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        '<p class="note">Quantiles of the log, and beneath them those of the generated day. A '
        "single number stands under 50%; of traffic, quantiles over spans of the day.</p>"
    )


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


def side_by_side(tables: FitTables) -> str:
    """The curves of both days."""
    places = [
        figure(
            row["measure"],
            escape(row["title"][:1].upper() + row["title"][1:]),
            f"Kolmogorov-Smirnov distance {short(row['distance'])}.",
        )
        for row in tables.samples
    ]
    traffic = tables.distances.filter(measure="traffic")
    if tables.of("traffic").height > 1:
        far = short(traffic["distance"][0])
        places.append(figure("traffic", "Traffic over the day", f"Total variation {far}."))
    return (
        '<section><h2>Side by side</h2><p class="guide">A curve says which share of a day lies '
        f'below a number.</p><div class="pair">{"".join(places)}</div></section>'
    )


def settings(tables: FitTables) -> str:
    """The settings and how they were found."""
    lines = [
        (name, f"{text}, {'the default: ' * (name in tables.kept)}{how}")
        for name, text, how in tables.settings
    ]
    return (
        '<section><h2>Settings</h2><p class="guide">Of market.toml, which every command takes as '
        f"its market.</p>{keys(lines)}</section>"
    )
