"""Budgets end exactly and in order of arrival, in every mechanism."""

import jax
import numpy as np
import pytest
from hypothesis import given

import plain
from auctions.blocks import AUCTIONS, Block, blocks
from equibid.auctions import Draws, init_budgets, settle

CLOSE = 1e-12


def assert_equals_the_loop(
    name: str, block: Block, sampled: bool, ids: np.ndarray | None = None
) -> None:
    auction = AUCTIONS[name]
    draws: Draws | None = block.draws(auction, ids) if sampled else None
    got = settle(auction, init_budgets(block.budget), block.bids, ids, block.outside, draws)
    got, draws = jax.tree.map(np.asarray, (got, draws))
    books = plain.open_books(block.budget.tolist())
    columns = range(block.bids.shape[1])
    for k, bids in enumerate(block.bids):
        shown, luck, outside_luck = None, None, 0.5
        if draws is not None:
            shown, luck = draws.shown[k].tolist(), draws.luck[k].tolist()
            outside_luck = float(draws.outside_luck[k])
        sold = plain.settle(
            auction,
            books,
            bids.tolist(),
            list(columns) if ids is None else ids[k].tolist(),
            None if block.outside is None else float(block.outside[k]),
            shown,
            luck,
            outside_luck,
        )
        np.testing.assert_array_equal(got.clearing.slot[k], sold.slot)
        np.testing.assert_allclose(got.clearing.win[k], sold.win, rtol=CLOSE, atol=CLOSE)
        np.testing.assert_allclose(got.clearing.exposure[k], sold.exposure, rtol=CLOSE, atol=CLOSE)
        won = np.asarray(sold.win) > 0
        price = got.clearing.price[k]
        np.testing.assert_allclose(price[won], np.asarray(sold.price)[won], rtol=CLOSE, atol=CLOSE)
        np.testing.assert_allclose(got.clearing.top_bids[k], sold.top_bids, rtol=CLOSE)
    np.testing.assert_array_equal(got.budgets.active, books.active)
    assert (got.budgets.remaining >= 0).all()
    if isinstance(auction, plain.Ranked) and auction.ties == "lowest":
        # Prices are bids, so the money agrees to the last bit.
        np.testing.assert_array_equal(got.budgets.remaining, books.remaining)
    else:
        np.testing.assert_allclose(got.budgets.remaining, books.remaining, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", AUCTIONS)
@given(block=blocks())
def test_sampled_block_equals_a_loop_over_impressions(name: str, block: Block) -> None:
    assert_equals_the_loop(name, block, sampled=True)


@pytest.mark.parametrize("name", AUCTIONS)
@given(block=blocks())
def test_expected_block_equals_a_loop_over_impressions(name: str, block: Block) -> None:
    assert_equals_the_loop(name, block, sampled=False)


@pytest.mark.parametrize("name", AUCTIONS)
@given(block=blocks(bidders=7))
def test_candidate_lists_equal_a_loop_over_impressions(name: str, block: Block) -> None:
    """Seven columns hold four of nine advertisers each, in ascending order, and padding."""
    rng = np.random.default_rng(block.seed % 2**32)
    ids = np.full(block.bids.shape, -1)
    for row in ids:
        row[:4] = np.sort(rng.choice(7, 4, replace=False))
    assert_equals_the_loop(name, block, sampled=True, ids=ids)


@given(block=blocks())
def test_money_is_conserved(block: Block) -> None:
    """What left the ledger is what was charged, and nobody paid more than its budget."""
    opening = init_budgets(block.budget)
    got = settle(AUCTIONS["gsp"], opening, block.bids, None, block.outside, None)
    quantum = np.asarray(opening.quantum)
    charges = np.ceil(np.asarray(got.clearing.charge) / quantum) * quantum
    spent = np.asarray(opening.remaining) - np.asarray(got.budgets.remaining)
    np.testing.assert_array_equal(spent, charges.sum(axis=0))
    assert (np.asarray(got.clearing.charge).sum(axis=0) <= block.budget).all()


def test_a_budget_that_fits_to_the_cent_is_spent() -> None:
    """Ten charges of 0.1 need a budget that ten additions of 0.1 reach."""
    bids = np.tile([[0.2, 0.1]], (12, 1))
    tenths = sum(np.ceil(0.1 / 2**-51) * 2**-51 for _ in range(10))
    got = settle(
        AUCTIONS["second-price"],
        init_budgets(np.array([tenths, 0.0])),
        bids,
        None,
        np.full(12, 0.1),
        None,
    )
    assert np.asarray(got.clearing.win)[:, 0].tolist() == [1.0] * 10 + [0.0] * 2
    assert float(got.budgets.remaining[0]) == 0.0
    short = np.nextafter(tenths, 0)
    got = settle(
        AUCTIONS["second-price"],
        init_budgets(np.array([short, 0.0])),
        bids,
        None,
        np.full(12, 0.1),
        None,
    )
    assert np.asarray(got.clearing.win)[:, 0].sum() == 9
