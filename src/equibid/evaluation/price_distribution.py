"""The distribution of prices: what a slot costs over the day, and how often a bid wins.

A price is what a slot would have cost an advertiser on an impression it has a value for, the
others' bids standing: the bid to beat. ``any`` is the last slot, ``top`` the first; against a
logged market price they are the same. A bid just above a price wins the slot at that price, so the
win rate of bids is the distribution function of prices.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Float, Int

from equibid.auctions.clearing import Auction
from equibid.markets.market import Market
from equibid.simulation.scenario import Scenario
from equibid.simulation.training_day import counterfactual_log

# Prices to look at, about, and points of a curve.
MOST, POINTS = 1_000_000, 80
QUANTILES = {"q10": 0.10, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q90": 0.90}
SLOTS = ("any", "top")


class Prices(NamedTuple):
    """A sample of prices.

    Attributes:
        tick: of each.
        any: what the last slot cost, currency per exposure; infinite where none was to be had.
        top: what the first slot cost.
    """

    tick: Int[np.ndarray, " P"]
    any: Float[np.ndarray, " P"]
    top: Float[np.ndarray, " P"]


def prices_of(
    scenario: Scenario, rows: pl.DataFrame, contenders: Sequence[str], mixed: bool
) -> Prices:
    """The prices of a case: logged ones, or those of a round that was played on the first day.

    Args:
        scenario: that was played.
        rows: of it, money in the market's unit.
        contenders: in the order they were entered.
        mixed: whether they shared the market; else the first had it to itself.
    """
    market = scenario.market(0)
    if market.market_price is not None and market.advertisers == 1:
        days = [logged_prices(scenario.market(day)) for day in range(scenario.days or 1)]
        return Prices(*map(np.concatenate, zip(*days, strict=True)))
    first = rows.filter(pl.col("market") == scenario.name, pl.col("replicate") == 0)
    if "against" in rows.columns:
        first = first.filter(pl.col("bidder") == pl.col("against"))
    drivers = [contenders[seat % len(contenders) * mixed] for seat in range(market.advertisers)]
    return opponent_prices(market, scenario.auction, factors_bid(first, drivers))


def logged_prices(market: Market) -> Prices:
    """The logged prices of a market or a stack of periods, in currency."""
    price = np.atleast_2d(np.asarray(market.market_price, np.float64))
    start = np.atleast_2d(np.asarray(market.tick_start))
    places = np.arange(price.shape[1])
    tick = np.stack([np.searchsorted(one, places, side="right") - 1 for one in start])
    wanted = (np.asarray(market.values) > 0).any(axis=-1).reshape(price.shape)
    tick, found = tick[wanted], price[wanted] / market.labels.per_currency
    every = max(1, -(-len(found) // MOST))
    return Prices(tick[::every], found[::every], found[::every])


def opponent_prices(market: Market, auction: Auction, factors: Float[np.ndarray, "T N"]) -> Prices:
    """What slots would have cost each advertiser on a day, in currency.

    Args:
        market: the day.
        auction: the rule.
        factors: as bid, currency per value unit; 0 where nothing was.
    """
    log = counterfactual_log(market, auction, jnp.asarray(factors))
    assert log.tick_start is not None
    tick = np.searchsorted(np.asarray(log.tick_start), np.arange(len(log.values)), "right") - 1
    row, who = np.nonzero(np.asarray(log.values) > 0)
    # Whole impressions: every so manieth price may be that of the same advertisers each time.
    kept = row % max(1, -(-len(row) // MOST)) == 0
    row, who = row[kept], who[kept]
    prices = np.asarray(log.prices)[row, who].astype(np.float64) / market.labels.per_currency
    return Prices(tick[row], prices[:, -1], prices[:, 0])


def factors_bid(rows: pl.DataFrame, drivers: Sequence[str]) -> Float[np.ndarray, "T N"]:
    """The factors of one round of one replicate.

    Args:
        rows: of one replicate; every driver drove its advertisers there.
        drivers: the bidder in each advertiser's seat.
    """
    seats = pl.DataFrame({"advertiser": range(len(drivers)), "bidder": list(drivers)})
    mine = rows.join(
        seats.cast({"advertiser": rows["advertiser"].dtype}),
        on=seats.columns,
        maintain_order="left",
    )
    factors = np.zeros((int(rows.select(pl.col("tick").max()).item()) + 1, len(drivers)))
    value = mine["value_offered"].to_numpy()
    level = np.divide(mine["bid"].to_numpy(), value, out=np.zeros(len(mine)), where=value > 0)
    factors[mine["tick"].to_numpy(), mine["advertiser"].to_numpy()] = level
    return factors


def price_table(found: Mapping[str, Prices]) -> pl.DataFrame:
    """Quantiles of prices over the day.

    Returns:
        A row a `market`, `slot` ("any", "top") and `tick`: `q10` … `q90`, currency per exposure,
        infinite where the slot was not to be had.
    """
    frames = []
    for market, prices in found.items():
        for slot, price in zip(SLOTS, prices[1:], strict=True):
            frame = pl.DataFrame({"tick": prices.tick, "price": price})
            # An existing price, not one between two: between one and none there is no number.
            quantiles = {
                name: pl.col("price").quantile(q, interpolation="lower")
                for name, q in QUANTILES.items()
            }
            table = frame.group_by("tick", maintain_order=True).agg(**quantiles).sort("tick")
            frames.append(
                table.select(pl.lit(market).alias("market"), pl.lit(slot).alias("slot"), pl.all())
            )
    return pl.concat(frames)


def win_curve(found: Mapping[str, Prices]) -> pl.DataFrame:
    """How often a bid wins.

    Returns:
        A row a `market` and `bid` (currency per exposure, the same bids in all markets): `any` and
        `top`, the shares of prices at most that.
    """
    known = np.concatenate(
        [x[np.isfinite(x) & (x > 0)] for prices in found.values() for x in prices[1:]]
    )
    if not len(known):
        return pl.DataFrame(
            schema={"market": pl.String} | dict.fromkeys(("bid", *SLOTS), pl.Float64)
        )
    middle, high = np.quantile(known, [0.5, 0.99])
    bids = np.geomspace(middle / 100, high * 1.2, POINTS)
    frames = []
    for market, prices in found.items():
        shares = {
            slot: np.searchsorted(np.sort(x), bids, side="right") / max(len(x), 1)
            for slot, x in zip(SLOTS, prices[1:], strict=True)
        }
        frames.append(
            pl.DataFrame({"bid": bids, **shares}).select(pl.lit(market).alias("market"), pl.all())
        )
    return pl.concat(frames)
