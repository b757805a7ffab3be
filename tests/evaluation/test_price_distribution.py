"""Prices by hand: two advertisers, second price; logged prices; the win rate of real bids."""

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from equibid.auctions import gsp, second_price
from equibid.bidders.fixed import Fixed
from equibid.evaluation import price_distribution
from equibid.evaluation.price_distribution import (
    Prices,
    factors_bid,
    logged_prices,
    opponent_prices,
    price_table,
    win_curve,
)
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Labels, Market, even_ticks
from equibid.simulation import everybody, simulate

FEN = Labels("fen", per_currency=10.0)


def market(values: np.ndarray, ticks: int, price: np.ndarray | None = None) -> Market:
    N = values.shape[1]
    campaigns = Campaigns(jnp.full(N, 1e6), jnp.ones(N), jnp.zeros(N, int))
    prices = None if price is None else jnp.asarray(price)
    start = even_ticks(len(values), ticks)
    return Market(jnp.asarray(values), start, campaigns, prices, labels=FEN)


def test_a_price_is_the_bid_of_the_other() -> None:
    values = np.array([[1.0, 2.0], [3.0, 0.0], [4.0, 5.0], [0.0, 6.0]])
    found = opponent_prices(
        market(values, 2), second_price(), np.array([[10.0, 20.0], [30.0, 40.0]])
    )
    # In order of impression and advertiser, where there is a value; nobody else is a price of 0.
    np.testing.assert_array_equal(found.tick, [0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(found.any, np.array([40, 10, 0, 200, 120, 0]) / 10)
    np.testing.assert_array_equal(found.any, found.top)


def test_logged_prices_are_in_currency_and_only_of_wanted_impressions() -> None:
    values = np.array([[0.1], [0.0], [0.3], [0.2]])
    found = logged_prices(market(values, 2, np.array([50.0, 60, 70, 80])))
    np.testing.assert_array_equal(found.tick, [0, 1, 1])
    np.testing.assert_allclose(found.any, [5, 7, 8])


def test_quantiles_are_prices_that_were_there() -> None:
    prices = np.arange(1.0, 102.0)
    sample = Prices(np.zeros(101, int), prices, np.where(prices > 60, np.inf, prices))
    table = price_table({"m": sample})
    row = table.row(by_predicate=pl.col("slot") == "any", named=True)
    assert [row[q] for q in ("q10", "q25", "q50", "q75", "q90")] == [11, 26, 51, 76, 91]
    top = table.row(by_predicate=pl.col("slot") == "top", named=True)
    assert top["q50"] == 51 and top["q75"] == np.inf


def test_the_curve_is_the_share_of_prices_a_bid_reaches() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.lognormal(0, 1, 500), rng.lognormal(1, 1, 400)
    curve = win_curve(
        {
            "a": Prices(np.arange(500), one, one * 2),
            "b": Prices(np.arange(400), other, other),
        }
    )
    every = np.concatenate([one, one * 2, other, other])
    ends = np.quantile(every, 0.5) / 100, np.quantile(every, 0.99) * 1.2
    np.testing.assert_allclose(curve["bid"].to_numpy()[[0, -1]], ends)
    for row in curve.filter(market="a").iter_rows(named=True):
        assert row["any"] == pytest.approx((one <= row["bid"]).mean())
        assert row["top"] == pytest.approx((one * 2 <= row["bid"]).mean())
    same = curve.partition_by("market")
    assert same[0]["bid"].equals(same[1]["bid"])


def test_thinned_prices_are_those_of_all_advertisers(monkeypatch: pytest.MonkeyPatch) -> None:
    # Everybody values everything alike, and the highest bidder sees another price than the rest.
    monkeypatch.setattr(price_distribution, "MOST", 400)
    values = np.ones((200, 8))
    found = opponent_prices(market(values, 2), second_price(), np.tile([10.0, *[2.0] * 7], (2, 1)))
    assert len(found.any) == 400
    np.testing.assert_allclose((found.any == 0.2).mean(), 1 / 8)
    assert set(found.tick) == {0, 1}


def test_prices_foretell_who_wins() -> None:
    day = MARKETS["demo"](jax.random.key(3), impressions=400, advertisers=6, ticks=4)
    day = day.with_budget(day.campaigns.budget * 1e4)
    rule = gsp()
    level = np.asarray(day.campaigns.target_cpa) / 2
    population = everybody(Fixed(jnp.asarray(level)), 6)
    delivery = simulate(day, rule, population, jax.random.key(0))
    found = opponent_prices(day, rule, np.broadcast_to(level, (4, 6)))
    bids = np.asarray(day.values)[np.asarray(day.values) > 0]
    who = np.nonzero(np.asarray(day.values) > 0)[1]
    assert (bids * level[who] > found.any).sum() == np.asarray(delivery.total().wins).sum()


def test_a_bid_of_the_price_wins() -> None:
    # The lowest bid of a curve is a hundredth of the median.
    price = np.array([0.01, *[1.0] * 99])
    curve = win_curve({"m": Prices(np.zeros(100, int), price, price)})
    assert curve["bid"][0] == 0.01
    assert curve["any"][0] == pytest.approx(0.01)
    assert curve["any"][-1] == 1.0


def test_factors_are_those_of_the_bidders_in_their_seats() -> None:
    at = [(tick, seat, name) for tick in range(2) for seat in range(3) for name in "ab"]
    rows = pl.DataFrame(
        [
            {
                "tick": t,
                "advertiser": i,
                "bidder": b,
                "bid": (t + 2) * (1 + i) * (3 if b == "a" else 5),
                "value_offered": 1.0 + i,
            }
            for t, i, b in at
        ]
    )
    np.testing.assert_allclose(factors_bid(rows, ["a", "b", "a"]), [[6, 10, 6], [9, 15, 9]])
    idle = rows.with_columns(value_offered=pl.lit(0.0))
    assert (factors_bid(idle, ["a", "b", "a"]) == 0).all()
