"""Both engines, the loop over impressions, and the stacked form tell one story."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import plain
from equibid.auctions import Auction, Ranked, Soft
from equibid.auctions.tally import FIELDS, Tally
from equibid.errors import InputError
from equibid.markets import Market
from equibid.noise import Purpose, seed_of, uniform
from equibid.simulation import Delivery, Population, everybody, simulate, simulate_many, stack
from equibid.simulation.simulate import Play
from worlds import (
    Chaser,
    Steady,
    Watcher,
    levels,
    market,
    not_by_factor,
    on_grid,
)

RANKED = {
    "first-price": Ranked(pricing="own", reserve=0.05),
    "second-price": Ranked(),
    "gsp": Ranked(exposure=(1.0, 0.8, 0.6), reserve=0.05, minimum_budget=0.1),
    "published": Ranked(exposure=(1.0, 0.8, 0.6), reserve=0.5, sell_at_reserve=False),
    "strict": Ranked(exposure=(0.9, 0.5), outside_wins_ties=True),
}
RULES: dict[str, Auction] = {
    **RANKED,
    "soft": Soft(0.3),
    "soft-hard": Soft(0.3, "hard"),
    "split": Ranked(ties="split"),
}
SHAPES: dict[str, dict[str, bool]] = {
    "dense": {},
    "outside": {"outside": True},
    "logged": {"outcomes": True, "outside": True},
    "sparse": {"candidates": True, "outcomes": True},
    "sparse-outside": {"candidates": True, "outside": True},
}
KEY = jax.random.key(7)


def assert_same(one: Delivery, other: Delivery, exact: bool = True) -> None:
    """Counts and money to the last bit; summed values to rounding."""
    np.testing.assert_allclose(one.remaining, other.remaining, rtol=0 if exact else 1e-9)
    for name in FIELDS:
        a, b = getattr(one.tally, name), getattr(other.tally, name)
        rtol = 0 if exact and name in {"offered", "wins", "exposures", "spend"} else 1e-12
        np.testing.assert_allclose(a, b, rtol=rtol if exact else 1e-8, atol=1e-12, err_msg=name)


def each_rule_and_each_shape(rules: Iterable[str]) -> list[tuple[str, str]]:
    """Every rule on a dense market, and the rule with slots on every shape."""
    return [(rule, "dense") for rule in rules] + [("gsp", shape) for shape in SHAPES]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rule", "shape"), each_rule_and_each_shape(RANKED))
def test_fused_engine_equals_xla(rule: str, shape: str, dtype: type) -> None:
    made = market(3, dtype=dtype, **SHAPES[shape])
    if shape == "outside":
        made = on_grid(made, 0.01, 1.5)
    who = everybody(Chaser(levels(3)), made.advertisers)
    # Expectations in one precision are enough to see that both engines weigh chances alike.
    for sampled in (True, False) if (dtype, shape) == (np.float64, "dense") else (True,):
        fused, xla = (
            simulate(made, RANKED[rule], who, KEY, sampled=sampled, engine=engine)
            for engine in ("fused", "xla")
        )
        assert_same(fused, xla)
        assert float(fused.total().wins.sum()) > 0


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, "dense") for name in ("lin", "ortb1", "dcmab", "mixed")]
    + [("mixed", "outside"), ("mixed", "sparse"), ("lin", "sparse-outside")],
)
def test_bids_that_are_no_factors_are_the_same_in_both_engines(name: str, shape: str) -> None:
    """More than one block a tick, so that chance is drawn anew in both at the same places."""
    dtype = np.float32 if name == "lin" else np.float64
    made = market(3, 900, dtype=dtype, **SHAPES[shape])
    if shape == "outside":
        made = on_grid(made, 0.01, 1.5)
    who = not_by_factor(name, 3)
    for sampled in (True, False) if shape == "dense" else (True,):
        fused, xla = (
            simulate(made, RULES["gsp"], who, KEY, sampled=sampled, engine=engine)
            for engine in ("fused", "xla")
        )
        assert_same(fused, xla)
        assert float(fused.total().wins.sum()) > 0
        left = np.asarray(fused.remaining)[-1] < 0.1 * np.asarray(made.campaigns.budget)
        assert left.any(), "the market should exhaust somebody"


def by_hand(made: Market, auction: Ranked | Soft, factors: np.ndarray) -> Delivery:
    """The delivery of constant factors, sampled, impression by impression in plain Python."""
    seed = seed_of(KEY)
    values = np.asarray(made.values)
    impressions, columns = values.shape
    number = np.arange(impressions)
    ids = np.broadcast_to(np.arange(columns), values.shape)
    if made.candidates is not None:
        ids = np.asarray(made.candidates)
    draws = jax.tree.map(np.asarray, auction.draw(seed, number, np.asarray(ids)))
    coins = np.asarray(uniform(seed, Purpose.CONVERSION, number[:, None], np.asarray(ids)))
    start = np.asarray(made.tick_start)
    books = plain.open_books(np.asarray(made.campaigns.budget).tolist())
    table = {name: np.zeros((made.ticks, made.advertisers)) for name in FIELDS}
    remaining = np.zeros((made.ticks, made.advertisers))
    for tick in range(made.ticks):
        poor = [money < auction.minimum_budget for money in books.remaining]
        for k in range(start[tick], start[tick + 1]):
            bids = [
                -np.inf if i < 0 or v <= 0 or poor[i] else float(factors[i] * v)
                for v, i in zip(values[k], ids[k], strict=True)
            ]
            sold = plain.settle(
                auction,
                books,
                bids,
                ids[k].tolist(),
                None if made.market_price is None else float(made.market_price[k]),
                draws.shown[k].tolist(),
                draws.luck[k].tolist(),
                float(draws.outside_luck[k]),
            )
            for c, i in enumerate(ids[k]):
                if i < 0:
                    continue
                v = float(values[k, c])
                if bids[c] > -np.inf and books.active[i]:
                    table["offered"][tick, i] += 1
                    table["bid"][tick, i] += bids[c]
                    table["value_offered"][tick, i] += v
                    table["market_price"][tick, i] += sold.market_price
                counted = float(coins[k, c] < v)
                if made.outcomes is not None:
                    counted = float(made.outcomes[k, c])
                table["wins"][tick, i] += sold.win[c]
                table["exposures"][tick, i] += sold.exposure[c]
                charge = sold.price[c] * sold.exposure[c]
                table["spend"][tick, i] += np.ceil(charge / books.quantum[i]) * books.quantum[i]
                table["value"][tick, i] += sold.exposure[c] * v
                table["conversions"][tick, i] += sold.exposure[c] * counted
        remaining[tick] = books.remaining
    tally = Tally(**{name: jnp.asarray(x) for name, x in table.items()})
    return Delivery(tally, jnp.asarray(remaining))


@pytest.mark.parametrize(
    ("rule", "shape"), [*each_rule_and_each_shape(RULES), ("soft", "sparse-outside")]
)
def test_a_period_equals_a_loop_over_impressions(rule: str, shape: str) -> None:
    made = market(5, impressions=200, **SHAPES[shape])
    who = everybody(Steady(levels(5)), made.advertisers)
    auction = RULES[rule]
    assert isinstance(auction, Ranked | Soft)
    got = simulate(made, auction, who, KEY)
    want = by_hand(made, auction, np.asarray(levels(5)))
    exact = isinstance(auction, Ranked) and auction.ties == "lowest"
    assert_same(got, want, exact=exact)
    left_early = np.asarray(want.remaining)[-1] < 0.2 * np.asarray(made.campaigns.budget)
    assert left_early.any(), "the market should exhaust somebody"


@pytest.mark.parametrize(
    ("rule", "play"),
    [*((rule, "tick") for rule in RULES), ("gsp", "impression"), ("soft", "impression")],
)
def test_nobody_overspends(rule: str, play: Play) -> None:
    for seed, sampled in ((0, True), (1, False)):
        made = market(seed, impressions=200, outside=seed == 1)
        who = everybody(Steady(4 * levels(seed)), made.advertisers)
        got = simulate(made, RULES[rule], who, KEY, play=play, sampled=sampled)
        budget = np.asarray(made.campaigns.budget)
        assert (np.asarray(got.total().spend) <= budget).all()
        assert (np.asarray(got.remaining) >= 0).all()
        spent = np.asarray(got.tally.spend).sum(axis=0)
        np.testing.assert_allclose(spent + np.asarray(got.remaining)[-1], budget, rtol=1e-12)


def test_impression_play_caps_bids_at_the_money_left() -> None:
    """Second price against logged prices is the published replay of one campaign."""
    made = market(11, advertisers=1, outside=True, outcomes=True)
    factor = 40.0
    who = everybody(Steady(levels(11, 1) * 0 + factor), 1)
    got = simulate(made, RANKED["second-price"], who, KEY, play="impression").total()
    left, wins, clicks = float(made.campaigns.budget[0]), 0, 0
    assert made.market_price is not None and made.outcomes is not None
    rows = (made.values[:, 0], made.market_price, made.outcomes[:, 0])
    for v, price, click in zip(*map(np.asarray, rows), strict=True):
        if v > 0 and min(factor * v, left) >= price:
            left -= price
            wins += 1
            clicks += click
    assert (float(got.wins[0]), float(got.conversions[0])) == (wins, clicks)
    np.testing.assert_allclose(float(made.campaigns.budget[0]) - got.spend[0], left, rtol=1e-9)


@pytest.mark.parametrize("play", ["tick", "impression"])
def test_many_at_once_equal_one_at_a_time(play: Play) -> None:
    markets = [market(seed, impressions=100) for seed in range(3)]
    seats = jnp.asarray([[0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1], [0] * 6])
    bidders = (Steady(levels(1)), Chaser(levels(2) / 10))
    keys = jax.random.split(KEY, 3)
    rule, all_seats = RULES["gsp"], Population(bidders, seats)
    together, vectorised = (
        simulate_many(stack(markets), rule, all_seats, keys, play=play, sequential=sequential)
        for sequential in (True, False)
    )
    engine = "auto" if play == "impression" else "xla"
    for s in range(3):
        who = Population(bidders, seats[s])
        alone = simulate(markets[s], rule, who, keys[s], play=play, engine=engine)
        one, other = (jax.tree.map(lambda x, s=s: x[s], d) for d in (together, vectorised))
        assert_same(alone, one)
        assert_same(alone, other)


def test_same_key_same_bits_and_other_key_other_draws() -> None:
    made, who = market(1), everybody(Steady(levels(1)), 6)
    one, two = (simulate(made, RULES["gsp"], who, KEY) for _ in range(2))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_array_equal(a, b)
    other = simulate(made, RULES["gsp"], who, jax.random.key(8))
    assert not np.array_equal(one.tally.exposures, other.tally.exposures)


def test_watchers_see_the_price_that_would_have_won() -> None:
    made = market(2, advertisers=1, outside=True)
    got = simulate(made, RULES["second-price"], everybody(Watcher(levels(2, 1)), 1), KEY)
    assert float(got.total().wins[0]) > 0
    mixed = Population((Watcher(levels(2)), Steady(levels(2))), jnp.arange(6) % 2)
    for shape in ({}, {"candidates": True}):
        assert float(simulate(market(2, **shape), RULES["gsp"], mixed, KEY).total().wins.sum()) > 0


def test_seats_decide_who_bids() -> None:
    made = market(4)
    high, low = Steady(levels(4)), Steady(levels(4) * 0)
    seat = jnp.asarray([0, 1, 0, 1, 0, 1])
    got = simulate(made, RULES["gsp"], Population((high, low), seat), KEY).total()
    assert (np.asarray(got.wins)[1::2] == 0).all()
    assert (np.asarray(got.wins)[0::2] > 0).all()


def test_fused_engine_says_where_it_does_not_apply() -> None:
    made = market(4)
    for rule, bidder in (("soft", Steady(levels(4))), ("gsp", Watcher(levels(4)))):
        with pytest.raises(InputError, match="use engine 'xla'"):
            simulate(made, RULES[rule], everybody(bidder, 6), KEY, engine="fused")


def test_expected_play_is_the_mean_of_sampled_play() -> None:
    """Without budgets in the way, draws average to their expectation."""
    made = market(6, impressions=80)
    made = made.with_budget(jnp.full(6, 1e9))
    who = everybody(Steady(levels(6)), 6)
    count = 400
    many = jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *x.shape)), made)
    seats = jnp.zeros((count, 6), int)
    for rule in ("gsp", "soft"):
        expected = simulate(made, RULES[rule], who, KEY, sampled=False).total()
        drawn = simulate_many(
            many, RULES[rule], Population(who.bidders, seats), jax.random.split(KEY, count)
        ).total()
        for name in ("spend", "value", "exposures", "conversions"):
            x = np.asarray(getattr(drawn, name))
            error = 5 * x.std(axis=0) / np.sqrt(count) + 1e-12
            assert (abs(x.mean(axis=0) - np.asarray(getattr(expected, name))) <= error).all(), name
