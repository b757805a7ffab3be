"""One HTML file around charts: what the pages of all runs share."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from equibid.reports.comparison.tables import known, number
from equibid.reports.comparison.verdict import Verdict
from equibid.reports.html.palette import Mark


def document(
    title: str,
    facts: str,
    said: Verdict,
    legend: str,
    chips: str,
    sections: Iterable[str],
    figures: Mapping[str, go.Figure],
) -> str:
    """The whole file.

    Args:
        title: of the page.
        facts: the size of the run in a line, HTML.
        said: headline and detail.
        legend: what the chips name.
        chips: see `buttons`.
        sections: HTML, in order.
        figures: charts by the names that `figure` places.
    """
    # A "<" in a JSON string could end the script element; as \u003c it is the same string.
    drawn = ",".join(
        f'"{name}":{chart.to_json()}'.replace("<", "\\u003c") for name, chart in figures.items()
    )
    return Template(resource("page.html")).substitute(
        title=escape(title),
        facts=facts,
        headline=escape(said.headline),
        detail=escape(said.detail),
        legend=escape(legend),
        chips=chips,
        sections="\n".join(sections),
        style=resource("page.css"),
        script=resource("page.js"),
        plotly=get_plotlyjs(),
        figures=f"{{{drawn}}}",
    )


def resource(name: str) -> str:
    """A file beside this one."""
    return files("equibid.reports").joinpath(name).read_text(encoding="utf-8")


def buttons(looks: Sequence[tuple[str, Mark]]) -> str:
    """Chips that pick out what they name, in the order of the ranks in the charts' `meta`."""
    named = [
        f'<button type="button" data-bidder="{rank}" aria-pressed="false">'
        f"{swatch(look)}{escape(name)}</button>"
        for rank, (name, look) in enumerate(looks)
    ]
    everyone = '<button type="button" data-everyone aria-pressed="true">All</button>'
    return everyone + "".join(named)


def swatch(look: Mark) -> str:
    """A short piece of a line."""
    dashes = {"solid": "", "dash": "6 3", "dot": "2 3", "dashdot": "6 2 2 2"}
    return (
        '<svg class="swatch" viewBox="0 0 20 12" aria-hidden="true"><line x1="0" y1="6" x2="20" '
        f'y2="6" stroke="{look.colour}" stroke-width="4" stroke-dasharray="{dashes[look.dash]}"/>'
        "</svg>"
    )


def figure(name: str, title: str, guide: str, kind: str = "") -> str:
    """The place of a chart, with what to see in it."""
    return (
        f'<figure><h3>{title}</h3><p class="guide">{guide}</p>'
        f'<div class="{kind}" data-figure="{name}" role="img" aria-label="{title}"></div></figure>'
    )


def keys(pairs: Iterable[tuple[str, str]]) -> str:
    """A table of names and what they are."""
    rows = "".join(f"<tr><th>{escape(key)}</th><td>{escape(x)}</td></tr>" for key, x in pairs)
    return f'<table class="keys"><tbody>{rows}</tbody></table>'


def made_of(config: Mapping[str, Any], glossary: Iterable[tuple[str, str]]) -> str:
    """Configuration and glossary."""
    terms = "".join(
        f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in glossary
    )
    return (
        f"<section><h2>How this was made</h2>{keys(flat(config))}"
        f"</section><section><h2>Glossary</h2><dl>{terms}</dl></section>"
    )


def flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Settings with dotted names."""
    pairs = []
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs.extend(flat(value, f"{name}."))
        elif isinstance(value, list | tuple):
            if value and all(isinstance(item, Mapping) for item in value):
                for number, item in enumerate(value):
                    pairs.extend(flat(item, f"{name}.{number}." if len(value) > 1 else f"{name}."))
            else:
                pairs.append((name, ", ".join(map(str, value))))
        else:
            pairs.append((name, "–" if value is None else str(value)))
    return pairs


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
