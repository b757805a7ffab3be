"""Advertisers have no order: permuting them permutes every result."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions.blocks import AUCTIONS, Block, blocks
from equibid.auctions import Draws, init_budgets, settle


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("name", AUCTIONS)
@given(block=blocks(), order=st.permutations(range(5)))
def test_permuting_advertisers_permutes_the_settlement(
    name: str, sampled: bool, block: Block, order: list[int]
) -> None:
    auction = AUCTIONS[name]
    bids = block.bids
    if getattr(auction, "ties", "") == "lowest":
        # Ties to the lowest id name an order on purpose: make bids distinct.
        bids = bids + np.random.default_rng(block.seed % 2**32).uniform(0, 0.4, bids.shape)
    draws = block.draws(auction) if sampled else None
    shuffled = (
        None
        if draws is None
        else Draws(draws.shown, draws.luck[:, np.array(order)], draws.outside_luck)
    )
    one = settle(auction, init_budgets(block.budget), bids, None, block.outside, draws)
    other = settle(
        auction, init_budgets(block.budget[order]), bids[:, order], None, block.outside, shuffled
    )
    moved = jax.tree.map(lambda x: x[..., np.array(order)] if x.shape[-1:] == (5,) else x, one)
    for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_ties_to_the_lowest_id_do_depend_on_the_order() -> None:
    """The one rule that is not equivariant is so by its name."""
    got = AUCTIONS["second-price"].clear(np.array([[2.0, 2.0, 1.0]]))
    assert got.win.tolist() == [[1.0, 0.0, 0.0]]
    split = AUCTIONS["second-price-split"].clear(np.array([[2.0, 2.0, 1.0]]))
    assert split.win.tolist() == [[0.5, 0.5, 0.0]]
    assert split.price[0, :2].tolist() == [2.0, 2.0]
