"""A day of AuctionNet's published procedure in plain NumPy: the yardstick for speed ratios.

It does what the public simulator does with a day of bidding factors (Su et al., NeurIPS 2024),
as a competent NumPy user would write it: whole ticks at a time, no loop over impressions. In two
forms:

- straightforward: every clearing of a tick draws exposure and the conversion of every bid, as the
  published procedure says and the simulator does;
- lean: exposure is drawn once a tick, conversions once a tick and for winners only.
"""

import numpy as np
import numpy.typing as npt

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


def draw_exposure(impressions: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which slots [K, 3] are shown: a slot is, if its coin and those above it are heads."""
    coins = rng.random((impressions, len(EXPOSURE))) < EXPOSURE
    return np.cumprod(coins, axis=1, dtype=bool)


def draw_conversions(values: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Conversions of probabilities that are themselves uncertain."""
    chance = np.clip(rng.normal(values, VALUE_NOISE * values), 0, 1)
    return rng.random(values.shape) < chance


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
    lean: bool = False,
) -> tuple[dict[str, Array], int]:
    """Play a day.

    Args:
        values: [K, N] conversion probabilities.
        tick_start: [T+1] first impression of each tick.
        factors: [N] or [T, N] currency per conversion; the bid is factor times value.
        budgets: [N] currency.
        rng: of exposure, conversions and dropped impressions.
        lean: draw no more than is needed.

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
        shown, outcomes = draw_exposure(len(offered), rng), None
        while True:
            winner, price = clear(bids)
            clearings += 1
            if not lean:
                shown, outcomes = draw_exposure(len(offered), rng), draw_conversions(offered, rng)
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
        converted = (
            draw_conversions(worth, rng)
            if outcomes is None
            else np.take_along_axis(outcomes, np.maximum(winner, 0), axis=1)
        )
        remaining -= spend
        day["wins"][tick] = total(winner, np.ones(winner.shape), advertisers)
        day["exposures"][tick] = total(winner, shown.astype(float), advertisers)
        day["spend"][tick] = spend
        day["value"][tick] = total(winner, worth * shown, advertisers)
        day["conversions"][tick] = total(winner, (converted & shown).astype(float), advertisers)
    return day, clearings
