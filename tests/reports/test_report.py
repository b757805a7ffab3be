"""A report shows the tables' numbers, says only what they say, and takes any name."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_tables import renamed, run_tables

from equibid.errors import InputError
from equibid.reports.comparison import charts, series
from equibid.reports.comparison.curves import spread
from equibid.reports.comparison.drawn import CHARTS
from equibid.reports.comparison.page import facts, page
from equibid.reports.comparison.report import write_report
from equibid.reports.comparison.tables import check, number
from equibid.reports.html import palette

NASTY = "</script><script>console.error('in')</script>&<b>%{x}"


def traces(figure: go.Figure, role: str) -> dict[int, dict]:
    """Traces of one role by the rank of their bidder."""
    data = [trace for trace in figure.to_dict()["data"] if trace["meta"]["role"] == role]
    return {trace["meta"]["bidder"]: trace for trace in data}


def embedded(html: str) -> dict:
    """The figures of a page."""
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.S)
    assert found
    return json.loads(found[1])


def test_ranking_chart_shows_scores_and_intervals():
    tables = run_tables()
    marks = traces(charts.ranking_chart(tables), "mark")
    for place, row in enumerate(tables.ranking.to_dicts()):
        (x,), error = marks[place]["x"], marks[place]["error_x"]
        assert x == row["score"]
        assert x - error["arrayminus"][0] == pytest.approx(row["score_low"])
        assert x + error["array"][0] == pytest.approx(row["score_high"])


def test_pacing_is_spend_so_far_over_budget():
    tables = run_tables(bidders=2, seeds=3, ticks=6)
    lines = traces(charts.pacing_chart(tables), "line")
    bands = traces(charts.pacing_chart(tables), "band")
    for rank, name in enumerate(tables.bidders):
        mine = tables.delivery.filter(bidder=name).sort("seed", "tick")
        spend = mine["spend"].to_numpy().reshape(3, 6)
        spent = spend.cumsum(axis=1) / mine["budget"].to_numpy().reshape(3, 6)
        np.testing.assert_allclose(lines[rank]["x"], range(7))
        np.testing.assert_allclose(lines[rank]["y"], [0, *spent.mean(axis=0)])
        around = [0, *spent.max(axis=0), *spent.min(axis=0)[::-1], 0]
        np.testing.assert_allclose(bands[rank]["y"], around)


def test_pacing_shows_the_whole_budget_even_when_little_is_spent():
    tables = run_tables(bidders=2)
    tables = replace(tables, delivery=tables.delivery.with_columns(pl.col("spend") / 4))
    assert charts.pacing_chart(tables).to_dict()["layout"]["yaxis"]["range"][1] >= 1


def test_bid_factors_far_apart_are_drawn_on_a_logarithmic_axis():
    tables = run_tables(bidders=2)
    assert "type" not in charts.factor_chart(tables).to_dict()["layout"]["yaxis"]  # linear
    bid = pl.when(pl.col("bidder") == "pid").then(pl.col("bid") * 100).otherwise(pl.col("bid"))
    tables = replace(tables, delivery=tables.delivery.with_columns(bid))
    axis = charts.factor_chart(tables).to_dict()["layout"]["yaxis"]
    factors = tables.delivery["bid"] / tables.delivery["value_offered"]
    assert axis["type"] == "log"
    assert 10 ** axis["range"][0] < factors.min()
    assert 10 ** axis["range"][1] > factors.max()


def test_factor_is_bid_over_value_and_absent_where_nothing_was_offered():
    tables = run_tables(bidders=1, seeds=1, ticks=4, reference=False)
    offered = pl.when(pl.col("tick") == 2).then(0.0).otherwise(pl.col("value_offered"))
    tables = replace(tables, delivery=tables.delivery.with_columns(value_offered=offered))
    line = traces(charts.factor_chart(tables), "line")[0]
    mine = tables.delivery.filter(pl.col("tick") != 2)
    np.testing.assert_allclose(line["x"], [0.5, 1.5, 3.5])
    np.testing.assert_allclose(line["y"], mine["bid"] / mine["value_offered"])


def test_win_rate_is_wins_over_bids():
    tables = run_tables(bidders=1, seeds=1, ticks=4, reference=False)
    line = traces(charts.win_rate_chart(tables), "line")[0]
    np.testing.assert_allclose(line["y"], tables.delivery["wins"] / tables.delivery["offered"])


def test_long_periods_are_summed_over_spans_and_end_where_the_ticks_end():
    tables = run_tables(bidders=1, seeds=1, ticks=1001, reference=False)
    fine = tables.delivery
    curve = series.pacing(fine)
    assert curve.height == 201  # spans of five ticks, the last of one
    assert curve["x"].to_list()[-2:] == [1000.0, 1001.0]
    assert curve["mean"][-1] == pytest.approx(fine["spend"].sum() / fine["budget"][0])


@pytest.mark.parametrize("column", ["spend", "value"])
def test_advertiser_charts_show_the_table(column: str):
    tables = run_tables(bidders=3)
    figure = {"spend": charts.spend_chart, "value": charts.value_chart}[column](tables)
    names = figure.to_dict()["layout"]["yaxis"]["ticktext"]
    for rank, name in enumerate(tables.bidders):
        mark = traces(figure, "mark")[rank]
        shown = {names[y]: x for y, x in zip(mark["y"], mark["x"], strict=True)}
        mine = tables.advertisers.filter(bidder=name)
        assert shown == dict(zip(mine["name"], mine[column], strict=True))


def test_budgets_are_marked_and_descend():
    tables = run_tables(bidders=2)
    budgets = traces(charts.spend_chart(tables), "guide")[-1]
    assert list(budgets["y"]) == list(range(24))
    expected = tables.advertisers["budget"].unique().sort(descending=True)
    np.testing.assert_array_equal(budgets["x"], expected)


def test_many_advertisers_are_cut_and_the_page_says_so():
    tables = run_tables(bidders=2, advertisers=100)
    assert len(traces(charts.value_chart(tables), "mark")[0]["x"]) == charts.MOST_ADVERTISERS
    assert "The 40 largest of 100 are shown." in page(tables)


def test_one_advertiser_gives_a_row_a_bidder():
    tables = run_tables(bidders=3, advertisers=1)
    figure = charts.value_chart(tables)
    assert list(figure.to_dict()["layout"]["yaxis"]["ticktext"]) == tables.bidders
    marks = traces(figure, "mark")
    assert [list(marks[rank]["y"]) for rank in range(4)] == [[0], [1], [2], [3]]


def test_one_replicate_has_no_band_and_no_interval():
    tables = run_tables(seeds=1)
    assert not traces(charts.pacing_chart(tables), "band")
    assert all("error_x" not in mark for mark in charts.ranking_chart(tables).to_dict()["data"])


def test_a_bidder_keeps_its_look_and_no_two_share_one():
    tables = run_tables(bidders=15)
    looks = palette.marks(tables)
    assert len(set(looks.values())) == 16
    assert looks["oracle"] == palette.REFERENCE
    for chart in CHARTS.values():
        figure = chart(tables)
        for rank, line in traces(figure, "line").items():
            assert line["line"]["color"] == looks[tables.bidders[rank]].colour
        for rank, mark in traces(figure, "mark").items():
            assert mark["marker"]["color"] == looks[tables.bidders[rank]].colour


@pytest.mark.parametrize("page_colour", ["#ffffff", "#121417"])
def test_colours_stand_out_from_both_pages(page_colour: str):
    def luminance(colour: str) -> float:
        """Relative luminance of WCAG 2."""
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for colour in (*palette.COLOURS, palette.GREY):
        dark, light = sorted([luminance(colour), luminance(page_colour)])
        assert (light + 0.05) / (dark + 0.05) >= 3


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
        config={NASTY: [NASTY]},
        score_title=NASTY,
        score_unit=NASTY,
        currency=NASTY,
        value_unit=NASTY,
        advertisers=tables.advertisers.with_columns(name=pl.lit(NASTY)),
    )
    html = page(tables)
    assert "<script>console.error" not in html
    # Plotly's script, the figures, and the page's own.
    assert html.count("</script>") == 3
    assert set(embedded(html)) == set(CHARTS)


def test_best_contender_is_bold_and_references_have_no_rank(tmp_path: Path):
    path = tmp_path / "report.html"
    write_report(run_tables(bidders=2), path)
    html = path.read_text(encoding="utf-8").split("</table>")[0]
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
