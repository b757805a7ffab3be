"""The report of a training run: drawn, silent, and asking nothing of the network."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest

from browser import DRAWN, Browser, needs_browser
from equibid.evaluation.policy_analysis import Aggressiveness, Specialisation
from equibid.markets import MARKETS
from equibid.markets.market import Labels
from equibid.reports.training.page import page
from equibid.reports.training.tables import LearningTables
from equibid.runs.policy_analysis import aggressiveness_frame, specialisation_frame, wins_frame
from equibid.runs.reading import RunFolder

READY = "document.documentElement.dataset.ready === 'yes'"


def tables(agents: int = 6, seeds: int = 2, attends: bool = True) -> LearningTables:
    """A run as it might be; who won nothing has no distance."""
    random = np.random.default_rng(1)
    steps = [(step, seed) for step in (10, 20, 30) for seed in range(seeds)]
    rows = pl.DataFrame(steps, schema=["step", "seed"], orient="row")
    metrics = rows.with_columns(loss=pl.Series(random.random(len(steps))), never=pl.lit(np.nan))
    judgements = rows.with_columns(value=pl.Series(random.uniform(90, 110, len(steps))))
    wins = random.integers(0, 50, (agents, 3)).astype(float)
    distance = random.random(agents)
    distance[0] = np.nan
    found = {name: Specialisation(wins, distance) for name in ("learned", "pacing")}
    market = MARKETS["demo"](jax.random.key(0), impressions=8, advertisers=agents, ticks=1)
    labels = Labels("demo", tuple(f"<i>{i}</i>" for i in range(agents)))
    market = replace(market, labels=labels)
    level = random.normal(size=(5, 12))
    level[0] = np.nan
    pairs = random.random((agents * (agents - 1), 2))
    config = {"market": "demo <b>", "algorithm": "toy", "settings": {"rate": 0.1}}
    return LearningTables(
        run=RunFolder(Path("nowhere"), "train", config),
        metrics=metrics,
        judgements=judgements,
        eval_metric="value",
        marks={"pacing": 95.0, "lin": 0.0},
        specialisation=specialisation_frame(found, market),
        wins=wins_frame(found),
        aggressiveness=aggressiveness_frame(Aggressiveness(level, np.ones((5, 12)))),
        attention=pl.DataFrame(pairs, schema=["overlap", "attention"]) if attends else None,
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
    path.write_text(page(tables()), encoding="utf-8")
    browser.resize(width, 900)
    browser.open(path.as_uri())
    browser.wait_for(READY)
    drawn = browser.evaluate(DRAWN)
    assert drawn == ["learning", "metric-0", "aggressiveness", "specialisation", "attention"]
    assert browser.errors == []
    asked = [request for request in browser.requests if not request.startswith("data:")]
    assert asked == [path.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
