"""The verdict says who leads, and never more than the intervals do."""

from dataclasses import replace

import polars as pl
import pytest
from run_tables import run_tables

from equibid.reports.report import RunTables
from equibid.reports.verdict import verdict


def scored(*rows: tuple[str, bool, float, float | None, float | None]) -> RunTables:
    """A run with this ranking."""
    columns = ["bidder", "reference", "score", "score_low", "score_high"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return replace(run_tables(bidders=3), ranking=table, metrics=[])


def test_verdict_names_a_separable_leader():
    said = verdict(scored(("a", False, 1.2, 1.1, 1.3), ("b", False, 0.9, 0.8, 1.0)))
    assert said.headline == "a ranks first, clear of the other bidder"
    assert "1.200 × mean (95\u00a0% interval 1.100 to 1.300)" in said.detail


@pytest.mark.parametrize("high", [1.1, 1.15])
def test_verdict_separates_nobody_whose_interval_touches(high: float):
    said = verdict(scored(("a", False, 1.2, 1.1, 1.3), ("b", False, 0.9, 0.8, high)))
    assert said.headline == "a scores highest, but is not separable from b"


def test_verdict_looks_beyond_the_runner_up():
    rows = [("a", False, 1.2, 1.1, 1.3), ("b", False, 1.0, 0.9, 1.05), ("c", False, 0.9, 0.5, 1.3)]
    assert verdict(scored(*rows)).headline.endswith("not separable from c")


def test_verdict_counts_many_rivals():
    rows = [(name, False, 1.0, 0.9, 1.1) for name in "abcdef"]
    assert verdict(scored(*rows)).headline.endswith("not separable from 5 of 5 others")


def test_a_reference_is_no_winner_and_no_rival():
    rows = [("top", True, 2.0, 1.0, 3.0), ("a", False, 1.2, 1.1, 1.3), ("b", False, 0.9, 0.8, 1.0)]
    said = verdict(scored(*rows))
    assert said.headline.startswith("a ranks first, clear")
    assert "The reference top, no contender, reaches 2.000" in said.detail


@pytest.mark.parametrize("low", [None, 0.8])
def test_without_intervals_nothing_is_separable(low: float | None):
    tables = scored(("a", False, 1.2, 1.1, 1.3), ("b", False, 0.9, low, None))
    assert verdict(tables).headline == "a scores highest, but this run cannot tell skill from luck"


def test_one_replicate_of_no_width_is_no_interval():
    tables = run_tables(bidders=2, seeds=1)
    assert "cannot tell skill from luck" in verdict(tables).headline


def test_one_bidder_ran_alone():
    assert verdict(scored(("a", False, 1.0, 0.9, 1.1))).headline == "a ran alone"


def test_nobody_scored():
    rows = pl.DataFrame(
        {"bidder": ["a"], "reference": [True], "score": [1.0], "score_low": 1.0, "score_high": 1.0}
    )
    tables = replace(run_tables(bidders=1), ranking=rows, metrics=[])
    assert verdict(tables).headline == "There is nothing to rank"
