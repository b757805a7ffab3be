"""Finding the format of a log."""

from pathlib import Path

import pytest
from made_logs import HEADER, auctionnet, clicks, csv, info, spaced, write

from equibid.errors import InputError
from equibid.logs import READERS, read_log

HOURLY = spaced([[*row, "3"] for row in clicks(4)])


def test_the_formats_are_declared() -> None:
    known = {"rlb", "hourly", "auctionnet", "imported", "ipinyou-log", "values"}
    assert set(READERS) == known
    assert all(READERS.summaries[name] for name in READERS)


def test_each_file_is_recognised_by_one_format(tmp_path: Path) -> None:
    files = {
        "1.info.json": ("rlb", info()),
        "1.valid.theta.txt": ("rlb", spaced(clicks(4))),
        "2.test.theta.txt.gz": ("rlb", spaced(clicks(4))),
        "1.test.txt": ("hourly", HOURLY),
        "3.train.txt.gz": ("hourly", HOURLY),
        "log.csv": ("auctionnet", csv(auctionnet())),
        "day.csv.gz": ("auctionnet", csv(auctionnet())),
    }
    for file, (name, content) in files.items():
        path = write(tmp_path / file, content)
        assert [known for known in READERS if READERS[known].recognises(path)] == [name]


@pytest.mark.parametrize("name", ["notes.md", "other.csv", "1.test.yzbx.txt", "train.log.txt"])
def test_other_files_are_not_recognised(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, "state,action\n1,2\n")
    with pytest.raises(InputError) as caught:
        read_log(path)
    assert str(caught.value) == (
        f"{path}: no log format recognises it, tried {', '.join(READERS)}; name one as the format"
    )


def test_a_folder_of_two_formats_needs_a_name(tmp_path: Path) -> None:
    write(tmp_path / "1.info.json", info())
    write(tmp_path / "1.valid.theta.txt", spaced(clicks(4)))
    write(tmp_path / "1.test.txt", HOURLY)
    with pytest.raises(InputError, match="could be hourly or rlb; name one as the format"):
        read_log(tmp_path)
    assert [r.test.impressions for r in read_log(str(tmp_path), format="hourly")] == [4]
    assert [r.test.ticks for r in read_log(tmp_path, format="rlb")] == [4]


@pytest.mark.parametrize("format", [None, "rlb", "hourly", "auctionnet"])
def test_nothing_at_the_path(tmp_path: Path, format: str | None) -> None:
    with pytest.raises(InputError, match=r"nowhere: there is no such file or folder"):
        read_log(tmp_path / "nowhere", format)


@pytest.mark.parametrize("format", ["rlb", "hourly", "auctionnet"])
def test_an_empty_folder_is_refused(tmp_path: Path, format: str) -> None:
    with pytest.raises(InputError, match=f"tried {', '.join(READERS)}"):
        read_log(tmp_path)
    with pytest.raises(InputError, match=str(tmp_path)):
        read_log(tmp_path, format)


def test_a_wrong_format_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet()))
    with pytest.raises(InputError, match="there is no log format 'auctionet'; try auctionnet"):
        read_log(path, "auctionet")
    with pytest.raises(InputError, match=r"line 1: 1 columns where 4 belong"):
        read_log(path, "hourly")


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", csv(auctionnet()))
    marked = write(tmp_path / "b.csv", "\ufeff" + csv(auctionnet()).replace("\n", "\r\n"))
    assert HEADER in plain.read_text()
    (one,), (other,) = read_log(plain), read_log(marked)
    assert one.test.values.tolist() == other.test.values.tolist()
