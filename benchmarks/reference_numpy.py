"""A day of AuctionNet's published procedure in plain NumPy: the yardstick for speed ratios.

It does what the public simulator does with a day of bidding factors (Su et al., NeurIPS 2024),
as a competent NumPy user would write it: whole ticks at a time, no loop over impressions. Where
the simulator repeats work it does not need, this does not: exposure is drawn once a tick (the
simulator's fixed seed amounts to that), conversions only for winners, and once a tick.

    python benchmarks/reference_numpy.py
"""

import time

import jax
import numpy as np
import numpy.typing as npt

from equibid.markets import Market, auctionnet

Array = npt.NDArray[np.floating]
Ids = npt.NDArray[np.integer]

EXPOSURE = np.array([1.0, 0.8, 0.6])
RESERVE = 0.0001
MINIMUM_BUDGET = 0.1
# Standard deviation of a conversion probability over its mean.
VALUE_NOISE = 0.15


def clear(bids: Array) -> tuple[Ids, Array]:
    """Rank the bids [K, N]; winners [K, 3], -1 where a slot is not sold, and their prices."""
    slots = len(EXPOSURE)
    ranked = np.argsort(-bids, axis=1)[:, : slots + 1]
    top = np.take_along_axis(bids, ranked, axis=1)
    price = np.maximum(top[:, 1:], RESERVE)
    # A slot whose price is the reserve itself is not sold.
    return np.where(price > RESERVE, ranked[:, :slots], -1), price


def total(winner: Ids, amount: Array, advertisers: int) -> Array:
    """Sum of an amount [K, 3] by the winner of its slot."""
    sold = winner >= 0
    return np.asarray(np.bincount(winner[sold], amount[sold], advertisers), np.float64)


def run_day(
    values: Array,
    tick_start: Ids,
    factors: Array,
    budgets: Array,
    rng: np.random.Generator,
) -> tuple[dict[str, Array], int]:
    """Play a day.

    Args:
        values: [K, N] conversion probabilities.
        tick_start: [T+1] first impression of each tick.
        factors: [N] or [T, N] currency per conversion; the bid is factor times value.
        budgets: [N] currency.
        rng: of exposure, conversions and dropped impressions.

    Returns:
        Arrays [T, N] of wins, exposures, spend, value (expected conversions of the ads shown) and
        conversions, and how often a tick was cleared.
    """
    ticks, advertisers = len(tick_start) - 1, values.shape[1]
    factors = np.broadcast_to(factors, (ticks, advertisers)).astype(values.dtype)
    names = ("wins", "exposures", "spend", "value", "conversions")
    day: dict[str, Array] = {name: np.zeros((ticks, advertisers)) for name in names}
    remaining = budgets.astype(np.float64)
    clearings = 0
    for tick in range(ticks):
        offered = values[tick_start[tick] : tick_start[tick + 1]]
        bids = offered * np.where(remaining < MINIMUM_BUDGET, 0, factors[tick])
        coins = rng.random((len(offered), len(EXPOSURE))) < EXPOSURE
        shown = np.cumprod(coins, axis=1, dtype=bool)
        while True:
            winner, price = clear(bids)
            clearings += 1
            spend = total(winner, price * shown, advertisers)
            overspent = np.flatnonzero(spend > remaining)
            if not len(overspent):
                break
            for advertiser in overspent:
                share = (spend[advertiser] - remaining[advertiser]) / spend[advertiser]
                for slot in winner.T:
                    won = np.flatnonzero(slot == advertiser)
                    dropped = rng.choice(won, int(np.ceil(len(won) * share)), replace=False)
                    bids[dropped, advertiser] = 0
        worth = np.take_along_axis(offered, np.maximum(winner, 0), axis=1)
        chance = np.clip(rng.normal(worth, VALUE_NOISE * worth), 0, 1)
        converted = rng.random(worth.shape) < chance
        remaining -= spend
        day["wins"][tick] = total(winner, np.ones(winner.shape), advertisers)
        day["exposures"][tick] = total(winner, shown.astype(float), advertisers)
        day["spend"][tick] = spend
        day["value"][tick] = total(winner, worth * shown, advertisers)
        day["conversions"][tick] = total(winner, (converted & shown).astype(float), advertisers)
    return day, clearings


def play(market: Market, factors: Array, seed: int = 0) -> tuple[dict[str, Array], int, float]:
    """`run_day` on a market, and the seconds it took."""
    values, tick_start = np.asarray(market.values), np.asarray(market.tick_start)
    budget = np.asarray(market.campaigns.budget)
    start = time.perf_counter()
    day, clearings = run_day(values, tick_start, factors, budget, np.random.default_rng(seed))
    return day, clearings, time.perf_counter() - start


def main() -> None:
    """Time one generated AuctionNet day under bids of several heights."""
    market = auctionnet(jax.random.key(0))
    target_cpa = np.asarray(market.campaigns.target_cpa)
    budget = np.asarray(market.campaigns.budget)
    print(f"{market.impressions} impressions x {market.advertisers} advertisers, key 0, seed 0")
    print(f"{'factor / CPA':>12} {'seconds':>8} {'clearings':>9} {'ran out':>8} {'spent':>6}")
    for height in (0.5, 0.75, 1.0):
        day, clearings, seconds = play(market, height * target_cpa)
        left = budget - day["spend"].sum(axis=0)
        assert (left >= -1e-6).all()
        out = int((left < 0.01 * budget).sum())
        share = day["spend"].sum() / budget.sum()
        print(f"{height:12.2f} {seconds:8.2f} {clearings:9d} {out:8d} {share:6.2f}")


if __name__ == "__main__":
    main()
