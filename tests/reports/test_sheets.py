"""The main table of a run as LaTeX, Markdown and CSV."""

import csv
import io
from functools import partial

from equibid.reports.html.numbers import number
from equibid.reports.sheet import Column, Sheet, together, written

SHEET = Sheet(
    "Bidder",
    [Column("Score", "× mean", partial(number, digits=2)), Column("Holds")],
    [
        ("a_b & |c|", [(1.0512345, 1.01, 1.09), "yes"]),
        ("plain", [(-0.5, None, None), "no"]),
        ("none", [None, "–"]),
    ],
)


def test_csv_has_numbers_in_full_and_a_column_for_each_end() -> None:
    rows = list(csv.reader(io.StringIO(written(SHEET, "csv"))))
    assert rows == [
        ["Bidder", "Score (× mean)", "Score low", "Score high", "Holds"],
        ["a_b & |c|", "1.0512345", "1.01", "1.09", "yes"],
        ["plain", "-0.5", "", "", "no"],
        ["none", "", "", "", "–"],
    ]


def test_markdown_keeps_its_bars_apart_from_those_of_names() -> None:
    head, rule, first, *_ = written(SHEET, "markdown").splitlines()
    assert head == "| Bidder | Score (× mean) | Holds |"
    assert rule == "| --- | ---: | ---: |"
    assert first == "| a_b &amp; &#124;c&#124; | 1.05 [1.01, 1.09] | yes |"


def test_latex_shows_names_as_they_are() -> None:
    lines = written(SHEET, "latex").splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}" and lines[-1] == r"\end{tabular}"
    assert r"  Bidder & Score ($\times$ mean) & Holds \\" in lines
    assert r"  a\_b \& |c| & 1.05 [1.01, 1.09] & yes \\" in lines
    assert any("$-$0.5" in line for line in lines)


def test_runs_of_one_kind_stand_in_one_table() -> None:
    other = Sheet("Bidder", SHEET.columns[:1], [("x", [2.0])])
    both = together([("one", SHEET), ("two", other)])
    assert both.first == "Run" and [c.title for c in both.columns] == ["Bidder", "Score", "Holds"]
    assert [name for name, _ in both.rows] == ["one", "one", "one", "two"]
    assert both.rows[-1] == ("two", ["x", 2.0, "–"])
