"""Deviations on a CPU: what each advertiser gets alone, and what the others' factors do to it.

Formulas: arXiv 2503.10304, equations (19)-(22), in the quantities of `contest`; the gradient is the
envelope theorem's, of all deviations at once.
"""

import numpy as np

from equibid.compiled import compiled
from equibid.equilibrium.response.contest import (
    CUTOFF,
    LANES,
    NONE,
    SLACK,
    fill_groups,
    hold,
    scratch,
)
from equibid.equilibrium.response.contest import tick_of as row_of


@compiled
def mean_price(contest, count, top, hard):
    """What somebody pays for a win whose own bid is too low to count."""
    price = contest.bid[top]
    if not hard:
        for a in range(count):
            price += contest.p[a] * (contest.bid[a] - contest.bid[top])
    return price


@compiled
def buy(value, bid, above, price, slope_value, temperature, i, out):
    """Add one advertiser's part of an impression, against competitors at the level `above`."""
    z = (bid - above) / temperature
    if z < -CUTOFF:
        return
    chance = 1.0 / (1.0 + np.exp(-z))
    out[0, i] += chance * value
    out[1, i] += chance * price
    if z < CUTOFF:
        steep = slope_value * chance / ((1.0 + np.exp(z)) * temperature)
        out[2, i] += price * steep
        out[3, i] += value * steep


@compiled
def deviate(book, trial, worth, out):
    """What each advertiser would get alone with the factor `trial`, the others as they are.

    It bids only where a win costs less than `worth` a unit of value; infinite to bid everywhere.
    Adds returns, costs and the slopes of cost and returns by the own factor to out [4, N].

    Competitors act as one bid at the level τ·log Σ_{j≠i} exp(b_j/τ), at a price that does not
    depend on the own bid.
    """
    contest = scratch(book)
    column, who, bid, e = contest.column, contest.who, contest.bid, contest.e
    values, temperature = book.values, book.temperature
    columns = values.shape[1]
    listed = np.zeros(columns + 1, np.bool_)
    narrow = np.minimum(trial.astype(values.dtype), worth.astype(values.dtype))
    groups = np.empty(LANES, values.dtype)
    dense = book.ids.size == 0
    tick = np.int64(0)
    for k in range(values.shape[0]):
        tick = row_of(book, k, tick)
        count, top, second, g, others = hold(book, contest, k, tick)
        above, price, floor = -np.inf, 0.0, 0.0
        if count > 0:
            above = bid[top] + temperature * np.log1p(g * others)
            price = mean_price(contest, count, top, book.hard)
            floor = max(min(bid[top] - CUTOFF * temperature, price) * SLACK, 0.0)
        for a in range(count):
            i = who[a]
            if i < 0:
                continue
            listed[column[a]] = True
            value = np.float64(values[k, column[a]])
            if trial[i] <= 0 or contest.price[a] >= worth[i] * value:
                continue
            own = min(value * trial[i], book.bid_cap)
            if a != top:
                level = bid[top] + temperature * np.log1p(g * (others - e[a]))
            else:
                level = bid[second] + temperature * np.log(others) if second >= 0 else -np.inf
            moves = value if own < book.bid_cap else 0.0
            buy(value, own, level, contest.price[a], moves, temperature, i, out)
        if dense:
            fill_groups(values[k], narrow, groups)
        for r in range(min(LANES, columns) if dense else 1):
            if dense and not (groups[r] > 0 and groups[r] >= floor):
                continue
            for c in range(r, columns, LANES if dense else 1):
                i = c if dense else book.ids[k, c]
                if i < 0 or listed[c] or not values[k, c] * narrow[i] > 0:
                    continue
                value = np.float64(values[k, c])
                if values[k, c] * narrow[i] < floor or price >= worth[i] * value:
                    continue
                own = min(value * trial[i], book.bid_cap)
                moves = value if own < book.bid_cap else 0.0
                buy(value, own, above, price, moves, temperature, i, out)
        for a in range(count):
            if column[a] >= 0:
                listed[column[a]] = False


@compiled
def pull(own, level, met, value, weight, toll, temperature):
    """How the total of a deviation falls with the level of the others, and rises with the price.

    The total is weight · returns + toll · cost, the level τ log Σ exp(b_j/τ) of the others' bids,
    and `met` the price of a win.
    """
    z = (own - level) / temperature
    if z < -CUTOFF:
        return 0.0, 0.0
    chance = 1.0 / (1.0 + np.exp(-z))
    steep = chance / ((1.0 + np.exp(z)) * temperature) if z < CUTOFF else 0.0
    return (weight * value + toll * met) * steep, toll * chance


@compiled
def below(book, first, met, rest, value, trial, weight, toll, sums):
    """The deviation of a bidder below the top, added to the sums; its own part of them.

    Args:
        book: the impressions.
        first: the highest bid.
        met: the price that the deviation meets.
        rest: Σ exp((b_j - first)/τ) over the others.
        value: of the impression to the bidder.
        trial: its factor.
        weight: on its returns.
        toll: on its cost.
        sums: of `fall`, of `lift`, and of how costs rise with the price.
    """
    if not (trial > 0 and value > 0):
        return 0.0, 0.0
    temperature = book.temperature
    own, level = min(value * trial, book.bid_cap), first + temperature * np.log(rest)
    drop, raised = pull(own, level, met, value, weight, toll, temperature)
    fall, lift = -drop / rest, 0.0
    if not book.hard:
        fall += raised * (1.0 - (met - first) / temperature) / rest
        lift = raised / rest
    sums[0] += fall
    sums[1] += lift
    sums[2] += raised
    return fall, lift


@compiled
def pull_of_top(book, contest, top, second, others, value, trial, weight, toll):
    """`pull` of the highest bidder's deviation, which meets all others."""
    level = contest.bid[second] + book.temperature * np.log(others)
    own = min(value * trial, book.bid_cap)
    return pull(own, level, contest.price[top], value, weight, toll, book.temperature)


@compiled
def give(book, contest, k, held, sums, fall, lift, of_top, out):
    """Add to out [1, N] what the deviations from an impression make of the factors of its bids.

    Args:
        book: the impressions.
        contest: of impression k.
        k: the impression.
        held: as `hold` tells it.
        sums: over deviations below the top: of `fall`, of `lift`, and how they rise with the price.
        fall: of each listed bid's own deviation below the top, a part of the sum.
        lift: likewise.
        of_top: `pull` of the top's deviation.
        out: the gradient.
    """
    count, top, second, g, others = held
    bid, y, e = contest.bid, contest.y, contest.e
    for a in range(count):
        i = contest.who[a]
        if i < 0 or bid[a] >= book.bid_cap:
            continue
        if a == top:
            moved = sums[0] + (sums[2] if book.hard else 0.0)
        else:
            moved = g * e[a] * ((sums[0] - fall[a]) + y[a] * (sums[1] - lift[a]))
            own = 0.0 if book.hard else 1.0 + (bid[a] - contest.price[top]) / book.temperature
            moved += e[a] / others * (of_top[1] * own - of_top[0])
            if book.hard and a == second:
                moved += of_top[1]
        out[0, i] += np.float64(book.values[k, contest.column[a]]) * moved


@compiled
def deviation_vjp(book, trial, weight, toll, out):
    """Add the gradient of Σ_i weight_i R_i + toll_i C_i by the factors of others, to out [1, N].

    R_i and C_i are what i alone would get with the factor `trial`, as of `deviate`. With q the
    softmax over the others, w the chance to win and m the price of i's deviation,

        ∂w/∂b_j = -w (1 - w) q_j / τ,   ∂m/∂b_j = q_j (1 + (b_j - m)/τ)   (soft),

    so that all who deviate add to two sums an impression, of which each leaves out its own.
    """
    contest = scratch(book)
    column, who = contest.column, contest.who
    values, temperature = book.values, book.temperature
    columns = values.shape[1]
    listed = np.zeros(columns + 1, np.bool_)
    fall, lift, sums = np.zeros(columns + 1), np.zeros(columns + 1), np.zeros(3)
    narrow = trial.astype(values.dtype)
    groups = np.empty(LANES, values.dtype)
    dense = book.ids.size == 0
    for k in range(values.shape[0]):
        held = hold(book, contest, k, np.int64(0))
        count, top, second, g, others = held
        if count == 0:
            continue
        first, of_top = contest.bid[top], (0.0, 0.0)
        price = mean_price(contest, count, top, book.hard)
        floor = max(min(first - CUTOFF * temperature, price) * SLACK, 0.0)
        sums[:] = 0.0
        for a in range(count):
            fall[a], lift[a] = 0.0, 0.0
            i = who[a]
            if i < 0:
                continue
            listed[column[a]] = True
            value = np.float64(values[k, column[a]])
            if a != top:
                met, rest = contest.price[a], 1.0 + g * (others - contest.e[a])
                fall[a], lift[a] = below(
                    book, first, met, rest, value, trial[i], weight[i], toll[i], sums
                )
            elif trial[i] > 0 and second != NONE:
                of_top = pull_of_top(
                    book, contest, top, second, others, value, trial[i], weight[i], toll[i]
                )
        if dense:
            fill_groups(values[k], narrow, groups)
        rest = 1.0 + g * others
        for r in range(min(LANES, columns) if dense else 1):
            if dense and not (groups[r] > 0 and groups[r] >= floor):
                continue
            for c in range(r, columns, LANES if dense else 1):
                i = c if dense else book.ids[k, c]
                if i < 0 or listed[c] or values[k, c] * narrow[i] < floor:
                    continue
                value = np.float64(values[k, c])
                below(book, first, price, rest, value, trial[i], weight[i], toll[i], sums)
        for a in range(count):
            if column[a] >= 0:
                listed[column[a]] = False
        give(book, contest, k, held, sums, fall, lift, of_top, out)
