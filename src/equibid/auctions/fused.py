"""One pass over a tick's impressions on a CPU, for ranked auctions.

XLA clears a block in several sweeps over memory; this kernel bids, ranks, charges and sums while a
tile of impressions is in cache. It computes what `settle` and `tally` compute, impression by
impression in order of arrival, and the tests hold the two equal.
"""

from typing import NamedTuple, TypeGuard

import numpy as np
import numpy.typing as npt

from equibid.auctions import kernel
from equibid.auctions.kernel import LEVELS, KernelImpressions, KernelRng, KernelRule, KernelSold
from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import FIELDS
from equibid.compiled import read_only

Floats = npt.NDArray[np.float64]


class Purse(NamedTuple):
    """A `BudgetState` as NumPy arrays, changed in place by `settle_lots`."""

    remaining: npt.NDArray[np.float64]
    active: npt.NDArray[np.bool_]
    quantum: npt.NDArray[np.float64]


def supports(auction: object) -> TypeGuard[Ranked]:
    """Whether the kernel knows the rule: ranked, up to three slots, ties to the lowest id."""
    return isinstance(auction, Ranked) and auction.ties == "lowest" and auction.slots < LEVELS


def lots_of(
    values: npt.NDArray[np.floating],
    *,
    ids: npt.NDArray[np.int32] | None = None,
    outside: npt.NDArray[np.floating] | None = None,
    outcomes: npt.NDArray[np.bool_] | None = None,
) -> KernelImpressions:
    """Impressions to be sold.

    Args:
        values: [K, C], value units, C-contiguous.
        ids: [K, C] advertiser of each column, -1 padding; None when dense.
        outside: [K] highest bid from outside.
        outcomes: [K, C] logged conversions.
    """
    still = read_only(values)
    return KernelImpressions(
        still,
        still,
        read_only(np.empty((0, 0), np.int32) if ids is None else ids),
        read_only(np.empty(0, values.dtype) if outside is None else outside.astype(values.dtype)),
        read_only(np.empty((0, 0), np.bool_) if outcomes is None else outcomes),
    )


def terms_of(
    auction: Ranked,
    lots: KernelImpressions,
    *,
    given: bool = False,
    bid_step: float = 0.0,
    bid_cap: float = np.inf,
) -> KernelRule:
    """How they are sold.

    Args:
        auction: a rule for which `supports` is true.
        lots: what is sold.
        given: bids come as they are, step and cap applied; else they are factors times values.
        bid_step: bids are rounded down to a multiple of it; 0 for none.
        bid_cap: highest bid.
    """
    number = lots.values.dtype.type
    return KernelRule(
        auction.pricing == "own",
        read_only(auction.exposure),
        auction.reserve,
        auction.sell_at_reserve,
        auction.outside_wins_ties,
        number(-np.inf if given else 0),
        number(0 if given else bid_step),
        number(np.inf if given else bid_cap),
    )


def sold_in(terms: KernelRule, impressions: int) -> KernelSold:
    """Where `settle_lots` tells for what so many impressions are sold."""
    slots = len(terms.exposure)
    return KernelSold(np.empty((impressions, slots + 1)), np.empty((impressions, slots), np.int32))


def settle_lots(
    lots: KernelImpressions,
    terms: KernelRule,
    purse: Purse,
    factors: npt.NDArray[np.floating],
    *,
    bids: npt.NDArray[np.floating] | None = None,
    rows: slice = slice(None),
    seed: int | None = None,
    first_impression: int = 0,
    sold: KernelSold | None = None,
) -> Floats:
    """Clear impressions on which advertiser i bids ``factors[i] * value``, or as given.

    Args:
        lots: impressions.
        terms: of their sale.
        purse: money; changed in place.
        factors: [N], currency per value unit; who sits out has ``-inf``. Ones with given bids.
        bids: [K, C] given bids of these rows, currency per exposure, ``-inf`` for none.
        rows: which of the impressions.
        seed: 64 bits that draw exposures and conversions; None books expectations.
        first_impression: address of the first of the lots in the noise.
        sold: of these rows, to be filled; None where nobody asks.

    Returns:
        The rows of a `Tally` in the order of `FIELDS`: [9, N].
    """
    here = KernelImpressions(*(x[rows] for x in lots))
    if bids is not None:
        here = here._replace(scales=read_only(bids))
    sums = np.zeros((len(FIELDS), len(factors)))
    chance = KernelRng(seed is not None, np.uint64(seed or 0), first_impression + (rows.start or 0))
    kernel.settle(
        here,
        terms,
        chance,
        factors.astype(lots.values.dtype),
        purse.active,
        purse.remaining,
        read_only(purse.quantum),
        sums,
        sold_in(terms, 0) if sold is None else sold,
    )
    return sums


def settle_factors(
    auction: Ranked,
    purse: Purse,
    values: npt.NDArray[np.floating],
    factors: npt.NDArray[np.floating],
    *,
    outside: npt.NDArray[np.floating] | None = None,
    seed: int | None = None,
    first_impression: int = 0,
) -> Floats:
    """`settle_lots` of a dense table of values."""
    lots = lots_of(values, outside=outside)
    terms = terms_of(auction, lots)
    return settle_lots(lots, terms, purse, factors, seed=seed, first_impression=first_impression)


def settle_ticks(
    lots: KernelImpressions,
    tick_start: npt.NDArray[np.int32],
    terms: KernelRule,
    sampled: bool,
    asked: Floats,
    bids: npt.NDArray[np.floating] | None,
    answers: Floats,
    first: int,
    last: int,
) -> None:
    """A tick in each of the markets first … last - 1, in one call; see `kernel.settle_ticks`."""
    none = np.empty((0, 0, 0), lots.values.dtype)
    given = read_only(none if bids is None else bids)
    kernel.settle_ticks(
        first, last, read_only(asked), given, lots, tick_start, terms, sampled, answers
    )
