"""First-price pacing equilibrium: the one vector of factors at which every budget is kept.

Advertiser i bids ``α_i v_ki`` with ``α_i <= cap_i`` and pays its bid. In equilibrium, with
``p_k = max_i α_i v_ki``,

    (1) x_ki > 0 only where α_i v_ki = p_k        (4) Σ_k p_k x_ki <= B_i
    (2) the price is p_k                          (5) = B_i, or α_i = cap_i
    (3) Σ_i x_ki = 1 wherever p_k > 0

Prices and factors are unique and solve the dual of the quasi-linear Eisenberg-Gale program,

    min Σ_k p_k - Σ_i B_i log β_i   with   p_k >= β_i cap_i v_ki,   β_i <= 1,   α = β · cap,

whose multipliers are the allocation x and the money left over.

Source: Conitzer, Kroer, Panigrahi, Schrijvers, Sodomka, Stier-Moses and Wilkens, "Pacing
equilibrium in first-price auction markets", Management Science 2022.
"""

from dataclasses import dataclass
from typing import Any

import clarabel as compiled_clarabel
import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int
from scipy import sparse

from equibid.equilibrium.pacing.market import Floats, Gap, Paced, checked, grouped, pacing_gap
from equibid.errors import InputError

# Its names come from a compiled module, which type checkers cannot read.
clarabel: Any = compiled_clarabel

# Tried in turn: steps as shares of the way to the cone's boundary, and units of money.
ATTEMPTS = ((0.9, 1.0), (0.9, 5.0), (0.9, 0.2), (0.8, 5.0), (0.8, 1.0), (0.95, 5.0), (0.95, 1.0))
# A gap that needs no further try, and the largest that counts as an equilibrium.
EXACT, ENOUGH = 1e-7, 1e-5


@dataclass(frozen=True)
class FirstPricePacing:
    """The equilibrium.

    Attributes:
        factors: α, currency per value unit. Zero for an advertiser without budget.
        allocation: share of each impression; prices are unique, splits of ties need not be.
        price: currency per impression.
        spend: currency.
        leftover: budget less spend, currency.
        welfare: Σ v x, value units.
        revenue: Σ p x, currency.
    """

    factors: Float[np.ndarray, " N"]
    allocation: Float[np.ndarray, "K N"]
    price: Float[np.ndarray, " K"]
    spend: Float[np.ndarray, " N"]
    leftover: Float[np.ndarray, " N"]
    welfare: float
    revenue: float


def first_price_pacing(
    values: npt.ArrayLike, budget: npt.ArrayLike, cap: npt.ArrayLike = 1.0
) -> FirstPricePacing:
    """Compute the equilibrium with an interior-point method.

    Args:
        values: [K, N] value units per impression.
        budget: [N] currency.
        cap: [N] or one number, highest factor, currency per value unit.

    Raises:
        InputError: input is malformed, or its numbers are too far apart for double precision.
    """
    values, budget, cap = checked(values, budget, cap)
    # Without budget there is no bid, without value no spending: neither is in the program, nor
    # are impressions without a bid.
    bids = (budget > 0) & values.any(axis=0)
    wanted = values[:, bids].any(axis=1)
    factors = np.where(values.any(axis=0), 0.0, cap)
    allocation = np.zeros_like(values)
    if bids.any():
        rows, group, size = grouped(values[np.ix_(wanted, bids)] * cap[bids])
        # Prices are near one in this unit, as the solver's tolerances want them.
        unit = budget[bids].sum() / wanted.sum()
        beta, share = _eisenberg_gale(rows / unit, size, budget[bids] / unit)
        factors[bids] = beta * cap[bids]
        allocation[np.ix_(wanted, bids)] = share[group]
    price = (factors * values).max(axis=1)
    spend = price @ allocation
    return FirstPricePacing(
        factors=factors,
        allocation=allocation,
        price=price,
        spend=spend,
        leftover=budget - spend,
        welfare=float((values * allocation).sum()),
        revenue=float(spend.sum()),
    )


def _eisenberg_gale(
    worth: Float[np.ndarray, "G N"], size: Float[np.ndarray, " G"], budget: Float[np.ndarray, " N"]
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "G N"]]:
    """β and the shares sold, of groups of `size` impressions worth `worth` (currency).

    A bid far below the price plays no part. The program starts with the highest bids at a guess
    of β and takes in those that turn out too low to be left out, until there is none.
    """
    beta = np.minimum(1, budget / (size @ worth) * len(budget))
    inside = _highest(beta * worth)
    while True:
        beta, share = _sharpest(worth * inside, size, budget)
        bids = beta * worth
        above = bids > (bids * inside).max(axis=1, keepdims=True) * (1 + 1e-10)
        if not above.any():
            return beta, share
        inside |= above & _highest(bids)


def _highest(bids: Float[np.ndarray, "G N"]) -> Bool[np.ndarray, "G N"]:
    """The few highest bids of every row."""
    few = min(8, bids.shape[1])
    return bids >= np.partition(bids, -few, axis=1)[:, -few, None]


def _sharpest(
    worth: Float[np.ndarray, "G N"], size: Float[np.ndarray, " G"], budget: Float[np.ndarray, " N"]
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "G N"]]:
    """β and shares, as exact as one of `ATTEMPTS` makes them.

    Interior-point steps in exponential cones stall now and then, which another step or another
    unit mends: what counts is how well the conditions hold.
    """
    market = Paced(worth, budget, np.ones(len(budget)))
    least, best = np.inf, None
    for fraction, unit in ATTEMPTS:
        beta, share = _solve(_program(worth * unit, size, budget * unit), worth, fraction)
        price = (beta * worth).max(axis=1)
        spend = (size * price) @ share
        gap = max(pacing_gap(market, beta, share, price, price, spend))
        if gap < least:
            least, best = gap, (beta, share)
        if gap <= EXACT:
            break
    if best is None or least > ENOUGH:
        raise InputError(
            "the first-price equilibrium was not found: values, cap or budget lie too far apart; "
            "leave out negligible advertisers"
        )
    return best


def _program(
    worth: Float[np.ndarray, "G N"], size: Float[np.ndarray, " G"], budget: Float[np.ndarray, " N"]
) -> tuple[Any, ...]:
    """The program as Clarabel takes it: P, q, A, b and the cones.

    Variables are p [G], β [N] and t [N] with t <= log β.
    """
    groups, advertisers = worth.shape
    good, who = worth.nonzero()
    pairs, each = np.arange(len(good)), np.arange(advertisers)
    beta, t, width = groups, groups + advertisers, groups + 2 * advertisers
    one = np.ones(advertisers)

    def matrix(
        entries: Floats, row: Int[np.ndarray, " E"], column: Int[np.ndarray, " E"], rows: int
    ) -> sparse.coo_array:
        return sparse.coo_array((entries, (row, column)), shape=(rows, width))

    # β w - p <= 0, then β <= 1, then (t, 1, β) in the exponential cone, three rows each.
    below = matrix(
        np.concatenate([worth[good, who], -np.ones(len(pairs))]),
        np.concatenate([pairs, pairs]),
        np.concatenate([beta + who, good]),
        len(pairs),
    )
    highest = matrix(one, each, beta + each, advertisers)
    cone = matrix(
        np.concatenate([-one, -one]),
        np.concatenate([3 * each, 3 * each + 2]),
        np.concatenate([t + each, beta + each]),
        3 * advertisers,
    )
    return (
        sparse.csc_array((width, width)),
        np.concatenate([size, np.zeros(advertisers), -budget]),
        sparse.csc_array(sparse.vstack([below, highest, cone])),
        np.concatenate([np.zeros(len(pairs)), one, np.tile([0.0, 1.0, 0.0], advertisers)]),
        [clarabel.NonnegativeConeT(len(pairs) + advertisers)]
        + [clarabel.ExponentialConeT()] * advertisers,
    )


def _solve(
    program: tuple[Any, ...], worth: Float[np.ndarray, "G N"], fraction: float
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "G N"]]:
    """β and shares after interior-point steps of `fraction` of the way to the boundary."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_step_fraction = fraction
    settings.max_iter = 120
    settings.min_terminate_step_length = 1e-8
    # Out of reach: it goes on until it can no more.
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-14
    solution = clarabel.DefaultSolver(*program, settings).solve()
    groups, advertisers = worth.shape
    good, who = worth.nonzero()
    quantity = np.zeros_like(worth)
    quantity[good, who] = np.maximum(np.asarray(solution.z)[: len(good)], 0)
    sold = quantity.sum(axis=1, keepdims=True)
    beta = np.asarray(solution.x)[groups : groups + advertisers]
    return beta.clip(0, 1), quantity / np.where(sold > 0, sold, 1)


def check_first_price(
    values: npt.ArrayLike, budget: npt.ArrayLike, cap: npt.ArrayLike, found: FirstPricePacing
) -> Gap:
    """How far `found` is from the conditions (1) … (5); they hold at the equilibrium alone."""
    market = checked(values, budget, cap)
    due = (found.factors * market.values).max(axis=1)
    spend = found.price @ found.allocation
    return pacing_gap(market, found.factors, found.allocation, found.price, due, spend)
