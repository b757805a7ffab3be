"""What bids would have bought on a training log, under the log's own rule.

A bid takes the best slot that it wins and the advertiser can still pay. What a win costs is said by
the log's `PriceRule`: the slot's price, or the bid itself; a soft rule wins and charges in part.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.bidders.training import TrainingLog
from equibid.compiled import compiled, read_only

# Halvings that find a factor to the last bit of its costs.
HALVINGS = 80
# Beyond so many temperatures above even, a soft rule wins for sure.
SURE = 40.0


class Purchases(NamedTuple):
    """What each advertiser would have bought on a training log, expected over exposure.

    Attributes:
        value: summed value of the ads shown, value units.
        spend: money paid.
        wins: slots won.
    """

    value: Float[np.ndarray, " N"]
    spend: Float[np.ndarray, " N"]
    wins: Float[np.ndarray, " N"]


def replay(log: TrainingLog, bids: Float[Array, "K N"]) -> Purchases:
    """What each advertiser would have bought with `bids` on the log.

    The budget is filled anew at the start of every delivery period; a period that the log cuts has
    that part of the budget.
    """
    return _replay(log, bids, np.asarray(log.campaigns.budget, np.float64))


def _replay(log: TrainingLog, bids: Float[Array, "K N"], budget: np.ndarray) -> Purchases:
    offers = read_only(bids)
    sums = np.zeros((3, offers.shape[1]))
    _buy(
        offers,
        read_only(log.values),
        read_only(log.prices, np.float64),
        even_bids(log),
        read_only(log.exposure, np.float64),
        log.rule,
        read_only(budget),
        read_only(log.period_start, np.int64),
        read_only(log.period_share, np.float64),
        offers.dtype.type(log.bid_step),
        offers.dtype.type(log.bid_cap),
        sums,
    )
    return Purchases(*sums)


def even_bids(log: TrainingLog) -> Float[np.ndarray, "#K #N"]:
    """`TrainingLog.even` for the compiled loops: empty under ranked rules."""
    return read_only(np.empty((0, 0)) if log.even is None else log.even, np.float64)


@compiled
def on_grid(bid, step, cap):
    """A bid as the exchange takes it: rounded down to a step, at most the cap."""
    if step > 0:
        bid = np.floor(bid / step) * step
    return min(bid, cap)


@compiled
def win_chance(bid, even, rule):
    """Probability of a bid to win under a soft rule, given the bid that wins with even chance."""
    if not bid >= rule.reserve:
        return 0.0
    return 1.0 / (1.0 + np.exp((even - bid) / rule.temperature))


@compiled
def purchase(bid, prices, even, exposure, rule, money, quantum):
    """Of one bid: the slot (-1 for none), the chance to win it, and what is paid, in expectation.

    Args:
        bid: currency per exposure, as the exchange takes it.
        prices: [L] of the slots.
        even: see `win_chance`; any number under ranked rules.
        exposure: [L] probability that each slot is shown.
        rule: a `PriceRule`.
        money: what can be paid.
        quantum: charges are rounded up to a multiple of it; 0 leaves them.
    """
    for s in range(exposure.shape[0]):
        win = 1.0
        if rule.temperature > 0:
            win = win_chance(bid, even, rule)
        elif not (bid > prices[s] or (bid == prices[s] and rule.wins_ties)):
            continue
        paid = (bid if rule.own_bid else prices[s]) * (win * exposure[s])
        if quantum > 0:
            paid = np.ceil(paid / quantum) * quantum
        if win > 0 and money >= paid:
            return s, win, paid
    return -1, 0.0, 0.0


@compiled
def _buy(bids, values, prices, evens, exposure, rule, budget, starts, shares, step, cap, sums):
    own = prices.shape[1] > 1
    remaining = np.zeros_like(budget)
    begun = 0
    for k in range(bids.shape[0]):
        while begun < len(starts) and starts[begun] <= k:
            remaining[:] = budget * shares[begun]
            begun += 1
        for i in range(bids.shape[1]):
            if not values[k, i] > 0:
                continue
            bid = on_grid(bids[k, i], step, cap)
            column = i if own else 0
            even = evens[k, column] if evens.size > 0 else 0.0
            s, win, paid = purchase(bid, prices[k, column], even, exposure, rule, remaining[i], 0.0)
            if s >= 0:
                remaining[i] -= paid
                sums[0, i] += values[k, i] * (win * exposure[s])
                sums[1, i] += paid
                sums[2, i] += win


def needed_factors(
    values: Float[Array, "K N"],
    prices: Float[Array, "K #N L"],
    step: float = 0.0,
    cap: float = float("inf"),
    wins_ties: bool = True,
) -> Float[Array, "K N L"]:
    """The least factor whose bid wins each slot, currency per value unit.

    Infinite where no bid does, or there is no value.

    Args:
        values: value units.
        prices: of the slots, currency per exposure.
        step: bids are rounded down to a multiple of it; 0 for none.
        cap: the highest bid.
        wins_ties: whether a bid of just the price wins.
    """
    if step > 0:
        levels = prices / step
        bids = step * (jnp.ceil(levels) if wins_ties else jnp.floor(levels) + 1)
    else:
        bids = prices if wins_ties else jnp.nextafter(prices, jnp.inf)
    eligible = (values > 0)[..., None] & (bids <= cap)
    return jnp.where(eligible, bids / jnp.where(values > 0, values, 1)[..., None], jnp.inf)


def slot_steps(prices: Float[Array, "K #N L"], exposure: tuple[float, ...]) -> Float[Array, "..."]:
    """What each slot costs beyond the slot below it, in expectation; an unsold one costs nothing.

    An advertiser climbs from slot to slot as its factor grows, and these are the costs of the steps
    where a win costs the slot's price.
    """
    paid = jnp.where(jnp.isfinite(prices), prices, 0).astype(jnp.float64) * jnp.asarray(exposure)
    return paid - jnp.pad(paid[..., 1:], [(0, 0)] * (paid.ndim - 1) + [(0, 1)])


def spend_factor(log: TrainingLog) -> Float[np.ndarray, " N"]:
    """The largest factor whose purchases on the log fit the budget, currency per value unit.

    The budget is that of as many periods as the log holds, a part of one too. Value and cost grow
    with the factor, so no factor within the budget buys more. 0 where no purchase fits.
    """
    grid = log.bid_step, log.bid_cap
    needed = np.asarray(needed_factors(log.values, log.prices, *grid, log.rule.wins_ties))
    budget = np.asarray(log.campaigns.budget, np.float64) * log.periods
    if log.rule.temperature > 0:
        return _halved(log, budget, _sure_factors(log))
    if not log.rule.own_bid:
        cost = np.broadcast_to(np.asarray(slot_steps(log.prices, log.exposure)), needed.shape)
        return _climbed(needed, cost, budget)
    dearest = np.where(np.isfinite(needed), needed, 0).max(axis=(0, 2), initial=0)
    most = _halved(log, budget, reached(log, dearest))
    # Of all factors that make the same purchases, the least pays least.
    return np.where(needed <= most[:, None], needed, 0).max(axis=(0, 2), initial=0)


def reached(log: TrainingLog, factor: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """A factor a few roundings higher, so that its bids reach the prices it was made of."""
    return factor * (1 + 4 * float(jnp.finfo(log.values.dtype).eps))


def _climbed(needed: np.ndarray, cost: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """Costs of steps are summed by the factor that reaches them, until the budget is met."""
    chosen = np.zeros(len(budget))
    for i in range(len(budget)):
        factor, step = needed[:, i].ravel(), cost[:, i].ravel()
        sold = np.isfinite(factor)
        factor, step = factor[sold], step[sold]
        order = np.argsort(factor, kind="stable")
        spent, top_bids = step[order].cumsum(), factor[order]
        # Steps of one factor are taken together or not at all.
        last = np.searchsorted(spent, budget[i], side="right")
        if last == len(top_bids):
            chosen[i] = top_bids[-1] if last else 0.0
        else:
            first = np.searchsorted(top_bids, top_bids[last], side="left")
            chosen[i] = top_bids[first - 1] if first else 0.0
    return chosen


def _sure_factors(log: TrainingLog) -> np.ndarray:
    """Factors at which every impression is won, under a soft rule."""
    sure = np.asarray(log.even)[..., None] + SURE * log.rule.temperature
    sure = np.maximum(sure, log.rule.reserve)
    needed = np.asarray(needed_factors(log.values, jnp.asarray(sure)))
    return np.where(np.isfinite(needed), needed, 0).max(axis=(0, 2), initial=0)


def _halved(log: TrainingLog, budget: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The largest factor up to `high` whose costs fit, as costs grow with the factor."""
    values = np.asarray(log.values)
    endless = np.full_like(budget, np.inf)

    def fits(factor: np.ndarray) -> np.ndarray:
        return (
            _replay(log, jnp.asarray(factor.astype(values.dtype) * values), endless).spend <= budget
        )

    low, high = np.zeros_like(high), high.copy()
    enough = fits(high)
    low[enough] = high[enough]
    for _ in range(HALVINGS):
        if (low == high).all():
            break
        middle = (low + high) / 2
        good = fits(middle)
        low, high = np.where(good, middle, low), np.where(good, high, middle)
    return low
