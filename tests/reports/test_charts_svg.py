"""A chart's picture has each point where its axes say, and words as they are."""

import re
import xml.etree.ElementTree as ET
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.reports.charts.chart import (
    Axis,
    Band,
    Bars,
    Cells,
    Chart,
    Line,
    Marks,
    Rule,
    fitted,
    rows,
)
from equibid.reports.charts.scale import Scale, ticks, written
from equibid.reports.charts.svg import PHONE, STYLE, WHOLE, svg, told
from equibid.reports.charts.text import px

NASTY = "</script>&<b>%{x}"


def parts(chart: Chart, kind: str, width: float = WHOLE) -> list[ET.Element]:
    """The groups of one kind of layer."""
    return [g for g in ET.fromstring(svg(chart, width)).iter("g") if kind in g.get("class", "")]


def grid(chart: Chart) -> dict[str, float]:
    """Pixels of the numbers at the foot of a chart."""
    texts = ET.fromstring(svg(chart, WHOLE)).findall("text")
    return {str(t.text): float(t.get("x", "")) for t in texts if t.get("text-anchor") == "middle"}


def test_points_stand_where_the_axis_says() -> None:
    chart = Chart(100, x=Axis(low=0, high=10), y=Axis(low=0, high=1))
    chart.add(
        Marks(x=[0, 5, None, 10], y=[0, 0.5, 0.7, 1], colour="#000", told=["a", "b", "c", "d"])
    )
    circles = parts(chart, "marks")[0].findall("circle")
    x, y = ([float(c.get(name, "")) for c in circles] for name in ("cx", "cy"))
    foot = grid(chart)
    assert x == pytest.approx([foot["0"], (foot["0"] + foot["10"]) / 2, foot["10"]], abs=0.1)
    assert y[0] - y[2] == pytest.approx(100) and y[1] == pytest.approx((y[0] + y[2]) / 2)
    # What is not there has no key.
    assert told(chart) == ["a", "b", "d"]
    assert [c.get("data-k") for c in circles] == ["0", "1", "2"]


def test_a_logarithmic_axis_is_even_in_powers() -> None:
    scale = Scale(Axis(low=1, high=1000, log=True), 0, 300)
    assert [scale.at(x) for x in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])
    assert scale.at(0) == 0
    assert [x for x, _ in ticks(scale, 60)] == pytest.approx([1, 10, 100, 1000])


def test_keys_go_on_from_layer_to_layer() -> None:
    chart = Chart(100, x=Axis(low=0, high=3), y=Axis(low=0, high=1))
    chart.add(
        Band(x=[0, 1], low=[0, 0], high=[1, 1], colour="#000", waits=True, rank=1),
        Line(x=[0, 1, 2], y=[0, None, 1], colour="#000", told=["p", "q", "r"], rank=1),
        Bars(x=[1, 2], y=[0, 0], colour="#000", text=["one", "two"], told=["s", "t"]),
    )
    assert told(chart) == ["p", "r", "s", "t"]
    line, band = parts(chart, "line")[0], parts(chart, "band")[0]
    assert line[0].get("data-k") == "0" and line.get("data-b") == "1"
    assert "waits" in band.get("class", "")
    # A gap begins anew.
    assert re.sub(r"[\d. -]", "", line[0].get("d", "")) == "MM"
    assert [bar.get("data-k") for bar in parts(chart, "bars")[0].findall("rect")] == ["2", "3"]


def test_steps_keep_their_height() -> None:
    chart = Chart(100, x=Axis(low=0, high=2), y=Axis(low=0, high=1))
    chart.add(Line(x=[0, 1, 2], y=[1, 0.5, 0], colour="#000", steps=True))
    path = parts(chart, "line")[0][0].get("d", "")
    assert re.sub(r"[\d. -]", "", path) == "MHVHV"


def test_cells_lie_in_a_grid_and_take_the_colour_of_their_sign() -> None:
    chart = rows(["a", "b"], 30)
    chart.x = Axis(low=-0.5, high=1.5, names=["c", "d"])
    chart.add(
        Cells(
            values=[[0.5, None], [-1.0, 0.0]],
            text=[["half", ""], ["less", "0"]],
            told=[["ac", "ad"], ["bc", "bd"]],
            reach=1.0,
            more="#0f0",
            less="#f00",
        )
    )
    cells = parts(chart, "cells")[0]
    found = [
        (c.get("fill"), float(c.get("fill-opacity", "")), c.get("data-k"))
        for c in cells.findall("rect")
    ]
    assert [(colour, key) for colour, _, key in found] == [
        ("#0f0", "0"),
        ("#f00", "1"),
        ("#f00", "2"),
    ]
    assert found[1][1] - found[2][1] == pytest.approx(2 * (found[0][1] - found[2][1]))
    assert told(chart) == ["ac", "bc", "bd"]
    assert [t.text for t in cells.findall("text")] == ["half", "less", "0"]


def test_words_are_words_and_fit() -> None:
    chart = rows([NASTY, "x" * 80])
    chart.x = Axis(title=NASTY)
    chart.add(Rule(at=0.5, axis="x"), Marks(x=[0.5], y=[0], colour="#000", told=[NASTY]))
    for width in (WHOLE, PHONE):
        picture = ET.fromstring(svg(chart, width, style=STYLE))
        texts = [t for t in picture.iter() if t.tag.endswith("text")]
        assert NASTY[:14] in str(texts[0].text)
        assert all(len(str(t.text)) <= 22 for t in texts[:2])
        assert picture.get("width") == px(width)


@given(
    st.floats(-1e9, 1e9, allow_nan=False),
    st.floats(1e-6, 1e9, allow_nan=False),
    st.floats(150, 1000),
)
def test_numbers_at_an_axis_are_round_few_and_differ(low: float, reach: float, room: float) -> None:
    axis = Axis(low=low, high=low + reach)
    if axis.high - axis.low < 1e-9 * max(abs(low), 1):
        return
    places = ticks(Scale(axis, 0, room), 84)
    assert 1 <= len(places) <= room / 84 * 2.2 + 2
    assert all(low - 1e-6 * reach <= x <= low + reach * (1 + 1e-6) for x, _ in places)


@pytest.mark.parametrize(
    ("x", "form", "digits", "said"),
    [
        (0.25, "percent", 2, "25\u00a0%"),
        (0.125, "percent", 3, "12.5\u00a0%"),
        (-1500.0, "number", 0, "−1\u202f500"),
        (0.001, "number", 3, "0.001"),
        (1e-8, "number", 8, "10⁻⁸"),
        (3e9, "number", -9, "3\u00a0×\u00a010⁹"),
    ],
)
def test_numbers_are_written_for_people(x: float, form, digits: int, said: str) -> None:
    assert written(x, form, digits) == said


def test_whole_numbers_stay_whole() -> None:
    places = ticks(Scale(Axis(low=0.98, high=3.02, whole=True), 0, 900), 84)
    assert [text for _, text in places] == ["1", "2", "3"]


def test_an_axis_holds_what_it_is_for() -> None:
    axis = fitted([3.0, None, 5.0, float("nan")])
    assert axis.low < 3 and axis.high > 5
    assert fitted([1.0, 2.0], zero=True).low == 0
    alone = fitted([4.0])
    assert alone.low < 4 < alone.high
    assert log10(fitted([]).high) >= 0
