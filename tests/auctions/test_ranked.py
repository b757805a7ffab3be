"""Ranked auctions against cases worked out by hand."""

from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import (
    ABSENT,
    AUCTIONS,
    Clearing,
    Draws,
    Ranked,
    auctionnet,
    first_price,
    gsp,
    second_price,
)

THREE = (1.0, 0.8, 0.6)
MANY = 20_000
WIDTH = 5
SEED = jnp.uint64(2024)


def clear(rule: Ranked, *bids: float, outside: float | None = None) -> Clearing:
    """One impression, in expectation."""
    market = None if outside is None else jnp.array([outside])
    return cut(rule.clear(padded(bids, 1), market), len(bids))


def drawn(rule: Ranked, *bids: float, outside: float | None = None) -> Clearing:
    """The same impression `MANY` times over, with drawn chance."""
    draws = rule.draw(SEED, jnp.arange(MANY), jnp.arange(WIDTH)[None])
    market = None if outside is None else jnp.full(MANY, outside)
    return cut(rule.clear(padded(bids, MANY), market, draws), len(bids))


def padded(bids: Sequence[float], rows: int) -> jax.Array:
    """Impressions of one width, so that few shapes are compiled; the columns added are absent."""
    return jnp.asarray(np.tile([*bids, *[ABSENT] * (WIDTH - len(bids))], (rows, 1)))


def cut(got: Clearing, columns: int) -> Clearing:
    """The clearing without the added columns, in NumPy."""
    assert not np.asarray(got.exposure)[:, columns:].any()
    slot, win, exposure, price, place = (
        np.asarray(x)[:, :columns] for x in (got.slot, got.win, got.exposure, got.price, got.place)
    )
    return cast(Any, Clearing)(slot, win, exposure, price, np.asarray(got.top_bids), place)


def test_first_price_charges_the_winning_bid() -> None:
    got = clear(first_price(), 3.0, 7.0, 5.0)
    assert got.slot.tolist() == [[0, 1, 0]]
    assert got.win.tolist() == [[0, 1, 0]]
    assert got.charge.tolist() == [[0, 7, 0]]
    assert got.top_bids.tolist() == [[7, 5]]


def test_second_price_charges_the_next_bid() -> None:
    got = clear(second_price(), 3.0, 7.0, 5.0)
    assert got.slot.tolist() == [[0, 1, 0]]
    assert got.charge.tolist() == [[0, 5, 0]]


def test_gsp_textbook_example() -> None:
    """Edelman, Ostrovsky and Schwarz, section I: bids 10, 4, 2; 200 and 100 clicks an hour.

    Each pays the next bid: 200 · 4 = 800 and 100 · 2 = 200.
    """
    got = clear(Ranked(exposure=(1.0, 0.5)), 10.0, 4.0, 2.0)
    assert got.slot.tolist() == [[1, 2, 0]]
    assert (200 * got.charge).tolist() == [[800, 200, 0]]


def test_gsp_takes_the_exposure_of_each_slot_into_the_charge() -> None:
    got = clear(gsp(), 2.0, 5.0, 1.0, 3.0)
    assert got.slot.tolist() == [[3, 1, 0, 2]]
    np.testing.assert_allclose(got.exposure, [[0.48, 1, 0, 0.8]])
    assert got.price.tolist() == [[1, 3, 0, 2]]
    np.testing.assert_allclose(got.charge, [[0.48, 3, 0, 1.6]])


def test_first_price_with_slots_charges_each_its_own() -> None:
    got = clear(Ranked(pricing="own", exposure=(1.0, 0.5)), 2.0, 5.0, 3.0)
    assert got.price.tolist() == [[0, 5, 3]]


def test_the_ladder_and_what_slots_would_have_cost() -> None:
    """Others' bids standing: the holder of a slot has nobody to beat for it but who follows."""
    got = clear(gsp(reserve=0.5), 2.0, 5.0, 1.0, 3.0, 0.2)
    assert got.top_bids.tolist() == [[5, 3, 2, 1]]
    assert got.market_price.tolist() == [1]
    assert got.slot_prices[0].tolist() == [
        [5, 3, 1],  # in slot 3: it would have to beat 5 and 3, and holds the third against 1
        [3, 2, 1],
        [5, 3, 2],  # without a slot: it would have to beat their holders
        [5, 2, 1],
        [5, 3, 2],
    ]


def test_the_ladder_never_falls_below_the_reserve() -> None:
    got = clear(gsp(reserve=0.5), 2.0, 0.7, 0.2)
    assert got.top_bids.tolist() == [[2, 0.7, 0.5, 0.5]]
    empty = clear(gsp(reserve=0.5), ABSENT, ABSENT)
    assert empty.top_bids.tolist() == [[0.5] * 4]
    assert empty.win.tolist() == [[0, 0]]


def test_what_a_slot_would_have_cost_is_what_it_costs() -> None:
    """Whoever wins a slot pays that slot's price."""
    rng = np.random.default_rng(3)
    rule = gsp(reserve=0.2)
    got = rule.clear(jnp.asarray(rng.random((200, WIDTH))))
    row, column = np.nonzero(np.asarray(got.slot))
    slot = np.asarray(got.slot)[row, column]
    own = np.asarray(got.slot_prices)[row, column, slot - 1]
    np.testing.assert_array_equal(own, np.asarray(got.price)[row, column])


def test_bid_below_the_reserve_wins_nothing() -> None:
    got = clear(second_price(reserve=2.0), 1.9, 1.0)
    assert got.win.tolist() == [[0, 0]] and got.charge.tolist() == [[0, 0]]
    assert clear(first_price(reserve=2.0), 2.0, 1.0).charge.tolist() == [[2, 0]]


def test_reserve_is_the_least_price() -> None:
    assert clear(second_price(reserve=2.0), 3.0, 1.0).charge.tolist() == [[2, 0]]
    assert clear(second_price(reserve=2.0), 3.0, 2.5).charge.tolist() == [[2.5, 0]]


def test_lone_bidder_pays_the_reserve_in_gsp_and_wins_nothing_in_auctionnet() -> None:
    lone = clear(gsp(), 1.0, ABSENT)
    assert lone.slot.tolist() == [[1, 0]]
    assert lone.price.tolist() == [[0.0001, 0]]
    assert clear(auctionnet(), 1.0, ABSENT).win.tolist() == [[0, 0]]


def test_auctionnet_leaves_the_slot_priced_at_the_reserve_empty() -> None:
    """Two bidders: the first pays the second, who has no opponent left and gets nothing."""
    got = clear(auctionnet(reserve=0.5), 3.0, 2.0)
    assert got.slot.tolist() == [[1, 0]]
    assert got.price.tolist() == [[2, 0]]
    selling = clear(gsp(reserve=0.5), 3.0, 2.0)
    assert selling.slot.tolist() == [[1, 2]]
    assert selling.price.tolist() == [[2, 0.5]]
    # An opponent exactly at the reserve makes no price above it.
    at_reserve = clear(auctionnet(reserve=0.5), 3.0, 0.5)
    assert at_reserve.win.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("strict", "bid", "wins"),
    [
        (False, 4.0, 1),
        (True, 4.0, 0),
        (False, 4.5, 1),
        (True, 4.5, 1),
        (False, 3.5, 0),
        (True, 3.5, 0),
    ],
)
@pytest.mark.parametrize("ties", ["lowest", "random", "split"])
def test_outside_price(strict: bool, bid: float, wins: int, ties: str) -> None:
    """``bid >= price`` or ``bid > price``, whatever settles ties inside; the price is paid."""
    rule = Ranked(outside_wins_ties=strict, ties=ties)  # pyright: ignore[reportArgumentType]
    for got in (clear(rule, 1.0, bid, outside=4.0), drawn(rule, 1.0, bid, outside=4.0)):
        assert (got.win == np.array([0, wins])).all()
        assert (got.charge == np.array([0, 4.0 * wins])).all()
        assert (got.top_bids[:, 0] == max(bid, 4.0)).all()


def test_outside_takes_a_slot_of_several() -> None:
    got = clear(gsp(), 5.0, 2.0, 1.0, outside=3.0)
    assert got.slot.tolist() == [[1, 3, 0]]
    assert got.price.tolist() == [[3, 1, 0]]


def test_expected_exposure_is_the_chain_down_the_slots() -> None:
    for rule in (gsp(), auctionnet()):
        np.testing.assert_allclose(rule.expected_exposure, (1, 0.8, 0.48), rtol=1e-15)
    assert second_price().expected_exposure == (1,)


def test_drawn_exposures_follow_the_chain() -> None:
    shown = np.asarray(gsp().draw(SEED, jnp.arange(MANY), jnp.arange(4)[None]).shown)
    assert set(np.unique(shown)) == {0, 1}
    assert (np.diff(shown, axis=1) <= 0).all(), "a slot was shown below a hidden one"
    for frequency, chance in zip(shown.mean(axis=0), (1, 0.8, 0.48), strict=True):
        assert abs(frequency - chance) <= 5 * (chance * (1 - chance) / MANY) ** 0.5


def test_hidden_slot_is_won_but_neither_shown_nor_charged() -> None:
    shown = jnp.array([[1.0, 0.0, 0.0]])
    luck = jnp.zeros((1, WIDTH))
    draws = Draws(shown, luck, luck[:, 0])
    got = cut(gsp().clear(padded((3.0, 2.0, 1.0), 1), None, draws), 3)
    assert got.win.tolist() == [[1, 1, 1]]
    assert got.exposure.tolist() == [[1, 0, 0]]
    assert got.charge.tolist() == [[2, 0, 0]]


def test_ties_to_the_lowest_id() -> None:
    got = clear(Ranked(exposure=THREE), 1.0, 4.0, 4.0, 4.0, 4.0)
    assert got.slot.tolist() == [[0, 1, 2, 3, 0]]
    assert got.price.tolist() == [[0, 4, 4, 4, 0]]


def test_random_ties_give_everybody_its_turn() -> None:
    got = drawn(Ranked(ties="random"), 1.0, 4.0, 4.0, 4.0)
    assert (got.win.sum(axis=1) == 1).all()
    frequency = np.asarray(got.win.mean(axis=0))
    assert frequency[0] == 0
    np.testing.assert_allclose(frequency[1:], 1 / 3, atol=5 * (2 / 9 / MANY) ** 0.5)


def test_split_ties_by_hand() -> None:
    """Two tie for slots 1 and 2: each has half of both, at prices 4 and 1."""
    got = clear(Ranked(exposure=(1.0, 0.5), ties="split"), 4.0, 1.0, 4.0)
    np.testing.assert_allclose(got.win, [[1, 0, 1]])
    np.testing.assert_allclose(got.exposure, [[0.75, 0, 0.75]])
    np.testing.assert_allclose(got.charge, [[2.25, 0, 2.25]])
    assert got.slot.tolist() == [[1, 0, 1]]


@pytest.mark.parametrize(
    "bids",
    [
        (4.0, 4.0, 4.0, 4.0, 1.0),
        (5.0, 4.0, 4.0, 1.0, 4.0),
        (4.0, 4.0, 3.0, 3.0, 3.0),
        (4.0, 4.0, ABSENT, 0.2, ABSENT),
    ],
)
@pytest.mark.parametrize("outside", [None, 4.0, 2.0])
@pytest.mark.parametrize("pricing", ["own", "next"])
def test_split_is_the_average_of_random_ties(
    bids: tuple[float, ...], outside: float | None, pricing: str
) -> None:
    for strict in (False, True):
        rule = Ranked(pricing, THREE, 0.5, ties="split", outside_wins_ties=strict)  # pyright: ignore[reportArgumentType]
        expected, got = clear(rule, *bids, outside=outside), drawn(rule, *bids, outside=outside)
        for name in ("win", "exposure", "charge"):
            sample = np.asarray(getattr(got, name))
            error = 5 * sample.std(axis=0) / MANY**0.5 + 1e-9
            difference = abs(sample.mean(axis=0) - np.asarray(getattr(expected, name))[0])
            assert (difference <= error).all(), (name, strict)


def test_money_is_float64_whatever_the_bids() -> None:
    got = gsp().clear(padded((0.3, 0.7, 0.1), 1).astype(jnp.float32))
    assert got.price.dtype == got.top_bids.dtype == jnp.float64
    assert float(got.price[0, 1]) == float(np.float32(0.3))


def test_rules_are_found_by_name() -> None:
    assert AUCTIONS["gsp"]() == gsp()
    assert AUCTIONS["auctionnet"](reserve=0.2) == auctionnet(0.2)
    assert (AUCTIONS["first-price"](), AUCTIONS["second-price"]()) == (Ranked("own"), Ranked())
    assert gsp().minimum_budget == auctionnet().minimum_budget == 0.1
