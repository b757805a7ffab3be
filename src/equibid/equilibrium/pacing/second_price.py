"""Second-price pacing equilibria of small markets, by mixed-integer programming.

Advertiser i bids ``α_i v_ki`` with ``α_i <= cap_i``; with ``h_k = max_i α_i v_ki``,

    (1) x_ki > 0 only where α_i v_ki = h_k        (4) Σ_k p_k x_ki <= B_i
    (2) p_k is the second-highest bid             (5) = B_i, or α_i = cap_i
    (3) Σ_i x_ki = 1 wherever h_k > 0

Splitting ties is part of the equilibrium: without it there may be none. There always is one, there
may be many, to find one is PPAD-complete and the best one NP-hard: the program serves markets of
a few advertisers and few different impressions (3 × 10 takes seconds, 4 × 6 may take a minute).
Money s = p · x takes the place of the allocation, which makes all but welfare linear.

Welfare is bounded by McCormick's envelope of s = p · x. The program is solved for the bound, the
split of ties that is best at the prices found is taken, the pattern of ties and bounds is cut off,
and so on until the bound is no better than the best equilibrium found.

Source: Conitzer, Kroer, Sodomka and Stier-Moses, "Multiplicative pacing equilibria in auction
markets", Operations Research 2022; the bounds and the welfare search are ours.
"""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from equibid.equilibrium.pacing.market import Floats, Gap, checked, grouped, pacing_gap
from equibid.equilibrium.pacing.program import PRECISION, Objective, Point, Program
from equibid.errors import InputError

MOST_ADVERTISERS, MOST_IMPRESSIONS = 12, 40


@dataclass(frozen=True)
class SecondPricePacing:
    """One equilibrium.

    Attributes:
        factors: α, currency per value unit.
        allocation: share of each impression.
        price: currency per impression.
        spend: currency.
        welfare: Σ v x, value units.
        revenue: Σ p x, currency.
        proven: no equilibrium has a better objective, to a share of 1e-6.
    """

    factors: Float[np.ndarray, " N"]
    allocation: Float[np.ndarray, "K N"]
    price: Float[np.ndarray, " K"]
    spend: Float[np.ndarray, " N"]
    welfare: float
    revenue: float
    proven: bool


def second_price_pacing(
    values: npt.ArrayLike,
    budget: npt.ArrayLike,
    cap: npt.ArrayLike = 1.0,
    *,
    objective: Objective = "revenue",
    advertiser: int = 0,
    time_limit: float = 60.0,
) -> SecondPricePacing:
    """Find the equilibrium with the best objective, or the best found in time.

    Args:
        values: [K, N] value units per impression.
        budget: [N] currency.
        cap: [N] or one number, highest factor, currency per value unit.
        objective: the highest "revenue" or "welfare", or the lowest or highest factor of
            `advertiser`, which usually tells equilibria apart faster than welfare does.
        advertiser: whose factor.
        time_limit: seconds.

    Raises:
        InputError: input is malformed, the market is too large, or time ran out before the first
            equilibrium was found.
    """
    market = checked(values, budget, cap)
    values, budget, cap = market
    advertisers = len(budget)
    if objective not in ("revenue", "welfare", "lowest-factor", "highest-factor"):
        raise InputError(
            f"objective {objective!r} must be revenue, welfare, lowest-factor or highest-factor"
        )
    if not 0 <= advertiser < advertisers:
        raise InputError(f"advertiser {advertiser} must lie in 0 … {advertisers - 1}")
    rows, group, size = grouped(values)
    contested = (rows > 0).sum(axis=1) > 1
    if advertisers > MOST_ADVERTISERS or contested.sum() > MOST_IMPRESSIONS:
        raise InputError(
            f"{advertisers} advertisers × {contested.sum()} different impressions are too many "
            "for an exact second-price equilibrium; take at most "
            f"{MOST_ADVERTISERS} × {MOST_IMPRESSIONS}"
        )
    # What one advertiser alone values is free to it, and what nobody values is not sold.
    share, price = (rows > 0).astype(np.float64), np.zeros(len(rows))
    factors, proven = cap.copy(), True
    if contested.any():
        program = Program(rows[contested] * cap, size[contested], budget, rows[contested])
        search = _best_welfare if objective == "welfare" else _best_linear
        found, proven = search(program, program.cost(objective, advertiser), time_limit)
        if found is None:
            raise InputError(
                f"no second-price equilibrium of {advertisers} advertisers × {contested.sum()} "
                f"impressions was found in {time_limit:g} s; raise time_limit or take fewer"
            )
        factors = found.beta * cap
        share[contested], price[contested] = found.share, found.price
    allocation, price = share[group], price[group]
    spend = price @ allocation
    return SecondPricePacing(
        factors=factors,
        allocation=allocation,
        price=price,
        spend=spend,
        welfare=float((values * allocation).sum()),
        revenue=float(spend.sum()),
        proven=proven,
    )


def check_second_price(
    values: npt.ArrayLike, budget: npt.ArrayLike, cap: npt.ArrayLike, found: SecondPricePacing
) -> Gap:
    """How far `found` is from the conditions (1) … (5)."""
    market = checked(values, budget, cap)
    bids = np.column_stack([found.factors * market.values, np.zeros(len(market.values))])
    due = np.sort(bids, axis=1)[:, -2]
    spend = found.price @ found.allocation
    return pacing_gap(market, found.factors, found.allocation, found.price, due, spend)


def _best_linear(program: Program, cost: Floats, time_limit: float) -> tuple[Point | None, bool]:
    """The equilibrium of least cost, and whether that is proven."""
    result = program.solve(cost, time_limit)
    if result.x is None:
        return None, False
    switches = np.round(result.x)
    exact = program.within(cost, switches)
    # Switches that were whole only within tolerance may fit no exact point.
    return program.point(result.x if exact is None else exact, True), result.status == 0


def _best_welfare(program: Program, cost: Floats, time_limit: float) -> tuple[Point | None, bool]:
    """The equilibrium of highest welfare among the patterns of ties, and whether that is proven."""
    end = time.monotonic() + time_limit
    program.tie_quantity_to_money()
    scale = program.value.max()
    best: Point | None = None
    pinned = True
    while True:
        result = program.solve(cost, end - time.monotonic())
        bound = np.inf if result.mip_dual_bound is None else -result.mip_dual_bound * scale
        if result.status == 2 or (best and bound <= best.welfare * (1 + PRECISION)):
            return best, pinned
        if result.x is None:
            return best, False
        switches = np.round(result.x)
        found = _best_split(program, cost, switches, result.x)
        pinned &= found.pinned
        if best is None or found.welfare > best.welfare:
            best = found
        program.cut(switches)


def _best_split(program: Program, cost: Floats, switches: Floats, solution: Floats) -> Point:
    """The best split of ties at the prices of a pattern, and whether it has no other prices."""
    pattern = program.pattern(switches)
    exact = program.within(cost, pattern)
    if exact is None:
        return program.point(solution, False)
    pinned = True
    for column in program.p[program.split(switches)]:
        price = np.zeros(program.width)
        price[column] = 1
        ends = [program.within(sign * price, pattern) for sign in (1, -1)]
        pinned &= all(end is not None and abs(end[column] - exact[column]) < 1e-7 for end in ends)
    price = exact[program.p]
    gain = np.zeros(program.width)
    paid = price[program.good] > 1e-9
    gain[program.s[paid]] = program.value[paid] / price[program.good[paid]]
    best = program.within(-gain / gain.max(initial=1), pattern, price)
    return program.point(exact if best is None else best, pinned)
