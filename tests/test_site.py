"""The site of the documentation works from a folder, and asks nobody."""

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from browser import Browser, needs_browser

ROOT = Path(__file__).resolve().parents[1]
SEARCH = "document.querySelector('button.md-search__button')"
# The search lives in the shadow of an element without a name.
FOUND = "[...document.querySelectorAll('*')].map(x => x.shadowRoot?.textContent ?? '').join('')"

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """The places that can be linked to, and all links, of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links = set[str](), list[tuple[str, str]]()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name in ("href", "src"):
                self.links.append((tag, value or ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    for name in (".ci", "docs", "examples", "src"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "zensical.toml", root)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    subprocess.run(command, cwd=root, check=True, timeout=300)
    return root / "site"


def test_every_link_leads_somewhere_and_no_file_is_fetched_from_elsewhere(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 50
    for path, page in pages.items():
        for tag, link in page.links:
            parts = urlsplit(link)
            if tag == "a" and parts.scheme in ("http", "https"):
                continue
            place = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            assert place.is_file(), f"{path.relative_to(site)}: {link}"
            if parts.fragment and place in pages:
                assert unquote(parts.fragment) in pages[place].ids, f"{path.name}: {link}"


@needs_browser
def test_a_page_from_a_folder_is_searched_without_a_network(site: Path) -> None:
    with Browser() as browser:
        browser.open((site / "reference" / "api" / "equibid.html").as_uri())
        browser.evaluate(f"{SEARCH}.click()")
        browser.wait_for(f"{SEARCH} && document.activeElement !== document.body")
        browser.call("Input.insertText", text="quarantine")
        browser.wait_for(f"({FOUND}).includes('Importing logs')")
        assert not browser.errors
        assert all(x.startswith(("file:", "data:")) for x in browser.requests)
