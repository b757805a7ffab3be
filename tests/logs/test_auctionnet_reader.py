"""AuctionNet logs: whatever the order of rows and columns, one market comes out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_logs import HEADER, auctionnet, csv, write

from equibid.errors import InputError
from equibid.logs import read_auctionnet_rows, read_log
from equibid.logs.auctionnet import prorated
from equibid.markets.market import dense, validate
from shared import SHARED, needs

REAL = SHARED / "data/auctionnet/log_excerpt.csv.gz"
NAMES = HEADER.split(",")


def column(rows: list[list[str]], name: str) -> list[float]:
    return [float(row[NAMES.index(name)]) for row in rows]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("auctionnet")


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_what_was_written_is_read(tmp_path: Path, ending: str) -> None:
    rows = auctionnet(ticks=(2, 1, 3), advertisers=4)
    (log,) = read_auctionnet_rows(write(tmp_path / f"log.{ending}", csv(rows)))
    market = validate(log.market)
    assert market.values.shape == (6, 4)
    assert market.tick_start.tolist() == [0, 2, 3, 6]
    assert market.market_price is None
    for array, name in (
        (market.values, "pValue"),
        (log.bids, "bid"),
        (log.slot, "adSlot"),
        (log.cost, "cost"),
        (log.exposed, "isExposed"),
        (log.conversions, "conversionAction"),
        (log.remaining_budget, "remainingBudget"),
    ):
        assert np.asarray(array).ravel().tolist() == column(rows, name)
    assert log.least_winning_cost.tolist() == column(rows, "leastWinningCost")[::4]
    assert market.campaigns.target_cpa.tolist() == column(rows, "CPAConstraint")[:4]
    assert market.campaigns.category.tolist() == [0, 1, 0, 1]


def test_budgets_are_shares_of_what_was_spent(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet(ticks=(3, 4))))
    (log,) = read_auctionnet_rows(path)
    (dataset,) = read_log(path)
    assert dataset.train is not None
    charge = log.cost * log.exposed
    logged = np.asarray(column(auctionnet(ticks=(3, 4)), "budget")[:3])
    for market, spend in (
        (log.market, charge.sum()),
        (dataset.train, charge[:3].sum()),
        (dataset.test, charge[3:].sum()),
    ):
        budget = np.asarray(market.campaigns.budget)
        np.testing.assert_allclose(budget, logged / logged.sum() * spend, rtol=1e-14)


def test_the_first_half_is_a_training_log(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet(ticks=(3, 4))))
    (log,) = read_auctionnet_rows(path)
    (dataset,) = read_log(path)
    train, test, history = dataset.train, dataset.test, dataset.history
    assert train is not None
    assert train.market_price is not None
    assert history is not None
    assert np.concatenate([train.values, test.values]).tolist() == log.market.values.tolist()
    assert train.market_price.tolist() == log.least_winning_cost[:3].tolist()
    assert test.market_price is None
    assert test.tick_start.tolist() == [0, 4]
    assert history.impressions == 3
    np.testing.assert_allclose(history.value, np.asarray(train.values).sum(axis=0), rtol=1e-14)


@given(st.permutations(range(15)), st.permutations(range(18)))
def test_order_of_rows_and_columns_does_not_matter(
    folder: Path, rows_as: list[int], columns_as: list[int]
) -> None:
    rows = auctionnet()
    (plain,) = read_auctionnet_rows(write(folder / "log.csv", csv(rows)))
    mixed = [[rows[k][c] for c in columns_as] for k in rows_as]
    header = ",".join(NAMES[c] for c in columns_as)
    (other,) = read_auctionnet_rows(write(folder / "log.csv", csv(mixed, header)))
    for name in ("bids", "slot", "cost", "exposed", "conversions", "least_winning_cost"):
        assert (getattr(plain, name) == getattr(other, name)).all()
    assert plain.market.values.tolist() == other.market.values.tolist()
    assert plain.market.tick_start.tolist() == other.market.tick_start.tolist()


def test_every_delivery_period_is_a_recording(tmp_path: Path) -> None:
    rows = auctionnet(period=3) + auctionnet(period=8, advertisers=2, seed=1)
    datasets = read_log(write(tmp_path / "days.csv", csv(rows)))
    assert [dataset.name for dataset in datasets] == ["days-3", "days-8"]
    assert [dataset.test.advertisers for dataset in datasets] == [3, 2]


def test_numbers_that_skip_become_names(tmp_path: Path) -> None:
    rows = auctionnet()
    for row in rows:
        row[1] = repr(float(row[1]) * 2 + 5)
    (log,) = read_auctionnet_rows(write(tmp_path / "log.csv", csv(rows)))
    assert log.market.labels.advertisers == ("5", "7", "9")


def test_one_impression_is_too_few(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet(ticks=(1,))))
    with pytest.raises(InputError, match="a single impression"):
        read_log(path)


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=8), st.floats(0, 1e6))
def test_prorated_budgets_sum_to_the_spend(budgets: list[float], spend: float) -> None:
    budget = np.array(budgets)
    shares = prorated(budget, spend)
    np.testing.assert_allclose(shares.sum(), spend, rtol=1e-12)
    np.testing.assert_allclose(shares * budget.sum(), budget * spend, rtol=1e-12)


@needs("data/auctionnet/log_excerpt.csv.gz")
def test_the_real_excerpt() -> None:
    (log,) = read_auctionnet_rows(REAL)
    market = validate(log.market)
    assert market.values.shape == (1824 + 400 + 400, 48)
    assert market.tick_start.tolist() == [0, 1824, 2224, 2624]
    # Six categories of eight advertisers; three slots an impression.
    assert np.bincount(np.asarray(market.campaigns.category)).tolist() == [8] * 6
    assert (np.sort(log.slot, axis=1)[:, -3:] == [1, 2, 3]).all()
    assert not (log.exposed & (log.slot == 0)).any()
    assert not (log.conversions & ~log.exposed).any()
    spend = (log.cost * log.exposed).sum()
    np.testing.assert_allclose(np.asarray(market.campaigns.budget).sum(), spend, rtol=1e-12)


def test_advertisers_may_be_absent_from_impressions(tmp_path: Path) -> None:
    rows = auctionnet(ticks=(3, 2))
    draw = np.random.default_rng(2)
    kept = [row for row in rows if row[1] == "0.0" or draw.random() < 0.6]
    assert len(kept) < len(rows)
    path = write(tmp_path / "log.csv", csv(kept))
    (log,) = read_auctionnet_rows(path)
    market = validate(log.market)
    names = HEADER.split(",")
    where = {}
    for row in kept:
        cells = dict(zip(names, map(float, row), strict=True))
        where[cells["timeStepIndex"], cells["pvIndex"], int(cells["advertiserNumber"])] = cells
    places = sorted({key[:2] for key in where})
    values = np.asarray(dense(market))
    assert values.shape == (5, 3)
    for k, place in enumerate(places):
        for n in range(3):
            cells = where.get((*place, n))
            assert values[k, n] == (cells["pValue"] if cells else 0)
            assert log.bids[k, n] == (cells["bid"] if cells else -np.inf)
    (dataset,) = read_log(path)
    assert dataset.train is not None
    assert dataset.test.impressions + dataset.train.impressions == 5


def test_mostly_absent_advertisers_make_candidate_lists(tmp_path: Path) -> None:
    rows = [
        row
        for row in auctionnet(ticks=(30,), advertisers=9)
        if int(float(row[7])) % 9 == int(float(row[1]))
    ]
    (log,) = read_auctionnet_rows(write(tmp_path / "log.csv", csv(rows)))
    assert log.market.candidates is not None
    assert validate(log.market).values.shape == (30, 1)
