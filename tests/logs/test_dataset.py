"""Making a training log out of the first impressions of a test market."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_logs import auctionnet, clicks, csv, info, spaced, write

from equibid.errors import InputError
from equibid.logs import (
    LogDataset,
    read_auctionnet_rows,
    read_log,
    split_for_tuning,
    with_budget_share,
)
from equibid.logs.campaign import campaign_market
from equibid.logs.dataset import whole as uncut
from equibid.markets.market import even_ticks


def dataset(impressions: int, period: int | None) -> LogDataset:
    rows = np.array(clicks(impressions), float)
    table = {"click": rows[:, 0], "price": rows[:, 1], "pctr": rows[:, 2]}
    market = campaign_market("x", table, np.asarray(even_ticks(impressions, 4)))
    return LogDataset("x", test=market, period=period)


# Few examples, for every new length is compiled anew.
@settings(max_examples=12)
@given(
    st.sampled_from([7, 30]), st.sampled_from([None, 1, 4, 10, 30]), st.sampled_from([0.01, 0.4, 1])
)
def test_two_parts_make_the_whole(impressions: int, period: int | None, share: float) -> None:
    whole = dataset(impressions, period)
    unit = period or 1
    periods = round(share * impressions / unit)
    try:
        halves = split_for_tuning(whole, share)
    except InputError:
        assert max(periods, 1) * unit >= impressions
        return
    train, test = halves.train, halves.test
    assert train is not None
    assert train.impressions == max(periods, 1) * unit
    assert train.impressions + test.impressions == impressions
    for name in ("values", "market_price", "outcomes"):
        parts = np.concatenate([getattr(train, name), getattr(test, name)])
        assert parts.tolist() == getattr(whole.test, name).tolist()
    assert halves.history is not None
    assert halves.history.impressions == train.impressions
    assert halves.history.cost == float(np.asarray(train.market_price).sum())
    assert halves.history.value.tolist() == [float(np.asarray(train.outcomes).sum())]
    assert halves.period == period


def test_totals_that_the_log_gave_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "1.info.json", info())
    path = write(tmp_path / "1.valid.theta.txt", spaced(clicks(3000)))
    (whole,) = read_log(path)
    halves = split_for_tuning(whole, 0.4)
    assert halves.history is whole.history
    assert halves.train is not None
    assert halves.train.impressions == 1000
    assert halves.train.campaigns.budget.tolist() == whole.test.campaigns.budget.tolist()


def test_a_training_log_is_kept(tmp_path: Path) -> None:
    (whole,) = read_log(write(tmp_path / "log.csv", csv(auctionnet())))
    assert split_for_tuning(whole) is whole


def test_too_short_a_log_and_one_without_prices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x: a share of 0\.2 of 10 impressions"):
        split_for_tuning(dataset(10, period=10))
    (whole,) = read_log(write(tmp_path / "log.csv", csv(auctionnet())))
    with pytest.raises(InputError, match="no market prices"):
        split_for_tuning(LogDataset("y", test=whole.test))


def test_a_severed_tick_is_one_again(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet(ticks=(3, 2, 4))))
    (read,) = read_log(path)
    assert read.severed
    market, prices = uncut(read)
    (log,) = read_auctionnet_rows(path)
    np.testing.assert_array_equal(market.values, log.market.values)
    np.testing.assert_array_equal(market.tick_start, [0, 3, 5, 9])
    np.testing.assert_allclose(market.campaigns.budget, log.market.campaigns.budget)
    assert market.market_price is None
    np.testing.assert_array_equal(prices, log.least_winning_cost[:4])
    (even,) = read_log(write(tmp_path / "even.csv", csv(auctionnet(ticks=(2, 2)))))
    assert not even.severed
    np.testing.assert_array_equal(uncut(even)[0].tick_start, [0, 2, 4])


def test_a_campaign_is_counted_in_currency() -> None:
    read = with_budget_share(dataset(20, period=5), 0.5)
    market, prices = uncut(read)
    assert prices is None
    assert market.market_price is not None
    assert read.test.market_price is not None
    np.testing.assert_allclose(market.market_price, read.test.market_price / 1000)
    # Four periods' budgets.
    np.testing.assert_allclose(market.campaigns.budget, 4 * read.test.campaigns.budget / 1000)
    assert market.labels.per_currency == 1
    halves = split_for_tuning(read, 0.5)
    both, _ = uncut(halves)
    np.testing.assert_array_equal(both.values, market.values)
    np.testing.assert_array_equal(both.market_price, market.market_price)
