"""One HTML file around sections: what the pages of all runs share."""

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import NamedTuple

from equibid.reports.charts.chart import Chart
from equibid.reports.charts.shapes import DASHES
from equibid.reports.charts.svg import PHONE, THIRD, WHOLE, svg, told
from equibid.reports.html.numbers import known, number
from equibid.reports.html.palette import Mark


class Verdict(NamedTuple):
    """A headline, and the numbers behind it."""

    headline: str
    detail: str


class Section(NamedTuple):
    """A part of a page.

    Attributes:
        title: text.
        body: HTML.
        guide: what to see in it, HTML.
    """

    title: str
    body: str
    guide: str = ""

    @property
    def anchor(self) -> str:
        """What links to it say."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def html(self) -> str:
        """The whole of it."""
        guide = f'<p class="guide">{self.guide}</p>' if self.guide else ""
        head = f'<section id="{self.anchor}"><h2>{escape(self.title)}</h2>'
        return f"{head}{guide}{self.body}</section>"


def document(
    title: str,
    facts: str,
    said: Verdict,
    legend: str,
    looks: Sequence[tuple[str, Mark]],
    sections: Iterable[Section],
    few: bool = False,
) -> str:
    """The whole file.

    Args:
        title: of the page.
        facts: the size of the run in a line, HTML.
        said: headline and detail.
        legend: what the chips name.
        looks: what can be picked out, by name, in the order of the ranks in the charts.
        sections: in order.
        few: whether bands are drawn although nothing is picked out.
    """
    parts = [section for section in sections if section.body]
    contents = "".join(f'<li><a href="#{x.anchor}">{escape(x.title)}</a></li>' for x in parts)
    return Template(resource("page.html")).substitute(
        title=escape(title),
        facts=facts,
        headline=escape(said.headline),
        detail=escape(said.detail),
        contents=contents,
        chips=f'<nav class="chips" aria-label="{escape(legend)}">{buttons(looks)}</nav>'
        if looks
        else "",
        sections="\n".join(section.html() for section in parts),
        style=resource("page.css"),
        script=resource("page.js"),
        few=' class="few"' if few else "",
    )


def resource(name: str) -> str:
    """A file of the package's reports."""
    return files("equibid.reports").joinpath(name).read_text(encoding="utf-8")


def buttons(looks: Sequence[tuple[str, Mark]]) -> str:
    """Chips that pick out what they name."""
    named = [
        f'<button type="button" data-bidder="{rank}" aria-pressed="false">'
        f"{swatch(look)}{escape(name)}</button>"
        for rank, (name, look) in enumerate(looks)
    ]
    everyone = '<button type="button" data-everyone aria-pressed="true">All</button>'
    return everyone + "".join(named)


def swatch(look: Mark) -> str:
    """A short piece of a line."""
    return (
        '<svg class="swatch" viewBox="0 0 20 12" aria-hidden="true"><line x1="0" y1="6" x2="20" '
        f'y2="6" stroke="{look.colour}" stroke-width="4" stroke-dasharray="{DASHES[look.dash]}"/>'
        "</svg>"
    )


def figure(name: str, chart: Chart, title: str, guide: str = "", width: float = WHOLE) -> str:
    """A chart with what to see in it, for a wide page and for a phone.

    Args:
        name: of the chart, no two alike in a page.
        chart: to draw.
        title: HTML.
        guide: HTML.
        width: pixels it has on a wide page.
    """
    one = width <= max(THIRD, PHONE)
    drawn = svg(chart, width, "" if one else "wide-only")
    if not one:
        drawn += svg(chart, PHONE, "phone-only")
    # A "<" in a JSON string could end the script element; as \u003c it is the same string.
    said = json.dumps(told(chart), ensure_ascii=False).replace("<", "\\u003c")
    words = f'<p class="guide">{guide}</p>' if guide else ""
    return (
        f'<figure><h3>{title}</h3>{words}<div class="chart" data-figure="{name}" role="img" '
        f'aria-label="{title}">{drawn}<script type="application/json">{said}</script></div>'
        "</figure>"
    )


def folded(summary: str, body: str) -> str:
    """What waits until it is opened."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def keys(pairs: Iterable[tuple[str, str]]) -> str:
    """A table of names and what they are."""
    rows = "".join(f"<tr><th>{escape(key)}</th><td>{escape(x)}</td></tr>" for key, x in pairs)
    return f'<table class="keys"><tbody>{rows}</tbody></table>'


def table(first: str, heads: Sequence[tuple[str, str]], rows: Sequence[str], kind: str = "") -> str:
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
