"""Finding the format of a log."""

from pathlib import Path

import polars as pl
import pytest
from made_logs import HEADER, auctionnet, clicks, csv, info, spaced, write

from equibid.errors import InputError
from equibid.logs import READERS, read_log
from equibid.logs.importing import import_logs
from equibid.logs.importing.source import open_source

HOURLY = spaced([[*row, "3"] for row in clicks(4)])


def test_the_kinds_of_folders_are_declared() -> None:
    assert set(READERS) == {"imported", "values"}
    assert all(READERS.summaries[name] for name in READERS)


def test_each_file_is_recognised_by_one_form_wherever_it_is_read(tmp_path: Path) -> None:
    lines = spaced(clicks(4))
    files = {
        "1.valid.theta.txt": ("rlb", lines),
        "any.name": ("rlb", lines),
        "2.test.theta.txt.gz": ("rlb", lines),
        "1.test.txt": ("hourly", HOURLY),
        "3.train.txt.gz": ("hourly", HOURLY),
        "train.txt": ("yzpc", HOURLY),
        "7.yzpc.txt": ("yzpc", HOURLY),
        "log.csv": ("auctionnet", csv(auctionnet())),
        "log.txt": ("auctionnet", csv(auctionnet())),
        "day.csv.gz": ("auctionnet", csv(auctionnet())),
    }
    for file, (name, content) in files.items():
        assert open_source(write(tmp_path / file, content)).form.name == name


@pytest.mark.parametrize("name", ["notes.md", "other.csv", "1.test.yzbx.txt", "train.log.txt"])
def test_other_files_are_not_recognised(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, "state,action\n1,2\n")
    for read in (read_log, open_source):
        with pytest.raises(InputError, match="no log form recognises it, tried auctionnet, "):
            read(path)


def test_a_folder_of_two_forms_needs_a_name(tmp_path: Path) -> None:
    write(tmp_path / "1.info.json", info())
    write(tmp_path / "1.valid.theta.txt", spaced(clicks(4)))
    write(tmp_path / "1.test.txt", HOURLY)
    write(tmp_path / "README", "not a log")
    with pytest.raises(InputError, match="could be hourly or rlb; name one as the format"):
        read_log(tmp_path)
    assert [r.test.impressions for r in read_log(str(tmp_path), format="hourly")] == [4]
    assert [r.test.ticks for r in read_log(tmp_path, format="rlb")] == [4]


def test_a_folder_for_each_campaign_is_read_by_its_name(tmp_path: Path) -> None:
    """The layouts of rlb-dp and rtbcontrol: files that are only called train and test."""
    for number, campaign in enumerate(("2997", "1458")):
        (tmp_path / "rlb" / campaign).mkdir(parents=True)
        write(tmp_path / "rlb" / campaign / "info.json", info())
        lines = spaced(clicks(6, number))
        write(tmp_path / "rlb" / campaign / "test.theta.txt", lines)
    datasets = read_log(tmp_path / "rlb")
    assert [x.name for x in datasets] == ["1458", "2997"]
    for dataset in datasets:
        assert dataset.history is not None
        assert dataset.history.impressions == 301
    (one,) = read_log(tmp_path / "rlb/2997/info.json")
    (same,) = read_log(tmp_path / "rlb/2997/test.theta.txt")
    assert one.name == same.name == "2997"

    folder = tmp_path / "exp-data"
    folder.mkdir()
    for number, part in enumerate(("train", "test")):
        rows = [[*row, "3"] for row in clicks(5 + number, number)]
        write(folder / f"{part}.txt", spaced(rows, "\t"))
    for path in (folder, folder / "test.txt", folder / "train.txt"):
        (both,) = read_log(path)
        assert both.train is not None
        assert (both.name, both.train.impressions, both.test.impressions) == ("exp-data", 5, 6)


def test_what_cannot_be_played_says_what_it_is_good_for(tmp_path: Path) -> None:
    path = write(tmp_path / "7.train.yzx.txt", "0\t50\t1:1 2:1\n")
    with pytest.raises(InputError, match="ipinyou-features cannot be played: it has no predict"):
        read_log(path)
    summary = import_logs([path], tmp_path / "out")
    assert ["it has no predictions" in note for note in summary.notes] == [True]


def test_compare_and_import_read_the_same_parquet(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet()))
    pl.read_csv(path).write_parquet(tmp_path / "log.parquet")
    (one,), (other,) = read_log(path), read_log(tmp_path / "log.parquet")
    assert one.test.values.tolist() == other.test.values.tolist()
    lines = pl.read_csv(path).write_ndjson()
    (third,) = read_log(write(tmp_path / "log.jsonl", lines))
    assert one.test.values.tolist() == third.test.values.tolist()


@pytest.mark.parametrize("format", [None, "rlb", "hourly", "auctionnet"])
def test_nothing_at_the_path(tmp_path: Path, format: str | None) -> None:
    with pytest.raises(InputError, match=r"nowhere: there is no such file or folder"):
        read_log(tmp_path / "nowhere", format)


@pytest.mark.parametrize("format", ["rlb", "hourly", "auctionnet"])
def test_an_empty_folder_is_refused(tmp_path: Path, format: str) -> None:
    with pytest.raises(InputError, match="no file in it is a log of a known form"):
        read_log(tmp_path)
    with pytest.raises(InputError, match=str(tmp_path)):
        read_log(tmp_path, format)


def test_a_wrong_format_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet()))
    with pytest.raises(InputError, match="there is no log form 'auctionet'; try auctionnet"):
        read_log(path, "auctionet")
    with pytest.raises(InputError, match=r"line 1: 1 columns where 4 belong"):
        read_log(path, "hourly")


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", csv(auctionnet()))
    marked = write(tmp_path / "b.csv", "\ufeff" + csv(auctionnet()).replace("\n", "\r\n"))
    assert HEADER in plain.read_text()
    (one,), (other,) = read_log(plain), read_log(marked)
    assert one.test.values.tolist() == other.test.values.tolist()
