"""The documentation is whole: its navigation, its links, and the pages made from the code."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import equibid
from equibid.learning import algorithm_named
from equibid.markets.toml import read_market
from equibid.settings import described

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SITE: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]


def leaves(entry: Any) -> Iterator[str]:
    """The pages of an entry of the navigation."""
    if isinstance(entry, str):
        yield entry
        return
    for inner in entry.values() if isinstance(entry, dict) else entry:
        yield from leaves(inner)


def test_the_navigation_names_every_page_once() -> None:
    assert sorted(leaves(SITE["nav"])) == sorted(x.relative_to(DOCS).as_posix() for x in PAGES)


def test_the_footer_shows_the_version() -> None:
    assert f"Equibid {equibid.__version__} " in SITE["copyright"]


def test_the_market_of_the_page_of_files_is_one(tmp_path: Path) -> None:
    page = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    (tmp_path / "small.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    assert read_market(tmp_path / "small.toml").advertisers == 12


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_link_is_one_that_the_build_checks(page: Path) -> None:
    """The build checks links to pages; a link to anything else is to lead out, or to a file."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path = target.partition("#")[0]
        if path and not path.endswith(".md"):
            assert re.match("https?://", path) or (page.parent / path).is_file(), target


def test_pages_made_from_the_code_are_what_the_code_says(tmp_path: Path) -> None:
    # In a process of its own, where no test has registered anything.
    command = [sys.executable, str(ROOT / ".ci" / "pages.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=120, env=os.environ | {"PYTHONUTF8": "1"})
    made = sorted(tmp_path.iterdir())
    assert len(made) == 2
    for page in made:
        committed = DOCS / "reference" / page.name
        assert committed.read_text("utf-8") == page.read_text("utf-8"), "`make pages` writes it"


@pytest.mark.parametrize("name", ["dcmab", "maab", "uscb", "drlb", "mappo"])
def test_a_learners_page_names_settings_that_there_are(name: str) -> None:
    page = (DOCS / "bidders" / f"{name}.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| setting \|.*\n\| ---.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    named = [
        word
        for row in table.splitlines()
        for word in re.findall(r"`([a-z_.]+)`", row.split("|")[1])
    ]
    assert len(named) > 2
    assert set(named) <= {setting for setting, *_ in described(algorithm_named(name))}
