"""One impression of the market response on a CPU: the bids that matter, and what they lead to.

Of an impression's bids only those within `CUTOFF` temperatures of the second highest have a weight
that matters: they are its contest, usually a handful of many. Everything is
measured from the two highest bids, so that no exponential overflows and no difference cancels:

    b_t, b_s        highest and second highest bid
    y_j             (b_j - b_t) / τ ≤ 0
    e_j             exp((b_j - b_s) / τ) for all but the top, at most 1
    g               exp((b_s - b_t) / τ), at most 1
    O               Σ_{j≠t} e_j ≥ 1, so that p_t = 1 / (1 + g·O) and p_j = g·e_j / (1 + g·O)

Formulas: arXiv 2503.10304, equations (1), (16)-(18), written for these quantities.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from equibid.compiled import compiled, inlined

# Weights below exp(-30), 1e-13, are left out.
CUTOFF = 30.0
# Columns go in LANES interleaved groups; a group whose best bid is far from the top is passed over.
LANES = 64
NONE = -1
HALF_WAY = np.exp(-0.5 * CUTOFF)
# Products rounded to float32 are off by a relative 2^-23.
SLACK = 1 - 1e-6
# The smallest positive float32: whatever is below it is no bid.
LEAST_BID = 1e-45


class KernelInput(NamedTuple):
    """Some impressions of a game, and everybody's factors, as NumPy arrays.

    Attributes:
        values: [B C], C-contiguous.
        ids: [B C] advertiser of each column, or [0 0] when dense.
        outside: [B] highest bid from outside, or [0].
        tick_start: [T' + 1] of the market.
        first: number of the first impression.
        level: [T N] factors in the precision of the values; T is 1 or T'.
        rate: [T N] factors.
        bid_cap: highest bid.
        temperature: τ.
        hard: whether the price is the highest of the others, or their softmax mean.
    """

    values: npt.NDArray[np.floating]
    ids: npt.NDArray[np.int32]
    outside: npt.NDArray[np.float64]
    tick_start: npt.NDArray[np.int64]
    first: int
    level: npt.NDArray[np.floating]
    rate: npt.NDArray[np.float64]
    bid_cap: float
    temperature: float
    hard: bool


class ActiveBids(NamedTuple):
    """Scratch for one impression: a row a listed bid.

    Attributes:
        groups: [LANES] best bid of each group of columns, rounded to the values' precision.
        offer: [C] bids of the candidates, rounded likewise.
        column: of the bid, `NONE` for the outside.
        who: its advertiser, `NONE` for the outside.
        bid: currency.
        y: see above.
        e: see above; 0 for the top.
        p: probability to win.
        price: of a win.
    """

    groups: npt.NDArray[np.floating]
    offer: npt.NDArray[np.floating]
    column: npt.NDArray[np.int32]
    who: npt.NDArray[np.int32]
    bid: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    e: npt.NDArray[np.float64]
    p: npt.NDArray[np.float64]
    price: npt.NDArray[np.float64]


@compiled
def scratch(book: KernelInput) -> Any:
    """Room for the contests of a book."""
    room = book.values.shape[1] + 1
    return ActiveBids(
        np.empty(LANES, book.values.dtype),
        np.empty(room, book.values.dtype),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
    )


@inlined
def best_of_groups(values, level, groups):
    """The best bid of each group of columns {r, r + LANES, …} of a dense row, into `groups`."""
    columns = values.shape[0]
    whole = columns - columns % LANES
    for r in range(LANES):
        groups[r] = 0
    for start in range(0, whole, LANES):
        for r in range(LANES):
            bid = values[start + r] * level[start + r]
            groups[r] = bid if bid > groups[r] else groups[r]
    for r in range(columns - whole):
        bid = values[whole + r] * level[whole + r]
        groups[r] = bid if bid > groups[r] else groups[r]


@compiled
def fill_groups(values, level, groups):
    """`best_of_groups`, where the compiler sees that its arrays are distinct."""
    best = np.empty(LANES, values.dtype)
    best_of_groups(values, level, best)
    groups[:] = best


@compiled
def second_best(values, level, groups):
    """The second highest bid of a dense row whose groups are known; 0 where there is none."""
    first, second, where = groups.dtype.type(0), groups.dtype.type(0), 0
    for r in range(min(LANES, values.shape[0])):
        if groups[r] > first:
            first, second, where = groups[r], first, r
        elif groups[r] > second:
            second = groups[r]
    seen = False
    for c in range(where, values.shape[0], LANES):
        bid = values[c] * level[c]
        if bid >= first and not seen:
            seen = True
        elif bid > second:
            second = bid
    return second


@inlined
def offers_of(values, ids, level, offer):
    """Bids of the candidates of an impression, rounded, and the second highest of them."""
    first, second = offer.dtype.type(0), offer.dtype.type(0)
    for c in range(values.shape[0]):
        # Padding has id -1 and value 0: it offers nothing, whosever factor that is.
        offer[c] = values[c] * level[ids[c]]
    for c in range(values.shape[0]):
        if offer[c] > second:
            second = min(offer[c], first)
            first = max(offer[c], first)
    return second


@inlined
def list_bids(book, contest, k, tick):
    """List an impression's bids that may matter; returns how many."""
    columns = book.values.shape[1]
    values, level, rate = book.values[k], book.level[tick], book.rate[tick]
    column, who, bid, groups = contest.column, contest.who, contest.bid, contest.groups
    reach = CUTOFF * book.temperature
    count = 0
    # Every column is written down, and kept if it counts: a branch would be mispredicted.
    if book.ids.size == 0:
        fill_groups(values, level, groups)
        second = second_best(values, level, groups)
        floor = max((min(second, book.bid_cap) - reach) * SLACK, LEAST_BID)
        for r in range(min(LANES, columns)):
            if groups[r] >= floor:
                for c in range(r, columns, LANES):
                    column[count] = c
                    count += 1 if values[c] * level[c] >= floor else 0
        for a in range(count):
            c = column[a]
            who[a] = c
            bid[a] = min(np.float64(values[c]) * rate[c], book.bid_cap)
    else:
        ids, offers = book.ids[k], contest.offer
        second = offers_of(values, ids, level, offers)
        floor = max((min(second, book.bid_cap) - reach) * SLACK, LEAST_BID)
        for c in range(columns):
            column[count] = c
            count += 1 if offers[c] >= floor else 0
        for a in range(count):
            c = column[a]
            who[a] = ids[c]
            bid[a] = min(np.float64(values[c]) * rate[ids[c]], book.bid_cap)
    if book.outside.size > 0 and book.outside[k] > 0:
        column[count] = NONE
        who[count] = NONE
        bid[count] = book.outside[k]
        count += 1
    return count


@inlined
def rank(contest, count):
    """Places of the highest and the second highest bid; of equals the lowest advertiser leads."""
    bid, who = contest.bid, contest.who
    top, second = NONE, NONE
    for a in range(count):
        if top < 0 or bid[a] > bid[top] or (bid[a] == bid[top] and who[a] < who[top]):
            top, second = a, top
        elif second < 0 or bid[a] > bid[second] or (bid[a] == bid[second] and who[a] < who[second]):
            second = a
    return top, second


@inlined
def drop_far(contest, count, top, second, floor):
    """Keep the bids from `floor` on; returns how many, and where the two highest went."""
    kept = 0
    for a in range(count):
        if contest.bid[a] >= floor:
            contest.column[kept] = contest.column[a]
            contest.who[kept] = contest.who[a]
            contest.bid[kept] = contest.bid[a]
            if a == top:
                top = kept
            if a == second:
                second = kept
            kept += 1
    return kept, top, second


@inlined
def exponentials(bid, base, default_temperature, out, count):
    """exp((bid - base) · sharpness), at most 1, for the first `count` bids.

    A 64th power of a polynomial, relative error below 1e-13: plain products are what the compiler
    turns into vector instructions. Right down to -`CUTOFF`.
    """
    for a in range(count):
        x = min((bid[a] - base) * default_temperature, 0.0)
        # The argument of the polynomial is within ±CUTOFF / 128.
        z = (x + 0.5 * CUTOFF) * (1.0 / 64.0)
        f = 1.0 + z * (1.0 / 11.0)
        f = 1.0 + z * f * (1.0 / 10.0)
        f = 1.0 + z * f * (1.0 / 9.0)
        f = 1.0 + z * f * (1.0 / 8.0)
        f = 1.0 + z * f * (1.0 / 7.0)
        f = 1.0 + z * f * (1.0 / 6.0)
        f = 1.0 + z * f * (1.0 / 5.0)
        f = 1.0 + z * f * (1.0 / 4.0)
        f = 1.0 + z * f * (1.0 / 3.0)
        f = 1.0 + z * f * (1.0 / 2.0)
        f = 1.0 + z * f
        f *= f
        f *= f
        f *= f
        f *= f
        f *= f
        f *= f
        out[a] = f * HALF_WAY


@inlined
def weigh(bid, y, e, base, top, default_temperature, count):
    """Fill y and e of a contest whose second highest bid is `base`; e of the top is to be reset."""
    exponentials(bid, base, default_temperature, e, count)
    for a in range(count):
        y[a] = (bid[a] - top) * default_temperature


@compiled
def hold(book, contest, k, tick):
    """Hold the contest of impression k: list its bids, and fill y, e, p and price.

    Returns:
        How many bids it has, the places of the highest and the second (`NONE` if there is none),
        g and O.
    """
    count = list_bids(book, contest, k, tick)
    if count == 0:
        return 0, NONE, NONE, 0.0, 0.0
    top, second = rank(contest, count)
    bid, y, e, p, price = contest.bid, contest.y, contest.e, contest.p, contest.price
    if second < 0:
        y[0], e[0], p[0], price[0] = 0.0, 0.0, 1.0, 0.0
        return 1, 0, NONE, 0.0, 0.0
    temperature = book.temperature
    first, base = bid[top], bid[second]
    count, top, second = drop_far(contest, count, top, second, base - CUTOFF * temperature)
    weigh(bid, y, e, base, first, 1.0 / temperature, count)
    e[top] = 0.0
    g = np.exp((base - first) / temperature)
    others, slack, below = 0.0, 0.0, 0.0
    for a in range(count):
        others += e[a]
        slack += e[a] * y[a]
        below += e[a] * (bid[a] - base)
    chance = g / (1.0 + g * others)
    if book.hard:
        for a in range(count):
            p[a] = chance * e[a]
            price[a] = first
    else:
        for a in range(count):
            p[a] = chance * e[a]
            price[a] = first + temperature * g * (slack - e[a] * y[a]) / (1.0 + g * (others - e[a]))
    p[top] = 1.0 / (1.0 + g * others)
    price[top] = base if book.hard else base + below / others
    return count, top, second, g, others


@inlined
def tick_of(book, k, tick):
    """The row of `level` for impression k of the book, from that of an earlier one."""
    if book.level.shape[0] > 1:
        while book.tick_start[tick + 1] <= book.first + k:
            tick += 1
    return tick
