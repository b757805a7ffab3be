"""The report of an equilibrium shows the certificate's numbers and says no more than it proves."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest

from browser import DRAWN, Browser, needs_browser
from equibid.auctions.soft import Soft
from equibid.equilibrium.game import Game, game_of
from equibid.equilibrium.objectives import WELFARE
from equibid.equilibrium.solvers.select import Search, best_of, search
from equibid.markets import MARKETS
from equibid.markets.market import Labels
from equibid.reports.charts.chart import Bars, Chart, Line, Marks
from equibid.reports.equilibrium import charts
from equibid.reports.equilibrium.charts import FLOOR
from equibid.reports.equilibrium.page import drawn as figures
from equibid.reports.equilibrium.page import page, verdict
from equibid.reports.equilibrium.tables import STARTS, EquilibriumTables, read_equilibrium
from equibid.reports.html.numbers import number, small
from equibid.runs.certifying import Certified, certified, write_certified
from equibid.runs.folder import open_run
from equibid.runs.reading import read_run
from equibid.runs.solving import Problem, starts_frame

NASTY = "</script><script>console.error('in')</script>&<b>%{x}"
FACTORS = np.array([60.0, 0.0, 40.0, 20.0, 30.0])
CONFIG = {"command": "solve", "market": "demo", "objective": "welfare", "games": [{"starts": 3}]}


def game(day: int = 0, names: Sequence[str] = ()) -> Game:
    market = MARKETS["demo"](jax.random.key(0), day=day, impressions=400, advertisers=5, ticks=2)
    labels = Labels("demo", tuple(names), "click", "fen", 10.0)
    return game_of(replace(market, labels=labels), Soft(0.05))


def tables_of(
    results: Sequence[Certified], kind: str = "solve", starts: pl.DataFrame | None = None
) -> EquilibriumTables:
    """What is read back from the folder of a run with these certificates."""
    with tempfile.TemporaryDirectory() as folder:
        run = open_run(Path(folder), CONFIG | {"command": kind})
        write_certified(run, results)
        if kind == "solve":
            empty = pl.DataFrame(schema=dict.fromkeys(STARTS, pl.Float64))
            run.write_table("starts.parquet", empty if starts is None else starts)
        return read_equilibrium(read_run(run.folder))


def made_up(days: int = 1, names: Sequence[str] = ()) -> EquilibriumTables:
    """Factors that are no equilibrium."""
    return tables_of(certificates(days, names), "certify")


def certificates(days: int = 1, names: Sequence[str] = ()) -> list[Certified]:
    """Of the factors, on some days."""
    return [certified("demo", n, game(n, names), FACTORS, 0.01) for n in range(days)]


@pytest.fixture(scope="module")
def solved() -> EquilibriumTables:
    """A search, one of whose outcomes does not hold."""
    here = game()
    settings = Search(starts=4)
    outcomes = list(search(here, WELFARE, settings))
    outcomes[1] = replace(outcomes[1], holds=False, gain=0.1)
    leader = best_of(outcomes)
    assert leader is not None
    problem = Problem("demo", here, WELFARE, "ncb-select", settings)
    result = certified("demo", 0, here, leader.rest.factors, 1e-6)
    return tables_of([result], starts=starts_frame(problem, outcomes))


def points(chart: Chart) -> set[tuple[float, float]]:
    return {
        (float(x), float(y))
        for marks in chart.of(Marks)
        for x, y in zip(marks.x, marks.y, strict=True)
    }


def test_gains_are_shares_of_welfare_the_largest_bound_first() -> None:
    tables = made_up()
    one = certificates()[0].certificate
    welfare, own = one.response.welfare, one.response.returns
    bound = np.maximum(one.bound - own, 0) / welfare
    gain = np.maximum(one.gain, 0) / welfare
    order = np.lexsort((-gain, -bound))
    expected = [(i + 1, max(float(gain[who]), FLOOR)) for i, who in enumerate(order)]
    np.testing.assert_allclose(sorted(points(charts.gain_chart(tables))), expected)


def test_factors_stand_against_budgets_in_currency() -> None:
    tables = made_up()
    here = game()
    got = sorted(points(charts.factor_chart(tables)))
    level = FACTORS / here.cap
    level[1] = np.delete(level, 1).min() / 3
    expected = sorted(zip(here.budget / 10, level, strict=True))
    np.testing.assert_allclose(got, expected)


def test_welfare_stands_against_its_bounds() -> None:
    tables = made_up()
    one = certificates()[0].certificate
    (bars,) = charts.welfare_chart(tables).of(Bars)
    shares = [float(x or 0) for x in bars.x]
    assert shares == pytest.approx(
        [one.response.welfare / one.first_best, one.liquid_welfare / one.liquid_bound]
    )
    assert all(0 < share < 1 for share in shares)


def test_starts_are_told_apart_by_whether_they_hold(solved: EquilibriumTables) -> None:
    assert solved.starts is not None
    holds, fails = charts.start_chart(solved).of(Marks)
    assert len(holds.x) == 3
    assert list(fails.x) == [0.1]
    assert list(fails.y) == solved.starts.filter(~pl.col("holds"))["objective"].to_list()
    assert "3 of 4 starts led to 1 equilibrium." in page(solved)


def test_the_headline_says_what_is_proven(solved: EquilibriumTables) -> None:
    said = verdict(solved)
    share = small(solved.results[0]["exploitability"])
    assert said.headline == f"Nobody gains more than {share} of total welfare by leaving"
    assert verdict(made_up()).headline.endswith("of total welfare by leaving")
    assert verdict(made_up()).headline.startswith("An advertiser gains")
    assert verdict(made_up(3)).headline == "The certificate holds on 0 of 3 days"
    # Everybody at its cap: nobody gains, but budgets are not kept.
    here = game()
    over = tables_of([certified("demo", 0, here, here.cap, 0.01)])
    assert verdict(over).headline.startswith("No equilibrium: a budget is overspent by")


def test_several_days_show_means_and_the_worst() -> None:
    tables = made_up(3)
    assert list(figures(tables)) == ["welfare", "days", "gains", "factors"]
    assert tables.advertisers.height == 5
    rows = pl.concat([result.frame() for result in certificates(3)])
    for row in tables.advertisers.iter_rows(named=True):
        mine = rows.filter(advertiser=row["advertiser"])
        assert row["cost"] == pytest.approx(mine["cost"].mean())
        if "overspends" in mine["status"].to_list():
            assert row["status"] == "overspends"
    (day, *_) = charts.day_chart(tables).of(Line)
    one = certificates()[0].certificate
    assert list(day.x) == pytest.approx([one.exploitability, one.exploitability_bound])


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (0.0, "0"),
        (0.0123, "1.2 %"),
        (1.5, "150 %"),
        (1e-6, "10⁻⁶"),
        (2.34e-13, "2.3 × 10⁻¹³"),
        (np.inf, "∞"),
    ],
)
def test_shares_are_written_for_people(x: float, said: str) -> None:
    assert small(x).replace("\u00a0", " ") == said


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@needs_browser
@pytest.mark.parametrize(("days", "width"), [(0, 390), (3, 1280)])
def test_report_is_drawn_without_errors_or_requests(
    browser: Browser, solved: EquilibriumTables, tmp_path: Path, days: int, width: int
) -> None:
    tables = made_up(days, ["tea", NASTY, "cars", "x" * 60, "shoes"]) if days else solved
    path = tmp_path / "report.html"
    path.write_text(page(tables), encoding="utf-8")
    browser.resize(width, 900)
    browser.open(path.as_uri())
    browser.wait_for("document.documentElement.dataset.ready === 'yes'")
    drawn = browser.evaluate(DRAWN)
    assert sorted(drawn) == sorted(figures(tables))
    assert browser.errors == []
    assert browser.requests == [path.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    # A status that is picked stands out in both charts of advertisers.
    browser.evaluate("document.querySelector('nav [data-bidder=\"0\"]').click()")
    faded = (
        "[...document.querySelectorAll('[data-figure=gains],[data-figure=factors]')]"
        ".every(d => [...d.querySelectorAll('g[data-b]')]"
        ".every(g => (g.dataset.b === '0') !== g.classList.contains('off')))"
    )
    browser.wait_for(faded)


def test_what_the_proof_assumes_is_told_of_one_profile() -> None:
    proven = certified("demo", 0, game(), FACTORS, 0.01)
    measured = proven.conditions
    assert measured is not None
    shown = page(tables_of([proven], "certify"))
    assert "What a proof of convergence assumes" in shown
    assert f"up to {number(measured.self_dominance, 2)} times as much as its own" in shown
    assert f"{small(measured.smallest_singular)}: near 0" in shown
    assert f"{small(measured.violation)}: how far" in shown
    # One advertiser that follows the others alone.
    alone = replace(proven, conditions=replace(measured, self_dominance=np.inf, not_dominant=1))
    shown = page(tables_of([alone], "certify"))
    assert "move an advertiser&#x27;s cost and its own factor does not" in shown
    assert "below 1 is assumed, and 1 of the advertisers are not" in shown
    # Of several days, and where it was not measured, nothing is said.
    assert "proof of convergence" not in page(made_up(days=2))
    assert "proof of convergence" not in page(
        tables_of([replace(proven, conditions=None)], "certify")
    )


def test_a_notice_that_ends_with_a_stop_has_one() -> None:
    proven = certified("demo", 0, game(), FACTORS, 0.01, "it is so. It stays so.")
    assert '<p class="note">It is so. It stays so.</p>' in page(tables_of([proven], "certify"))
