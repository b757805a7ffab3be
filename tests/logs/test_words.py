"""What people write for numbers, days and times."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.logs.importing.words import days, numbers, times


@pytest.mark.parametrize(
    ("word", "point", "comma"),
    [
        ("1.5", 1.5, None),
        ("1,5", None, 1.5),
        (" 2 ", 2.0, 2.0),
        ("12 %", 0.12, 0.12),
        ("0,5%", None, 0.005),
        ("1.234,5", None, None),
        ("1e-3", 0.001, 0.001),
        ("yes", 1.0, 1.0),
        ("False", 0.0, 0.0),
        ("T", 1.0, 1.0),
        ("nan", None, None),
        ("maybe", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_numbers_are_read_as_they_are_written(
    word: str | None, point: float | None, comma: float | None
) -> None:
    column = pl.Series(["3", word, "7"])
    assert numbers(column).to_list() == [3.0, point, 7.0]
    assert numbers(column, ",").to_list() == [3.0, comma, 7.0]


def test_typed_numbers_stay() -> None:
    assert numbers(pl.Series([1, 2])).to_list() == [1.0, 2.0]
    assert numbers(pl.Series([True, None, False])).to_list() == [1.0, None, 0.0]
    assert numbers(pl.Series([0.1, float("nan")])).to_list() == [0.1, None]


def test_days_are_numbers_or_dates() -> None:
    words = ["3", "3.0", "1970-01-05", "1970-01-05 00:00:00", "x", "2.5", "2013-02-30", None]
    assert days(pl.Series(words)).to_list() == [3, 3, 4, 4, None, None, None, None]
    assert days(pl.Series([date(1970, 1, 5)])).to_list() == [4]
    assert days(pl.Series([5.0, 5.5])).to_list() == [5, None]


MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "word",
    [
        "2023-11-14T22:13:20Z",
        "2023-11-14 22:13:20+00:00",
        "2023-11-14T22:13:20",
        "2023-11-15T06:13:20+0800",
        "2023-11-14T14:43:20.000-07:30",
        "20231114221320000",
        "20231114221320",
        "1700000000",
        "1700000000.0",
        "1700000000000",
        "1700000000000000",
        "1700000000000000000",
    ],
)
def test_a_moment_is_the_same_however_it_is_written(word: str) -> None:
    assert times(pl.Series([word])).to_list() == [MOMENT]


@pytest.mark.parametrize(
    "word",
    ["", "x", "2023-11-14", "2023-02-30 01:00:00", "2023-01-01 24:30:00", "2023111422", "86400"],
)
def test_what_is_no_moment_is_none(word: str) -> None:
    assert times(pl.Series([word])).to_list() == [None]


def test_clocks_without_a_zone_are_those_of_the_zone_that_is_named() -> None:
    read = times(pl.Series(["2023-03-26 01:30:00", "2023-03-26 02:30:00"]), "Europe/Berlin")
    # The clock of that night has no half past two.
    assert read.to_list() == [datetime(2023, 3, 26, 0, 30, tzinfo=UTC), None]
    told = times(pl.Series(["2023-03-26 01:30:00Z", "1679794200"]), "Europe/Berlin")
    assert told.to_list() == [datetime(2023, 3, 26, 1, 30, tzinfo=UTC)] * 2
    typed = pl.Series([datetime(2023, 7, 1, 12)])
    assert times(typed, "Asia/Shanghai").to_list() == [datetime(2023, 7, 1, 4, tzinfo=UTC)]


def test_a_unit_is_taken_at_its_word() -> None:
    read = times(pl.Series(["0", "90000.5", "-1", "1e300"]), unit="s")
    first = datetime(1970, 1, 1, tzinfo=UTC)
    second = datetime(1970, 1, 2, 1, 0, 0, 500_000, tzinfo=UTC)
    assert read.to_list() == [first, second, None, None]


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2033, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["s", "ms", "us"]),
)
def test_counts_and_iso_agree(moment: datetime, unit: str) -> None:
    size = {"s": 1_000_000, "ms": 1000, "us": 1}[unit]
    since = pl.Series([moment]).dt.epoch("us")[0] // size * size
    exact = pl.Series([since]).cast(pl.Datetime("us", "UTC"))
    words = pl.Series([str(since // size), exact[0].isoformat()])
    assert times(words).to_list() == [exact[0], exact[0]]
