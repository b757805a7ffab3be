"""The report of a fit shows its numbers, in words that follow from them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jax
import polars as pl
import pytest

from browser import DRAWN, Browser, needs_browser
from equibid.auctions.ranked import gsp
from equibid.logs import LogDataset
from equibid.markets import Generator, generate
from equibid.markets.likeness import alike
from equibid.markets.market import Labels
from equibid.reports.fitting.page import drawn as figures
from equibid.reports.fitting.page import page, verdict
from equibid.reports.fitting.tables import FitTables, read_fit
from equibid.reports.side_by_side import write_side_by_side
from equibid.runs.fitted import Fitted, fitted, write_fitted
from equibid.runs.folder import open_run
from equibid.runs.reading import read_run

NASTY = "</script><script>console.error('in')</script>&<b>%{x}"
SETTINGS = Generator("m", impressions=1024, advertisers=8, ticks=24, categories=2)


@pytest.fixture(scope="module")
def found() -> Fitted:
    market = generate(SETTINGS, jax.random.key(7))
    labels = Labels("log", (), "click", "fen", 10.0)
    dataset = LogDataset("log", replace(market, labels=labels))
    return fitted(dataset, gsp(), "log-fitted", others=1)


@pytest.fixture(scope="module")
def tables(found: Fitted, tmp_path_factory: pytest.TempPathFactory) -> FitTables:
    config = {"command": "fit", "log": "log", "dataset": "log"}
    run = open_run(tmp_path_factory.mktemp("fit"), config)
    write_fitted(run, found, gsp(), "log")
    return read_fit(read_run(run.folder))


def test_money_is_in_currency(found: Fitted) -> None:
    assert (found.currency, found.value_unit) == ("fen", "click")
    assert found.fit.settings.target_cpa == pytest.approx(9, rel=0.5)
    prices = found.quantiles.filter(measure="price_at_rest", at=0.5)
    assert prices["log"].item() == pytest.approx(prices["generated"].item(), rel=1)


def test_a_generated_day_is_like_one(tables: FitTables) -> None:
    assert tables.distances["like"].sum() >= len(tables.distances) - 2
    assert set(figures(tables)) == {
        "distances",
        "value",
        "advertiser_value",
        "price_at_rest",
        "budget_over_spend",
        "traffic",
    }


def test_the_headline_follows_the_distances(tables: FitTables) -> None:
    def said(distance: float, chance: float | None) -> str:
        table = tables.distances.head(2).with_columns(
            distance=pl.Series([0.0, distance]), chance=pl.Series([None, chance], dtype=pl.Float64)
        )
        table = table.with_columns(like=alike(table))
        return verdict(replace(tables, distances=table)).headline

    assert (
        said(0.1, None) == said(0.3, 0.2) == "The generated day is like the log in all 2 measures"
    )
    far = "Like the log in 1 of 2 measures, but not in mean by advertiser"
    assert said(0.11, None) == said(0.3, 0.1) == far


def test_every_setting_is_there_with_its_source(tables: FitTables, found: Fitted) -> None:
    text = page(tables)
    for name, how in found.fit.how.items():
        assert f"<th>{name}</th>" in text
        assert how.replace("'", "&#x27;") in text
    assert "the default: nobody bids from outside" in text


def test_fits_stand_side_by_side(found: Fitted, tmp_path: Path) -> None:
    runs = {}
    for name, others in (("near", 1), ("far", 3)):
        config = {"command": "fit", "log": "log", "dataset": "log", "others": others}
        run = open_run(tmp_path / name, config)
        write_fitted(run, found, gsp(), "log")
        runs[name] = read_run(run.folder)
    text = write_side_by_side(runs, tmp_path / "both.html").read_text(encoding="utf-8")
    assert "They differ in others." in text
    first = found.distances["title"][0]
    far = f"{found.distances['distance'][0]:.3f}"
    for name in runs:
        assert f'<td class="name">{name}</td><td>{first}</td><td>{far}</td>' in text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_drawn_without_errors_or_requests(
    browser: Browser, tables: FitTables, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "report.html"
    nasty = replace(tables, name=NASTY, notes=[NASTY], currency=NASTY)
    path.write_text(page(nasty), encoding="utf-8")
    browser.resize(width, 900)
    browser.open(path.as_uri())
    browser.wait_for("document.documentElement.dataset.ready === 'yes'")
    drawn = browser.evaluate(DRAWN)
    assert drawn == list(figures(tables))
    assert browser.errors == []
    assert browser.requests == [path.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
