"""A comparison's further charts and tables show the numbers, and leave out what is not there."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from run_tables import run_tables

from browser import DRAWN, Browser, needs_browser
from equibid.evaluation.pairs import paired_tests
from equibid.evaluation.segment_table import segment_table
from equibid.reports.charts.chart import NOBODY, Cells, Chart, Line, Marks
from equibid.reports.comparison import charts
from equibid.reports.comparison.certainty import differences, too_few
from equibid.reports.comparison.drawn import CHARTS, shown
from equibid.reports.comparison.heat_maps import (
    head_to_head_chart,
    paired_chart,
    percent,
    segment_chart,
)
from equibid.reports.comparison.metric_chart import SCORE, metric_chart
from equibid.reports.comparison.page import page
from equibid.reports.comparison.price_charts import price_chart, win_curve_chart
from equibid.reports.comparison.reliability_charts import profile_chart
from equibid.reports.comparison.side_by_side import change, looks_of, verdict
from equibid.reports.comparison.side_by_side import page as beside
from equibid.reports.comparison.tables import RunTables
from equibid.reports.comparison.verdict import verdict as said_of
from equibid.runs.comparison_result import ComparisonInfo, ComparisonResult
from equibid.runs.diff_runs import PastComparison


def heat(chart: Chart) -> np.ndarray:
    (cells,) = chart.of(Cells)
    return np.array(cells.values, float)


def test_profiles_are_drawn_as_they_are() -> None:
    tables = run_tables(bidders=3, seeds=4)
    assert tables.profile is not None
    lines = profile_chart(tables).of(Line)
    assert len(lines) == len(tables.bidders)
    for line in lines:
        mine = tables.profile.filter(bidder=tables.bidders[line.rank])
        assert list(line.x) == mine["threshold"].to_list()
        assert list(line.y) == mine["share"].to_list()


def test_pairs_are_seen_from_both_sides() -> None:
    tables = run_tables(bidders=3)
    assert tables.paired is not None
    cells = heat(paired_chart(tables))
    assert np.isnan(np.diag(cells)).all()
    for row in tables.paired.iter_rows(named=True):
        i, j = (tables.bidders.index(row[c]) for c in ("bidder", "other"))
        assert cells[i, j] == pytest.approx(row["difference"])
        # a = (1 + x) b, so b = a / (1 + x).
        assert (1 + cells[i, j]) * (1 + cells[j, i]) == pytest.approx(1)


def test_a_star_is_a_difference_that_is_no_chance() -> None:
    tables = run_tables(bidders=2, reference=False)
    assert tables.paired is not None
    for separable, star in ((True, "*"), (False, "")):
        one = replace(tables, paired=tables.paired.with_columns(separable=pl.lit(separable)))
        text = paired_chart(one).of(Cells)[0].text
        assert [cell.endswith("*") for row in text for cell in row if cell] == [bool(star)] * 2


def test_head_to_head_is_share_less_one() -> None:
    tables = run_tables(bidders=3)
    assert tables.head_to_head is not None
    cells = heat(head_to_head_chart(tables))
    for row in tables.head_to_head.iter_rows(named=True):
        i, j = (tables.bidders.index(row[c]) for c in ("bidder", "against"))
        assert cells[i, j] == pytest.approx(row["share"] - 1)


def test_strength_is_beside_the_bidders_own_level() -> None:
    tables = run_tables(bidders=2, reference=False)
    names = tables.bidders
    rows = [
        # Contenders buy 10 and 30 on average: the first 12 and 30, 1.05 times the mean in all.
        *((names[0], "category", s, x, x / m) for s, x, m in ((0, 12.0, 10.0), (1, 30.0, 30.0))),
        *((names[1], "category", s, x, x / m) for s, x, m in ((0, 8.0, 10.0), (1, 30.0, 30.0))),
    ]
    columns = ["bidder", "kind", "segment", "bought", "relative"]
    segments = pl.DataFrame(rows, schema=columns, orient="row")
    cells = heat(segment_chart(replace(tables, segments=segments), "category"))
    np.testing.assert_allclose(cells[0], [1.2 / (42 / 40) - 1, 1 / (42 / 40) - 1])
    np.testing.assert_allclose(cells[1], [0.8 / (38 / 40) - 1, 1 / (38 / 40) - 1])


def test_prices_are_for_a_thousand_and_what_is_not_to_be_had_is_not_drawn() -> None:
    tables = run_tables(ticks=3)
    prices = pl.DataFrame(
        {
            "market": "m",
            "slot": ["any"] * 3 + ["top"] * 3,
            "tick": [0, 1, 2] * 2,
            **{q: [0.1 * k, 0.2 * k, np.inf] * 2 for k, q in enumerate(QUANTILES, 1)},
        }
    )
    (median,) = price_chart(replace(tables, prices=prices)).of(Line)
    assert median.name == "median"
    np.testing.assert_allclose(np.array(median.y[:2], float), [300, 600])
    assert median.y[2] is None


QUANTILES = ("q10", "q25", "q50", "q75", "q90")


def test_bidders_stand_at_their_mean_bid_and_win_rate() -> None:
    tables = run_tables(bidders=2, seeds=2, ticks=4)
    assert tables.win_curve is not None
    wide = tables.win_curve.with_columns(bid=pl.Series(np.geomspace(1e-6, 1e6, 80)))
    marks = win_curve_chart(replace(tables, win_curve=wide)).of(Marks)
    assert len(marks) == len(tables.bidders)
    for mark in marks:
        mine = tables.delivery.filter(bidder=tables.bidders[mark.rank])
        bid, wins, offered = (mine[c].to_numpy().sum() for c in ("bid", "wins", "offered"))
        assert mark.x[0] == pytest.approx(1000 * bid / offered)
        assert mark.y[0] == pytest.approx(wins / offered)


def test_prices_paid_stand_beside_their_targets() -> None:
    tables = run_tables(bidders=2, advertisers=5)
    data = charts.cpa_chart(tables).of(Marks)
    largest = tables.advertisers.filter(bidder=tables.bidders[0])
    largest = largest.sort("budget", descending=True)
    (target,) = [marks for marks in data if marks.rank == NOBODY]
    np.testing.assert_allclose(np.array(target.x, float), largest["target_cpa"])
    (first,) = [marks for marks in data if marks.rank == 0]
    np.testing.assert_allclose(np.array(first.x, float), largest["spend"] / largest["value"])


@pytest.mark.parametrize(
    ("seats", "names"),
    [(2, ["smallest", "largest"]), (3, ["smallest", "2nd", "largest"])],
)
def test_the_largest_budget_is_called_so_where_quarters_are_empty(
    seats: int, names: list[str]
) -> None:
    tables = run_tables(bidders=1, reference=False)
    rows = pl.DataFrame(
        {"market": "m", "bidder": tables.bidders[0], "tick": 0, "value": 1.0, "replicate": 0}
    ).join(pl.DataFrame({"advertiser": range(seats)}), how="cross")
    campaigns = pl.DataFrame(
        {"market": "m", "advertiser": range(seats), "category": 0, "budget": range(seats)}
    )
    found = segment_table(rows, campaigns, [], "value")
    chart = segment_chart(replace(tables, segments=found), "budget")
    assert list(chart.x.names or ()) == names


def test_zero_has_no_sign() -> None:
    assert [percent(x) for x in (-0.0004, 0.0, 0.012, -0.31)] == ["0.0", "0.0", "+1.2", "−31"]


def bare(tables: RunTables) -> RunTables:
    """The run without what a folder of old would not hold."""
    more = ("scores", "reliability", "profile", "paired", "markets", "segments")
    return replace(tables, **dict.fromkeys((*more, "prices", "win_curve", "head_to_head")))


def test_what_there_is_no_data_for_is_left_out() -> None:
    tables = bare(run_tables(bidders=2))
    assert shown(tables) == ["ranking", "pacing", "factor", "win-rate", "spend", "value", "cpa"]
    html = page(tables)
    for title in ("How sure is it?", "The market<", "Where is it strong?", "Head to head"):
        assert title not in html
    assert [name for name in CHARTS if name in shown(run_tables())] == list(CHARTS)


def test_cells_beside_the_leader_have_its_sign() -> None:
    tables = run_tables(bidders=3, reference=False)
    leader, *others = tables.bidders
    cells = differences(tables, leader)
    assert set(cells) == set(others)
    assert all(row[0].startswith("−") for row in cells.values())


def test_cells_are_in_the_leaders_measure_whoever_was_entered_first() -> None:
    tables = run_tables(bidders=2, reference=False)
    leader, other = tables.bidders
    days = pl.DataFrame({"market": "m", "replicate": range(6)})
    lead, behind = (np.array(x) for x in ([4.0, 4, 5, 4, 4, 3], [1.0, 2, 1, 3, 2, 3]))
    sums = [
        days.with_columns(bidder=pl.lit(name), value=pl.Series(x))
        for name, x in ((leader, lead), (other, behind))
    ]
    one, two = (
        differences(replace(tables, paired=paired_tests(pl.concat(frames), "value")), leader)[other]
        for frames in (sums, sums[::-1])
    )
    # Intervals of a share and of its inverse are not quite the same.
    assert one[0].startswith("−50.00<") and two[0].startswith("−50.00<")
    assert one[1:3] == two[1:3]
    assert one[3] == two[3]


def test_a_leader_beside_one_that_buys_nothing_keeps_its_test() -> None:
    tables = run_tables(bidders=2, reference=False)
    leader, other = tables.bidders
    row = {"bidder": leader, "other": other, "difference": None, "low": None, "high": None}
    row |= {"detectable": None, "needed": None, "p_holm": 0.03, "separable": True}
    paired = pl.DataFrame([row])
    cells = differences(replace(tables, paired=paired), leader)
    assert cells[other] == ["–", "0.0300", "–", "–"]
    wide = paired.with_columns(difference=pl.lit(1.0), low=pl.lit(-1.5), high=pl.lit(3.5))
    assert differences(replace(tables, paired=wide), leader)[other][0] == "−50.00"


def test_replicates_that_are_all_alike_are_one() -> None:
    tables = run_tables(bidders=2)
    assert tables.replicates == 10
    same = (
        tables.delivery.filter(seed=0)
        .drop("seed")
        .join(pl.DataFrame({"seed": range(10)}), how="cross")
    )
    exact = tables.ranking.with_columns(score_low="score", score_high="score")
    alike = replace(tables, delivery=same, ranking=exact)
    assert alike.replicates == 1
    assert "cannot tell skill from luck" in said_of(alike).headline
    assert "paired" not in shown(alike)


def test_too_few_replicates_are_said_to_be() -> None:
    assert "4 replicates are too few" in too_few(run_tables(bidders=4, seeds=4))
    assert too_few(run_tables(bidders=4, seeds=10)) == ""


def past(name: str, tables: RunTables, **changes: object) -> PastComparison:
    delivery = tables.delivery.with_columns(market=pl.lit("made"), replicate=pl.col("seed"))
    known = {c: getattr(tables, c) for c in ("ranking", "scores", "reliability", "profile")}
    known |= {c: getattr(tables, c) for c in ("markets", "segments", "prices", "win_curve")}
    info = ComparisonInfo("value", ("oracle",), "conversion", "CNY")
    found = ComparisonResult(info, delivery=delivery, campaigns=tables.advertisers, **known)
    return PastComparison(
        name, {"market": "made", "bidders": tables.bidders, "seating": "mixed"} | changes, found
    )


def test_the_verdict_names_the_largest_difference_or_says_why_there_is_none() -> None:
    tables = run_tables(bidders=2, seeds=10)
    more = pl.when(pl.col("bidder") == "pid").then(pl.col("value") * 1.5).otherwise(pl.col("value"))
    other = replace(tables, delivery=tables.delivery.with_columns(value=more))
    one = past("old", tables)
    assert verdict([one, past("new", other)], {}).headline == "pid buys 50.0\u00a0% more in new"
    assert "the same in all" in verdict([one, past("new", tables)], {}).headline
    assert "not on the same days" in verdict([one, past("x", other, market_seed=3)], {}).headline
    few = [replace(t, delivery=t.delivery.filter(pl.col("seed") < 3)) for t in (tables, other)]
    said = verdict([past("old", few[0]), past("new", few[1])], {})
    assert said.headline.endswith("on 3 days") and "prove no difference" in said.detail


def test_from_nothing_to_something_is_a_difference() -> None:
    tables = run_tables(bidders=2, seeds=10)
    idle = pl.when(pl.col("bidder") == "pid").then(0.0).otherwise(pl.col("value"))
    none = past("none", replace(tables, delivery=tables.delivery.with_columns(value=idle)))
    some = past("some", tables)
    assert verdict([none, some], {}).headline == ("pid buys something instead of nothing in some")


def test_runs_of_other_days_are_named() -> None:
    tables = run_tables(bidders=2, seeds=3)
    runs = [past("old", tables), past("new", tables), past("<far>", tables, market_seed=3)]
    assert "Not on the same days, so not here: &lt;far&gt;." in change(runs).guide
    assert "Not on the same days" not in change(runs[:2]).guide


def test_a_metric_without_an_interval_says_none() -> None:
    run = past("one", run_tables(bidders=2))
    bare = run.result.ranking.with_columns(score_low=pl.lit(None, pl.Float64))
    run = replace(run, result=replace(run.result, ranking=bare))
    (dots,) = metric_chart([run], SCORE, looks_of([run])).of(Marks)
    assert all("to" not in told.split(": ")[1] for told in dots.told)
    assert list(dots.low) == [None] * len(dots.x)


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_runs_side_by_side_are_drawn(tmp_path: Path, width: int) -> None:
    nasty = "</script><img src=x onerror=console.error(1)>"
    runs = [
        past("gsp", run_tables(), reserve=0.1),
        past(nasty, run_tables(bidders=4), reserve=nasty),
    ]
    path = tmp_path / "side.html"
    path.write_text(beside(runs), encoding="utf-8")
    there = re.findall(r'data-figure="(.*?)"', path.read_text(encoding="utf-8"))
    with Browser() as browser:
        browser.resize(width, 900)
        browser.open(path.as_uri())
        browser.wait_for("document.documentElement.dataset.ready === 'yes'")
        drawn = browser.evaluate(DRAWN)
        assert drawn == there
        assert browser.errors == []
        assert browser.requests == [path.as_uri()]
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        assert nasty in browser.evaluate("document.body.innerText")
