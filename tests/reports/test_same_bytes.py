"""Two undisturbed runs give the same report, to the byte."""

import ast
from pathlib import Path

import pytest

import equibid
from equibid.cli.compare import run_comparison
from equibid.files import read_json, write_json
from equibid.reports import write_report
from equibid.runs.compare import CompareConfig

SOURCES = Path(equibid.__file__).parent
# Sums of floats depend on their order; Polars promises none unless it is asked to.
ORDERED = ("group_by", "join")
ROOMS = ("evaluation", "reports")


def calls(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ORDERED
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_tables_are_grouped_and_joined_in_order(room: str) -> None:
    loose = [
        f"{path.name}:{call.lineno}"
        for path in sorted((SOURCES / room).rglob("*.py"))
        for call in calls(path)
        if not any(word.arg == "maintain_order" for word in call.keywords)
        # Text is joined by a call with one argument and no keyword.
        and not (call.func.attr == "join" and not call.keywords)  # type: ignore[union-attr]
        and not any(
            word.arg == "how" and ast.unparse(word.value) == "'semi'" for word in call.keywords
        )
    ]
    assert loose == []


@pytest.mark.slow
def test_two_runs_give_the_same_report(tmp_path: Path) -> None:
    reports = []
    for name in ("a", "b"):
        settings = CompareConfig(
            "demo",
            bidders="lin,pacing,online-lp,hindsight",
            seeds=6,
            impressions=2000,
            advertisers=8,
            ticks=8,
            out=tmp_path / name,
        )
        run_comparison(settings)
        # All but when it was begun.
        made = tmp_path / name / "environment.json"
        write_json(made, read_json(made) | {"begun": "2026-01-01T00:00:00+00:00"})
        reports.append(write_report(tmp_path / name).read_bytes())
    assert reports[0] == reports[1]
    tables = [sorted((tmp_path / name).glob("*.parquet")) for name in ("a", "b")]
    assert [path.name for path in tables[0]] == [path.name for path in tables[1]]
    for one, other in zip(*tables, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
