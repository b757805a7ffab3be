"""The RLB form: what is read is what was written, and what the real files say of themselves."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from made_logs import clicks, info, spaced, write

from equibid.errors import InputError
from equibid.logs import campaign_budget, read_log, rlb, with_budget_share
from equibid.markets.market import validate
from shared import SHARED, needs

REAL = SHARED / "data/ipinyou/rlb"
CAMPAIGNS = ("1458", "2259", "2261", "2821", "2997", "3358", "3386", "3427", "3476")


@pytest.mark.parametrize("ending", ["theta.txt", "theta.txt.gz"])
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_what_was_written_is_read(tmp_path: Path, ending: str, separator: str) -> None:
    rows = clicks(50)
    of_info = write(tmp_path / "12.info.json", info())
    theta = write(tmp_path / f"12.valid.{ending}", spaced(rows, separator))
    for path in (of_info, theta, tmp_path):
        (dataset,) = read_log(path)
        market = validate(dataset.test)
        assert dataset.name == "12"
        assert dataset.period == 1000
        assert dataset.train is None
        assert market.market_price is not None
        assert market.outcomes is not None
        assert market.values[:, 0].tolist() == [float(row[2]) for row in rows]
        assert market.market_price.tolist() == [float(row[1]) for row in rows]
        assert market.outcomes[:, 0].tolist() == [row[0] == "1" for row in rows]
        assert market.values.dtype == market.market_price.dtype == np.float64
        assert (market.bid_step, market.bid_cap) == (1.0, 300.0)
        assert (market.labels.value_unit, market.labels.currency) == ("click", "fen")
        assert market.campaigns.target_cpa.tolist() == [45150 / 30]


def test_totals_come_from_the_info_file(tmp_path: Path) -> None:
    history = rlb.read_info(write(tmp_path / "12.info.json", info()))
    assert history.counts.tolist() == [1.0] * 301
    assert (history.step, history.impressions, history.cost) == (1.0, 301.0, 45150.0)
    assert history.value.tolist() == [30.0]


def test_the_budget_is_a_share_of_what_all_impressions_cost(tmp_path: Path) -> None:
    write(tmp_path / "12.info.json", info())
    path = write(tmp_path / "12.valid.theta.txt", spaced(clicks(5)))
    # A mean price of 150 and 1000 impressions a period.
    (read,) = read_log(path)
    assert read.test.campaigns.budget.tolist() == [150_000 / 8]
    half = with_budget_share(read, 1 / 2)
    assert half.test.campaigns.budget.tolist() == [75_000]
    assert with_budget_share(half, 1 / 32).test.campaigns.budget.tolist() == [4687]


def test_halves_of_a_pair_are_missed(tmp_path: Path) -> None:
    of_info = write(tmp_path / "12.info.json", info())
    with pytest.raises(InputError, match=r"no 12\.\*\.theta\.txt beside it"):
        read_log(of_info)
    write(tmp_path / "12.valid.theta.txt", spaced(clicks(5)))
    write(tmp_path / "12.test.theta.txt.gz", spaced(clicks(6)))
    with pytest.raises(InputError, match="several logs"):
        read_log(of_info)
    (named,) = read_log(tmp_path / "12.test.theta.txt.gz")
    assert named.test.impressions == 6
    of_info.unlink()
    (tmp_path / "12.valid.theta.txt").unlink()
    with pytest.raises(InputError, match=r"there is no 12\.info\.json beside 12\.test"):
        read_log(tmp_path)


@needs("data/ipinyou/rlb")
def test_nine_real_campaigns() -> None:
    datasets = {dataset.name: dataset for dataset in read_log(REAL)}
    assert tuple(datasets) == CAMPAIGNS
    for name, dataset in datasets.items():
        said = json.loads((REAL / f"{name}.info.json").read_text())
        history, market = dataset.history, validate(dataset.test)
        assert history is not None
        assert history.counts.sum() == said["imp_train"] == history.impressions
        assert (np.arange(301) * history.counts).sum() == said["cost_train"] == history.cost
        assert history.value.tolist() == [said["clk_train"]]
        assert market.impressions == 100_000


@needs("data/ipinyou/rlb")
def test_real_rows_are_read_to_the_bit() -> None:
    with gzip.open(REAL / "2997.valid.theta.txt.gz", "rt") as file:
        words = [line.split() for line in file]
    (dataset,) = read_log(REAL / "2997.valid.theta.txt.gz")
    market = dataset.test
    assert market.values[:, 0].tolist() == [float(pctr) for _, _, pctr in words]
    assert np.asarray(market.market_price).tolist() == [float(price) for _, price, _ in words]
    assert np.asarray(market.outcomes).sum() == sum(int(click) for click, _, _ in words)


@needs("specs/13_rlb_reference.csv")
@needs("data/ipinyou/rlb")
def test_budgets_are_those_of_the_reference_results() -> None:
    with (SHARED / "specs/13_rlb_reference.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({(row["campaign"], row["c0"]) for row in rows}) == 45
    for row in rows:
        history = rlb.read_info(REAL / f"{row['campaign']}.info.json")
        budget = campaign_budget(history, float(row["c0"]), 1000)
        assert budget == int(row["budget_per_episode"])
