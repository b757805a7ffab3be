"""A report shows the tables' numbers, says only what they say, and takes any name."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_tables import renamed, run_tables

from equibid.errors import InputError
from equibid.reports.charts.chart import NOBODY, Band, Chart, Kind, Line, Marks, Name
from equibid.reports.comparison import charts, series
from equibid.reports.comparison.curves import spread
from equibid.reports.comparison.drawn import CHARTS
from equibid.reports.comparison.looks import marks
from equibid.reports.comparison.page import facts, page
from equibid.reports.comparison.tables import Clock, check
from equibid.reports.html import palette
from equibid.reports.html.numbers import number
from equibid.runs.reading import RunFolder

NASTY = "</script><script>console.error('in')</script>&<b>%{x}"


def of_ranks(chart: Chart, kind: type[Kind]) -> dict[int, Kind]:
    """Layers of one kind by the rank of their bidder."""
    return {layer.rank: layer for layer in chart.of(kind)}  # type: ignore[attr-defined]


def embedded(html: str) -> dict[str, list[str]]:
    """What a page tells of the points of its charts."""
    found = re.findall(
        r'data-figure="(.*?)".*?<script type="application/json">(.*?)</script>', html, re.S
    )
    return {name: json.loads(told) for name, told in found}


def test_ranking_chart_shows_scores_and_intervals():
    tables = run_tables()
    found = of_ranks(charts.ranking_chart(tables), Marks)
    for place, row in enumerate(tables.ranking.to_dicts()):
        mark = found[place]
        assert (mark.x, mark.y) == ([row["score"]], [place])
        assert (mark.low, mark.high) == ([row["score_low"]], [row["score_high"]])


def test_pacing_is_spend_so_far_over_budget():
    tables = run_tables(bidders=2, seeds=3, ticks=6)
    lines = of_ranks(charts.pacing_chart(tables), Line)
    bands = of_ranks(charts.pacing_chart(tables), Band)
    for rank, name in enumerate(tables.bidders):
        mine = tables.delivery.filter(bidder=name).sort("seed", "tick")
        spend = mine["spend"].to_numpy().reshape(3, 6)
        spent = spend.cumsum(axis=1) / mine["budget"].to_numpy().reshape(3, 6)
        np.testing.assert_allclose(np.array(lines[rank].x, float), range(7))
        np.testing.assert_allclose(np.array(lines[rank].y, float), [0, *spent.mean(axis=0)])
        np.testing.assert_allclose(np.array(bands[rank].high, float), [0, *spent.max(axis=0)])
        np.testing.assert_allclose(np.array(bands[rank].low, float), [0, *spent.min(axis=0)])


def test_time_is_told_in_hours_where_a_tick_has_a_length():
    tables = replace(run_tables(bidders=1, seeds=1, ticks=4, reference=False), clock=Clock(6.0))
    for chart, x in (
        (charts.pacing_chart(tables), [0, 6, 12, 18, 24]),
        (charts.win_rate_chart(tables), [3, 9, 15, 21]),
    ):
        assert (chart.x.title, chart.x.high) == ("hour", 24)
        assert list(of_ranks(chart, Line)[0].x) == x
    assert charts.pacing_chart(replace(tables, clock=Clock())).x.title == "tick"


def test_pacing_shows_the_whole_budget_even_when_little_is_spent():
    tables = run_tables(bidders=2)
    tables = replace(tables, delivery=tables.delivery.with_columns(pl.col("spend") / 4))
    assert charts.pacing_chart(tables).y.high >= 1


def test_bid_factors_far_apart_are_drawn_on_a_logarithmic_axis():
    tables = run_tables(bidders=2)
    assert not charts.factor_chart(tables).y.log
    bid = pl.when(pl.col("bidder") == "pid").then(pl.col("bid") * 100).otherwise(pl.col("bid"))
    tables = replace(tables, delivery=tables.delivery.with_columns(bid))
    axis = charts.factor_chart(tables).y
    factors = tables.delivery["bid"] / tables.delivery["value_offered"]
    assert axis.log
    assert axis.low < factors.to_numpy().min()
    assert axis.high > factors.to_numpy().max()


def test_factor_is_bid_over_value_and_absent_where_nothing_was_offered():
    tables = run_tables(bidders=1, seeds=1, ticks=4, reference=False)
    offered = pl.when(pl.col("tick") == 2).then(0.0).otherwise(pl.col("value_offered"))
    tables = replace(tables, delivery=tables.delivery.with_columns(value_offered=offered))
    line = of_ranks(charts.factor_chart(tables), Line)[0]
    mine = tables.delivery.filter(pl.col("tick") != 2)
    np.testing.assert_allclose(np.array(line.x, float), [0.5, 1.5, 3.5])
    np.testing.assert_allclose(np.array(line.y, float), mine["bid"] / mine["value_offered"])


def test_win_rate_is_wins_over_bids():
    tables = run_tables(bidders=1, seeds=1, ticks=4, reference=False)
    line = of_ranks(charts.win_rate_chart(tables), Line)[0]
    np.testing.assert_allclose(
        np.array(line.y, float), tables.delivery["wins"] / tables.delivery["offered"]
    )


def test_long_periods_are_summed_over_spans_and_end_where_the_ticks_end():
    tables = run_tables(bidders=1, seeds=1, ticks=1000, reference=False)
    fine = tables.delivery
    curve = series.pacing(fine)
    assert curve.height == 91  # spans of eleven ticks, the last of ten
    assert curve["x"].to_list()[-2:] == [990.0, 1000.0]
    assert curve["mean"][-1] == pytest.approx(fine["spend"].sum() / fine["budget"][0])


@pytest.mark.parametrize("column", ["spend", "value"])
def test_advertiser_charts_show_the_table(column: str):
    tables = run_tables(bidders=3)
    figure = {"spend": charts.spend_chart, "value": charts.value_chart}[column](tables)
    names = figure.y.names
    assert names is not None
    for rank, name in enumerate(tables.bidders):
        mark = of_ranks(figure, Marks)[rank]
        shown = {names[int(y or 0)]: x for y, x in zip(mark.y, mark.x, strict=True)}
        mine = tables.advertisers.filter(bidder=name)
        assert shown == dict(zip(mine["name"], mine[column], strict=True))


def test_budgets_are_marked_and_descend():
    tables = run_tables(bidders=2)
    budgets = of_ranks(charts.spend_chart(tables), Marks)[NOBODY]
    assert list(budgets.y) == list(range(24))
    expected = tables.advertisers["budget"].unique().sort(descending=True)
    np.testing.assert_array_equal(budgets.x, expected)


def test_many_advertisers_are_cut_and_the_page_says_so():
    tables = run_tables(bidders=2, advertisers=100)
    assert len(of_ranks(charts.value_chart(tables), Marks)[0].x) == charts.MOST_ADVERTISERS
    assert "The 40 largest of 100 are shown." in page(tables)


def test_one_advertiser_gives_a_row_a_bidder():
    tables = run_tables(bidders=3, advertisers=1)
    figure = charts.value_chart(tables)
    assert list(figure.y.names or ()) == tables.bidders
    found = of_ranks(figure, Marks)
    assert [list(found[rank].y) for rank in range(4)] == [[0], [1], [2], [3]]


def test_one_replicate_has_no_band_and_no_interval():
    tables = run_tables(seeds=1)
    assert not charts.pacing_chart(tables).of(Band)
    assert all(mark.low == [None] for mark in charts.ranking_chart(tables).of(Marks))


def test_a_bidder_keeps_its_look_and_no_two_share_one():
    tables = run_tables(bidders=15)
    looks = marks(tables)
    assert len(set(looks.values())) == 16
    assert looks["oracle"] == palette.REFERENCE
    for chart in CHARTS.values():
        figure = chart(tables)
        for layer in (*figure.of(Line), *figure.of(Marks), *figure.of(Band), *figure.of(Name)):
            own = looks[tables.bidders[layer.rank]].colour
            assert layer.colour == (palette.GREY if layer.rank == NOBODY else own)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.floats(0.01, 0.08),
)
def test_labels_keep_order_distance_and_bounds(places: list[float], gap: float):
    free = spread(np.array(places), gap, 0.0, 1.0)
    ranked = free[np.argsort(places, kind="stable")]
    assert (np.diff(ranked) >= gap - 1e-9).all()
    assert ranked[0] >= -1e-9
    assert ranked[-1] <= 1 + 1e-9


def test_labels_with_room_stay_where_they_are():
    np.testing.assert_allclose(spread(np.array([0.9, 0.1, 0.5]), 0.1, 0, 1), [0.9, 0.1, 0.5])


def test_names_are_text_wherever_they_stand():
    tables = renamed(run_tables(bidders=2), "pid", NASTY)
    tables = replace(
        tables,
        title=NASTY,
        run=RunFolder(Path("nowhere"), "compare", {NASTY: [NASTY]}),
        score_title=NASTY,
        score_unit=NASTY,
        currency=NASTY,
        value_unit=NASTY,
        advertisers=tables.advertisers.with_columns(name=pl.lit(NASTY)),
    )
    html = page(tables)
    assert "<script>console.error" not in html
    # What is told of each chart, and the page's own script.
    assert html.count("</script>") == len(CHARTS) + 1
    assert set(embedded(html)) == set(CHARTS)


def test_best_contender_is_bold_and_references_have_no_rank():
    html = page(run_tables(bidders=2)).split("</table>")[0]
    rows = re.findall(r'<tr class="(\w+)"><td>(\d*)</td>.*?</td><td(.*?)>', html)
    assert rows == [
        ("reference", "", ""),
        ("contender", "1", ' class="best"'),
        ("contender", "2", ""),
    ]


def test_facts_and_numbers_read_well():
    assert facts(run_tables(bidders=1, seeds=1)) == (
        "1 bidder · 24 advertisers · 48 ticks · 1 replicate"
    )
    assert number(-12345.678, 1) == "−12\u202f345.7"
    assert number(None, 2) == number(float("nan"), 2) == "–"


def test_a_page_is_small_whatever_the_run():
    tables = run_tables(bidders=15, advertisers=200, ticks=240)
    assert len(page(tables).encode()) < 1_500_000


def test_five_metrics_stand_first_and_the_others_are_folded():
    html = page(run_tables())
    ranked, more = html[html.index('id="ranking"') :].split("<details>", 1)
    heads = re.findall(r"<th>([^<]*)<small>", ranked[ranked.index("<thead>") :])
    assert heads == [
        "Score",
        "Counted value",
        "Budget use",
        "Win rate",
        "CPM",
        "Cost per counted value",
    ]
    assert "Liquid welfare" in more[: more.index("</details>")]


def test_how_it_was_made_is_told(tmp_path: Path):
    config = {"market": "demo", "seeds": 3, "bidders": ["lin", "pacing"], "version": "9.9"}
    begun = "2026-02-03T04:05:06+00:00"
    told = {"begun": begun, "platform": "Some-1.0", "cpus": 7, "python": "3.99", "libraries": {}}
    (tmp_path / "environment.json").write_text(json.dumps(told))
    run = RunFolder(tmp_path, "compare", config)
    html = page(replace(run_tables(bidders=2), run=run))
    for words in (
        "equibid compare demo --seeds 3 --bidders lin,pacing",
        "2026-02-03 04:05:06 UTC",
        "9.9",
        "Some-1.0, 7 CPUs, Python 3.99",
    ):
        assert words in html


def test_bad_tables_are_refused():
    tables = run_tables(bidders=2)
    with pytest.raises(InputError, match="table delivery: add the missing columns spend"):
        check(replace(tables, delivery=tables.delivery.drop("spend")))
    with pytest.raises(InputError, match="it has no rows"):
        check(replace(tables, advertisers=tables.advertisers.clear()))
    with pytest.raises(InputError, match="highest first"):
        check(replace(tables, ranking=tables.ranking.reverse()))
    with pytest.raises(InputError, match="rank pid"):
        check(replace(tables, ranking=tables.ranking.filter(pl.col("bidder") != "pid")))
    with pytest.raises(InputError, match="a name of its own"):
        check(replace(tables, ranking=pl.concat([tables.ranking, tables.ranking])))
