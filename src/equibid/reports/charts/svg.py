"""A chart as SVG: the frame with its axes, and the layers within.

Colours of words and lines come from the page's style sheet, or from `STYLE` in a file of its own.
"""

import math

from equibid.reports.charts.chart import ABOVE, BELOW, Axis, Band, Chart, Name
from equibid.reports.charts.scale import Scale, ticks
from equibid.reports.charts.shapes import Plot, drawn, spoken
from equibid.reports.charts.text import LETTER, px, short, text

# Widths in pixels: of the page, of half and a third of it, and of a phone.
WHOLE, HALF, THIRD, PHONE = 1016, 488, 350, 350
STYLE = (
    "<style>text{font:13px system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}"
    ".soft{fill:#5b646e}.ink{fill:#16191d}.grid{stroke:#e3e6ea}.guide-line{stroke:#7b848e}"
    "</style>"
)
# Letters of a row's name, and of a column's, in a wide and in a narrow chart.
ROW_LETTERS, COLUMN_LETTERS = (22, 15), (16, 12)
NARROW = 440


def told(chart: Chart) -> list[str]:
    """What a reader is told of its points, in the order of their keys."""
    return [said for layer in chart.layers for said in spoken(layer)]


def svg(chart: Chart, width: float, kind: str = "", style: str = "") -> str:
    """The chart as an SVG element.

    Args:
        chart: to draw.
        width: in pixels.
        kind: classes of the element.
        style: a style element, where the picture stands alone.
    """
    narrow = width < NARROW
    names = not narrow and bool(chart.of(Name))
    above = over(chart, width, narrow)
    below = 8 if chart.x.names is not None else BELOW - 20 * (not chart.x.title)
    height = above + chart.height + below
    y = Scale(chart.y, above + chart.height, above)
    marks = left_words(chart.y, y, narrow)
    left = max((len(words) for _, words in marks), default=0) * LETTER + 12
    right = width - (chart.right if names else 24)
    plot = Plot(Scale(chart.x, left, right), y, names)
    parts = [style, side(chart, plot, marks, above), foot(chart, plot, height, narrow)]
    first = 0
    for layer in chart.layers:
        whose = "" if layer.rank < 0 else f' data-b="{layer.rank}"'
        if narrow and isinstance(layer, Band) and layer.waits:
            # A phone has no room for what is asked for beside all else.
            continue
        waits = " waits" if isinstance(layer, Band) and layer.waits else ""
        role = type(layer).__name__.lower()
        parts.append(f'<g class="{role}{waits}"{whose}>{drawn(layer, plot, first)}</g>')
        first += len(spoken(layer))
    head = f'viewBox="0 0 {px(width)} {px(height)}" width="{px(width)}" height="{px(height)}"'
    # Within a page the name of the language goes without saying.
    language = 'xmlns="http://www.w3.org/2000/svg" ' if style else ""
    return f'<svg {language}{head} class="{kind}">{"".join(parts)}</svg>'


def over(chart: Chart, width: float, narrow: bool) -> float:
    """The room above: for the y axis's title, or for names of columns."""
    if chart.x.names is None:
        return ABOVE if chart.y.title else 10
    tilted, longest = columns(chart, width, narrow)
    return 16 + (longest * LETTER * 0.68 if tilted else 12) + 18 * bool(chart.y.title)


def columns(chart: Chart, width: float, narrow: bool) -> tuple[bool, int]:
    """Whether names of columns are tilted, and the letters of the longest."""
    assert chart.x.names is not None
    longest = max(len(short(name, COLUMN_LETTERS[narrow])) for name in chart.x.names)
    rows = max((len(short(n, ROW_LETTERS[narrow])) for n in chart.y.names or [""]), default=0)
    each = (width - rows * LETTER - 30) / len(chart.x.names)
    return longest > 3 and longest * LETTER + 8 > each, longest


def left_words(axis: Axis, scale: Scale, narrow: bool) -> list[tuple[float, str]]:
    """What stands at the left: names of rows, or numbers."""
    if axis.names is not None:
        # Rows that are many are named every so often.
        every = max(1, round(13 / max(scale.room / len(axis.names), 1)))
        return [
            (float(at), short(name, ROW_LETTERS[narrow]))
            for at, name in enumerate(axis.names)
            if at % every == 0
        ]
    return list(ticks(scale, 46))


def side(chart: Chart, plot: Plot, marks: list[tuple[float, str]], above: float) -> str:
    """The y axis."""
    start, end = px(plot.x.start), px(plot.x.end)
    parts = []
    for at, words in marks:
        place = plot.y.at(at)
        if chart.y.grid:
            parts.append(f'<path d="M{start} {px(place)}H{end}" class="grid"/>')
        kind = "soft" if chart.y.names is None else "ink"
        parts.append(text(plot.x.start - 8, place + 4.5, words, kind, "end"))
    if chart.y.title:
        parts.append(text(0, 14, chart.y.title))
    return "".join(parts)


def foot(chart: Chart, plot: Plot, height: float, narrow: bool) -> str:
    """The x axis; names of columns stand on top."""
    bottom, top = plot.y.start, plot.y.end
    if chart.x.names is not None:
        return heads(chart, plot, narrow)
    parts = []
    for at, words in ticks(plot.x, 64 if narrow else 84):
        place = px(plot.x.at(at))
        if chart.x.grid:
            parts.append(f'<path d="M{place} {px(top)}V{px(bottom)}" class="grid"/>')
        parts.append(text(plot.x.at(at), bottom + 18, words, "soft", "middle"))
    if chart.x.title:
        # A title that is longer than the axis begins further left.
        room = len(chart.x.title) * LETTER
        middle = (plot.x.start + plot.x.end) / 2
        if room < plot.x.room:
            parts.append(text(middle, bottom + 38, chart.x.title, "soft", "middle"))
        else:
            parts.append(text(plot.x.end + 14, bottom + 38, chart.x.title, "soft", "end"))
    return "".join(parts)


def heads(chart: Chart, plot: Plot, narrow: bool) -> str:
    """Names of columns."""
    assert chart.x.names is not None
    wide = plot.x.room / len(chart.x.names)
    tilted, longest = columns(chart, plot.x.end + 24, narrow)
    needed = 12 if tilted else longest * LETTER + 6
    every = max(1, math.ceil(needed / wide - 0.25))
    parts = []
    for at in range(0, len(chart.x.names), every):
        words = short(chart.x.names[at], COLUMN_LETTERS[narrow])
        x, y = plot.x.start + (at + 0.5) * wide, plot.y.end - 8
        if tilted:
            turn = f' transform="rotate(-40 {px(x)} {px(y)})"'
            parts.append(text(x, y, words, "soft", "start", turn))
        else:
            parts.append(text(x, y, words, "soft", "middle"))
    return "".join(parts)
