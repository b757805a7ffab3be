"""Days and ticks of a mapped log, whatever the order of its rows."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.errors import InputError
from equibid.logs import LogDataset, read_log
from equibid.logs.clock import clock_of
from equibid.logs.importing import import_logs, mapped_form, read_column_map

START = datetime(2023, 11, 14, tzinfo=UTC)


def log(hours: list[int]) -> pl.DataFrame:
    """A row for each hour after the start; prices tell rows apart."""
    count = len(hours)
    moments = [START + timedelta(hours=hour, seconds=k) for k, hour in enumerate(hours)]
    return pl.DataFrame(
        {
            "ts": [str(int(moment.timestamp())) for moment in moments],
            "day": [str(moment.date()) for moment in moments],
            "hour": [moment.hour for moment in moments],
            "counted": hours,
            "price": np.arange(1, count + 1) / 1000,
            "p": np.full(count, 0.25),
            "click": [k % 2 for k in range(count)],
        }
    )


def recorded(folder: Path, rows: pl.DataFrame, mapped: str, zone: str | None = None) -> LogDataset:
    rows.write_csv(folder / "log.csv")
    text = f'[columns]\nprice = "price"\nvalue = "p"\nclick = "click"\n{mapped}'
    (folder / "map.toml").write_text(text)
    columns = read_column_map(folder / "map.toml").in_zone(zone)
    summary = import_logs(
        [folder / "log.csv"], folder / f"out{len(list(folder.iterdir()))}", mapped_form(columns)
    )
    assert summary.quarantined == 0
    (dataset,) = read_log(summary.folder)
    return dataset


# Three whole days of unequal traffic.
HOURS = [0, 1, 1, 23, 24, 30, 40, 47, 48, 50, 50, 50, 71]
WAYS = [
    'time = "ts"',
    'time = {column = "ts", unit = "s"}',
    'day = "day"\nhour = "hour"',
    'day = "day"\ntick = "hour"',
    'hour = "counted"',
]


@pytest.mark.parametrize("way", WAYS)
def test_days_are_periods_and_the_order_of_rows_is_of_no_account(tmp_path: Path, way: str) -> None:
    rows = log(HOURS)
    first = recorded(tmp_path, rows, way)
    assert first.day_ticks is not None
    assert first.test.ticks == 3 * first.day_ticks
    assert np.asarray(first.test.tick_start)[:: first.day_ticks].tolist() == [0, 4, 8, 13]
    shuffled = recorded(tmp_path, rows.sample(fraction=1, shuffle=True, seed=4), way)
    np.testing.assert_array_equal(shuffled.test.tick_start, first.test.tick_start)
    for one in (first, shuffled):
        # Each tick has its rows, known by their prices.
        edges = np.asarray(one.test.tick_start)
        price = np.rint(np.asarray(one.test.market_price) / 1000).astype(int)
        for low, high in pairwise(edges):
            assert len({HOURS[number - 1] for number in price[low:high]}) <= 1
    budget = first.test.campaigns.budget
    total = float(rows["price"].sum()) * 1e6
    np.testing.assert_allclose(budget, int(total / 3 / 8), atol=1)


def test_times_order_rows_to_the_microsecond(tmp_path: Path) -> None:
    rows = log(HOURS)
    shuffled = recorded(tmp_path, rows.sample(fraction=1, shuffle=True, seed=1), WAYS[0])
    price = np.rint(np.asarray(shuffled.test.market_price) / 1000)
    assert price.tolist() == list(range(1, 14))


def test_the_zone_says_when_a_day_begins(tmp_path: Path) -> None:
    rows = log([0, 12, 23, 24, 36, 47, 48, 60, 71])
    home = recorded(tmp_path, rows, WAYS[0])
    assert np.asarray(home.test.tick_start)[::24].tolist() == [0, 3, 6, 9]
    # Eight hours later the first day begins at 8 and the last ends at 7: a part, which is left out.
    away = recorded(tmp_path, rows, WAYS[0], "Asia/Shanghai")
    assert np.asarray(away.test.tick_start)[::24].tolist() == [0, 2, 5, 8]


def test_fewer_than_two_days_are_one_period(tmp_path: Path) -> None:
    rows = log([22, 23, 24, 25, 40, 46])
    one = recorded(tmp_path, rows, WAYS[0])
    assert one.day_ticks is None
    # From 22 h to 22 h of the next day.
    assert one.test.ticks == 25
    assert np.flatnonzero(np.diff(one.test.tick_start)).tolist() == [0, 1, 2, 3, 18, 24]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_a_tick_alone_is_a_step_of_one_period(ticks: list[int]) -> None:
    clock = clock_of(pl.DataFrame({"tick": ticks}), {})
    assert clock.day_ticks is None
    assert np.asarray(ticks)[clock.order].tolist() == sorted(ticks)
    assert len(clock.tick_start) == len(set(ticks)) + 1
    assert clock.order.tolist() == sorted(range(len(ticks)), key=lambda k: (ticks[k], k))


def test_days_alone_are_spread_evenly() -> None:
    clock = clock_of(pl.DataFrame({"day": [7, 3] * 80}), {})
    assert clock.day_ticks == 40
    assert np.diff(clock.tick_start).tolist() == [2] * 80


def notes_of(folder: Path, rows: pl.DataFrame, mapped: str) -> str:
    rows.write_csv(folder / "log.csv")
    (folder / "map.toml").write_text(f"[columns]\n{mapped}")
    form = mapped_form(read_column_map(folder / "map.toml"))
    return " | ".join(import_logs([folder / "log.csv"], folder / "out", form).notes)


@pytest.mark.parametrize(
    ("mapped", "said"),
    [
        ('price = "price"\nvalue = "p"\nhour = "counted"', "taken as 3 days of 24 hours"),
        ('price = "price"\nvalue = "p"\ntime = "ts"', "3 days, each a delivery period"),
        ('price = "price"\nvalue = "p"\ntick = "hour"', "tick falls 2 times"),
        ('price = "price"\nvalue = "click"', "value is 0 or 1 in every row"),
        ('price = "price"\nclick = "click"', "no predicted values to bid by"),
        ('value = "p"', "there is no price"),
    ],
)
def test_what_is_taken_for_granted_is_said(tmp_path: Path, mapped: str, said: str) -> None:
    assert said in notes_of(tmp_path, log(HOURS), mapped)


def test_nothing_is_said_of_a_plain_log(tmp_path: Path) -> None:
    assert notes_of(tmp_path, log(HOURS), 'price = "price"\nvalue = "p"\nclick = "click"') == ""


def test_a_log_may_say_its_budgets(tmp_path: Path) -> None:
    rows = log(HOURS)
    told = recorded(tmp_path, rows.with_columns(daily=pl.lit(12.5)), 'budget = "daily"')
    assert told.budgeted
    assert told.test.campaigns.budget.tolist() == [12.5e6]
    mixed = rows.with_columns(daily=pl.int_range(pl.len()) % 2 + 1)
    with pytest.raises(InputError, match="is 1 and 2 in different rows"):
        recorded(tmp_path, mixed, 'budget = "daily"')


def test_a_day_has_as_many_ticks_as_are_asked_for() -> None:
    moments = pl.Series([START + timedelta(minutes=7 * k) for k in range(500)])
    clock = clock_of(
        pl.DataFrame({"time": moments.cast(pl.Datetime("us", "UTC"))}), {"day_ticks": 48}
    )
    assert clock.day_ticks == 48
    assert len(clock.tick_start) == 2 * 48 + 1
