"""Random blocks of impressions for property tests."""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from hypothesis import strategies as st

from equibid.auctions import Auction, Draws, Ranked, Soft

AUCTIONS: dict[str, Ranked | Soft] = {
    "first-price": Ranked(pricing="own"),
    "first-price-reserve": Ranked(pricing="own", reserve=2.0, ties="random"),
    "second-price": Ranked(),
    "second-price-split": Ranked(ties="split"),
    "second-price-random": Ranked(ties="random", reserve=1.0),
    "gsp": Ranked(exposure=(1.0, 0.8, 0.6), reserve=0.5),
    "gsp-published": Ranked(exposure=(1.0, 0.8, 0.6), reserve=0.5, sell_at_reserve=False),
    "gsp-split": Ranked(exposure=(0.9, 0.7), ties="split", outside_wins_ties=True),
    "gsp-strict": Ranked(exposure=(1.0, 0.5), outside_wins_ties=True),
    "soft": Soft(0.5),
    "soft-sharp": Soft(0.01, reserve=0.25),
    "soft-hard": Soft(0.5, "hard"),
}


@partial(jax.jit, static_argnums=0)
def _draw(auction: Auction, seed: jax.Array, rows: jax.Array, lanes: jax.Array) -> Draws:
    return auction.draw(seed, rows, lanes)


@dataclass(frozen=True)
class Block:
    """A block of impressions with everything a rule may need."""

    bids: np.ndarray
    budget: np.ndarray
    outside: np.ndarray | None
    seed: int

    def draws(self, auction: Auction, ids: np.ndarray | None = None) -> Draws:
        """The drawn chance of the block."""
        lanes = np.arange(self.bids.shape[1])[None] if ids is None else ids
        return _draw(auction, np.uint64(self.seed), np.arange(self.bids.shape[0]), lanes)


@st.composite
def blocks(draw: st.DrawFn, most: int = 12, bidders: int = 5) -> Block:
    """Blocks of a fixed shape, so that each rule compiles once.

    Bids lie on a coarse grid, so that ties happen; a block may have an outside price; budgets run
    from nothing to plenty.
    """
    amount = st.integers(0, 12).map(lambda x: x / 2)
    bid = st.one_of(amount, amount, amount, st.just(-np.inf))
    bids = draw(
        st.lists(st.lists(bid, min_size=bidders, max_size=bidders), min_size=most, max_size=most)
    )
    budget = draw(
        st.lists(
            st.one_of(st.floats(0, 20), st.sampled_from([0.0, 0.3, 1.0, 6.0, 1e6])),
            min_size=bidders,
            max_size=bidders,
        )
    )
    outside = draw(st.one_of(st.none(), st.lists(amount, min_size=most, max_size=most)))
    return Block(
        np.array(bids),
        np.array(budget),
        None if outside is None else np.array(outside),
        draw(st.integers(0, 2**63)),
    )


__all__ = ["AUCTIONS", "Block", "blocks"]
