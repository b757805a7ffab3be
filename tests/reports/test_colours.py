"""Words are readable and colours stand out on the light page and on the dark one."""

import re

import numpy as np
import pytest

from equibid.reports.charts.shapes import DEEPEST
from equibid.reports.charts.svg import STYLE
from equibid.reports.equilibrium.tables import LOOKS
from equibid.reports.html import palette
from equibid.reports.html.document import resource

# Contrast that WCAG 2 asks of words, and of marks.
WORDS, MARKS = 4.5, 3.0
# The faintest cell, as it is drawn, has so much of its colour more than nothing.
LEAST_OF_CELL = 0.03


def schemes() -> dict[str, dict[str, str]]:
    """The colours of the style sheet by scheme; the dark one changes some of the light."""
    light, dark = re.findall(r":root \{(.*?)\}", resource("page.css"), re.S)[:2]
    found = [dict(re.findall(r"--(\w+): (#\w+);", part)) for part in (light, dark)]
    return {"light": found[0], "dark": found[0] | found[1]}


def rgb(colour: str) -> np.ndarray:
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    return np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """WCAG 2's ratio of relative luminances."""

    def luminance(colour: np.ndarray) -> float:
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast(rgb("#000"), rgb("#fff")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#fff")) == pytest.approx(4.478, abs=1e-3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable(scheme: str) -> None:
    colours = {name: rgb(x) for name, x in schemes()[scheme].items()}
    for words in ("ink", "soft", "link"):
        for ground in ("paper", "wash"):
            assert contrast(colours[words], colours[ground]) >= WORDS, (words, ground)
    # A chip that is picked is turned over.
    assert contrast(colours["paper"], colours["ink"]) >= WORDS


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", [palette.MORE, palette.LESS])
def test_numbers_in_cells_are_readable(scheme: str, colour: str) -> None:
    colours = {name: rgb(x) for name, x in schemes()[scheme].items()}
    for depth in np.linspace(0, DEEPEST + LEAST_OF_CELL, 9):
        cell = depth * rgb(colour) + (1 - depth) * colours["paper"]
        assert contrast(colours["ink"], cell) >= WORDS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_stand_out(scheme: str) -> None:
    colours = schemes()[scheme]
    paper = rgb(colours["paper"])
    for colour in (*palette.COLOURS, palette.GREY, palette.MORE, palette.LESS, colours["guide"]):
        assert contrast(rgb(colour), paper) >= MARKS, colour


def test_a_picture_of_its_own_has_the_light_colours() -> None:
    light = schemes()["light"]
    for name, kind in (("soft", "fill"), ("ink", "fill"), ("rule", "stroke")):
        assert f"{kind}:{light[name]}" in STYLE


def test_no_colour_means_two_things() -> None:
    everything = [*palette.COLOURS, palette.GREY, palette.MORE, palette.LESS]
    assert len(set(everything)) == len(everything)
    looks = [palette.look(place) for place in range(24)]
    assert len(set(looks)) == 24
    assert palette.REFERENCE not in looks
    assert len(set(LOOKS.values())) == len(LOOKS)
