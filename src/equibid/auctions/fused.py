"""One pass over a tick's impressions on a CPU, for ranked auctions and factor bids.

XLA clears a block in several sweeps over memory; this kernel bids, ranks, charges and sums while a
tile of impressions is in cache. It computes what `settle` and `tally` compute, impression by
impression in order of arrival, and the tests hold the two equal.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numba
import numpy as np
import numpy.typing as npt

from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import FIELDS
from equibid.noise import GOLDEN, MIX_1, MIX_2, Purpose

TILE = 32
LEVELS = 4
OUTSIDE = -2
NONE = -1

OFFERED, BID, VALUE_OFFERED, MARKET_PRICE, WINS, EXPOSURES, SPEND, VALUE, CONVERSIONS = range(
    len(FIELDS)
)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's compiler, kept on disk between runs and free of the interpreter lock."""
    return cast(Callable[..., Any], numba.njit(nogil=True, cache=True)(function))


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `compiled`, pasted into its caller: only there does the compiler see that the arrays a
    loop reads and writes are distinct, and vectorises it.
    """
    return cast(Callable[..., Any], numba.njit(nogil=True, inline="always")(function))


class Purse(NamedTuple):
    """A `Ledger` as NumPy arrays, changed in place by `settle_factors`."""

    remaining: npt.NDArray[np.float64]
    active: npt.NDArray[np.bool_]
    quantum: float


def supports(auction: object) -> bool:
    """Whether the kernel knows the rule: ranked, up to three slots, ties to the lowest id."""
    return isinstance(auction, Ranked) and auction.ties == "lowest" and auction.slots < LEVELS


def settle_factors(
    auction: Ranked,
    purse: Purse,
    values: npt.NDArray[np.floating],
    factors: npt.NDArray[np.float64],
    *,
    ids: npt.NDArray[np.int32] | None = None,
    outside: npt.NDArray[np.float64] | None = None,
    outcomes: npt.NDArray[np.bool_] | None = None,
    seed: int | None = None,
    first_impression: int = 0,
    bid_step: float = 0.0,
    bid_cap: float = np.inf,
) -> npt.NDArray[np.float64]:
    """Clear impressions on which advertiser i bids ``factors[i] * value``.

    Args:
        auction: a rule for which `supports` is true.
        purse: money; changed in place.
        values: [K, C], value units, C-contiguous.
        factors: [N], currency per value unit; who sits out has ``-inf``.
        ids: [K, C] advertiser of each column, -1 padding; None when dense.
        outside: [K] highest bid from outside.
        outcomes: [K, C] logged conversions.
        seed: 64 bits that draw exposures and conversions; None books expectations.
        first_impression: address of the first row in the noise.
        bid_step: bids are rounded down to a multiple of it; 0 for none.
        bid_cap: highest bid.

    Returns:
        The rows of a `Tally` in the order of `FIELDS`: [9, N].
    """
    sums = np.zeros((len(FIELDS), factors.shape[0]))
    _settle(
        values,
        factors.astype(values.dtype),
        purse.active,
        purse.remaining,
        purse.quantum,
        np.empty((0, 0), np.int32) if ids is None else ids,
        np.empty(0, values.dtype) if outside is None else outside.astype(values.dtype),
        np.empty((0, 0), np.bool_) if outcomes is None else outcomes,
        auction.pricing == "own",
        np.asarray(auction.exposure),
        auction.reserve,
        auction.sell_at_reserve,
        auction.outside_wins_ties,
        seed is not None,
        np.uint64(seed or 0),
        first_impression,
        values.dtype.type(bid_step),
        values.dtype.type(bid_cap),
        sums,
    )
    return sums


@compiled
def _mix(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX_1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX_2)
    return x ^ (x >> np.uint64(31))


@compiled
def _stir(seed, number):
    """One step of `equibid.noise.uniform`: a seed and a number give the next seed."""
    return _mix(seed + np.uint64(GOLDEN) * (np.uint64(number) + np.uint64(1)))


@compiled
def _unit(bits):
    """64 bits as a number in [0, 1)."""
    return np.float64(bits >> np.uint64(11)) * 2.0**-53


@compiled
def _bid(value, factor, step, cap):
    """The bid on a value, ``-inf`` where there is none."""
    if not (value > 0 and factor > -np.inf):
        return -np.inf
    bid = value * factor
    if step > 0:
        bid = np.floor(bid / step) * step
    return np.float64(min(bid, cap))


@compiled
def _rank_row(values, ids, factors, active, outside, outside_first, step, cap, best, who):
    """The highest bids of one impression into `best`, and whose they are into `who`."""
    levels = best.shape[0]
    best[:] = -np.inf
    who[:] = NONE
    columns = values.shape[0]
    for place in range(columns + 1):
        c = place - 1 if outside_first else place
        if 0 <= c < columns:
            i = ids[c] if ids.size > 0 else c
            bid = _bid(values[c], factors[i], step, cap) if i >= 0 and active[i] else -np.inf
        else:
            i = OUTSIDE
            bid = outside
        if bid > best[levels - 1]:
            s = levels - 1
            while s > 0 and bid > best[s - 1]:
                best[s] = best[s - 1]
                who[s] = who[s - 1]
                s -= 1
            best[s] = bid
            who[s] = i


@inlined
def _insert(bid, mark, best, who):
    """Insert one bid an impression of the tile into the impression's four highest.

    Written out without a branch, so that the loop runs on vector registers; a strict `>` keeps
    the earlier of equal bids above.
    """
    for r in range(TILE):
        b, i = bid[r], mark[r]
        b0, b1, b2, b3 = best[0, r], best[1, r], best[2, r], best[3, r]
        w0, w1, w2, w3 = who[0, r], who[1, r], who[2, r], who[3, r]
        over0, over1, over2, over3 = b > b0, b > b1, b > b2, b > b3
        best[3, r] = b2 if over2 else (b if over3 else b3)
        who[3, r] = w2 if over2 else (i if over3 else w3)
        best[2, r] = b1 if over1 else (b if over2 else b2)
        who[2, r] = w1 if over1 else (i if over2 else w2)
        best[1, r] = b0 if over0 else (b if over1 else b1)
        who[1, r] = w0 if over0 else (i if over1 else w1)
        best[0, r] = b if over0 else b0
        who[0, r] = i if over0 else w0


@inlined
def _rank_tile(
    values, ids, factors, active, outside, outside_first, step, cap, tile, bid, mark, best, who
):
    """`_rank_row` for up to `TILE` impressions at once: best and who are [LEVELS, TILE]."""
    rows, columns = values.shape
    for r in range(rows):
        for c in range(columns):
            tile[c, r] = values[r, c]
    best[:] = -np.inf
    who[:] = NONE
    for place in range(columns + 1):
        c = place - 1 if outside_first else place
        if c < 0 or c == columns:
            if outside.size > 0:
                bid[:] = -np.inf
                bid[:rows] = outside
                mark[:] = OUTSIDE
                _insert(bid, mark, best, who)
        elif ids.size > 0:
            bid[:] = -np.inf
            for r in range(rows):
                i = ids[r, c]
                mark[r] = i
                if i >= 0 and active[i]:
                    bid[r] = _bid(values[r, c], factors[i], step, cap)
            _insert(bid, mark, best, who)
        elif active[c] and factors[c] > -np.inf:
            factor = factors[c]
            for r in range(TILE):
                product = tile[c, r] * factor
                bid[r] = product if tile[c, r] > 0 else -np.inf
            if step > 0:
                for r in range(TILE):
                    bid[r] = np.floor(bid[r] / step) * step
            if cap < np.inf:
                for r in range(TILE):
                    bid[r] = min(bid[r], cap)
            mark[:] = c
            _insert(bid, mark, best, who)


@compiled
def _settle(
    values,
    factors,
    active,
    remaining,
    quantum,
    ids,
    outside,
    outcomes,
    own_price,
    exposure,
    reserve,
    sell_at_reserve,
    outside_first,
    sampled,
    seed,
    first_impression,
    step,
    cap,
    sums,
):
    impressions, columns = values.shape
    slots = exposure.shape[0]
    sparse = ids.size > 0
    tile = np.zeros((columns, TILE), values.dtype)
    bid = np.empty(TILE, values.dtype)
    mark = np.empty(TILE, np.int32)
    best = np.empty((LEVELS, TILE), values.dtype)
    who = np.empty((LEVELS, TILE), np.int32)
    taking_part = (active & (factors > -np.inf)).astype(np.float64)
    plain_bids = np.where(taking_part > 0, factors, values.dtype.type(0))
    row_best = np.empty(slots + 1)
    row_who = np.empty(slots + 1, np.int32)
    charge = np.empty(slots)
    per_quantum = 1.0 / quantum
    exposure_seed = _stir(seed, np.uint64(Purpose.EXPOSURE) - np.uint64(1))
    conversion_seed = _stir(seed, np.uint64(Purpose.CONVERSION) - np.uint64(1))
    shown = np.empty(slots)
    for start in range(0, impressions, TILE):
        stop = min(start + TILE, impressions)
        _rank_tile(
            values[start:stop],
            ids[start:stop],
            factors,
            active,
            outside[start:stop],
            outside_first,
            step,
            cap,
            tile,
            bid,
            mark,
            best,
            who,
        )
        someone_left = False
        for k in range(start, stop):
            for s in range(slots + 1):
                row_best[s] = best[s, k - start]
                row_who[s] = who[s, k - start]
            stale = False
            if someone_left:
                for s in range(slots + 1):
                    stale |= row_who[s] >= 0 and not active[row_who[s]]
            address = np.uint64(first_impression + k)
            slot_seed = _stir(exposure_seed, address)
            coin_seed = _stir(conversion_seed, address)
            chance = 1.0
            for s in range(slots):
                if not sampled:
                    chance *= exposure[s]
                elif exposure[s] < 1.0 and chance > 0.0:
                    chance = 1.0 if _unit(_stir(slot_seed, s)) < exposure[s] else 0.0
                shown[s] = chance
            while True:
                if stale:
                    _rank_row(
                        values[k],
                        ids[k] if sparse else ids[0:0, 0],
                        factors,
                        active,
                        outside[k] if outside.size > 0 else -np.inf,
                        outside_first,
                        step,
                        cap,
                        row_best,
                        row_who,
                    )
                    stale = False
                for s in range(slots):
                    following = max(row_best[s + 1], reserve)
                    price = row_best[s] if own_price else following
                    sold = (
                        row_who[s] >= 0
                        and row_best[s] >= reserve
                        and (sell_at_reserve or following > reserve)
                    )
                    charge[s] = -1.0
                    if sold:
                        charge[s] = np.ceil(price * shown[s] * per_quantum) * quantum
                        if charge[s] > remaining[row_who[s]]:
                            active[row_who[s]] = False
                            taking_part[row_who[s]] = 0.0
                            stale = True
                if not stale:
                    break
                someone_left = True
            for s in range(slots):
                if charge[s] >= 0:
                    i = row_who[s]
                    remaining[i] -= charge[s]
                    sums[WINS, i] += 1
                    sums[SPEND, i] += charge[s]
                    if shown[s] > 0:
                        c = i
                        if sparse:
                            c = 0
                            while ids[k, c] != i:
                                c += 1
                        value = np.float64(values[k, c])
                        counted = value
                        if outcomes.size > 0:
                            counted = 1.0 if outcomes[k, c] else 0.0
                        elif sampled:
                            counted = 1.0 if _unit(_stir(coin_seed, i)) < value else 0.0
                        sums[EXPOSURES, i] += shown[s]
                        sums[VALUE, i] += shown[s] * value
                        sums[CONVERSIONS, i] += shown[s] * counted
            market_price = max(row_best[slots], reserve)
            if not sparse and step == 0.0 and cap == np.inf:
                row = values[k]
                offered, bid_sum = sums[OFFERED], sums[BID]
                value_offered, price_sum = sums[VALUE_OFFERED], sums[MARKET_PRICE]
                for c in range(columns):
                    part = taking_part[c] if row[c] > 0 else 0.0
                    offered[c] += part
                    bid_sum[c] += part * (row[c] * plain_bids[c])
                    value_offered[c] += part * row[c]
                    price_sum[c] += part * market_price
            else:
                for c in range(columns):
                    i = ids[k, c] if sparse else c
                    if i >= 0 and active[i]:
                        offer = _bid(values[k, c], factors[i], step, cap)
                        if offer > -np.inf:
                            sums[OFFERED, i] += 1
                            sums[BID, i] += offer
                            sums[VALUE_OFFERED, i] += values[k, c]
                            sums[MARKET_PRICE, i] += market_price
