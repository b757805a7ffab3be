"""Each layer of a chart as SVG."""

import math
from collections.abc import Iterator
from functools import singledispatch
from typing import Any, NamedTuple

from equibid.reports.charts.chart import (
    Band,
    Bars,
    Cells,
    Layer,
    Line,
    Marks,
    Name,
    Numbers,
    Rule,
    Span,
)
from equibid.reports.charts.scale import Scale
from equibid.reports.charts.symbols import symbol
from equibid.reports.charts.text import LETTER, px, text

DASHES = {"solid": "", "dash": "8 4", "dot": "2 3", "dashdot": "8 3 2 3"}
# The colours of cells leave the words on them readable; a test holds them to it.
DEEPEST = 0.5
# A number in a cell needs so much around it.
SPARE = 6


class Plot(NamedTuple):
    """Where a chart's layers are drawn: its axes in pixels, and whether there is room for names."""

    x: Scale
    y: Scale
    names: bool


def spoken(layer: Layer) -> list[str]:
    """What a reader is told of the points of a layer, in the order in which they are drawn."""
    if isinstance(layer, Cells):
        return [
            said
            for values, told in zip(layer.values, layer.told, strict=True)
            for value, said in zip(values, told, strict=True)
            if value is not None
        ]
    if not isinstance(layer, Line | Marks | Bars) or not layer.told:
        return []
    return [layer.told[at] for at, _, _ in points(layer.x, layer.y)]


def points(x: Numbers, y: Numbers) -> Iterator[tuple[int, float, float]]:
    """The points that there are, with their numbers in the layer."""
    for at, (one, other) in enumerate(zip(x, y, strict=True)):
        if there(one) and there(other):
            yield at, one, other  # type: ignore[misc]


def there(x: float | None) -> bool:
    """Whether it is a number that can be drawn."""
    return x is not None and math.isfinite(x)


@singledispatch
def drawn(layer: Any, plot: Plot, first: int) -> str:
    """The SVG of a layer; what is told of its first point has the number `first`."""
    raise TypeError(f"{type(layer).__name__} is no layer")


@drawn.register
def _(layer: Line, plot: Plot, first: int) -> str:
    found: list[str] = []
    last = -2
    for at, x, y in points(layer.x, layer.y):
        here = f"{px(plot.x.at(x))} {px(plot.y.at(y))}"
        if at != last + 1:
            found.append(f"M{here}")
        elif layer.steps:
            found.append(f"H{px(plot.x.at(x))}V{px(plot.y.at(y))}")
        else:
            found.append(f"L{here}")
        last = at
    dash = f' stroke-dasharray="{DASHES[layer.dash]}"' if DASHES[layer.dash] else ""
    faint = f' opacity="{layer.opacity:g}"' if layer.opacity < 1 else ""
    keys = f' data-k="{first}"' if layer.told else ""
    path = (
        f'<path d="{"".join(found)}" fill="none" stroke="{layer.colour}" '
        f'stroke-width="{layer.width:g}" stroke-linejoin="round"{dash}{faint}{keys}/>'
    )
    if not layer.symbol:
        return path
    return path + "".join(
        symbol(layer.symbol, plot.x.at(x), plot.y.at(y), 7, layer.colour)
        for _, x, y in points(layer.x, layer.y)
    )


@drawn.register
def _(layer: Band, plot: Plot, first: int) -> str:
    above = [(x, y) for _, x, y in points(layer.x, layer.high)]
    below = [(x, y) for _, x, y in points(layer.x, layer.low)]
    around = [f"{px(plot.x.at(x))} {px(plot.y.at(y))}" for x, y in [*above, *below[::-1]]]
    if not around:
        return ""
    paint = f'fill="{layer.colour}" fill-opacity="{layer.opacity:g}"'
    return f'<path d="M{"L".join(around)}Z" {paint}/>'


@drawn.register
def _(layer: Marks, plot: Plot, first: int) -> str:
    parts = []
    for number, (at, x, y) in enumerate(points(layer.x, layer.y)):
        here = plot.x.at(x), plot.y.at(y)
        if layer.low and there(layer.low[at]) and there(layer.high[at]):
            parts.append(reach(layer, at, here, plot))
        faint = f' opacity="{layer.opacity:g}"' if layer.opacity < 1 else ""
        key = f' data-k="{first + number}"' if layer.told else ""
        parts.append(symbol(layer.symbol, *here, layer.size, layer.colour, faint + key))
    return "".join(parts)


def reach(layer: Marks, at: int, here: tuple[float, float], plot: Plot) -> str:
    """The line of an interval through a mark."""
    low, high = layer.low[at], layer.high[at]
    assert low is not None and high is not None
    if layer.upright:
        line = f"M{px(here[0])} {px(plot.y.at(low))}V{px(plot.y.at(high))}"
    else:
        line = f"M{px(plot.x.at(low))} {px(here[1])}H{px(plot.x.at(high))}"
    return f'<path d="{line}" stroke="{layer.colour}" stroke-width="2.25"/>'


@drawn.register
def _(layer: Bars, plot: Plot, first: int) -> str:
    parts = []
    for number, (at, x, y) in enumerate(points(layer.x, layer.y)):
        left, end, middle = plot.x.at(0.0), plot.x.at(x), plot.y.at(y)
        parts.append(
            f'<rect x="{px(left)}" y="{px(middle - 6)}" width="{px(max(end - left, 1))}" '
            f'height="14" fill="{layer.colour}" data-k="{first + number}"/>'
        )
        # Behind the bar, or where there is no room, above its end.
        words = layer.text[at]
        inside = end + LETTER * len(words) + 8 > plot.x.end
        place = (end, "end", middle - 9) if inside else (end + 6, "start", middle + 5.5)
        parts.append(text(place[0], place[2], words, "ink", place[1]))
    return "".join(parts)


@drawn.register
def _(layer: Cells, plot: Plot, first: int) -> str:
    rows, columns = len(layer.values), len(layer.values[0])
    wide, high = plot.x.room / columns, plot.y.room / rows
    longest = max((len(words) for row in layer.text for words in row), default=0)
    room = longest * LETTER + SPARE <= wide
    parts, key = [], first
    for i, values in enumerate(layer.values):
        for j, value in enumerate(values):
            if value is None:
                continue
            depth = min(abs(value) / layer.reach, 1.0) * DEEPEST if layer.reach > 0 else 0.0
            colour = layer.more if value > 0 else layer.less
            x, y = plot.x.start + j * wide, min(plot.y.start, plot.y.end) + i * high
            parts.append(
                f'<rect x="{px(x + 1)}" y="{px(y + 1)}" width="{px(max(wide - 2, 0.5))}" '
                f'height="{px(max(high - 2, 0.5))}" fill="{colour}" '
                f'fill-opacity="{0.03 + depth:.2f}" data-k="{key}"/>'
            )
            key += 1
            if room and layer.text[i][j]:
                words = layer.text[i][j]
                parts.append(text(x + wide / 2, y + high / 2 + 4.5, words, "ink cell", "middle"))
    return "".join(parts)


@drawn.register
def _(layer: Rule, plot: Plot, first: int) -> str:
    if layer.axis == "x":
        at = px(plot.x.at(layer.at))
        line = f"M{at} {px(plot.y.start)}V{px(plot.y.end)}"
    else:
        at = px(plot.y.at(layer.at))
        line = f"M{px(plot.x.start)} {at}H{px(plot.x.end)}"
    return f'<path d="{line}" class="guide-line" stroke-dasharray="2 3" stroke-width="1.5"/>'


@drawn.register
def _(layer: Span, plot: Plot, first: int) -> str:
    left, right = plot.x.at(layer.low), plot.x.at(layer.high)
    top, bottom = sorted((plot.y.start, plot.y.end))
    return (
        f'<rect x="{px(left)}" y="{px(top)}" width="{px(right - left)}" '
        f'height="{px(bottom - top)}" fill="{layer.colour}" fill-opacity="0.12"/>'
    )


@drawn.register
def _(layer: Name, plot: Plot, first: int) -> str:
    if not plot.names:
        return ""
    end = plot.x.end + 12
    start = f"M{px(plot.x.at(layer.x))} {px(plot.y.at(layer.y))}"
    line = f'<path d="{start}L{px(end)} {px(plot.y.at(layer.place))}" fill="none" '
    line += f'stroke="{layer.colour}" stroke-opacity="0.6"/>'
    return line + text(end + 4, plot.y.at(layer.place) + 4.5, layer.text, "ink")
