"""The fused kernel's parts, and its bookkeeping where many budgets end close together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plain
from equibid.auctions import Ranked, Soft, first_price, gsp, second_price
from equibid.auctions.fused import Purse, lots_of, settle_factors, settle_lots, supports, terms_of
from equibid.auctions.kernel import CHUNK, LEVELS, NONE, TILE, WINS, bid_on, rank
from equibid.auctions.tally import FIELDS

ROWS = (1, TILE - 1, TILE, TILE + 1, CHUNK - 1, CHUNK, CHUNK + 1, 600)
COUNT = 600


def ranking(
    values: np.ndarray, factors: np.ndarray, active: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The highest bids and their owners, by a stable sort."""
    present = active & (factors > -np.inf)
    products = values * np.where(present, factors, values.dtype.type(0))
    bids = np.where(present & (values > 0), products, values.dtype.type(-np.inf))
    padding = np.full((len(bids), LEVELS), -np.inf, bids.dtype)
    bids = np.concatenate([bids, padding], axis=1)
    order = np.argsort(-bids, axis=1, kind="stable")[:, :LEVELS]
    best = np.take_along_axis(bids, order, axis=1)
    return best, np.where(best > -np.inf, order, NONE)


def ranked(
    values: np.ndarray, factors: np.ndarray, active: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same by the kernel."""
    best = np.empty((len(values), LEVELS), values.dtype)
    who = np.empty((len(values), LEVELS), np.int32)
    rank(values, factors, active, values.dtype.type(0), best, who)
    return best, who


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", ROWS)
def test_ranking_is_a_stable_sort(rows: int, dtype: type) -> None:
    """Values and factors on a coarse grid: most rows have ties, zeros and absentees."""
    rng = np.random.default_rng(rows)
    for advertisers in (1, 3, 17):
        values = (rng.integers(0, 6, (rows, advertisers)) / 4).astype(dtype)
        factors = rng.choice([-np.inf, 0.0, 0.5, 1.0, 2.0], advertisers).astype(dtype)
        active = rng.random(advertisers) < 0.8
        best, who = ranked(values, factors, active)
        expected_best, expected_who = ranking(values, factors, active)
        np.testing.assert_array_equal(best, expected_best)
        np.testing.assert_array_equal(who, expected_who)


def test_products_are_rounded_in_the_precision_of_the_values() -> None:
    """Two bids that differ in float64 and tie in float32 go to the lower id in float32."""
    values = np.array([[1 / 3, np.nextafter(np.float32(1 / 3), np.float32(1), dtype=np.float32)]])
    factors = np.array([1.0 + 2.0**-23, 1.0])
    for dtype in (np.float32, np.float64):
        got = ranked(values.astype(dtype), factors.astype(dtype), np.ones(2, bool))
        expected = ranking(values.astype(dtype), factors.astype(dtype), np.ones(2, bool))
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nobody_is_ranked_where_nobody_bids(dtype: type) -> None:
    values = np.array([[0.0, 0.0], [0.0, 2.0]], dtype)
    best, who = ranked(values, np.array([1, 1], dtype), np.array([True, False]))
    assert (who == NONE).all() and np.isneginf(best).all()


def test_bid_of_factor_zero_is_a_bid() -> None:
    best, who = ranked(np.array([[2.0, 0.0, 1.0]]), np.array([0.0, 3.0, -np.inf]), np.ones(3, bool))
    assert best.tolist() == [[0.0] + [-math.inf] * 3]
    assert who.tolist() == [[0] + [NONE] * 3]


def test_bids_are_floored_to_the_step_and_capped() -> None:
    def bid(value: float, factor: float, step: float, cap: float) -> float:
        lots = lots_of(np.zeros((0, 1)))
        return bid_on(value, factor, terms_of(gsp(), lots, bid_step=step, bid_cap=cap))

    assert bid(2.0, 1.3, 0.5, np.inf) == 2.5
    assert bid(2.0, 1.3, 0.0, 2.2) == 2.2
    assert bid(2.0, 1.3, 0.5, 2.2) == 2.2
    assert bid(0.0, 1.3, 0.0, np.inf) == -math.inf
    assert bid(2.0, -np.inf, 0.5, np.inf) == -math.inf


def test_supports() -> None:
    assert all(map(supports, (first_price(), second_price(), gsp(), Ranked(reserve=1.0))))
    assert supports(Ranked(exposure=(1.0,) * (LEVELS - 1)))
    assert not supports(Ranked(exposure=(1.0,) * LEVELS))
    assert not supports(Ranked(ties="random")) and not supports(Ranked(ties="split"))
    assert not supports(Soft(0.1)) and not supports("gsp")


def against_the_loop(
    auction: Ranked,
    values: np.ndarray,
    factors: np.ndarray,
    budgets: np.ndarray,
    outside: np.ndarray | None = None,
) -> tuple[np.ndarray, list[int]]:
    """Expected play by the kernel and by the plain loop.

    Gives the kernel's sums, and the impression at which each departure happened.
    """
    books = plain.open_books(budgets.tolist())
    purse = Purse(np.array(books.remaining), np.array(books.active), np.array(books.quantum))
    sums = settle_factors(auction, purse, values, factors, outside=outside)
    ids = range(len(budgets))
    present = factors > -np.inf
    heights = np.where(present, factors, 0).astype(values.dtype)
    expected = np.zeros_like(sums)
    departures = []
    # An outside price meets the bids in their precision.
    opponents = None if outside is None else outside.astype(values.dtype)
    for k, row in enumerate(values):
        bids = np.where((row > 0) & present, row * heights, -np.inf)
        before = sum(books.active)
        opponent = None if opponents is None else float(opponents[k])
        sold = plain.settle(auction, books, bids.tolist(), list(ids), opponent, None, None)
        departures += [k] * (before - sum(books.active))
        for i in ids:
            if books.active[i] and bids[i] > -np.inf:
                expected[:4, i] += (1, bids[i], row[i], sold.market_price)
            charge = (
                math.ceil(sold.price[i] * sold.exposure[i] / books.quantum[i]) * books.quantum[i]
            )
            gain = sold.exposure[i] * float(row[i])
            expected[4:, i] += (sold.win[i], sold.exposure[i], charge, gain, gain)
    np.testing.assert_array_equal(purse.remaining, books.remaining)
    np.testing.assert_array_equal(purse.active, books.active)
    for name, got, wanted in zip(FIELDS, sums, expected, strict=True):
        rtol = 1e-6 if name == "bid" and values.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=1e-12, err_msg=name)
    return sums, departures


RULES = {
    "first-price": first_price(),
    "second-price": second_price(reserve=0.1),
    "gsp": gsp(),
    "auctionnet-like": Ranked(exposure=(1.0, 0.8, 0.6), reserve=0.1, sell_at_reserve=False),
}


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RULES)
def test_many_departures_equal_the_loop(name: str, dtype: type, outside: bool) -> None:
    """Twelve advertisers over two chunks and a bit; the poor leave early, several in one chunk."""
    rng = np.random.default_rng(4)
    values = (rng.lognormal(-1, 1, (COUNT, 12)) * (rng.random((COUNT, 12)) < 0.8)).astype(dtype)
    factors = rng.uniform(0.5, 2, 12)
    factors[7] = -np.inf
    budgets = np.array([0.0, 0.01, 0.4, 1, 2, 3, 5, 8, 20, 30, 60, 1e6])
    market = rng.lognormal(-0.5, 0.5, COUNT) if outside else None
    sums, departures = against_the_loop(RULES[name], values, factors, budgets, market)
    assert sum(k < CHUNK for k in departures) >= 3
    assert sums[WINS, 7] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_given_products_are_factor_bids(dtype: type) -> None:
    """A tick in the middle of a market, and bids of zero among them."""
    rng = np.random.default_rng(5)
    values = (rng.random((COUNT, 6)) * (rng.random((COUNT, 6)) < 0.8)).astype(dtype)
    factors = np.array([0.0, 0.5, 1.0, 1.5, 2.0, -np.inf], dtype)
    with np.errstate(invalid="ignore"):
        bids = np.where((values > 0) & (factors > -np.inf), values * factors, -np.inf)
    lots, rows, sold = lots_of(values), slice(100, 500), []
    for as_bids in (False, True):
        purse = Purse(
            np.array([9.0, 9.0, 40.0, 1e6, 1e6, 1e6]), np.ones(6, bool), np.full(6, 2.0**-40)
        )
        sums = settle_lots(
            lots,
            terms_of(gsp(), lots, given=as_bids),
            purse,
            np.ones(6) if as_bids else factors,
            bids=bids[rows].astype(dtype) if as_bids else None,
            rows=rows,
            seed=3,
        )
        sold.append((sums, purse.remaining, purse.active))
    for one, other in zip(*sold, strict=True):
        np.testing.assert_array_equal(one, other)
    assert sold[0][0][WINS].sum() > 400 and not sold[0][2][1:3].all()


def test_departures_in_every_chunk() -> None:
    rng = np.random.default_rng(8)
    values = rng.random((COUNT, 10))
    budgets = np.linspace(10, 150, 10)
    _, departures = against_the_loop(gsp(), values, np.ones(10), budgets)
    assert {k // CHUNK for k in departures} == {0, 1, 2}


@pytest.mark.parametrize("at", [0, TILE, CHUNK - 1, CHUNK, COUNT - 1])
def test_two_leave_at_one_impression(at: int) -> None:
    """The first two slots go to bidders that cannot pay; the two behind them take the slots."""
    values = np.zeros((COUNT, 4))
    values[at] = (4, 3, 2, 1)
    rule = Ranked(exposure=(1.0, 1.0))
    sums, departures = against_the_loop(rule, values, np.ones(4), np.array([1.0, 1, 9, 9]))
    assert departures == [at, at]
    assert sums[WINS].tolist() == [0, 0, 1, 1]


def test_all_leave() -> None:
    values = np.full((COUNT, 5), 2.0)
    _, departures = against_the_loop(first_price(), values, np.ones(5), np.full(5, 5.0))
    assert departures == [2, 4, 6, 8, 10]


@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(sorted(RULES)))
def test_random_budgets_equal_the_loop(seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, (CHUNK + 20, 6)) / 4
    budgets = rng.lognormal(1, 2, 6)
    against_the_loop(RULES[name], values, rng.uniform(0.2, 2, 6), budgets)
