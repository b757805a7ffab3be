"""The report of a training run: drawn, silent, and asking nothing of the network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from browser import Browser, needs_browser
from equibid.evaluation.insight import Boldness, Specialisation
from equibid.reports.training.page import LearningTables, page, write_learning

READY = "document.documentElement.dataset.ready === 'yes'"


def tables(agents: int = 6, seeds: int = 2, attends: bool = True) -> LearningTables:
    """A run as it might be; who won nothing has no distance."""
    random = np.random.default_rng(1)
    steps = [(step, seed) for step in (10, 20, 30) for seed in range(seeds)]
    metrics = pl.DataFrame(steps, schema=["step", "seed"], orient="row")
    judgements = metrics.with_columns(value=pl.Series(random.uniform(90, 110, len(steps))))
    wins = random.integers(0, 50, (agents, 3)).astype(float)
    distance = random.random(agents)
    distance[0] = np.nan
    found = Specialisation(wins, distance)
    level = random.normal(size=(5, 12))
    level[0] = np.nan
    return LearningTables(
        config={"market": "demo <b>", "algorithm": "toy", "settings": {"rate": 0.1}},
        algorithm="toy",
        metrics=metrics,
        judgements=judgements,
        eval_metric="value",
        marks={"pacing": 95.0, "lin": 0.0},
        names=tuple(f"<i>{i}</i>" for i in range(agents)),
        category=np.arange(agents) // 2,
        specialisation={"toy": found, "pacing": found},
        boldness=Boldness(level, np.ones((5, 12))),
        attention=random.random((agents * (agents - 1), 2)) if attends else None,
    )


def test_the_verdict_compares_with_the_best_mark() -> None:
    told = tables()
    best = told.judgements["value"].max()
    assert isinstance(best, float)
    text = page(told)
    assert f"toy passes pacing by {best / 95 - 1:.1%}" in text
    assert "<i>" not in text.split("<script")[0] and "demo <b>" not in text.split("<script")[0]


def test_a_lonely_agent_has_neither_rivals_nor_attention() -> None:
    text = page(tables(agents=1, seeds=1, attends=False))
    assert 'data-figure="learning"' in text and 'data-figure="attention"' not in text
    assert 'data-figure="specialisation"' not in text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_drawn_without_errors_or_requests(browser: Browser, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    write_learning(tables(), path)
    browser.resize(width, 900)
    browser.open(path.as_uri())
    browser.wait_for(READY)
    drawn = browser.evaluate(
        "[...document.querySelectorAll('[data-figure]')]"
        ".filter(d => d.querySelector('.main-svg')?.getBoundingClientRect().height > 60)"
        ".map(d => d.dataset.figure)"
    )
    assert drawn == ["learning", "boldness", "specialisation", "attention"]
    assert browser.errors == []
    # Plotly draws heat maps as pictures within the page.
    asked = [request for request in browser.requests if not request.startswith("data:")]
    assert asked == [path.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
