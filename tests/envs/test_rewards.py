"""Rewards against their formulas, and against the ways in which a reward is gamed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.outcomes import made, play, price_takers, sums
from equibid.auctions import ABSENT, gsp, second_price
from equibid.envs.rewards import (
    REWARDS,
    CpaLagrangian,
    CpaScore,
    Engagement,
    LifetimeValue,
    Normalised,
    Outcome,
    Pacing,
    RoiLagrangian,
    RoiShortfall,
    Sum,
    Unspent,
    Value,
    ValueLessCost,
    profit,
    reward_named,
)
from equibid.errors import InputError
from equibid.simulation.campaign_figures import cpa_score

SETTINGS = {"potential": ":steps=6", "roi-shortfall": ":target=3"}
NAMES = [name + SETTINGS.get(name, "") for name in REWARDS]


clear = jax.jit(second_price(reserve=1.0).clear)


def day(scale: float = 1.0) -> list[Outcome]:
    """Six steps of a market of four; `scale` units of money for each of the usual one."""
    rng = np.random.default_rng(1)
    values = rng.lognormal(-1, 0.5, (60, 4))
    values[rng.random((60, 4)) < 0.2] = 0
    bids = np.where(values > 0, scale * values * [1.0, 1.5, 0.7, 1.2], ABSENT)
    target = scale * np.array([1.0, 1.5, 0.8, 1.2])
    return play(gsp(reserve=0.0), bids, values, scale * np.array([2, 4, 1, 3]), target, 6)


@pytest.mark.parametrize("name", NAMES)
def test_every_reward_compiles_over_markets_and_is_found_by_name(name: str) -> None:
    reward = reward_named(name)
    assert reward == reward_named(name) and hash(reward) == hash(reward_named(name))
    steps = jax.tree.map(lambda *x: jnp.stack(x), *day())
    got = jax.jit(jax.vmap(reward))(steps)
    assert got.shape == (6, 4) and got.dtype == jnp.float64
    assert np.isfinite(got).all() and np.asarray(got).any()
    np.testing.assert_allclose(got[2], reward(day()[2]), rtol=1e-12)
    assert REWARDS.summaries[name.partition(":")[0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("valu", "there is no reward"),
        ("value:lambda=1", "no setting 'lambda'"),
        ("value-less-cost:weight=-1", "weight=-1"),
        ("value-less-cost:margin=-2", "margin=-2"),
        ("roi:target=0", "target=0"),
        ("cpa:multiplier=-1", "multiplier=-1"),
        ("roi:multiplier=inf", "multiplier must be a number"),
        ("roi-shortfall:weight=-1", "weight=-1"),
        ("cpa-score:power=-1", "power=-1"),
        ("engagement:wins=nan", "must be a number"),
        ("lifetime-value:retention=2", "retention=2"),
        ("lifetime-value:horizon=0.5", "horizon=0.5"),
        ("lifetime-value:baseline=-1", "baseline=-1"),
        ("tempered:temperature=0", "temperature=0"),
        ("alpha-fair:aversion=-1", "aversion=-1"),
        ("potential", "steps=24"),
        ("potential:steps=4,discount=0", "discount=0"),
        ("pacing:weight=-1", "weight=-1"),
        ("unspent:weight=-1", "weight=-1"),
    ],
)
def test_settings_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        reward_named(text)


def test_sums_and_multiples() -> None:
    one, two, three = Value(), Unspent(), Pacing()
    got = 2 * (one + 0.5 * two) + three
    assert got == Sum((one, two, three), (2.0, 1.0, 1.0))
    step = day()[-1]
    np.testing.assert_allclose(got(step), 2 * one(step) + two(step) + three(step))
    named = reward_named("value + unspent:weight=1e+0+pacing:weight=1")
    np.testing.assert_allclose(named(step), one(step) + two(step) + three(step))
    with pytest.raises(InputError, match="as many weights"):
        Sum((one,), ())
    with pytest.raises(InputError, match="finite"):
        _ = one * float("nan")
    for wrong in ("money", (), (1.0, 0.0)):
        with pytest.raises(InputError, match="divided by"):
            Normalised(one, wrong)


def test_formulas_by_hand() -> None:
    step = made(
        budget=[10.0, 20, 0],
        target_cpa=[2.0, 3, np.inf],
        value=[4.0, 1, 0],
        conversions=[5.0, 0, 0],
        spend=[3.0, 6, 0],
        wins=[8.0, 9, 0],
        exposures=[6.0, 7, 0],
    )
    for reward, expected in {
        Value(): [4, 1, 0],
        Value(sampled=True): [5, 0, 0],
        profit(): [5, -3, 0],
        ValueLessCost(0.5, margin=1.0): [2.5, -2, 0],
        RoiLagrangian(target=1.5, multiplier=1.0): [8 - 2.25, 3 - 4.5, 0],
        CpaLagrangian(multiplier=3.0): [4 - 0.75 * 1.5, 1 - 0.75 * 2, 0],
        RoiShortfall(weight=2.0): [0, -1, 0],
        RoiShortfall(target=3.0, margin=1.0): [4 / 3 - 3, 1 / 6 - 3, 0],
        CpaScore(): [4, 1 * 0.25, 0],
        CpaScore(sampled=True, power=1): [5, 0, 0],
        Engagement(0.1, 0.01, 1): [5.68, 0.79, 0],
        LifetimeValue(0.5, 4.0, 3, 0.5): [1 * 4 * 1.75 - 3, -2.5 * 4 * 1.75 - 6, 0],
        Normalised(Value(), "target"): [4 / 5, 1 / (20 / 3), 0],
        Normalised(profit(), "budget"): [0.5, -0.15, 0],
        Normalised(Value(), (8.0, 2.0, 1.0)): [0.5, 0.5, 0],
        Unspent(0.5): [-3.5, -7, 0],
        Pacing(2.0): [-2 * 0.49, -2 * 0.49, 0],
    }.items():
        np.testing.assert_allclose(reward(step), expected, atol=1e-12, err_msg=str(reward))


def test_a_multiplier_may_be_data() -> None:
    step = made(value=[4.0, 1], spend=[3.0, 6])
    for part in (CpaLagrangian(), RoiLagrangian()):
        got = part(step, jnp.asarray([0.0, 1.0]))
        settings = [type(part)(multiplier=x)(step)[i] for i, x in enumerate((0.0, 1.0))]
        np.testing.assert_allclose(got, settings)


def test_what_comes_at_the_end_comes_only_then() -> None:
    whole = sums(value=[4.0], spend=[3.0])
    early = made(progress=0.5, so_far=whole, value=[1.0], spend=[2.0])
    for reward in (CpaScore(), RoiShortfall(target=9.0), Unspent(), reward_named("alpha-fair")):
        assert float(reward(early)[0]) == 0 != float(reward(early._replace(ends=True))[0])


def test_score_is_auctionnets() -> None:
    rng = np.random.default_rng(0)
    spend, won, target = rng.random((3, 50)) * [[3], [2], [2]]
    spend[:5], won[3:9], target[4] = 0, 0, np.inf
    step = made(budget=5.0, target_cpa=target, spend=spend, conversions=won)
    np.testing.assert_allclose(CpaScore(sampled=True)(step), cpa_score(spend, won, target))


@pytest.mark.parametrize("sampled", [False, True])
def test_a_dense_score_adds_up_to_the_score(sampled: bool) -> None:
    steps = day()
    dense = sum(CpaScore(sampled=sampled, dense=True)(step) for step in steps)
    np.testing.assert_allclose(dense, CpaScore(sampled=sampled)(steps[-1]), rtol=1e-12)


def test_one_lucky_win_does_not_outrank_a_spent_budget() -> None:
    """The raw ratio is best for the policy that wins a single cheap impression."""
    rng = np.random.default_rng(3)
    values = rng.uniform(0.5, 1, 200)
    prices = np.r_[0.01, values[1:] * rng.uniform(0.4, 0.8, 199)]
    factors = np.r_[0.1, np.linspace(0.4, 1, 61)]
    step = price_takers(factors, values, prices, budget=30.0, target=1.0)
    assert step.tally.wins[0] == 1
    ratio = np.asarray(step.tally.value / step.tally.spend)
    assert ratio.argmax() == 0 and ratio[0] > 20
    spent = np.asarray(step.tally.spend) > 29
    assert (ratio[spent] > 1.4).any()
    volume = float(np.asarray(step.tally.value).max())
    for reward in (
        RoiLagrangian(target=1.4, multiplier=1.0),
        profit() + RoiShortfall(weight=volume, target=1.4),
        Value() + RoiShortfall(weight=volume, target=1.4),
        CpaLagrangian(multiplier=1.0),
        CpaScore(),
    ):
        got = np.asarray(reward(step))
        best = int(got.argmax())
        assert spent[best] and ratio[best] >= 1.4 - 1e-9
        assert got[0] < 0.1 * got[best]


def test_without_margin_the_best_bid_is_none() -> None:
    rng = np.random.default_rng(4)
    factors = np.linspace(0, 3, 31)
    step = price_takers(factors, rng.random(100), rng.random(100), 50.0, 1.0)
    assert float(profit(margin=0.0)(step).max()) == float(profit(margin=0.0)(step)[0]) == 0
    assert (np.asarray(profit(margin=0.0)(step))[np.asarray(step.tally.wins) > 0] < 0).all()
    # With a margin and no budget in the way, second prices make the margin the best factor.
    rich = price_takers(factors, rng.random(1000), rng.random(1000), 1e6, 1.0)
    assert abs(factors[int(profit(margin=1.3)(rich).argmax())] - 1.3) < 0.11


@given(
    others=st.lists(st.integers(0, 12).map(lambda x: x / 2), min_size=3, max_size=3),
    value=st.integers(0, 24).map(lambda x: x / 4),
)
def test_no_bid_beats_the_value_in_a_second_price_auction(
    others: list[float], value: float
) -> None:
    grid = np.r_[value, np.arange(0, 8, 0.25)]
    bids = np.c_[grid, np.tile(others, (len(grid), 1))]
    got = clear(jnp.asarray(bids))
    step = made(value=got.exposure[:, 0] * value, spend=got.charge[:, 0])
    profits = np.asarray(profit(margin=1.0)(step))
    assert profits[0] == profits.max() >= 0
    assert (profits[grid > value] <= profits[0]).all()


@pytest.mark.parametrize(
    "name",
    [
        "value",
        "value-share",
        "profit-share",
        "cpa:multiplier=2",
        "cpa-score",
        "roi-shortfall:target=2",
        "alpha-fair",
        "tempered:temperature=0.5,relative=1",
        "potential:steps=6",
        "pacing",
    ],
)
def test_another_currency_changes_no_reward(name: str) -> None:
    reward = reward_named(name)
    for one, other in zip(day(), day(2.0), strict=True):
        np.testing.assert_array_equal(reward(one), reward(other))


def test_a_normalised_sum_is_free_of_the_currency_too() -> None:
    reward = Normalised(reward_named("value-less-cost:weight=0.5 + unspent:weight=0.1"), "budget")
    raw = reward_named("profit")
    for one, other in zip(day(), day(2.0), strict=True):
        np.testing.assert_array_equal(reward(one), reward(other))
        np.testing.assert_array_equal(2 * raw(one), raw(other))


def test_customers_who_come_anyway_are_worth_nothing() -> None:
    """Loyal users look best by value won; the control group's rate tells."""
    loyal = made(value=[0.5], exposures=[1.0], spend=[0.2])
    new = made(value=[0.3], exposures=[1.0], spend=[0.2])
    plain = LifetimeValue(margin=1.0, horizon=2)
    assert float(plain(loyal)[0]) > float(plain(new)[0])
    assert float(LifetimeValue(margin=1.0, horizon=2, baseline=0.5)(loyal)[0]) == -0.2
    assert float(LifetimeValue(margin=1.0, horizon=2, baseline=0.1)(new)[0]) > 0
