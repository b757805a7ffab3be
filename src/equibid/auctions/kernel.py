"""The compiled loops of `fused`: rank, charge and sum impressions, chunk by chunk."""

import numpy as np

from equibid.auctions.tally import FIELDS
from equibid.compiled import compiled, inlined
from equibid.noise import GOLDEN, MIX_1, MIX_2, Purpose

TILE = 32
LEVELS = 4
# Impressions ranked, charged and summed in one go; a departure costs their ranking again.
CHUNK = 256
OUTSIDE = -2
NONE = -1

OFFERED, BID, VALUE_OFFERED, MARKET_PRICE, WINS, EXPOSURES, SPEND, VALUE, CONVERSIONS = range(
    len(FIELDS)
)


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
def bid_on(value, factor, step, cap):
    """The bid on a value, ``-inf`` where there is none."""
    if not (value > 0 and factor > -np.inf):
        return -np.inf
    bid = value * factor
    if step > 0:
        bid = np.floor(bid / step) * step
    return np.float64(min(bid, cap))


@compiled
def rank_row(values, ids, factors, active, outside, outside_first, step, cap, best, who):
    """The highest bids of one impression into `best`, and whose they are into `who`."""
    levels = best.shape[0]
    best[:] = -np.inf
    who[:] = NONE
    columns = values.shape[0]
    for place in range(columns + 1):
        c = place - 1 if outside_first else place
        if 0 <= c < columns:
            i = ids[c] if ids.size > 0 else c
            bid = bid_on(values[c], factors[i], step, cap) if i >= 0 and active[i] else -np.inf
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
def rank_tile(values, factors, absent, tile, best, who):
    """`rank_row` for up to `TILE` impressions at once, where bids are plain products.

    Each advertiser's bids are inserted into the four highest of every impression, written out
    without a branch so that the loop runs on vector registers; a strict `>` keeps the earlier of
    equal bids above. best and who are [LEVELS, TILE].
    """
    rows, columns = values.shape
    for r in range(rows):
        for c in range(columns):
            tile[c, r] = values[r, c]
    best[:] = absent
    who[:] = NONE
    for c in range(columns):
        factor = factors[c]
        if factor == absent:
            continue
        for r in range(TILE):
            value = tile[c, r]
            b = value * factor if value > 0 else absent
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
def rank(values, factors, active, highest, owners):
    """Fill highest and owners [K, LEVELS] with the four highest bids of every impression."""
    impressions, columns = values.shape
    tile = np.zeros((columns, TILE), values.dtype)
    best = np.empty((LEVELS, TILE), values.dtype)
    who = np.empty((LEVELS, TILE), np.int32)
    present = factors.copy()
    present[~active] = -np.inf
    absent = highest.dtype.type(-np.inf)
    for start in range(0, impressions, TILE):
        stop = min(start + TILE, impressions)
        rank_tile(values[start:stop], present, absent, tile, best, who)
        for k in range(start, stop):
            for s in range(LEVELS):
                highest[k, s] = best[s, k - start]
                owners[k, s] = who[s, k - start]


@compiled
def charge_rows(
    first,
    values,
    factors,
    active,
    remaining,
    quantum,
    ids,
    outside,
    outcomes,
    highest,
    owners,
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
    market_price,
    stayed,
    sums,
):
    """Charge impressions in order of arrival, from `first` until the end or a departure.

    Who cannot pay an impression is struck off `active`, and the number of that impression, which
    is not charged, is returned; else the number of impressions. The ranking is taken from
    highest and owners where they are given.
    """
    slots = exposure.shape[0]
    sparse = ids.size > 0
    ranked = owners.size > 0
    best = np.empty(slots + 1)
    who = np.empty(slots + 1, np.int32)
    charge = np.empty(slots)
    shown = np.empty(slots)
    per_quantum = 1.0 / quantum
    exposure_seed = stir(seed, np.uint64(Purpose.EXPOSURE) - np.uint64(1))
    conversion_seed = stir(seed, np.uint64(Purpose.CONVERSION) - np.uint64(1))
    for k in range(first, len(values)):
        if ranked:
            for s in range(slots + 1):
                best[s] = highest[k, s]
                who[s] = owners[k, s]
        else:
            rank_row(
                values[k],
                ids[k] if sparse else ids[0:0, 0],
                factors,
                active,
                outside[k] if outside.size > 0 else -np.inf,
                outside_first,
                step,
                cap,
                best,
                who,
            )
        address = np.uint64(first_impression + k)
        slot_seed = stir(exposure_seed, address)
        coin_seed = stir(conversion_seed, address)
        chance = 1.0
        broke = False
        for s in range(slots):
            if not sampled:
                chance *= exposure[s]
            elif exposure[s] < 1.0 and chance > 0.0:
                chance = 1.0 if unit(stir(slot_seed, s)) < exposure[s] else 0.0
            shown[s] = chance
            following = max(best[s + 1], reserve)
            price = best[s] if own_price else following
            charge[s] = -1.0
            if who[s] >= 0 and best[s] >= reserve and (sell_at_reserve or following > reserve):
                charge[s] = np.ceil(price * chance * per_quantum) * quantum
                if charge[s] > remaining[who[s]]:
                    active[who[s]] = False
                    stayed[who[s]] = k
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
    return len(values)


@compiled
def sum_offers(values, factors, stayed, ids, market_price, step, cap, sums):
    """Sum what was bid on: each advertiser's impressions before the one at which it left."""
    impressions, columns = values.shape
    offered, bid_sum = sums[OFFERED], sums[BID]
    value_sum, price_sum = sums[VALUE_OFFERED], sums[MARKET_PRICE]
    plain = ids.size == 0 and step == 0.0 and cap == np.inf
    bids = np.where(factors > -np.inf, factors, values.dtype.type(0))
    last = np.where(factors > -np.inf, stayed, 0)
    for k in range(impressions):
        row, price = values[k], market_price[k]
        if plain:
            for c in range(columns):
                part = 1.0 if (row[c] > 0) & (k < last[c]) else 0.0
                offered[c] += part
                bid_sum[c] += part * (row[c] * bids[c])
                value_sum[c] += part * row[c]
                price_sum[c] += part * price
        else:
            for c in range(columns):
                i = ids[k, c] if ids.size > 0 else c
                if i >= 0 and k < last[i] and row[c] > 0:
                    offered[i] += 1
                    bid_sum[i] += bid_on(row[c], factors[i], step, cap)
                    value_sum[i] += row[c]
                    price_sum[i] += price


@compiled
def settle(
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
    """Rank, charge and sum a chunk of impressions after the other, each while it is in cache."""
    plain = ids.size == 0 and outside.size == 0 and step == 0.0 and cap == np.inf
    highest = np.empty((CHUNK if plain else 0, LEVELS), values.dtype)
    owners = np.empty((CHUNK if plain else 0, LEVELS), np.int32)
    market_price = np.empty(CHUNK)
    for start in range(0, len(values), CHUNK):
        here = slice(start, min(start + CHUNK, len(values)))
        offered = values[here]
        count = len(offered)
        stayed = np.where(active, count, 0)
        done = 0
        while done < count:
            if plain:
                # Anew after every departure, for the impressions that are left.
                rank(offered[done:], factors, active, highest[done:], owners[done:])
            done = charge_rows(
                done,
                offered,
                factors,
                active,
                remaining,
                quantum,
                ids[here],
                outside[here],
                outcomes[here],
                highest,
                owners,
                own_price,
                exposure,
                reserve,
                sell_at_reserve,
                outside_first,
                sampled,
                seed,
                first_impression + start,
                step,
                cap,
                market_price,
                stayed,
                sums,
            )
        sum_offers(offered, factors, stayed, ids[here], market_price, step, cap, sums)
