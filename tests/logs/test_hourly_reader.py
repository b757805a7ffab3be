"""Logs with an hour: rows, ticks and the training log beside them."""

import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_logs import clicks, spaced, write

from equibid.errors import InputError
from equibid.logs import read_log
from equibid.logs.hourly import in_hours
from equibid.markets.market import validate
from shared import SHARED, needs

REAL = SHARED / "data/ipinyou/hourly"


def rows(hours: list[int], seed: int = 0) -> list[list[str]]:
    return [[*row, str(hour)] for row, hour in zip(clicks(len(hours), seed), hours, strict=True)]


@pytest.mark.parametrize("ending", ["txt", "txt.gz"])
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_what_was_written_is_read(tmp_path: Path, ending: str, separator: str) -> None:
    earlier, later = rows([22, 22, 23, 0, 0, 1], seed=1), rows([1, 2, 2, 2])
    train = write(tmp_path / f"12.train.{ending}", spaced(earlier, separator))
    test = write(tmp_path / f"12.test.{ending}", spaced(later, separator))
    for path in (train, test, tmp_path):
        (dataset,) = read_log(path)
        assert dataset.train is not None
        assert dataset.history is not None
        for market, written in ((dataset.train, earlier), (dataset.test, later)):
            validate(market)
            assert market.market_price is not None
            assert market.outcomes is not None
            assert market.values[:, 0].tolist() == [float(row[2]) for row in written]
            assert market.market_price.tolist() == [float(row[1]) for row in written]
            assert market.outcomes[:, 0].tolist() == [row[0] == "1" for row in written]
        assert dataset.train.tick_start.tolist() == [0, 2, 3, 5, 6]
        assert dataset.test.tick_start.tolist() == [0, 1, 4]
        prices = [int(row[1]) for row in earlier]
        assert dataset.history.cost == sum(prices)
        assert dataset.history.counts.tolist() == np.bincount(prices, minlength=301).tolist()
        assert dataset.history.value.tolist() == [sum(int(row[0]) for row in earlier)]
        budget = int(sum(prices) / 6 / 8 * 1000)
        assert dataset.test.campaigns.budget.tolist() == [budget]
        assert dataset.train.campaigns.budget.tolist() == [budget]


def test_a_test_file_alone_has_no_past(tmp_path: Path) -> None:
    written = rows([5, 6])
    (dataset,) = read_log(write(tmp_path / "12.test.txt", spaced(written)))
    assert dataset.train is None
    assert dataset.history is None
    mean = sum(int(row[1]) for row in written) / 2
    assert dataset.test.campaigns.budget.tolist() == [int(mean / 8 * 1000)]
    # Any name will do for a file whose format is named.
    (same,) = read_log(write(tmp_path / "other", spaced(written)), format="hourly")
    assert same.test.values.tolist() == dataset.test.values.tolist()


def test_a_train_file_alone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "12.train.txt", spaced(rows([5, 6])))
    with pytest.raises(InputError, match=r"no 12\.test\.txt"):
        read_log(path)


def test_two_copies_are_refused(tmp_path: Path) -> None:
    for name in ("12.test.txt", "12.test.txt.gz"):
        write(tmp_path / name, spaced(rows([5, 6])))
    with pytest.raises(InputError, match="are both of 12; name one"):
        read_log(tmp_path)


@given(st.lists(st.integers(0, 23), min_size=1, max_size=30))
def test_hours_of_the_day_stay_in_order_and_split_where_they_change(hours: list[int]) -> None:
    order, start = in_hours(np.array(hours))
    assert order.tolist() == list(range(len(hours)))
    assert start[0] == 0
    assert start[-1] == len(hours)
    ticks = [hours[a:b] for a, b in pairwise(start)]
    assert all(len(set(tick)) == 1 for tick in ticks)
    assert all(a[0] != b[0] for a, b in pairwise(ticks))


@given(st.lists(st.integers(20, 40), min_size=1, max_size=30))
def test_hours_counted_on_are_sorted_stably(hours: list[int]) -> None:
    hours = [*hours, 24]
    order, start = in_hours(np.array(hours))
    assert order.tolist() == sorted(range(len(hours)), key=lambda k: (hours[k], k))
    assert len(start) == len(set(hours)) + 1


@needs("data/ipinyou/hourly")
def test_real_campaigns() -> None:
    datasets = {dataset.name: dataset for dataset in read_log(REAL)}
    assert list(datasets) == ["1458", "2259", "2261"]
    first = datasets["1458"]
    assert first.train is not None
    assert first.train.impressions == 220_000
    assert first.train.ticks == 15
    assert {dataset.test.impressions for dataset in datasets.values()} == {80_000}
    assert [dataset.test.ticks for dataset in datasets.values()] == [5, 37, 18]
    assert datasets["2259"].train is None
    for name, dataset in datasets.items():
        with gzip.open(REAL / f"{name}.test.txt.gz", "rt") as file:
            words = [line.split() for line in file]
        words.sort(key=lambda row: int(row[3]))
        market = validate(dataset.test)
        assert np.asarray(market.market_price).tolist() == [float(row[1]) for row in words]
        assert market.values[:, 0].tolist() == [float(row[2]) for row in words]
