"""What Numba compiled is kept by the text of all files that went into it."""

from pathlib import Path

import pytest

import equibid.compiled
from equibid.auctions.kernel import settle
from equibid.compiled import CONFIG, compiled, digest_of, kept_in

FILES = {
    "compiled.py": "",
    "a/loop.py": "from equibid.compiled import compiled\nfrom equibid.a.rule import LEAST\n",
    "a/rule.py": "LEAST = 1\n",
    "a/page.py": "from equibid.a.rule import LEAST\n",
}


def package(folder: Path, **changed: str) -> Path:
    """A package with a loop that is compiled, a constant that it takes, and a page beside them."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + changed.get(path.stem, ""), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("name", "counts"), [("loop", True), ("rule", True), ("page", False)])
def test_the_text_of_what_is_compiled_counts(name: str, counts: bool, tmp_path: Path) -> None:
    """A loop's own file and what it takes from others; no other file."""
    before = digest_of(package(tmp_path / "one"))
    assert before == digest_of(package(tmp_path / "two"))
    assert (before != digest_of(package(tmp_path / "three", **{name: "# changed\n"}))) == counts


def test_kernels_are_kept_under_that_name() -> None:
    place = settle.stats.cache_path  # pyright: ignore[reportFunctionMemberAccess]
    assert f"numba-{digest_of(equibid.compiled.PACKAGE)}" in place


def test_other_programs_keep_their_own_place() -> None:
    before = CONFIG.CACHE_DIR
    compiled(lambda x: x + 1)
    assert before == CONFIG.CACHE_DIR


def test_where_code_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the variable says; else beside the package, or where its user may write."""
    own = kept_in("").name
    assert kept_in(str(tmp_path)) == tmp_path / own
    assert kept_in("").parent == equibid.compiled.PACKAGE / "__pycache__"
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_in("") == tmp_path / "equibid" / own
