"""The market response and its derivative products on a CPU: sums over contests.

Formulas: arXiv 2503.10304, equations (19)-(22) and (37)-(42), in the quantities of `contest`.
With p_i q_j^{-i} = p_j r_i and r_i = p_i / (1 - p_i) for all payers i but the top, what the price
adds to a gradient needs two sums an impression; the top, as a payer, is treated on its own.
"""

import numpy as np

from equibid.compiled import compiled
from equibid.equilibrium.response.contest import (
    NONE,
    hold,
    scratch,
)
from equibid.equilibrium.response.contest import tick_of as row_of


@compiled
def respond(book, out):
    """Add returns and costs to out [2, N]."""
    contest = scratch(book)
    tick = np.int64(0)
    for k in range(book.values.shape[0]):
        tick = row_of(book, k, tick)
        count, _, _, _, _ = hold(book, contest, k, tick)
        for a in range(count):
            i = contest.who[a]
            if i >= 0:
                out[0, i] += contest.p[a] * book.values[k, contest.column[a]]
                out[1, i] += contest.p[a] * contest.price[a]


@compiled
def payer_odds(contest, a, top, g, others):
    """The odds p / (1 - p) of a bid that is not the top, without cancellation."""
    return 0.0 if a == top else g * contest.e[a] / (1.0 + g * (others - contest.e[a]))


@compiled
def vjp(book, weight, toll, out):
    """Add returns, costs, and the gradient of Σ weight·R + Σ toll·C by factors, to out [3, N]."""
    contest = scratch(book)
    column, who, bid, y = contest.column, contest.who, contest.bid, contest.y
    e, p, price = contest.e, contest.p, contest.price
    temperature = book.temperature
    for k in range(book.values.shape[0]):
        count, top, second, g, others = hold(book, contest, k, np.int64(0))
        mean, paid, odds, odds_mu, top_toll = 0.0, 0.0, 0.0, 0.0, 0.0
        for a in range(count):
            i = who[a]
            if i < 0:
                continue
            value = np.float64(book.values[k, column[a]])
            out[0, i] += p[a] * value
            out[1, i] += p[a] * price[a]
            mean += p[a] * (weight[i] * value + toll[i] * price[a])
            if a == top:
                top_toll = toll[i] * p[a]
            else:
                paid += toll[i] * p[a]
                r = toll[i] * payer_odds(contest, a, top, g, others)
                odds += r
                odds_mu += r * (price[a] - bid[top]) / temperature
        for a in range(count):
            i = who[a]
            if i < 0 or bid[a] >= book.bid_cap:
                continue
            value = np.float64(book.values[k, column[a]])
            slope = p[a] * (weight[i] * value + toll[i] * price[a] - mean) / temperature
            if second == NONE:
                slope = 0.0
            elif book.hard:
                slope += paid if a == top else (top_toll if a == second else 0.0)
            elif a == top:
                slope += p[a] * (odds - odds_mu)
            else:
                own = toll[i] * payer_odds(contest, a, top, g, others)
                own_mu = own * (price[a] - bid[top]) / temperature
                slope += p[a] * ((1.0 + y[a]) * (odds - own) - (odds_mu - own_mu))
                slope += top_toll * e[a] / others * (1.0 + (bid[a] - price[top]) / temperature)
            out[2, i] += value * slope


@compiled
def jvp(book, direction, out):
    """Add R, C, and how they change along a direction of the factors, to out [4, N]."""
    contest = scratch(book)
    column, who, bid, y = contest.column, contest.who, contest.bid, contest.y
    e, p, price = contest.e, contest.p, contest.price
    temperature = book.temperature
    turn = np.empty(book.values.shape[1] + 1)
    for k in range(book.values.shape[0]):
        count, top, second, _, others = hold(book, contest, k, np.int64(0))
        mean, mean_y, rest = 0.0, 0.0, 0.0
        for a in range(count):
            turn[a] = 0.0
            if who[a] >= 0 and bid[a] < book.bid_cap:
                turn[a] = np.float64(book.values[k, column[a]]) * direction[who[a]]
            mean += p[a] * turn[a]
            mean_y += p[a] * y[a] * turn[a]
            if second >= 0 and a != top:
                rest += e[a] / others * (1.0 + (bid[a] - price[top]) / temperature) * turn[a]
        for a in range(count):
            i = who[a]
            if i < 0:
                continue
            chance = p[a] * (turn[a] - mean) / temperature
            if second == NONE:
                chance, raised = 0.0, 0.0
            elif book.hard:
                raised = turn[second] if a == top else turn[top]
            elif a == top:
                raised = rest
            else:
                mu = (price[a] - bid[top]) / temperature
                left = (mean - p[a] * turn[a]) * (1.0 - mu) + mean_y - p[a] * y[a] * turn[a]
                raised = left / (1.0 - p[a])
            value = np.float64(book.values[k, column[a]])
            out[0, i] += p[a] * value
            out[1, i] += p[a] * price[a]
            out[2, i] += chance * value
            out[3, i] += chance * price[a] + p[a] * raised


@compiled
def cost_jacobian(book, out):
    """Add dC_i / dα_j to out [N, N]."""
    contest = scratch(book)
    column, who, bid, y = contest.column, contest.who, contest.bid, contest.y
    e, p, price = contest.e, contest.p, contest.price
    temperature = book.temperature
    for k in range(book.values.shape[0]):
        count, top, second, g, others = hold(book, contest, k, np.int64(0))
        if second == NONE:
            continue
        for a in range(count):
            i = who[a]
            if i < 0:
                continue
            pay = p[a] * price[a] / temperature
            mu = (price[a] - bid[top]) / temperature
            r = payer_odds(contest, a, top, g, others)
            for d in range(count):
                j = who[d]
                if j < 0 or bid[d] >= book.bid_cap:
                    continue
                slope = pay * (1.0 - p[a]) if a == d else -pay * p[d]
                if a != d and book.hard:
                    slope += p[a] if d == (second if a == top else top) else 0.0
                elif a != d and a == top:
                    slope += p[a] * e[d] / others * (1.0 + (bid[d] - price[a]) / temperature)
                elif a != d:
                    slope += r * p[d] * (1.0 + y[d] - mu)
                out[i, j] += np.float64(book.values[k, column[d]]) * slope
