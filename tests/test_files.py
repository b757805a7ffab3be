"""Names of files, exact reading, whole writing."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from equibid import files
from equibid.errors import InputError
from equibid.files import (
    atomic,
    check_parquet,
    file_name,
    move,
    parquet,
    read_json,
    read_parquet,
    read_text,
    read_toml,
    write_json,
    write_parquet,
    write_text,
)

TABLE = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
TEXT = st.text(st.characters(), max_size=12)
# Signs that Windows refuses, and control characters.
REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


@pytest.mark.parametrize(
    "text", ["demo-0", "2013.06", "auctionnet-7-lin", "learning_rate=0.0001_seed=0", "_", "a+b,c"]
)
def test_a_plain_text_is_its_own_name(text: str) -> None:
    assert file_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "../../x", "a/b", "a\\b", "a*", "[red]", "x.", "x ", ".hidden", "-x", "A"),
        *("con", "nul.txt", "COM1", "ä", "a\0b", "a:b", "~", "\udcff", "x" * 5000, "a\n"),
    ],
)
def test_any_other_text_is_marked(text: str) -> None:
    assert "~" in file_name(text)


def test_texts_that_file_systems_mix_up_have_names_apart() -> None:
    texts = ["Brand", "brand", "BRAND", "bränd", "bra\u0308nd", "a/b", "a_b", "a%2Fb", "a", "a."]
    texts += ["x" * 5000, "x" * 5001, "x" * 150]
    assert len({file_name(text).lower() for text in texts}) == len(texts)


@given(TEXT, TEXT)
def test_a_name_is_safe_and_its_own(one: str, two: str) -> None:
    names = [file_name(text) for text in (one, two)]
    for name in names:
        assert 0 < len(os.fsencode(f"{name}.parquet.part")) <= 255
        assert Path(name).name == name
        assert not REFUSED.search(name)
        assert name[-1] not in ". "
        assert not files.DEVICE.fullmatch(name.lower())
    assert (names[0].lower() == names[1].lower()) == (one == two)


@pytest.mark.parametrize("name", ["a*", "a?", "[ab]", "~", "a%20b", "year=2024", "s3:", "\udcff"])
def test_a_file_is_read_by_its_exact_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    write_parquet(folder / "ab.parquet", TABLE.head(1))
    path = write_parquet(folder / f"{name}.parquet", TABLE)
    check_parquet([path])
    assert_frame_equal(read_parquet(path), TABLE)
    with parquet(path) as table:
        assert table.select(pl.len()).collect().item() == 3


def test_a_relative_name_is_below_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("~").mkdir()
    write_parquet(Path("~/a.parquet"), TABLE)
    assert_frame_equal(read_parquet(Path("~/a.parquet")), TABLE)
    check_parquet([Path("~/a.parquet")])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a.parquet"
    return write_parquet(path, pl.concat([TABLE] * 50)).read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"a,b\n1,2\n",
        lambda data: data[:-20],
        lambda data: data[:40] + b"\xff" * 40 + data[80:],
        lambda data: data[: len(data) // 2] + b"\0" * 30 + data[len(data) // 2 + 30 :],
    ],
    ids=["empty", "text", "cut", "pages", "middle"],
)
def test_a_damaged_table_is_named(
    tmp_path: Path, whole: bytes, damage: Callable[[bytes], bytes]
) -> None:
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    good.write_bytes(whole)
    bad.write_bytes(damage(whole))
    with pytest.raises(InputError, match=r"bad\.parquet: it is not a Parquet table.*; do so"):
        check_parquet([good, bad], "do so")
    check_parquet([good])


def written(path: Path, table: pl.DataFrame) -> Path:
    """A table that somebody else wrote."""
    table.write_parquet(path)
    return path


def test_a_reader_that_dies_is_a_damaged_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [written(tmp_path / f"{name}.parquet", TABLE) for name in "abc"]
    dying = files.READ_ALL.replace("    with", "    if b'b.par' in path: os.abort()\n    with")
    monkeypatch.setattr(files, "READ_ALL", dying)
    with pytest.raises(InputError, match=r"b\.parquet: it is not a Parquet table"):
        check_parquet(paths)


def test_what_was_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", TABLE)
    calls = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: (calls.append(a), run(*a, **k))[1])
    check_parquet([path])
    check_parquet([path])
    assert len(calls) == 1
    written(path, TABLE.head(2))
    check_parquet([path])
    assert len(calls) == 2
    # What this process wrote itself is whole.
    write_parquet(path, TABLE)
    check_parquet([path])
    assert len(calls) == 2


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: None], ids=["folder", "nothing"])
def test_what_is_no_file_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a")
    for read in (read_parquet, read_text, read_json, read_toml, lambda path: check_parquet([path])):
        with pytest.raises(InputError, match=f"{tmp_path / 'a'}: (it cannot be read|there is no)"):
            read(tmp_path / "a")


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert read_toml(tmp_path / "a.toml") == {"x": 1}
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"x": 1}')
    assert read_json(tmp_path / "a.json") == {"x": 1}


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_toml, "x ="),
        (read_toml, "x = " + "[" * 100_000),
        (read_toml, "x = " + "9" * 5000),
        (read_json, "{"),
        (read_json, "[" * 100_000),
        (read_json, "9" * 5000),
    ],
)
def test_a_text_of_no_form_is_one_sentence(
    tmp_path: Path, read: Callable[[Path], object], text: str
) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(InputError, match=f"{tmp_path / 'a'}: it is not (TOML|JSON)") as caught:
        read(tmp_path / "a")
    assert len(str(caught.value)) < 1000
    (tmp_path / "a").write_bytes(b"\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read(tmp_path / "a")


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a", "old")
    with pytest.raises(KeyboardInterrupt), atomic(path) as file:
        file.write(b"new, but")
        raise KeyboardInterrupt
    assert [(x.name, x.read_bytes()) for x in tmp_path.iterdir()] == [("a", b"old")]
    # What a killed process left behind is in nobody's way.
    (tmp_path / "a.part").write_bytes(b"half of it")
    write_text(path, "new\n")
    assert [(x.name, x.read_bytes()) for x in tmp_path.iterdir()] == [("a", b"new\n")]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_text(path, "x"),
        lambda path: write_json(path, {}),
        lambda path: write_parquet(path, TABLE),
    ],
)
def test_where_nothing_can_be_written(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "no" / "a", tmp_path / "folder", tmp_path / "file" / "a"):
        with pytest.raises(InputError, match="cannot write there"):
            write(path)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_text(path, "x" * 100_000),
        lambda path: write_parquet(path, pl.DataFrame({"a": range(100_000)})),
    ],
)
def test_a_full_disk_is_one_sentence(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    (tmp_path / "a.part").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"cannot write there \(.*No space left"):
        write(tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_windows_is_asked_again_while_a_file_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []
    replace = Path.replace

    def busy(source: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(13, "it is open")
        return replace(source, target)

    (tmp_path / "a").write_text("x")
    monkeypatch.setattr(Path, "replace", busy)
    with pytest.raises(PermissionError):
        move(tmp_path / "a", tmp_path / "b")
    monkeypatch.setattr(files, "ON_WINDOWS", True)
    move(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "x"


def test_the_reader_of_foreign_files_takes_nothing_from_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "polars.py").write_text("raise SystemExit('not me')")
    path = write_parquet(tmp_path / "a.parquet", TABLE)
    check_parquet([path])
