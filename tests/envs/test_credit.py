"""Shared rewards: teams, tempered credit and its limits, differences, bars, collusion."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions.blocks import AUCTIONS, Block, blocks
from envs.outcomes import made, play
from equibid.auctions import ABSENT, Clearing, Ranked, second_price
from equibid.envs.rewards import (
    AlphaFair,
    Revenue,
    Team,
    Tempered,
    Value,
    Welfare,
    barred,
    collusion,
    difference_rewards,
    profit,
)
from equibid.errors import InputError

RANKED = [
    name for name, rule in AUCTIONS.items() if isinstance(rule, Ranked) and rule.ties == "lowest"
]


@partial(jax.jit, static_argnums=0)
def clear(auction: Ranked, bids: jax.Array, outside: jax.Array | None = None) -> Clearing:
    return auction.clear(bids, outside)


def test_what_is_given_to_all() -> None:
    step = made(value=[1.0, 2, 4], conversions=[3.0, 0, 0], spend=[0.5, 1, 0])
    assert Welfare()(step).tolist() == [7, 7, 7]
    assert Welfare(sampled=True)(step).tolist() == [3, 3, 3]
    assert Revenue()(step).tolist() == [1.5, 1.5, 1.5]
    assert Team()(step).tolist() == [7, 7, 7]
    assert Team(groups=(1, 0, 1))(step).tolist() == [5, 2, 5]
    assert Team(profit(margin=1.0), (0, 0, 2))(step).tolist() == [1.5, 1.5, 4]


def test_teams_that_cannot_be() -> None:
    with pytest.raises(InputError, match="numbers of teams"):
        Team(groups=(0, -1))
    with pytest.raises(InputError, match="2 groups for 3"):
        Team(groups=(0, 1))(made(value=[1.0, 2, 4]))


def test_fairness() -> None:
    step = made(budget=[10.0, 20, 0], target_cpa=[2.0, 5, 1], value=[4.0, 2, 0])
    share = np.array([4 / 5, 2 / 4])
    for aversion, expected in {
        0.0: share.sum(),
        0.5: 2 * np.sqrt(share).sum(),
        1.0: np.log(share).sum(),
        2.0: -(1 / share).sum(),
    }.items():
        np.testing.assert_allclose(AlphaFair(aversion)(step), np.full(3, expected))
    by_hindsight = AlphaFair(2.0, by=(8.0, 4.0, 1.0))(step)
    np.testing.assert_allclose(by_hindsight, -4.0)
    # Who wins nothing makes it very bad, not minus infinity.
    alone = AlphaFair(1.0)(made(budget=10.0, target_cpa=2.0, value=[4.0, 0.0]))
    assert -15 < float(alone[0]) < -10


@given(
    bids=st.lists(st.floats(0, 20), min_size=4, max_size=4),
    present=st.lists(st.booleans(), min_size=4, max_size=4),
    temperature=st.floats(1e-6, 1e6),
    relative=st.booleans(),
)
def test_shares_of_credit(
    bids: list[float], present: list[bool], temperature: float, relative: bool
) -> None:
    rule, there = Tempered(temperature, relative), np.array(present)
    alpha = np.asarray(rule.shares(jnp.asarray(bids), jnp.asarray(there)))
    assert (alpha >= 0).all() and not alpha[~there].any()
    np.testing.assert_allclose(alpha.sum(), float(there.any()), rtol=1e-12)
    order = np.argsort(np.array(bids)[there], kind="stable")
    assert (np.diff(alpha[there][order]) >= 0).all()


def test_limits_of_tempered_credit() -> None:
    """Cold: the winner has its own reward, as if there were no team. Hot: everybody the mean."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        bids, values = rng.uniform(0, 5, (2, 1, 6))
        (step,) = play(second_price(), bids, values)
        cold = Tempered(1e-6)(step)
        np.testing.assert_array_equal(cold, Value()(step))
        np.testing.assert_allclose(Tempered(1e6)(step), Welfare()(step) / 6, rtol=1e-5)
        assert float(cold.max()) == values[0, bids.argmax()]


def test_cooperation_pays_from_the_threshold_on() -> None:
    """Two bidders with values v1 > v2 and one impression, solved by trying every bid.

    The second shares v1 by bidding the least and losing the tie, or outbids and takes
    v2 / (1 + exp(−Δ/τ)): it cooperates iff v1 ≥ 2 v2 or τ ≥ Δ / ln(v1 / (2 v2 − v1)).
    """
    low, high = 0.5, 5.0
    grid = np.linspace(low, high, 19)
    bids = np.c_[np.full(19, low), grid]

    def cooperates(first: float, second: float, temperature: float) -> bool:
        got = clear(second_price(), jnp.asarray(bids))
        value = got.exposure * jnp.asarray([first, second])
        steps = made(value=value, bid=bids, offered=np.ones_like(bids), spend=got.charge)
        spread = jax.tree.map(lambda x: jnp.broadcast_to(x, (19, *x.shape[x.ndim - 1 :])), steps)
        return int(jax.vmap(Tempered(temperature))(spread)[:, 1].argmax()) == 0

    for first, second in [(1.0, 0.9), (1.0, 0.7), (1.0, 0.55)]:
        threshold = (high - low) / np.log(first / (2 * second - first))
        assert cooperates(first, second, threshold * 1.001)
        assert not cooperates(first, second, threshold * 0.999)
    # Twice the value: cooperation at any temperature.
    assert all(cooperates(1.0, 0.5, t) for t in (0.05, 1.0, 50.0))


def test_a_team_pays_the_reserve_and_is_found_out() -> None:
    """Two bidders, second price: the best pair of factors for their summed profit."""
    grid = np.arange(11) / 10
    for values in (np.ones((20, 2)), np.random.default_rng(1).uniform(0.2, 1, (20, 2))):
        auction = second_price(reserve=0.1)

        def both(
            f: float, g: float, values: np.ndarray = values, auction: Ranked = auction
        ) -> tuple[float, float]:
            """Summed profit and revenue."""
            (step,) = play(auction, values * [f, g], values)
            joint = Team(profit(margin=1.0))(step)
            return float(joint[0]), float(step.tally.spend.sum())

        pairs = {(f, g): both(f, g) for f in grid for g in grid}
        f, g = max(pairs, key=lambda pair: pairs[pair][0])
        revenue = pairs[f, g][1]
        competitive = pairs[1.0, 1.0][1]
        assert collusion(revenue, competitive) and not collusion(competitive, competitive)
        if (values == 1).all():
            np.testing.assert_allclose([revenue, competitive], [0.1 * 20, 20])
        # Against a truthful opponent, truth is the best factor for the own profit.
        own = [profit(margin=1.0)(play(auction, values * [h, 1], values)[0])[0] for h in grid]
        assert float(own[-1]) == pytest.approx(float(max(own)))


@pytest.mark.parametrize("name", RANKED)
@given(block=blocks(most=6), seed=st.integers(0, 100))
def test_differences_are_those_of_clearing_again(name: str, block: Block, seed: int) -> None:
    auction = AUCTIONS[name]
    assert isinstance(auction, Ranked)
    values = np.random.default_rng(seed).random(block.bids.shape)

    def welfare(bids: np.ndarray) -> float:
        return float((np.asarray(clear(auction, bids, block.outside).exposure) * values).sum())

    whole, expected = welfare(block.bids), []
    for i in range(5):
        without = block.bids.copy()
        without[:, i] = ABSENT
        expected.append(whole - welfare(without))
    got = difference_rewards(auction, block.bids, values, block.outside)
    np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("name", RANKED)
@given(block=blocks(most=6))
def test_nobody_harms_an_efficient_allocation(name: str, block: Block) -> None:
    """Bids are the values; the sum of what each adds is then no more than all of it."""
    auction = AUCTIONS[name]
    assert isinstance(auction, Ranked)
    values = np.where(block.bids > ABSENT, block.bids, 0)
    got = np.asarray(difference_rewards(auction, block.bids, values))
    assert (got >= -1e-12).all()
    free = replace(auction, reserve=0.0, sell_at_reserve=True)
    won = np.asarray(clear(free, block.bids).exposure) * values
    assert np.asarray(difference_rewards(free, block.bids, values)).sum() <= won.sum() + 1e-12


def test_differences_by_hand() -> None:
    """One slot: the winner adds its value less the next one's, the profit of second prices."""
    bids = np.array([[3.0, 2, 1], [1, 2, 5]])
    got = difference_rewards(second_price(), jnp.asarray(bids), jnp.asarray(bids))
    np.testing.assert_allclose(got, [1, 0, 3])
    (step,) = play(second_price(), bids, bids)
    np.testing.assert_allclose(got, profit(margin=1.0)(step))
    # Who outbids a higher value does harm.
    worth = np.array([[1.0, 2, 1], [1, 2, 5]])
    assert float(difference_rewards(second_price(), bids, worth)[0]) == -1
    with pytest.raises(InputError, match="ties"):
        difference_rewards(Ranked(ties="split"), bids, worth)


def test_bars() -> None:
    reward, bids = jnp.asarray([[1.0, 2, 0]]), jnp.asarray([[0.5, 4.0, 0.0]])
    paid = jnp.asarray([[0.5]])
    plain, bars = barred(reward, bids, jnp.zeros((1, 3)), paid)
    assert plain.tolist() == reward.tolist() and bars.tolist() == [[0.5, 0.5, 0.5]]
    for got in barred(reward, bids, bids.max() + 1 + jnp.zeros((1, 3)), paid):
        assert got.tolist() == [[0, 0, 0]]
    got = barred(reward, bids, jnp.asarray([[0.6, 4.0, 0.1]]), paid)
    assert [x.tolist() for x in got] == [[[0, 2, 0]], [[0, 0.5, 0]]]
