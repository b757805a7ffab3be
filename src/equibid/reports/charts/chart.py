"""A chart as data: axes, and layers in the order in which they are drawn.

Every layer says whose it is: a rank among what the page can pick out, or `NOBODY`. What a reader
is told of a point stands in `told`, its first line in bold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

NOBODY = -1
Numbers = Sequence[float | None]
Form = Literal["number", "percent", "share"]


@dataclass
class Axis:
    """One axis.

    Attributes:
        title: with the unit.
        low: its end at the left, or below.
        high: its other end.
        log: whether it is logarithmic; then both ends are above 0.
        form: how numbers at its ticks are written.
        ticks: where they are and what they say; None for round numbers.
        names: of rows or columns, at 0, 1, …, instead of numbers.
        grid: whether lines run across the chart.
        whole: whether only whole numbers stand at it.
    """

    title: str = ""
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    form: Form = "number"
    ticks: Sequence[tuple[float, str]] | None = None
    names: Sequence[str] | None = None
    grid: bool = True
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line through points; None leaves a gap. As `steps` it keeps each y up to the next x."""

    x: Numbers
    y: Numbers
    colour: str
    dash: str = "solid"
    width: float = 2.25
    opacity: float = 1.0
    steps: bool = False
    symbol: str = ""
    name: str = ""
    told: Sequence[str] = ()
    rank: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class Band:
    """What lies between two curves; `waits` until few are picked out."""

    x: Numbers
    low: Numbers
    high: Numbers
    colour: str
    opacity: float = 0.2
    waits: bool = False
    name: str = ""
    rank: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class Marks:
    """A mark a point, with a line from `low` to `high` across where there are both."""

    x: Numbers
    y: Numbers
    colour: str
    symbol: str = "circle"
    size: float = 11.0
    opacity: float = 1.0
    low: Numbers = ()
    high: Numbers = ()
    upright: bool = False
    name: str = ""
    told: Sequence[str] = ()
    rank: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar a row from 0, with words behind it."""

    x: Numbers
    y: Numbers
    colour: str
    text: Sequence[str]
    told: Sequence[str]
    rank: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A cell a row and column, coloured by how far its number is from 0, one way or the other.

    Attributes:
        values: a list a row; None where there is nothing.
        text: in the cells, where there is room.
        told: of each cell.
        reach: the number of the full colour.
        more: colour above 0.
        less: colour below 0.
    """

    values: Sequence[Numbers]
    text: Sequence[Sequence[str]]
    told: Sequence[Sequence[str]]
    reach: float
    more: str
    less: str
    rank: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A dotted line across the chart at a number of an axis."""

    at: float
    axis: Literal["x", "y"]
    rank: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class Span:
    """A shaded span of the x axis."""

    low: float
    high: float
    colour: str
    rank: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name at the right, and a thin line to it from the end (x, y) of what it names."""

    x: float
    y: float
    place: float
    text: str
    colour: str
    rank: int = NOBODY


Kind = TypeVar("Kind")
Layer = Line | Band | Marks | Bars | Cells | Rule | Span | Name


@dataclass
class Chart:
    """A chart; `height` in pixels, `right` is the room for names there."""

    height: float
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    layers: list[Layer] = field(default_factory=list)
    right: float = 18.0

    def add(self, *layers: Layer) -> None:
        """Draw more, on top."""
        self.layers.extend(layers)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The layers of a kind."""
        return [layer for layer in self.layers if isinstance(layer, kind)]


# A row of a chart with one row a bidder or advertiser, pixels; what stands above and below it.
ROW, ABOVE, BELOW = 26, 30, 44


def rows(names: Sequence[str], row: float = ROW) -> Chart:
    """A chart of one named row each, the first on top, numbers to the right."""
    chart = Chart(row * len(names) + 10 + BELOW)
    chart.y = Axis(low=len(names) - 0.5, high=-0.5, names=names, grid=False)
    return chart


def fitted(numbers: Sequence[float | None], zero: bool = False, room: float = 0.06) -> Axis:
    """An axis that holds numbers.

    Args:
        numbers: those that are not None.
        zero: whether it begins at 0.
        room: share of their range that is left free at the ends.
    """
    there = [x for x in numbers if x is not None and x - x == 0]
    low, high = (min(there), max(there)) if there else (0.0, 1.0)
    low = min(low, 0.0) if zero else low
    spare = room * (high - low) or max(abs(high), 1e-12) * room or room
    return Axis(low=low if zero and low == 0 else low - spare, high=high + spare)
