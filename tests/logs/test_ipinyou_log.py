"""Logs of make-ipinyou-data: what is read, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from equibid.errors import InputError
from equibid.logs import read_log
from equibid.logs.ipinyou_log import COLUMNS, moments_of, parts_of, read_impressions
from made_impressions import planted, text
from shared import SHARED, needs

REAL = SHARED / "data/ipinyou"


@pytest.mark.parametrize("headed", [False, True])
@pytest.mark.parametrize("ending", ["txt", "txt.gz"])
def test_what_was_written_is_read_in_order_of_time(
    tmp_path: Path, headed: bool, ending: str
) -> None:
    made = planted(60)
    shuffled = np.random.default_rng(0).permutation(60)
    rows = [made.rows[k] for k in shuffled]
    names = COLUMNS[:27]
    if headed:
        # Columns are found by name, in whatever order; a conversion column is one more.
        turn = np.random.default_rng(1).permutation(26) + 1
        names = ("click", *(COLUMNS[i] for i in turn))
        rows = [[row[0], *(row[i] for i in turn)] for row in rows]
    data = text(rows, names if headed else ()).encode()
    path = tmp_path / f"train.log.{ending}"
    path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    log = read_impressions(path)
    assert log.campaign == "11"
    assert log.time.tolist() == [int(row[4]) for row in made.rows]
    assert log.price.tolist() == [float(row[23]) for row in made.rows]
    assert log.happened.tolist() == made.clicked.tolist()
    assert list(log.columns["usertag"]) == [row[26] for row in made.rows]
    assert parts_of(tmp_path) == (path, None)
    last = log.part(50, 60)
    assert last.time.tolist() == log.time[50:].tolist()
    assert len(last.columns["city"]) == 10


def test_conversions_stand_in_logs_of_29_columns(tmp_path: Path) -> None:
    made = planted(30)
    counted = [[*row, row[0], str(k % 3)] for k, row in enumerate(made.rows)]
    path = tmp_path / "test.log.txt"
    path.write_text(text(counted))
    happened = read_impressions(path, "conversion").happened
    assert happened.tolist() == [k % 3 > 0 for k in range(30)]
    path.write_text(text(made.rows))
    with pytest.raises(InputError, match=r"test.log.txt: column 'nconversation' is missing"):
        read_impressions(path, "conversion")


def with_word(line: int, column: int, word: str) -> str:
    rows = planted(5).rows
    rows[line][column] = word
    return text(rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("1\t2\n", r"line 1: 2 columns where 29 belong"),
        (text(planted(3).rows) + "0\t1\n", r"line 4: 2 columns where 27 belong"),
        (text([*planted(3).rows, [*planted(1).rows[0], "x"]]), "line 4: 28 columns where 27"),
        (with_word(2, 0, "2"), "line 3: click '2' is not a whole number from 0 to 1"),
        (with_word(2, 0, "yes"), "line 3: click 'yes' is not a whole number"),
        (with_word(1, 23, "-4"), "line 2: payprice '-4' is not a whole number"),
        (with_word(3, 23, "1.5"), "line 4: payprice '1.5' is not a whole number"),
        (
            with_word(3, 4, "20131345010203004"),
            "line 4: timestamp .* is not a time",
        ),
        (with_word(3, 4, "2013"), "line 4: timestamp '2013' is not a time"),
        (with_word(3, 25, "12"), "advertiser must be one and the same"),
        (text(planted(2).rows, ("click", *COLUMNS[2:27], "x")), "'weekday' is missing"),
        (text(planted(2).rows, ("click", *COLUMNS[1:26], "hour")), "column 'hour' is there twice"),
        ("\t".join(COLUMNS[:27]) + "\n", "it holds no rows"),
        (text([row[1:] for row in planted(2).rows], COLUMNS[1:27]), "column 'click' is missing"),
    ],
)
def test_bad_logs_are_refused_with_the_place(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "train.log.txt"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as error:
        read_impressions(path)
    assert str(path) in str(error.value)


def test_an_empty_word_is_null(tmp_path: Path) -> None:
    path = tmp_path / "train.log.txt"
    path.write_text(with_word(1, 12, ""))
    assert read_impressions(path).columns["domain"][1] == "null"


def test_it_is_no_market_by_itself(tmp_path: Path) -> None:
    (tmp_path / "train.log.txt").write_text(text(planted(3).rows))
    with pytest.raises(InputError, match="train predictions with `equibid values"):
        read_log(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        parts_of(tmp_path / "none")
    (tmp_path / "train.log.txt").rename(tmp_path / "else.log.txt")
    with pytest.raises(InputError, match=r"holds no train\.log\.txt"):
        parts_of(tmp_path)


def test_times_keep_their_milliseconds() -> None:
    moments = moments_of(np.array([20131019235959999, 20131301000000000, 20131019]))
    assert str(moments[0]) == "2013-10-19 23:59:59.999000"
    assert moments[1:].to_list() == [None, None]


@needs("data/ipinyou/log_2259")
def test_the_real_log() -> None:
    train, test = parts_of(REAL / "log_2259")
    assert test is not None
    log, later = read_impressions(train), read_impressions(test, "conversion")
    assert (len(log.time), int(log.happened.sum()), log.campaign) == (8355, 5, "2259")
    assert (len(later.time), int(later.happened.sum())) == (4171, 0)
    assert (np.diff(log.time) >= 0).all()
    assert log.price.max() <= 294
    headed = read_impressions(REAL / "1458.train.log.first100.txt")
    assert (len(headed.time), headed.campaign) == (99, "1458")
