"""The first thing a newcomer runs, from the command to the drawn report."""

from collections.abc import Callable
from pathlib import Path

import pytest

from browser import DRAWN, Browser, needs_browser
from equibid.cli.demo import BIDDERS
from equibid.reports.comparison.drawn import CHARTS


@pytest.mark.slow
@needs_browser
def test_demo_ends_in_a_report_that_a_browser_draws(
    equibid: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert equibid("demo", "--seeds", 1) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in BIDDERS.split(","))
    report = tmp_path / "runs" / "demo" / "report.html"
    with Browser() as browser:
        browser.resize(1280, 900)
        browser.open(report.as_uri())
        browser.wait_for("document.documentElement.dataset.ready === 'yes'")
        drawn = browser.evaluate(DRAWN)
        # One day is no profile and no pair; nobody met in pairs.
        assert drawn == [x for x in CHARTS if x not in ("profile", "paired", "head-to-head")]
        text = browser.evaluate("document.body.innerText")
        assert all(name in text for name in BIDDERS.split(","))
        assert browser.errors == []
        asked = [request for request in browser.requests if not request.startswith("data:")]
        assert asked == [report.as_uri()]
