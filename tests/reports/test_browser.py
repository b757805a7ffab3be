"""The report in a real browser: drawn, silent, and asking nothing of the network."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from run_tables import renamed, run_tables

from browser import DRAWN, Browser, needs_browser
from equibid.reports.charts.svg import told
from equibid.reports.comparison.drawn import CHARTS, shown
from equibid.reports.comparison.page import page
from equibid.reports.comparison.tables import RunTables

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
    path.write_text(page(tables), encoding="utf-8")
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
    drawn = browser.evaluate(DRAWN)
    assert drawn == shown(tables)
    assert (drawn == list(CHARTS)) is (run != "one of each")
    assert browser.errors == []
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
    rows = "[...document.querySelectorAll('[data-figure=ranking] .wide-only text.ink')]"
    assert browser.evaluate(f"{rows}.map(t => t.textContent)")[2] == name[:21] + "…"
    assert browser.errors == []


def test_picked_bidders_stand_out_in_every_chart(browser: Browser, tmp_path: Path):
    show(browser, run_tables(), tmp_path)
    # By chart: the bidders whose parts are not faded, and the kinds of these parts.
    state = (
        "Object.fromEntries([...document.querySelectorAll('[data-figure]')].map(d => "
        "[d.dataset.figure, [...d.querySelector('svg').querySelectorAll('g[data-b]')]"
        ".filter(g => !g.classList.contains('off') && getComputedStyle(g).display !== 'none')"
        ".map(g => [Number(g.dataset.b), g.classList[0]])]))"
    )
    of_bidders = {name for name, lit in browser.evaluate(state).items() if lit}
    heat_maps = {"paired", "head-to-head", "category", "time", "budget"}
    assert of_bidders == set(CHARTS) - heat_maps - {"prices"}
    assert all(len(browser.evaluate(state)[name]) >= 10 for name in of_bidders)
    browser.evaluate("document.querySelector('nav [data-bidder=\"1\"]').click()")
    browser.wait_for(f"{state}['cpa'].length === 1")
    lit = browser.evaluate(state)
    for name in ("ranking", "spend", "value", "cpa", "win-curve"):
        assert lit[name] == [[1, "marks"]]
    for name in ("pacing", "factor", "win-rate"):
        assert sorted(lit[name]) == [[1, "band"], [1, "line"], [1, "name"]]
    assert sorted(lit["profile"]) == [[1, "band"], [1, "line"]]
    browser.evaluate("document.querySelector('nav [data-everyone]').click()")
    browser.wait_for(f"{state}['cpa'].length === 10")
    assert browser.errors == []


@pytest.mark.parametrize("name", ["ranking", "pacing", "profile", "paired", "cpa"])
def test_the_pointer_is_told_of_the_point_beneath_it(browser: Browser, tmp_path: Path, name: str):
    tables = run_tables(bidders=2, seeds=3)
    show(browser, tables, tmp_path)
    shape = f"document.querySelector('[data-figure={name}] svg g[data-b] [data-k]')"
    if name == "paired":
        shape = "document.querySelector('[data-figure=paired] svg .cells [data-k]')"
    browser.evaluate(f"{shape}.scrollIntoView({{block: 'center'}})")
    x, y, key = browser.evaluate(
        "(s => { const line = s.parentNode.classList.contains('line'), b = s.getBBox();"
        "const p = line ? s.getPointAtLength(0) : {x: b.x + b.width / 2, y: b.y + b.height / 2};"
        "const at = new DOMPoint(p.x, p.y).matrixTransform(s.getScreenCTM());"
        f"return [at.x, at.y, Number(s.dataset.k)]; }})({shape})"
    )
    browser.evaluate(
        f"{shape}.dispatchEvent(new PointerEvent("
        f"'pointermove', {{bubbles: true, clientX: {x}, clientY: {y}}}))"
    )
    assert browser.evaluate("document.getElementById('tip').hidden") is False
    said = browser.evaluate("document.getElementById('tip').textContent")
    assert said == told(CHARTS[name](tables))[key]


def test_charts_follow_light_and_dark(browser: Browser, tmp_path: Path):
    show(browser, run_tables(bidders=2), tmp_path)
    seen = {}
    for scheme in ("light", "dark"):
        browser.media(scheme)
        seen[scheme] = [
            browser.evaluate(TEXT.format("body", "backgroundColor")),
            browser.evaluate(TEXT.format("[data-figure=ranking] text.ink", "fill")),
        ]
    assert seen == {
        "light": ["rgb(255, 255, 255)", "rgb(22, 25, 29)"],
        "dark": ["rgb(18, 20, 23)", "rgb(233, 236, 239)"],
    }


def test_paper_shows_what_is_folded_and_it_folds_again(browser: Browser, tmp_path: Path):
    show(browser, run_tables(bidders=2), tmp_path)
    count = "document.querySelectorAll('details[open]').length"
    every = browser.evaluate("document.querySelectorAll('details').length")
    assert browser.evaluate(count) == 0 < every
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate(count) == every
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate(count) == 0
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert browser.errors == []


def test_contents_lead_to_every_section(browser: Browser, tmp_path: Path):
    show(browser, run_tables(bidders=2), tmp_path)
    links = browser.evaluate(
        "[...document.querySelectorAll('.contents a')].map(a => a.getAttribute('href').slice(1))"
    )
    assert links == browser.evaluate("[...document.querySelectorAll('section')].map(s => s.id)")
    assert len(links) == len(set(links)) > 6


def test_the_check_sees_errors_and_requests(browser: Browser, tmp_path: Path):
    page = tmp_path / "bad.html"
    page.write_text("<img src='file:///nowhere.png'><script>console.error('a'); nothing()</script>")
    browser.open(page.as_uri())
    assert "file:///nowhere.png" in browser.requests
    assert any("'a'" in error for error in browser.errors)
    assert any("nothing is not defined" in error for error in browser.errors)
