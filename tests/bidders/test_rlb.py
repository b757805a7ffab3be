import csv
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions.ranked import second_price
from equibid.auctions.tally import no_tally
from equibid.bidders import mcpc, rlb, ss_mdp
from equibid.bidders.bidder import Observation
from equibid.bidders.lin import Lin
from equibid.bidders.population import Population
from equibid.bidders.training import training_log
from equibid.bidders.value_model import ValueModel, exact_model, mapped_model
from equibid.bidders.value_table import value_table
from equibid.logs import campaign_budget, read_log
from equibid.markets.market import Campaigns, Market, even_ticks, split
from equibid.simulation import simulate_many
from shared import SHARED, needs

LOGS = "data/ipinyou/rlb"
REFERENCE = "specs/13_rlb_reference.csv"
PERIOD = 1000


def observe(impression, impressions, remaining, tick=0, ticks=1):
    return Observation(
        tick=jnp.asarray(tick),
        ticks=jnp.asarray(ticks),
        impression=jnp.asarray(impression),
        impressions=jnp.asarray(impressions),
        remaining=jnp.asarray(remaining, jnp.float64),
    )


def bid(bidder, observation, values, state=()):
    rule = jax.jit(type(bidder).bid)
    return np.asarray(rule(bidder, state, observation, jnp.asarray(values), jax.random.key(0)))


def model(auctions, budget, *, levels=50, mean_value=(1.0,), share=None, whole=True):
    pmf = np.random.default_rng(3).dirichlet(np.ones(levels))
    return ValueModel(
        table=value_table(pmf, 1.0, auctions, budget),
        mean_value=jnp.asarray(mean_value),
        share=jnp.ones(len(mean_value)) if share is None else jnp.asarray(share),
        step=jnp.asarray(1.0),
        levels=levels,
        whole=whole,
    )


def market(impressions, budgets, seed=0, step=1.0):
    """Advertisers with lognormal values against lognormal prices."""
    random = np.random.default_rng(seed)
    prices = np.minimum(random.lognormal(3.5, 0.8, impressions), 300)
    budget = jnp.asarray(budgets, jnp.float64)
    return Market(
        values=jnp.asarray(random.lognormal(-7, 1, (impressions, len(budgets)))),
        tick_start=even_ticks(impressions, 10),
        campaigns=Campaigns(budget, budget, jnp.zeros(len(budgets), jnp.int32)),
        market_price=jnp.asarray(np.floor(prices) if step else prices),
        bid_step=step,
        bid_cap=300.0,
    )


def test_bid_is_the_last_level_before_the_first_loss():
    m = model(20, 300, mean_value=(2.0, 0.5))
    table = np.asarray(m.table)
    random = np.random.default_rng(0)
    for _ in range(30):
        left, money = random.integers(1, 21), random.integers(0, 301, 2)
        values = random.lognormal(0, 1.5, (3, 2))
        got = bid(rlb.Rlb(m), observe(20 - left, 20, money), values)
        for k, i in np.ndindex(3, 2):
            row, b = table[left - 1], money[i]
            worth = values[k, i] / float(m.mean_value[i])
            a = 0
            while a < min(b, 49) and worth + row[b - a - 1] - row[b] >= 0:
                a += 1
            assert got[k, i] == a


def test_bid_between_levels_meets_its_loss():
    m = model(20, 300, whole=False)
    table = np.asarray(m.table)
    values = np.linspace(0.01, 5, 40)[:, None]
    got = bid(rlb.Rlb(m), observe(5, 20, [150.0]), values)[:, 0]
    loss = table[14, 150] - np.interp(150 - got, np.arange(301), table[14])
    inside = got < 49
    assert inside.any() and not inside.all() and (got % 1 > 0).any()
    np.testing.assert_allclose(loss[inside], values[inside, 0], rtol=1e-9)
    assert (loss[~inside] <= values[~inside, 0]).all()


def test_beyond_the_table_the_difference_is_mapped():
    m = model(20, 300)
    difference = np.diff(np.asarray(m.table)[20])  # D(T0, ·)
    stretch = 4  # 81 auctions left: 80 follow, T0 = 20
    values = np.linspace(0.05, 3, 25)[:, None]
    got = bid(rlb.Rlb(m), observe(0, 81, [400.0]), values)[:, 0]
    spent_on = np.arange(400 - 1, -1, -1) // stretch
    loss = np.concatenate([[0], np.cumsum(difference[spent_on])])
    expected = [np.flatnonzero(loss[:50] <= v + 1e-12)[-1] for v in values[:, 0]]
    assert len(set(expected)) > 5
    np.testing.assert_array_equal(got, expected)


def test_beyond_the_table_the_action_is_mapped():
    m = model(20, 300)
    values = np.linspace(0.05, 3, 25)[:, None]
    got = bid(rlb.RlbMapA(m), observe(0, 81, [403.0]), values)
    there = bid(rlb.Rlb(m), observe(0, 21, [100.0]), values)
    assert len(np.unique(there)) > 5
    np.testing.assert_array_equal(got, there)


def test_who_is_rarely_eligible_counts_only_its_own_auctions():
    rare = model(20, 300, share=(0.25,))
    values = np.linspace(0.05, 3, 25)[:, None]
    got = bid(rlb.Rlb(rare), observe(0, 41, [100.0]), values)
    own = bid(rlb.Rlb(model(20, 300)), observe(0, 11, [100.0]), values)
    np.testing.assert_array_equal(got, own)


def test_ss_mdp_bids_on_every_impression_as_on_an_average_one():
    m = model(20, 300, mean_value=(2.0,))
    now = observe(3, 20, [90.0])
    average = bid(rlb.Rlb(m), now, [[2.0]])
    np.testing.assert_array_equal(
        bid(ss_mdp.SsMdp(m), now, [[0.1], [9.0], [0.0]]), [average[0], average[0], [-np.inf]]
    )


def test_no_bid_without_value_now_or_in_training():
    m = model(20, 300, mean_value=(1.0, 0.0))
    got = bid(rlb.Rlb(m), observe(0, 20, [90.0, 90.0]), [[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(np.isneginf(got), [[True, True], [False, True]])


def test_a_segment_is_a_period_of_its_own():
    m = model(20, 300)
    segments, plain = rlb.RlbSegments(m, ticks=8), rlb.Rlb(m)
    values = np.linspace(0.05, 3, 25)[:, None]
    money = 80_000.0  # four segments of two ticks
    state = segments.init(Campaigns(jnp.asarray([money]), jnp.ones(1), jnp.zeros(1, jnp.int32)))

    def same(state, at, segment_left, granted):
        got = bid(segments, at, values, state)
        own = bid(plain, observe(0, segment_left, [granted]), values)
        assert len(np.unique(own)) > 3
        np.testing.assert_array_equal(got, own)

    same(state, observe(0, 40_000, [money], 0, 8), 10_000, 20_000.0)
    state = segments.update(state, replace(no_tally(1), spend=jnp.asarray([3_000.0])))
    # The second tick, halfway through the segment, and 500 spent since it began.
    same(state, observe(5_000, 40_000, [76_500.0], 1, 8), 5_000, 16_500.0)
    state = segments.update(state, replace(no_tally(1), spend=jnp.asarray([5_000.0])))
    same(state, observe(10_000, 40_000, [72_000.0], 2, 8), 10_000, 24_000.0)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1.0, 0.0])
def test_mapped_forms_buy_nearly_as_much_as_the_exact_one(step):
    day = market(20 * PERIOD, [8_000.0], step=step)
    assert day.market_price is not None
    leveled = replace(day, market_price=jnp.floor(day.market_price), bid_step=1.0)
    exact = exact_model(training_log(leveled, second_price(), period=PERIOD))
    log = training_log(day, second_price(), period=PERIOD)
    small = mapped_model(log)
    assert exact.horizon == PERIOD and small.horizon < PERIOD / 5
    forms = rlb.Rlb(small), rlb.RlbMapA(small), rlb.RlbSegments(small, log.ticks)
    best, *bought = play(day, rlb.Rlb(exact), *forms).value
    assert (np.array(bought) > 0.97 * best).all()


def test_period_too_long_for_a_table_is_mapped():
    log = training_log(market(5_000, [8_000.0]), second_price(), period=100_000_000)
    assert exact_model(log).horizon < 1_000


def play(day, *bidders):
    """Totals of each bidder, [bidders], alone in periods of 1000 impressions with full budgets."""
    periods = split(day, PERIOD)
    count = periods.values.shape[0]
    again = jax.tree.map(lambda x: jnp.concatenate([x] * len(bidders)), periods)
    seat = jnp.repeat(jnp.arange(len(bidders), dtype=jnp.int32), count)[:, None]
    keys = jax.random.split(jax.random.key(0), len(seat))
    delivery = simulate_many(
        again, second_price(), Population(bidders, seat), keys, play="impression"
    )
    return jax.tree.map(
        lambda x: np.asarray(x).reshape(len(bidders), -1).sum(axis=1), delivery.tally
    )


def published():
    """Rows of the reference as {(campaign, share): {bidder: row}}."""
    scenarios = {}
    with (SHARED / REFERENCE).open() as file:
        for row in csv.DictReader(file):
            scenarios.setdefault((row["campaign"], float(row["c0"])), {})[row["bidder"]] = row
    return scenarios


def differences(campaign, shares, table_budget=None):
    """Rows of a campaign that are not reproduced to the integer, as (got, expected)."""
    [dataset] = read_log(SHARED / LOGS / f"{campaign}.info.json")
    history = dataset.history
    assert history is not None
    budgets = {share: campaign_budget(history, share, PERIOD) for share in shares}
    day = dataset.test
    # V(n,b) is the same whatever the budget: one table serves all.
    largest = day.with_budget(jnp.asarray([float(table_budget or max(budgets.values()))]))
    log = training_log(largest, second_price(), PERIOD, history, most=day.impressions)
    table = exact_model(log)
    assert table.horizon == PERIOD
    wrong = []
    for share in shares:
        rows = published()[campaign, share]
        linear = Lin(
            jnp.asarray([float(rows["lin_bid"]["lin_b0"])]), jnp.asarray(history.mean_value)
        )
        bidders = ss_mdp.SsMdp(table), mcpc.fit(log), linear, rlb.Rlb(table)
        sums = play(day.with_budget(jnp.asarray([float(budgets[share])])), *bidders)
        for i, name in enumerate(("ss_mdp", "mcpc", "lin_bid", "rlb")):
            assert int(rows[name]["budget_per_episode"]) == budgets[share]
            got = [int(x[i]) for x in (sums.wins, sums.conversions, sums.spend)]
            expected = [int(rows[name][key]) for key in ("impressions", "clicks", "cost")]
            if got != expected:
                wrong.append((campaign, share, name, got, expected))
    return wrong


@needs(LOGS)
@needs(REFERENCE)
def test_published_integers_of_a_campaign():
    assert differences("2261", [1 / 32, 1 / 16]) == []


@pytest.mark.slow
@needs(LOGS)
@needs(REFERENCE)
def test_published_integers_of_all_campaigns():
    scenarios = published()
    assert sum(map(len, scenarios.values())) == 180
    wrong = []
    for campaign in sorted({campaign for campaign, _ in scenarios}):
        shares = [share for name, share in scenarios if name == campaign]
        wrong += differences(campaign, shares, table_budget=46_528)
    assert wrong == []
