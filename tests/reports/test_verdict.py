"""The verdict says who leads, and never more than the intervals do."""

from dataclasses import replace
from itertools import combinations

import polars as pl
import pytest
from run_tables import run_tables

from equibid.evaluation.ranking import places
from equibid.reports.charts.chart import Cells
from equibid.reports.comparison.certainty import p_value
from equibid.reports.comparison.heat_maps import paired_chart
from equibid.reports.comparison.page import ranking_table
from equibid.reports.comparison.tables import RunTables
from equibid.reports.comparison.verdict import verdict
from equibid.reports.html.numbers import number

ROW = ("difference", "low", "high", "p", "deviation", "detectable", "p_holm")


def scored(
    *rows: tuple[str, bool, float, float | None, float | None],
    apart: dict[tuple[str, str], bool | None] | None = None,
    seeds: int = 6,
) -> RunTables:
    """A run with this ranking; `apart` says what the test found, True where it is not named."""
    columns = ["bidder", "reference", "score", "score_low", "score_high"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    pairs = [
        {"bidder": one[0], "other": two[0], "needed": 7, "differing": seeds}
        | dict.fromkeys(ROW, 0.01)
        | {"separable": (apart or {}).get((one[0], two[0]), True)}
        for one, two in combinations(rows, 2)
    ]
    paired = pl.DataFrame(pairs, schema_overrides={"separable": pl.Boolean}) if pairs else None
    made = run_tables(bidders=3, seeds=seeds)
    return replace(made, ranking=table, metrics=[], paired=paired)


A, B = ("a", False, 1.2, 1.1, 1.3), ("b", False, 0.9, 0.8, 1.15)


def test_verdict_names_a_separable_leader():
    # The intervals overlap: the paired test says more than they do, and it is the one rule.
    said = verdict(scored(A, B))
    assert said.headline == "a ranks first, clear of the other bidder"
    assert "1.200 × mean (95\u00a0% interval 1.100 to 1.300)" in said.detail


@pytest.mark.parametrize("apart", [False, None])
def test_verdict_separates_nobody_whom_the_test_does_not(apart: bool | None):
    said = verdict(scored(A, ("b", False, 0.9, 0.8, 1.0), apart={("a", "b"): apart}))
    assert said.headline == "a scores highest, but is not separable from b"
    assert ("no larger than chance" in said.detail) is (apart is False)


def test_the_verdict_and_the_stars_follow_one_rule():
    for apart, star in ((True, "*"), (False, ""), (None, " –")):
        tables = scored(A, B, apart={("a", "b"): apart})
        text = paired_chart(tables).of(Cells)[0].text
        assert [cell.endswith(star) for row in text for cell in row if cell] == [True] * 2
        assert ("clear of" in verdict(tables).headline) is (star == "*")
        assert any("*" in cell for row in text for cell in row) is (star == "*")


def test_too_few_replicates_are_said_to_be():
    tables = scored(A, B, apart={("a", "b"): None}, seeds=5)
    said = verdict(tables)
    assert said.headline == "a scores highest, but is not separable from b"
    assert "5 replicates are too few for the test" in said.detail
    assert "no p of 1 pairs is below 0.062" in said.detail
    assert "From 6 replicates on it can be." in said.detail
    assert tables.paired is not None
    assert p_value(tables.paired.row(0, named=True)) == "–"


def test_ties_are_called_ties():
    rows = [A, ("b", False, 1.2 * (1 + 1e-12), 1.1, 1.3), ("c", False, 0.9, 0.8, 1.0)]
    tables = scored(*rows, apart={("a", "b"): False})
    assert verdict(tables).headline == "a and b are tied for first"
    assert places(tables.ranking) == ["1=", "1=", "3"]
    assert "1<small>tied</small>" in ranking_table(tables)


def test_verdict_looks_beyond_the_runner_up():
    rows = [("a", False, 1.2, 1.1, 1.3), ("b", False, 1.0, 0.9, 1.05), ("c", False, 0.9, 0.5, 1.3)]
    assert verdict(scored(*rows, apart={("a", "c"): False})).headline.endswith("separable from c")


def test_verdict_counts_many_rivals():
    rows = [(name, False, x, x - 0.1, x + 0.1) for x, name in enumerate("fedcba", start=1)]
    apart = {("a", other): False for other in "bcdef"}
    said = verdict(scored(*reversed(rows), apart=apart))
    assert said.headline.endswith("not separable from 5 of 5 others")


def test_a_reference_is_no_winner_and_no_rival():
    rows = [("top", True, 2.0, 1.0, 3.0), ("a", False, 1.2, 1.1, 1.3), ("b", False, 0.9, 0.8, 1.0)]
    said = verdict(scored(*rows))
    assert said.headline.startswith("a ranks first, clear")
    assert "The reference top, no contender, reaches 2.000" in said.detail


def test_one_replicate_tells_nothing_and_says_why():
    why = "Nothing was drawn: all 3 seeds came out alike."
    tables = replace(scored(A, B, apart={("a", "b"): None}, seeds=1), notices=(why,))
    said = verdict(tables)
    assert said.headline == "a scores highest, but this run cannot tell skill from luck"
    assert said.detail.endswith(why)


def test_alone_there_is_nothing_to_separate():
    assert verdict(scored(A)).headline == "a ran alone"


@pytest.mark.parametrize(
    ("x", "digits", "text"),
    [
        (0.0031, 1, "0.0031"),
        (0.0, 1, "0.0"),
        (3.1, 1, "3.1"),
        (1234.56, 1, "1\u202f234.6"),
        (0.04, 2, "0.040"),
        (-0.00052, 1, "−0.00052"),
        (1e-12, 2, "1.0e−12"),
        (3.0, 0, "3"),
        (0.2, 0, "0"),
    ],
)
def test_small_numbers_are_not_shown_as_nothing(x: float, digits: int, text: str):
    assert number(x, digits) == text
