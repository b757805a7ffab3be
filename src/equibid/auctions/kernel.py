"""The compiled loops of `fused`: rank, charge and sum impressions, chunk by chunk."""

from typing import Any, NamedTuple

import numpy as np

from equibid.auctions.tally import FIELDS
from equibid.compiled import compiled, inlined
from equibid.noise import GOLDEN, MIX_1, MIX_2, Purpose

TILE = 32
LEVELS = 4
# Impressions ranked, charged and summed in one go.
CHUNK = 256
OUTSIDE = -2
NONE = -1

OFFERED, BID, VALUE_OFFERED, MARKET_PRICE, WINS, EXPOSURES, SPEND, VALUE, CONVERSIONS = range(
    len(FIELDS)
)


class KernelImpressions(NamedTuple):
    """Impressions in order of arrival. What a market has not is an empty array.

    Attributes:
        values: [K, C], value units.
        scales: [K, C], what factors multiply: the values again, or bids that are given, whose
            factors are one.
        ids: [K, C] advertiser of each column, -1 padding; empty when dense.
        outside: [K] highest bid from outside.
        outcomes: [K, C] logged conversions.
    """

    values: Any
    scales: Any
    ids: Any
    outside: Any
    outcomes: Any


class KernelRule(NamedTuple):
    """How they are sold: a `Ranked` rule and the grid of bids.

    Attributes:
        own_price: winners pay their bid, not the next.
        exposure: [L], as in `Ranked`.
        reserve: currency per exposure.
        sell_at_reserve: as in `Ranked`.
        outside_first: the outside wins ties.
        least: a scale up to this is no bid: 0 for values, ``-inf`` for bids.
        step: bids are rounded down to a multiple of it; 0 for none.
        cap: highest bid.
    """

    own_price: Any
    exposure: Any
    reserve: Any
    sell_at_reserve: Any
    outside_first: Any
    least: Any
    step: Any
    cap: Any


class KernelRng(NamedTuple):
    """The draws of a tick.

    Attributes:
        sampled: draw exposures and conversions; else book expectations.
        seed: 64 bits.
        first: address of the first impression.
    """

    sampled: Any
    seed: Any
    first: Any


class KernelSold(NamedTuple):
    """What each impression was sold for, to be filled; empty where nobody asks.

    Attributes:
        top: [K, L+1] the highest bids that slots were sold among, at least the reserve.
        placed: [K, L] whose the first of them are; below 0 for nobody of the market.
    """

    top: Any
    placed: Any


@compiled
def mix(x):
    """`equibid.noise.mix` of one number."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX_1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX_2)
    return x ^ (x >> np.uint64(31))


@compiled
def stir(seed, number):
    """One step of `equibid.noise.uniform`: a seed and a number give the next seed."""
    return mix(seed + np.uint64(GOLDEN) * (np.uint64(number) + np.uint64(1)))


@compiled
def unit(bits):
    """64 bits as a number in [0, 1)."""
    return np.float64(bits >> np.uint64(11)) * 2.0**-53


@compiled
def bid_on(scale, factor, terms):
    """The bid on a scale, ``-inf`` where there is none."""
    if not (scale > terms.least and factor > -np.inf):
        return -np.inf
    bid = scale * factor
    if terms.step > 0:
        bid = np.floor(bid / terms.step) * terms.step
    return np.float64(min(bid, terms.cap))


@compiled
def rank_row(scales, ids, factors, active, outside, terms, best, who):
    """The highest bids of one impression into `best`, and whose they are into `who`."""
    levels = best.shape[0]
    best[:] = -np.inf
    who[:] = NONE
    columns = scales.shape[0]
    for place in range(columns + 1):
        c = place - 1 if terms.outside_first else place
        if 0 <= c < columns:
            i = ids[c] if ids.size > 0 else c
            bid = bid_on(scales[c], factors[i], terms) if i >= 0 and active[i] else -np.inf
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
def rank_tile(scales, factors, least, absent, tile, best, who):
    """`rank_row` for up to `TILE` impressions at once, where bids are plain products.

    Each advertiser's bids are inserted into the four highest of every impression, written out
    without a branch so that the loop runs on vector registers; a strict `>` keeps the earlier of
    equal bids above. best and who are [LEVELS, TILE].
    """
    rows, columns = scales.shape
    for r in range(rows):
        for c in range(columns):
            tile[c, r] = scales[r, c]
    best[:] = absent
    who[:] = NONE
    for c in range(columns):
        factor = factors[c]
        if factor == absent:
            continue
        for r in range(TILE):
            scale = tile[c, r]
            b = scale * factor if scale > least else absent
            b0, b1, b2, b3 = best[0, r], best[1, r], best[2, r], best[3, r]
            w0, w1, w2, w3 = who[0, r], who[1, r], who[2, r], who[3, r]
            over0, over1, over2, over3 = b > b0, b > b1, b > b2, b > b3
            best[3, r] = b2 if over2 else (b if over3 else b3)
            who[3, r] = w2 if over2 else (c if over3 else w3)
            best[2, r] = b1 if over1 else (b if over2 else b2)
            who[2, r] = w1 if over1 else (c if over2 else w2)
            best[1, r] = b0 if over0 else (b if over1 else b1)
            who[1, r] = w0 if over0 else (c if over1 else w1)
            best[0, r] = b if over0 else b0
            who[0, r] = c if over0 else w0


@compiled
def rank(scales, factors, active, least, highest, owners):
    """Fill highest and owners [K, LEVELS] with the four highest bids of every impression."""
    impressions, columns = scales.shape
    tile = np.zeros((columns, TILE), scales.dtype)
    best = np.empty((LEVELS, TILE), scales.dtype)
    who = np.empty((LEVELS, TILE), np.int32)
    present = factors.copy()
    present[~active] = -np.inf
    absent = highest.dtype.type(-np.inf)
    for start in range(0, impressions, TILE):
        stop = min(start + TILE, impressions)
        rank_tile(scales[start:stop], present, least, absent, tile, best, who)
        for k in range(start, stop):
            for s in range(LEVELS):
                highest[k, s] = best[s, k - start]
                owners[k, s] = who[s, k - start]


@compiled
def rank_again(scales, factors, active, terms, done, highest, owners):
    """Mend the ranking after a departure, in the impressions from `done` on that it concerns.

    A bid is the same product in `rank_row` as in `rank_tile`, and so is the order of equal ones.
    """
    for k in range(done, len(scales)):
        best, who = highest[k], owners[k]
        for s in range(LEVELS):
            if who[s] >= 0 and not active[who[s]]:
                rank_row(scales[k], owners[0:0, 0], factors, active, -np.inf, terms, best, who)
                break


@compiled
def part(lots, start, stop):
    """The impressions from start to stop."""
    return KernelImpressions(
        lots.values[start:stop],
        lots.scales[start:stop],
        lots.ids[start:stop],
        lots.outside[start:stop],
        lots.outcomes[start:stop],
    )


@compiled
def tell_sold(sold, k, best, who, reserve):
    """Note for what an impression is sold, if somebody asks."""
    if sold.top.size > 0:
        for s in range(len(best)):
            sold.top[k, s] = max(best[s], reserve)
        sold.placed[k, :] = who[:-1]


@compiled
def charge_rows(
    done,
    lots,
    terms,
    chance,
    factors,
    active,
    remaining,
    quantum,
    highest,
    owners,
    market_price,
    stayed,
    sums,
    sold,
):
    """Charge impressions in order of arrival, from `done` until the end or a departure.

    Who cannot pay an impression is struck off `active`, and the number of that impression, which
    is not charged, is returned; else the number of impressions. The ranking is taken from
    highest and owners where they are given.
    """
    values, scales, ids, outside, outcomes = lots
    own_price, exposure, reserve, sell_at_reserve = terms[:4]
    sampled = chance.sampled
    slots = exposure.shape[0]
    sparse = ids.size > 0
    ranked = owners.size > 0
    best = np.empty(slots + 1)
    who = np.empty(slots + 1, np.int32)
    charge, shown = np.empty(slots), np.empty(slots)
    exposure_seed = stir(chance.seed, np.uint64(Purpose.EXPOSURE) - np.uint64(1))
    conversion_seed = stir(chance.seed, np.uint64(Purpose.CONVERSION) - np.uint64(1))
    for k in range(done, len(values)):
        if ranked:
            for s in range(slots + 1):
                best[s] = highest[k, s]
                who[s] = owners[k, s]
        else:
            rank_row(
                scales[k],
                ids[k] if sparse else ids[0:0, 0],
                factors,
                active,
                outside[k] if outside.size > 0 else -np.inf,
                terms,
                best,
                who,
            )
        address = np.uint64(chance.first + k)
        slot_seed = stir(exposure_seed, address)
        coin_seed = stir(conversion_seed, address)
        seen = 1.0
        broke = False
        for s in range(slots):
            if not sampled:
                seen *= exposure[s]
            elif exposure[s] < 1.0 and seen > 0.0:
                seen = 1.0 if unit(stir(slot_seed, s)) < exposure[s] else 0.0
            shown[s] = seen
            following = max(best[s + 1], reserve)
            price = best[s] if own_price else following
            charge[s] = -1.0
            if who[s] >= 0 and best[s] >= reserve and (sell_at_reserve or following > reserve):
                i = who[s]
                # The inverse of a power of two is exact.
                charge[s] = np.ceil(price * seen * (1.0 / quantum[i])) * quantum[i]
                if charge[s] > remaining[i]:
                    active[i] = False
                    stayed[i] = k
                    broke = True
        if broke:
            return k
        for s in range(slots):
            if charge[s] >= 0:
                i = who[s]
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
                        counted = 1.0 if unit(stir(coin_seed, i)) < value else 0.0
                    sums[EXPOSURES, i] += shown[s]
                    sums[VALUE, i] += shown[s] * value
                    sums[CONVERSIONS, i] += shown[s] * counted
        market_price[k] = max(best[slots], reserve)
        tell_sold(sold, k, best, who, reserve)
    return len(values)


@compiled
def sum_offers(lots, terms, factors, stayed, market_price, sums):
    """Sum what was bid on: each advertiser's impressions before the one at which it left."""
    values, scales, ids = lots[:3]
    impressions, columns = values.shape
    least = terms.least
    offered, bid_sum = sums[OFFERED], sums[BID]
    value_sum, price_sum = sums[VALUE_OFFERED], sums[MARKET_PRICE]
    plain = ids.size == 0 and terms.step == 0.0 and terms.cap == np.inf
    last = (factors > -np.inf) * stayed
    for k in range(impressions):
        row, scale, price = values[k], scales[k], market_price[k]
        if plain:
            for c in range(columns):
                bid = (scale[c] > least) & (k < last[c])
                offered[c] += 1.0 if bid else 0.0
                bid_sum[c] += scale[c] * factors[c] if bid else 0.0
                value_sum[c] += row[c] if bid else 0.0
                price_sum[c] += price if bid else 0.0
        else:
            for c in range(columns):
                i = ids[k, c] if ids.size > 0 else c
                if i >= 0 and k < last[i] and scale[c] > least:
                    offered[i] += 1
                    bid_sum[i] += bid_on(scale[c], factors[i], terms)
                    value_sum[i] += row[c]
                    price_sum[i] += price


@compiled
def settle(lots, terms, chance, factors, active, remaining, quantum, sums, sold):
    """Rank, charge and sum a chunk of impressions after the other, each while it is in cache."""
    scales = lots.scales
    dense = lots.ids.size == 0 and lots.outside.size == 0
    plain = dense and terms.step == 0.0 and terms.cap == np.inf
    highest = np.empty((CHUNK if plain else 0, LEVELS), scales.dtype)
    owners = np.empty((CHUNK if plain else 0, LEVELS), np.int32)
    market_price = np.empty(CHUNK)
    for start in range(0, len(scales), CHUNK):
        stop = min(start + CHUNK, len(scales))
        here = part(lots, start, stop)
        told = KernelSold(sold.top[start:stop], sold.placed[start:stop])
        luck = KernelRng(chance.sampled, chance.seed, chance.first + start)
        count = len(here.scales)
        stayed = active * count
        if plain:
            rank(here.scales, factors, active, terms.least, highest, owners)
        done = np.int64(0)
        while done < count:
            done = charge_rows(
                done,
                here,
                terms,
                luck,
                factors,
                active,
                remaining,
                quantum,
                highest,
                owners,
                market_price,
                stayed,
                sums,
                told,
            )
            if plain:
                rank_again(here.scales, factors, active, terms, done, highest, owners)
        sum_offers(here, terms, factors, stayed, market_price, sums)


@compiled
def settle_ticks(first, last, asked, bids, lots, tick_start, terms, sampled, answers):
    """`settle` a tick in each of the markets first … last - 1, which share what is sold.

    Args:
        first: number of the first market.
        last: number after the last.
        asked: [M, 4N+3] factors, money, who is there, quanta; tick, and the halves of the seed.
        bids: [M, R, C] bids of the tick's impressions, in the first rows; empty for factor bids.
        lots: of all ticks.
        tick_start: [T+1].
        terms: of the sale.
        sampled: as in `KernelRng`.
        answers: [M, 11, N], zeros; filled with the sums, the money and who is there.
    """
    advertisers = answers.shape[2]
    untold = KernelSold(np.empty((0, 0)), np.empty((0, 0), np.int32))
    for market in range(first, last):
        row, answer = asked[market], answers[market]
        factors = row[:advertisers].astype(lots.values.dtype)
        remaining = answer[len(FIELDS)]
        remaining[:] = row[advertisers : 2 * advertisers]
        active = row[2 * advertisers : 3 * advertisers] > 0
        quantum = row[3 * advertisers : 4 * advertisers]
        tick, high, low = int(row[-3]), row[-2], row[-1]
        start, stop = np.int64(tick_start[tick]), np.int64(tick_start[tick + 1])
        here = part(lots, start, stop)
        if bids.size > 0:
            given = bids[market][: stop - start]
            here = KernelImpressions(here.values, given, here.ids, here.outside, here.outcomes)
        seed = (np.uint64(high) << np.uint64(32)) | np.uint64(low)
        chance = KernelRng(sampled, seed, start)
        settle(here, terms, chance, factors, active, remaining, quantum, answer, untold)
        answer[len(FIELDS) + 1] = active
