"""A tick that the kernel sold, for bidders that watch every impression without a call for each."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from equibid.bidders.bidder import State


class SoldTick(NamedTuple):
    """What was sold, and for what.

    Attributes:
        values: value units per impression.
        ids: advertiser of each column, -1 padding; empty where column i is advertiser i.
        top: the highest bids that slots were sold among, at least the reserve, currency.
        placed: whose the first of them are; below 0 for nobody of the market.
    """

    values: Float[np.ndarray, "B C"]
    ids: Int[np.ndarray, "B C"]
    top: Float[np.ndarray, "B L+1"]
    placed: Int[np.ndarray, "B L"]


@runtime_checkable
class WatchesSold(Protocol):
    """A bidder that watches, and can be shown a tick at once."""

    def watch_sold(self, state: State, mine: Bool[np.ndarray, " N"], tick: SoldTick) -> Any:
        """The state after a tick, as `Bidder.watch` of its impressions gives.

        Args:
            state: before.
            mine: the seats it is told of.
            tick: what was sold.
        """
        ...
