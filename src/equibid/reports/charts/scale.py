"""From numbers to pixels, and the round numbers that stand at an axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from equibid.reports.charts.chart import Axis, Form
from equibid.reports.html.numbers import number, small

# Decades between two ticks of a logarithmic axis; of a single one, what stands within it.
WITHIN = (1, 2, 5)


@dataclass(frozen=True)
class Scale:
    """An axis laid from pixel `start` to pixel `end`."""

    axis: Axis
    start: float
    end: float

    def at(self, x: float) -> float:
        """The pixel of a number; one off the axis stands at its end."""
        low, high = self.axis.low, self.axis.high
        if self.axis.log:
            tiny = min(low, high) / 10
            x, low, high = (math.log10(max(one, tiny)) for one in (x, low, high))
        share = (x - low) / (high - low) if high != low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    @property
    def room(self) -> float:
        """Its length, pixels."""
        return abs(self.end - self.start)


def ticks(scale: Scale, apart: float) -> Sequence[tuple[float, str]]:
    """Where numbers stand at an axis, and how they are written.

    Args:
        scale: of the axis.
        apart: pixels that one needs.
    """
    axis = scale.axis
    if axis.ticks is not None:
        return thinned(axis.ticks, scale, apart)
    low, high = sorted((axis.low, axis.high))
    most = max(int(scale.room / apart), 2)
    if axis.log and low > 0:
        places = decades(low, high, most)
        return [(x, written(x, axis.form, -math.floor(math.log10(x)))) for x in places]
    step = round_step(high - low, most)
    if axis.whole:
        step = max(step, 1.0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if step * 10**digits % 1 > 1e-9:
        digits += 1
    return [(n * step, written(n * step, axis.form, digits)) for n in range(first, last + 1)]


def thinned(
    places: Sequence[tuple[float, str]], scale: Scale, apart: float
) -> Sequence[tuple[float, str]]:
    """Every so manieth, so that they have room."""
    if len(places) < 2:
        return places
    longest = max(len(text) for _, text in places)
    needed = max(apart * 0.45, 7.5 * longest) if apart > 40 else apart * 0.6
    gaps = [abs(scale.at(b) - scale.at(a)) for (a, _), (b, _) in pairwise(places)]
    return places[:: max(1, math.ceil(needed / max(min(gaps), 1e-9)))]


def round_step(reach: float, most: int) -> float:
    """A round number that is taken about so often in a range."""
    rough = max(reach, 1e-300) / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(round_ * power for round_ in (1, 2, 5, 10) if round_ * power >= 0.75 * rough)


def decades(low: float, high: float, most: int) -> list[float]:
    """Powers of ten in a range, or 1, 2 and 5 times these where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    within = WITHIN if math.log10(high / low) * len(WITHIN) <= most else (1,)
    every = max(1, math.ceil((last - first) / most))
    places = [m * 10.0**power for power in range(first, last + 1, every) for m in within]
    return [x for x in places if low * (1 - 1e-9) <= x <= high * (1 + 1e-9)]


def written(x: float, form: Form, digits: int) -> str:
    """A number at an axis with so many decimals, or a power of ten where it is long."""
    if form == "share":
        return small(x)
    if form == "percent":
        return f"{number(100 * x, 0) if digits <= 2 else f'{100 * x:.{digits - 2}f}'}\u00a0%"
    if x == 0 or digits <= 0:
        return number(x, 0) if abs(x) < 1e7 else small_power(x)
    return f"{x:.{digits}f}".replace("-", "−") if digits <= 6 else small_power(x)


def small_power(x: float) -> str:
    """A number with a power of ten."""
    power = math.floor(math.log10(abs(x)) + 1e-9)
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = f"{x / 10.0**power:.1f}".removesuffix(".0")
    return f"10{raised}" if lead == "1" else f"{lead}\u00a0×\u00a010{raised}"
