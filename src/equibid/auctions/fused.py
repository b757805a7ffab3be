"""One pass over a tick's impressions on a CPU, for ranked auctions and factor bids.

XLA clears a block in several sweeps over memory; this kernel bids, ranks, charges and sums while a
tile of impressions is in cache. It computes what `settle` and `tally` compute, impression by
impression in order of arrival, and the tests hold the two equal.
"""

from typing import NamedTuple, TypeGuard

import numpy as np
import numpy.typing as npt

from equibid.auctions.kernel import LEVELS, settle
from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import FIELDS


class Purse(NamedTuple):
    """A `Ledger` as NumPy arrays, changed in place by `settle_factors`."""

    remaining: npt.NDArray[np.float64]
    active: npt.NDArray[np.bool_]
    quantum: float


def supports(auction: object) -> TypeGuard[Ranked]:
    """Whether the kernel knows the rule: ranked, up to three slots, ties to the lowest id."""
    return isinstance(auction, Ranked) and auction.ties == "lowest" and auction.slots < LEVELS


def settle_factors(
    auction: Ranked,
    purse: Purse,
    values: npt.NDArray[np.floating],
    factors: npt.NDArray[np.floating],
    *,
    ids: npt.NDArray[np.int32] | None = None,
    outside: npt.NDArray[np.floating] | None = None,
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
    number = values.dtype.type
    factors = factors.astype(values.dtype)
    step, cap = number(bid_step), number(bid_cap)
    ids = np.empty((0, 0), np.int32) if ids is None else ids
    outside = np.empty(0, values.dtype) if outside is None else outside.astype(values.dtype)
    outcomes = np.empty((0, 0), np.bool_) if outcomes is None else outcomes
    sums = np.zeros((len(FIELDS), len(factors)))
    settle(
        values,
        factors,
        purse.active,
        purse.remaining,
        purse.quantum,
        ids,
        outside,
        outcomes,
        auction.pricing == "own",
        np.asarray(auction.exposure),
        auction.reserve,
        auction.sell_at_reserve,
        auction.outside_wins_ties,
        seed is not None,
        np.uint64(seed or 0),
        first_impression,
        step,
        cap,
        sums,
    )
    return sums
