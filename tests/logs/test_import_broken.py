"""Whatever is wrong with a log: bad rows are in the quarantine, all others in Parquet, once."""

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_imports import MADE, Made, pack

from equibid.errors import InputError
from equibid.logs import read_log
from equibid.logs.importing import import_logs, mapped_form, read_column_map
from equibid.logs.importing.chunks import chunks
from equibid.logs.importing.importing import aside

ROWS = 24
CHUNK = 4096
# One form for each way of reading: header, quotes, text, lists, numbers.
WAYS = (
    "auctionnetperiod-7.csv",
    "auctionnet-trajectorytrajectory.csv",
    "ipinyouimp.20130612.txt",
    "ipinyou-bid-featurestrain.yzbx.txt",
    "hourly7.test.txt",
)
each_way = pytest.mark.parametrize("made", [MADE[name] for name in WAYS], ids=WAYS)
each = pytest.mark.parametrize("made", MADE.values(), ids=MADE)


def more(made: Made, line: bytes, row: list[str], draw: random.Random) -> bytes:
    """A separator too many, anywhere."""
    at = draw.randrange(len(line))
    return line[:at] + made.separator.encode() + line[at:]


def fewer(made: Made, line: bytes, row: list[str], draw: random.Random) -> bytes:
    """A separator too few."""
    sign = made.separator.encode()
    at = draw.choice([at for at in range(len(line)) if line[at : at + 1] == sign])
    return line[:at] + line[at + 1 :]


def replaced(made: Made, row: list[str], word: str, draw: random.Random) -> bytes:
    """Another text in the place of a number."""
    cells = list(row)
    cells[made.columns.index(draw.choice(made.numbers))] = word
    return made.line(cells)


def word(made: Made, line: bytes, row: list[str], draw: random.Random) -> bytes:
    return replaced(made, row, draw.choice(["x", "", "1_0", "--1", "0x1", "é", "null"]), draw)


def negative(made: Made, line: bytes, row: list[str], draw: random.Random) -> bytes:
    return replaced(made, row, draw.choice(["-1", "-3"]), draw)


def not_text(made: Made, line: bytes, row: list[str], draw: random.Random) -> bytes:
    at = draw.randrange(len(line) + 1)
    return line[:at] + draw.choice([b"\xff", b"\xc3(", b"\xed\xa0\x80"]) + line[at:]


SPOILS: tuple[Callable[[Made, bytes, list[str], random.Random], bytes], ...] = (
    more,
    fewer,
    word,
    negative,
    not_text,
)


def imported(made: Made, data: bytes, folder: Path, name: str = "") -> tuple[list[dict], list]:
    """The rows that were kept, and the lines of those that were not."""
    path = pack(folder / (name or made.name), data)
    summary = import_logs([path], folder / "out", made.form, max_bad=1.0, chunk=CHUNK)
    kept = pl.read_parquet(folder / "out/rows/*.parquet").rows(named=True)
    quarantine = pl.read_csv(folder / "out/quarantine.csv", infer_schema=False)
    assert (len(kept), len(quarantine)) == (summary.kept, summary.quarantined)
    assert sum(summary.reasons.values()) == summary.quarantined
    return kept, quarantine["line"].cast(pl.Int64).to_list()


@each
@given(
    spoils=st.dictionaries(st.integers(0, ROWS - 1), st.sampled_from(SPOILS), max_size=ROWS // 2),
    twice=st.sets(st.integers(0, ROWS - 1), max_size=4),
    blank=st.sets(st.integers(0, ROWS - 1), max_size=4),
    seed=st.integers(0, 10**6),
)
def test_bad_rows_are_named_and_good_ones_kept(
    made: Made, spoils: dict, twice: set[int], blank: set[int], seed: int
) -> None:
    draw = random.Random(seed)
    lines = made.lines(ROWS)
    written = lines[: made.header]
    good, bad = [], []
    for number, (row, line) in enumerate(zip(made.rows(ROWS), lines[made.header :], strict=True)):
        written += [b""] * (number in blank)
        if number in spoils:
            written.append(spoils[number](made, line, row, draw))
            bad.append(len(written))
            continue
        written.append(line)
        good.append(made.meaning(row))
        if number in twice:
            written.append(line)
            if made.keyed:
                bad.append(len(written))
            else:
                good.append(made.meaning(row))
    with tempfile.TemporaryDirectory() as folder:
        kept, quarantined = imported(made, b"\n".join(written) + b"\n", Path(folder))
    assert kept == good
    assert sorted(quarantined) == bad


@each_way
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3)), max_size=5
    )
)
def test_every_line_of_garbage_is_accounted_for(
    made: Made, changes: list[tuple[float, bytes]]
) -> None:
    lines = made.lines(ROWS)
    header = b"".join(line + b"\n" for line in lines[: made.header])
    body = bytearray(b"".join(line + b"\n" for line in lines[made.header :]))
    for place, change in changes:
        at = int(place * len(body))
        body[at : at + len(change)] = change
    rows = [line for line in bytes(body).replace(b"\r\n", b"\n").split(b"\n") if line]
    with tempfile.TemporaryDirectory() as folder:
        kept, quarantined = imported(made, header + body, Path(folder))
    assert len(kept) + len(quarantined) == len(rows)
    assert len(set(quarantined)) == len(quarantined)


@each_way
@pytest.mark.parametrize("packing", [".gz", ".bz2"])
@given(share=st.floats(0, 0.999))
def test_a_cut_archive_gives_the_rows_before_the_cut(
    made: Made, packing: str, share: float
) -> None:
    rows = made.rows(ROWS)
    with tempfile.TemporaryDirectory() as folder:
        whole = pack(Path(folder) / ("whole" + packing), b"\n".join(made.lines(ROWS)) + b"\n")
        data = whole.read_bytes()[: int(share * whole.stat().st_size)]
        cut = Path(folder) / (made.name + packing)
        cut.write_bytes(data)
        try:
            summary = import_logs([cut], Path(folder) / "out", made.form, max_bad=1, chunk=CHUNK)
        except InputError as error:
            # An archive that nothing comes of is named by its path, or by its name in a count.
            said = str(error).removeprefix(f"{cut.parent}/")
            assert said.startswith((f"{cut.name}: ", f"{cut.name}, line 1: "))
            assert not (Path(folder) / "out").exists()
            return
        kept = pl.read_parquet(Path(folder) / "out/rows/*.parquet").rows(named=True)
    assert kept == [made.meaning(row) for row in rows[: len(kept)]]
    assert summary.reasons == {"the archive is cut short here": 1}


@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_a_damaged_archive_never_passes_as_whole(at: float, byte: int) -> None:
    made = MADE["ipinyouimp.20130612.txt"]
    with tempfile.TemporaryDirectory() as folder:
        path = pack(Path(folder) / "imp.txt.gz", b"\n".join(made.lines(200)) + b"\n")
        data = bytearray(path.read_bytes())
        # The ten bytes of the header hold a time and a system that mean nothing.
        place = 10 + int(at * (len(data) - 10))
        data[place] ^= byte
        path.write_bytes(data)
        try:
            summary = import_logs([path], Path(folder) / "out", "ipinyou", max_bad=1, chunk=CHUNK)
        except InputError:
            return
    assert summary.quarantined > 0


@given(data=st.binary(max_size=400), size=st.integers(8, 64))
def test_chunks_together_are_the_file(data: bytes, size: int) -> None:
    lines = data.removeprefix(b"\xef\xbb\xbf")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("plain", "packed.gz", "packed.bz2"):
            path = pack(Path(folder) / name, data)
            try:
                found = list(chunks(path, size))
            except InputError as error:
                assert "longer than" in str(error)
                assert max(map(len, data.split(b"\n"))) >= size
                continue
            together = b"".join(chunk.data for chunk in found)
            assert together in (lines, lines + b"\n")
            assert all(chunk.data.endswith(b"\n") for chunk in found)
            starts = [1]
            for chunk in found:
                assert (chunk.first_line, chunk.lines) == (starts[-1], chunk.data.count(b"\n"))
                starts.append(starts[-1] + chunk.lines)


@pytest.mark.parametrize("packing", [".gz", ".bz2"])
def test_an_archive_of_several_parts_is_read_to_its_end(tmp_path: Path, packing: str) -> None:
    made = MADE["hourly7.test.txt"]
    lines = made.lines(40)
    halves = [b"\n".join(lines[:25]) + b"\n" + lines[25][:4], lines[25][4:] + b"\n"]
    halves[1] += b"\n".join(lines[26:])
    packed = [pack(tmp_path / f"half{packing}", half).read_bytes() for half in halves]
    path = tmp_path / (made.name + packing)
    # Zeros behind a gzip file are padding, as of a tape, and more than are read at once.
    padding = b"\0" * 200 if packing == ".gz" else b""
    path.write_bytes(padding.join(packed) + padding)
    assert import_logs([path], tmp_path / "out", chunk=64).quarantined == 0
    kept = pl.read_parquet(tmp_path / "out/rows/*.parquet").rows(named=True)
    assert kept == [made.meaning(row) for row in made.rows(40)]


def test_a_log_given_twice_is_named_row_by_row(tmp_path: Path) -> None:
    made = MADE["auctionnetperiod-7.csv"]
    for name in ("a.csv", "b.csv"):
        pack(tmp_path / name, b"\n".join(made.lines(60)))
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    summary = import_logs(paths, tmp_path / "out", max_bad=0.5, chunk=CHUNK)
    assert [(file.read, file.kept) for file in summary.files] == [(60, 60), (60, 0)]
    quarantine = pl.read_csv(tmp_path / "out/quarantine.csv", infer_schema=False)
    assert quarantine["file"].unique().to_list() == ["b.csv"]
    assert quarantine["line"].to_list() == [str(line) for line in range(2, 62)]
    firsts = [f"first in a.csv, line {line}" for line in range(2, 62)]
    assert quarantine["value"].to_list() == firsts


def test_too_many_bad_rows_end_the_import(tmp_path: Path) -> None:
    made = MADE["hourly7.test.txt"]
    lines = [*made.lines(98), b"x", b"y z"]
    path = pack(tmp_path / made.name, b"\n".join(lines))
    with pytest.raises(InputError, match=r"2 of 100 rows.*--max-bad 0.01 allows 1") as caught:
        import_logs([path], tmp_path / "out", max_bad=0.01)
    assert not (tmp_path / "out").exists()
    assert str(aside(tmp_path / "out")) in str(caught.value)
    assert pl.read_csv(aside(tmp_path / "out"))["line"].to_list() == [99, 100]
    # With the mend it goes through, and the list of the failure goes away.
    assert import_logs([path], tmp_path / "out", max_bad=0.02).kept == 98
    assert sorted(x.name for x in tmp_path.iterdir()) == [made.name, "out"]


def test_a_log_without_a_good_row_is_never_imported(tmp_path: Path) -> None:
    path = pack(tmp_path / "7.test.txt", b"a\nb\n")
    with pytest.raises(InputError, match="2 of 2 rows"):
        import_logs([path], tmp_path / "out", max_bad=1)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("7.test.txt", b"", "empty"),
        ("7.test.txt.gz", b"no archive", "damaged"),
        ("notes.txt", b"hello\n", "no log form recognises it"),
        ("log.csv", b"pvIndex,advertiserNumber\n1,2\n", "line 1: column .* is missing"),
        ("log.parquet", b"no table", "not a Parquet table"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said):
        import_logs([tmp_path / name], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_files_of_two_forms_are_imported_apart(tmp_path: Path) -> None:
    made = [MADE["hourly7.test.txt"], MADE["yzpc7.test.yzpc.txt"]]
    paths = [pack(tmp_path / x.name, b"\n".join(x.lines(3))) for x in made]
    with pytest.raises(InputError, match="one kind of log"):
        import_logs(paths, tmp_path / "out")


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    made = MADE["hourly7.test.txt"]
    path = pack(tmp_path / made.name, b"\n".join(made.lines(3)))
    import_logs([path], tmp_path / "out")
    with pytest.raises(InputError, match="something already"):
        import_logs([path], tmp_path / "out")


def test_an_interrupted_import_leaves_nothing(tmp_path: Path) -> None:
    made = MADE["hourly7.test.txt"]
    path = pack(tmp_path / made.name, b"\n".join(made.lines(500)))

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_logs([path], tmp_path / "out", progress=stop, chunk=1000)
    assert [x.name for x in tmp_path.iterdir()] == [made.name]


KILLED = """
import os, signal, sys
from equibid.logs.importing import import_logs
import_logs(
    [sys.argv[1]], sys.argv[2], chunk=1000,
    progress=lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done > 3000 else None,
)
"""


def test_a_killed_import_leaves_no_half_folder(tmp_path: Path) -> None:
    made = MADE["hourly7.test.txt"]
    path = pack(tmp_path / made.name, b"\n".join(made.lines(500)))
    command = [sys.executable, "-c", KILLED, str(path), str(tmp_path / "out")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    (left,) = tmp_path.glob(".out.*.importing")
    # The next import of that name sweeps it away once nobody has written to it for an hour.
    for place in (left, *left.iterdir()):
        os.utime(place, (0, 0))
    assert import_logs([path], tmp_path / "out").kept == 500
    assert not left.exists()


def test_a_full_disk_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise pl.exceptions.ComputeError("No space left on device")

    made = MADE["hourly7.test.txt"]
    path = pack(tmp_path / made.name, b"\n".join(made.lines(5)))
    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(InputError, match=r"out: it cannot be written.*No space left"):
        import_logs([path], tmp_path / "out")
    assert [x.name for x in tmp_path.iterdir()] == [made.name]


def test_a_changed_bit_of_the_rows_is_noticed(tmp_path: Path) -> None:
    made = tmp_path / "mine.csv"
    made.write_text("price,value\n" + "".join(f"{1 + i % 7},0.0{1 + i % 9}\n" for i in range(99)))
    columns = tmp_path / "mine.toml"
    columns.write_text('[columns]\nprice = "price"\nvalue = "value"\n')
    import_logs([made], tmp_path / "log", mapped_form(read_column_map(columns)))
    (part,) = (tmp_path / "log" / "rows").iterdir()
    whole = part.read_bytes()
    for place in range(0, len(whole), 101):
        part.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(InputError, match=r"it is damaged or was changed"):
            read_log(tmp_path / "log")
    part.write_bytes(whole)
    assert read_log(tmp_path / "log")[0].test.impressions == 99
