"""The report in a real browser: drawn, silent, and asking nothing of the network."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from run_tables import renamed, run_tables

from browser import Browser, needs_browser
from equibid.reports.comparison.drawn import CHARTS, shown
from equibid.reports.comparison.report import RunTables, write_report

pytestmark = needs_browser

RUNS = {
    "usual": {},
    "many bidders": {"bidders": 15},
    "one of each": {"bidders": 1, "seeds": 1, "ticks": 1, "advertisers": 1, "reference": False},
}
READY = "document.documentElement.dataset.ready === 'yes'"
TEXT = "getComputedStyle(document.querySelector('{}')).{}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


def show(browser: Browser, tables: RunTables, folder: Path, width: int = 1280) -> None:
    """Write a report and wait until it is drawn."""
    path = folder / "report.html"
    write_report(tables, path)
    browser.resize(width, 900)
    browser.open(path.as_uri())
    browser.wait_for(READY)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("run", RUNS)
def test_report_is_drawn_without_errors_or_requests(
    browser: Browser, tmp_path: Path, run: str, width: int
):
    tables = run_tables(**RUNS[run])
    show(browser, tables, tmp_path, width)
    drawn = browser.evaluate(
        "[...document.querySelectorAll('[data-figure]')]"
        ".filter(d => d.querySelector('.main-svg')?.getBoundingClientRect().height > 60)"
        ".map(d => d.dataset.figure)"
    )
    assert drawn == shown(tables)
    assert (drawn == list(CHARTS)) is (run != "one of each")
    assert browser.errors == []
    # A heat map is drawn as a picture in the page.
    asked = [request for request in browser.requests if not request.startswith("data:")]
    assert asked == [(tmp_path / "report.html").as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_stay_text(browser: Browser, tmp_path: Path):
    name = "</script><img src=http://example.invalid/x onerror=console.error(1)>&amp;%{x}"
    tables = run_tables(bidders=2)
    tables = renamed(tables, "pid", name)
    tables = replace(tables, advertisers=tables.advertisers.with_columns(name=pl.lit(name)))
    show(browser, tables, tmp_path)
    assert browser.errors == []
    assert len([request for request in browser.requests if not request.startswith("data:")]) == 1
    chip = "document.querySelectorAll('nav [data-bidder]')[2].textContent"
    assert browser.evaluate(chip) == name
    # The charts cut long names, after the same characters.
    ticks = "[...document.querySelectorAll('[data-figure=ranking] .ytick')].map(t => t.textContent)"
    assert browser.evaluate(ticks)[2] == name[:21] + "…"


def test_picked_bidders_stand_out_in_every_chart(browser: Browser, tmp_path: Path):
    show(browser, run_tables(), tmp_path)
    # By chart: its traces of bidders that are not faded.
    state = (
        "Object.fromEntries([...document.querySelectorAll('[data-figure]')].map(d => "
        "[d.dataset.figure, d.data"
        ".filter(t => t.meta.bidder >= 0 && (t.opacity ?? 1) === 1 && t.visible !== false)"
        ".map(t => [t.meta.bidder, t.meta.role])]))"
    )
    of_bidders = {name for name, lit in browser.evaluate(state).items() if lit}
    heat_maps = {"paired", "head-to-head", "category", "time", "budget"}
    assert of_bidders == set(CHARTS) - heat_maps - {"prices"}
    assert all(len(browser.evaluate(state)[name]) >= 10 for name in of_bidders)
    browser.evaluate("document.querySelector('nav [data-bidder=\"1\"]').click()")
    browser.wait_for(f"{state}['cpa'].length === 1")
    lit = browser.evaluate(state)
    for name in ("ranking", "spend", "value", "cpa", "win-curve"):
        assert lit[name] == [[1, "mark"]]
    for name in ("pacing", "factor", "win-rate"):
        assert sorted(lit[name]) == [[1, "band"], [1, "label"], [1, "line"]]
    assert sorted(lit["profile"]) == [[1, "band"], [1, "line"]]
    browser.evaluate("document.querySelector('nav [data-everyone]').click()")
    browser.wait_for(f"{state}['cpa'].length === 10")
    assert browser.errors == []


def test_charts_follow_light_and_dark(browser: Browser, tmp_path: Path):
    show(browser, run_tables(bidders=2), tmp_path)
    seen = {}
    for scheme in ("light", "dark"):
        browser.media(scheme)
        seen[scheme] = [
            browser.evaluate(TEXT.format("body", "backgroundColor")),
            browser.evaluate(TEXT.format("[data-figure=ranking] .ytick text", "fill")),
        ]
    assert seen == {
        "light": ["rgb(255, 255, 255)", "rgb(22, 25, 29)"],
        "dark": ["rgb(18, 20, 23)", "rgb(233, 236, 239)"],
    }


def test_charts_fit_paper_and_come_back(browser: Browser, tmp_path: Path):
    show(browser, run_tables(bidders=2), tmp_path)
    widths = "[...document.querySelectorAll('.main-svg:first-child')].map(s => s.clientWidth)"
    before = browser.evaluate(widths)
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    browser.wait_for(f"{widths}.every(width => width === 680)")
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    browser.wait_for(f"JSON.stringify({widths}) === '{json.dumps(before, separators=(',', ':'))}'")
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert browser.errors == []


def test_the_check_sees_errors_and_requests(browser: Browser, tmp_path: Path):
    page = tmp_path / "bad.html"
    page.write_text("<img src='file:///nowhere.png'><script>console.error('a'); nothing()</script>")
    browser.open(page.as_uri())
    assert "file:///nowhere.png" in browser.requests
    assert any("'a'" in error for error in browser.errors)
    assert any("nothing is not defined" in error for error in browser.errors)
