"""Values are trained on imported logs as on the files themselves."""

from pathlib import Path

import polars as pl
import pytest
from made_imports import raw

from equibid.errors import InputError
from equibid.logs.importing import import_logs
from equibid.logs.ipinyou_log import parts_of, read_impressions


def prepared(count: int, seed: int) -> str:
    rows = raw(count, seed=seed)
    lines = []
    for k, row in enumerate(rows):
        row[22] = "1458"
        lines.append("\t".join([str(k % 2), "3", f"{k % 24:02d}", *row]))
    return "\n".join(lines) + "\n"


def test_an_import_gives_the_words_of_its_files(tmp_path: Path) -> None:
    for seed, name in enumerate(("train.log.txt", "test.log.txt")):
        (tmp_path / name).write_text(prepared(30, seed))
    import_logs([tmp_path / "train.log.txt", tmp_path / "test.log.txt"], tmp_path / "out")
    for file, log in zip(parts_of(tmp_path), parts_of(tmp_path / "out"), strict=True):
        assert file is not None
        assert log is not None
        one, other = read_impressions(file), read_impressions(log)
        assert one.columns == other.columns
        assert one.campaign == other.campaign == "1458"
        for name in ("time", "price", "happened"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist()


def test_joined_impressions_have_their_weekday_hour_and_clicks(tmp_path: Path) -> None:
    rows = raw(4)
    for row in rows:
        row[22] = "1458"
        row[1] = "20131019235959000"
    click = [*rows[1]]
    click[2] = "2"
    for name, lines in (("imp.txt", rows), ("clk.txt", [click])):
        (tmp_path / name).write_text("".join("\t".join(row) + "\n" for row in lines))
    import_logs([tmp_path / "imp.txt", tmp_path / "clk.txt"], tmp_path / "out", join=True)
    train, test = parts_of(tmp_path / "out")
    assert test is None
    read = read_impressions(train)
    assert read.happened.tolist() == [False, True, False, False]
    # 19 October 2013 was a Saturday.
    assert read.columns["weekday"] == ["6"] * 4
    assert read.columns["hour"] == ["23"] * 4


def test_other_imports_are_refused(tmp_path: Path) -> None:
    (tmp_path / "7.yzpc.txt").write_text("0 50 0.1 3\n")
    import_logs([tmp_path / "7.yzpc.txt"], tmp_path / "out")
    with pytest.raises(InputError, match="it is of the form yzpc; values are trained on"):
        parts_of(tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out/rows/*.parquet").height == 1
