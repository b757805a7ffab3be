"""What first-price and second-price pacing equilibria share: their input, and their conditions."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int

from equibid.errors import InputError
from equibid.markets.market import Market, dense

Floats = npt.NDArray[np.float64]


class Paced(NamedTuple):
    """What a pacing equilibrium is computed from; ``f(*paced(market))`` hands it on.

    Attributes:
        values: value units per impression; zero is not eligible.
        budget: currency.
        cap: highest factor, currency per value unit.
    """

    values: Float[np.ndarray, "K N"]
    budget: Float[np.ndarray, " N"]
    cap: Float[np.ndarray, " N"]


class Gap(NamedTuple):
    """Largest violation of each of the conditions (1) … (5), as shares; `max` is the worst.

    Attributes:
        winners: of an impression's highest bid, what a winner's bid lacks, times what it won.
        price: of the highest bid, by how much a price is not the rule's.
        sale: of an impression, what is unsold, sold twice or negative.
        budget: of a budget, by how much it is overspent.
        pacing: the less of the money left and the factor's distance from its cap; also by how
            much a factor leaves ``0 … cap``.
    """

    winners: float
    price: float
    sale: float
    budget: float
    pacing: float


def paced(market: Market, cap: float | npt.ArrayLike = 1.0) -> Paced:
    """One market without outside prices; `cap` in multiples of each advertiser's target CPA.

    Raises:
        InputError: the market has outside prices, or an advertiser no finite target CPA.
    """
    name = market.labels.name
    if market.market_price is not None:
        raise InputError(f"market {name}: pacing equilibria know no market_price; leave it out")
    campaigns = market.campaigns
    highest = np.asarray(cap, np.float64) * np.asarray(campaigns.target_cpa, np.float64)
    return checked(np.asarray(dense(market)), np.asarray(campaigns.budget), highest)


def checked(values: npt.ArrayLike, budget: npt.ArrayLike, cap: npt.ArrayLike) -> Paced:
    """The same in float64, one cap an advertiser.

    Raises:
        InputError: shapes disagree, or a number is negative, infinite or none; a cap is zero.
    """
    table, money = np.asarray(values, np.float64), np.asarray(budget, np.float64)
    if table.ndim != 2 or money.shape != table.shape[1:] or table.size == 0:
        raise InputError(
            f"values {table.shape} must be impressions × advertisers, budget {money.shape} one "
            "number an advertiser"
        )
    if np.ndim(cap) > 0 and np.shape(cap) != money.shape:
        raise InputError(f"cap {np.shape(cap)} must be one number, or one an advertiser")
    highest = np.broadcast_to(np.asarray(cap, np.float64), money.shape)
    for field, numbers in (("values", table), ("budget", money), ("cap", highest)):
        if not np.isfinite(numbers).all() or (numbers < 0).any():
            raise InputError(f"{field} must be finite and not negative")
    if (highest == 0).any():
        raise InputError("cap must be above 0; give an advertiser that does not bid a budget of 0")
    return Paced(table, money, highest)


def grouped(
    values: Float[np.ndarray, "K N"],
) -> tuple[Float[np.ndarray, "G N"], Int[np.ndarray, " K"], Float[np.ndarray, " G"]]:
    """Identical impressions once: their values, the group of each impression, the groups' sizes."""
    rows, group, size = np.unique(values, axis=0, return_inverse=True, return_counts=True)
    return rows, group.reshape(-1), size.astype(np.float64)


def pacing_gap(
    market: Paced,
    factors: Float[np.ndarray, " N"],
    allocation: Float[np.ndarray, "K N"],
    price: Float[np.ndarray, " K"],
    due: Float[np.ndarray, " K"],
    spend: Float[np.ndarray, " N"],
) -> Gap:
    """The conditions (1) … (5); `due` is the price the auction rule makes of the bids."""
    bids = factors * market.values
    top = bids.max(axis=1)
    unit = np.where(top > 0, top, 1)
    sold = allocation.sum(axis=1)
    # Who has no budget is measured by the largest there is.
    money = np.where(market.budget > 0, market.budget, max(market.budget.max(), 1e-300))
    left = (market.budget - spend) / money
    room = 1 - factors / market.cap
    return Gap(
        winners=float((allocation * (top[:, None] - bids) / unit[:, None]).max()),
        price=float((abs(price - due) / unit).max()),
        sale=float(max(abs(sold - 1)[top > 0].max(initial=0), sold.max() - 1, -allocation.min())),
        budget=float(max(-left.min(), 0)),
        pacing=float(max(np.minimum(left, room).max(), -room.min(), room.max() - 1, 0)),
    )
