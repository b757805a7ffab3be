"""The losses against exact derivatives of every trajectory of a small game; prices by hand."""

from functools import cache
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import second_price
from equibid.bidders.fixed import Fixed
from equibid.envs.periods import generated_setup
from equibid.envs.setup import TrainingSetup
from equibid.errors import InputError
from equibid.learning.algorithm import algorithm_named
from equibid.learning.algorithms.bpg.algorithm import Bpg
from equibid.learning.algorithms.bpg.config import BpgConfig
from equibid.learning.algorithms.bpg.duals import Duals, deviators, moved, no_duals
from equibid.learning.algorithms.bpg.losses import Prices, weights
from equibid.learning.climbing import surrogate
from equibid.learning.losses.targets import returns
from equibid.markets.market import Campaigns, Market, even_ticks
from equibid.simulation.training_day import tatonnement_factors

# Two advertisers, three ticks, three bids: 0, 1 and 2, as far as money goes.
N, T, BUDGET = 2, 3, (2, 3)
VALUE = np.random.default_rng(0).uniform(0.5, 2, (T, N))
PRICE = np.array([0.7, 1.9])


class Paths(NamedTuple):
    """Everything that can happen: money before each step, bids, value won and money paid."""

    money: np.ndarray
    bid: np.ndarray
    value: np.ndarray
    paid: np.ndarray


@cache
def paths() -> Paths:
    found = []

    def go(money: tuple[int, ...], before: list[Any]) -> None:
        if len(before) == T:
            found.append(before)
            return
        for bids in product(*(range(min(2, left) + 1) for left in money)):
            winner = int(bids[1] > bids[0])
            value, paid = np.zeros(N), np.zeros(N)
            if bids[winner]:
                value[winner], paid[winner] = VALUE[len(before), winner], bids[1 - winner]
            after = tuple(int(x) for x in np.subtract(money, paid))
            go(after, [*before, (money, bids, value, paid)])

    go(BUDGET, [])
    return Paths(*(np.array([[step[k] for step in path] for path in found]) for k in range(4)))


def tables() -> tuple[jax.Array, jax.Array, jax.Array]:
    """θ, ν and x: a preference of each advertiser, tick and money for each bid."""
    return tuple(jnp.asarray(np.random.default_rng(k).normal(size=(N, T, 4, 3))) for k in range(3))  # pyright: ignore[reportReturnType]


def densities(table: jax.Array) -> jax.Array:
    """The logarithm of the probability of every bid of every path, [E, T, N]."""
    money, bid = paths().money, paths().bid
    affordable = np.arange(3) <= money[..., None]
    said = table[np.arange(N), np.arange(T)[:, None], money]
    logs = jax.nn.log_softmax(jnp.where(affordable, said, -jnp.inf))
    return jnp.take_along_axis(logs, bid[..., None], axis=-1)[..., 0]


def chance(table: jax.Array, other: jax.Array | None = None, who: int = 0) -> jax.Array:
    """The probability of every path, where one bids by another table."""
    logs = densities(table)
    if other is not None:
        logs = jnp.where(np.arange(N) == who, densities(other), logs)
    return jnp.exp(logs.sum(axis=(1, 2)))


def gained(table: jax.Array, other: jax.Array) -> jax.Array:
    """What each advertiser wins where it alone bids by another table."""
    value = paths().value.sum(axis=1)
    return jnp.stack([chance(table, other, who) @ value[:, who] for who in range(N)])


def lagrangian(
    theta: jax.Array, nu: jax.Array, x: jax.Array, price: np.ndarray, xi: float, revenue: float
) -> jax.Array:
    """Equation 35, without what is constant."""
    own = chance(theta) @ paths().value.sum(axis=1)
    aim = own.sum() + revenue * (chance(theta) @ paths().paid.sum(axis=(1, 2)))
    by_nu, by_x = gained(theta, nu), gained(theta, x)
    share = price / price.sum() if price.sum() else price
    return -aim - price @ (own - by_nu) + xi * (share @ (by_x - by_nu))


def loss(
    theta: jax.Array, nu: jax.Array, x: jax.Array, price: np.ndarray, xi: float, revenue: float
) -> tuple[jax.Array, jax.Array]:
    """The project's two losses, every path once and weighted by its probability."""
    own = returns(jnp.asarray(paths().value), 1.0)
    paid = returns(jnp.asarray(paths().paid), 1.0)
    draw, E = np.array([0.3, 0.7]), len(own)
    deviator = np.repeat(np.arange(N), E)
    deviated = np.concatenate([own[..., :1], own[..., 1:]])
    aim = own.sum(axis=-1, keepdims=True) + revenue * paid.sum(axis=-1, keepdims=True)
    of = weights(
        jnp.concatenate([aim, aim]),
        jnp.concatenate([own, own]),
        jnp.stack([deviated, deviated]),
        jnp.asarray(deviator),
        Prices(jnp.asarray(price), jnp.asarray(draw[deviator]), jnp.asarray(xi)),
    )
    alike = 0.5 * jnp.concatenate([chance(theta)] * 2)
    leaving = [
        jnp.concatenate([draw[who] * chance(theta, other, who) for who in range(N)])
        for other in (nu, x)
    ]

    def ratio(table: jax.Array) -> jax.Array:
        logs = jnp.concatenate([densities(table)] * 2)
        return logs - jax.lax.stop_gradient(logs)

    def part(logs: jax.Array, weight: jax.Array, likely: jax.Array) -> jax.Array:
        likely = jax.lax.stop_gradient(likely)[:, None, None]
        return surrogate(logs, weight * likely, jnp.ones(logs.shape, bool), 0.2)

    of_theta = part(ratio(theta), of.all_bid, alike)
    for k in range(2):
        of_theta += part(ratio(theta), of.others[k], leaving[k])
    own_logs = jnp.take_along_axis(ratio(nu), deviator[:, None, None], axis=2)
    return of_theta, part(own_logs, of.optimiser, leaving[0])


@pytest.mark.parametrize(
    ("price", "xi", "revenue"),
    [(PRICE, 4.0, 0.0), (PRICE, 4.0, 0.3), (0 * PRICE, 4.0, 0.0), (PRICE, float(PRICE.sum()), 0.0)],
    ids=["published", "revenue", "no violation", "zero"],
)
def test_losses_are_the_derivatives_of_the_lagrangian(
    price: np.ndarray, xi: float, revenue: float
) -> None:
    """By every path of the game; where nothing is violated, and without the optimiser, too."""
    theta, nu, x = tables()
    wanted = jax.grad(lagrangian, (0, 1))(theta, nu, x, price, xi, revenue)
    slope = jax.grad(lambda t, n: loss(t, nu, x, price, xi, revenue)[0] + 0 * n.sum(), (0, 1))
    got = slope(theta, nu)[0]
    rise = jax.grad(lambda n: loss(theta, n, x, price, xi, revenue)[1])(nu)
    np.testing.assert_allclose(got, wanted[0], atol=1e-12)
    np.testing.assert_allclose(rise, wanted[1], atol=1e-12)
    assert np.abs(wanted[0]).max() > 0.01
    # ν has a gradient where there are prices, and it is not that of the published variant "zero".
    assert (np.abs(wanted[1]).max() > 0.01) == (bool(price.any()) and xi > price.sum())


def test_deviators_are_drawn_by_price_and_evenly() -> None:
    price, E = jnp.asarray([0.0, 3.0, 1.0, 0.0, 0.0]), 4
    drawn = jax.vmap(lambda key: deviators(key, price, 0.2, E))
    who, probability = drawn(jax.random.split(jax.random.key(0), 4000))
    wanted = np.array([0.04, 0.64, 0.24, 0.04, 0.04])
    np.testing.assert_allclose(probability, wanted[np.asarray(who)], rtol=1e-6)
    counts = np.stack([np.bincount(row, minlength=5) for row in np.asarray(who)])
    np.testing.assert_allclose(counts.mean(axis=0) / E, wanted, atol=0.01)
    # Systematic: nobody is drawn more often than its share allows, or less.
    assert (counts >= np.floor(E * wanted)).all() and (counts <= np.ceil(E * wanted)).all()


def test_nobody_has_a_price_at_first() -> None:
    who, probability = deviators(jax.random.key(1), no_duals(4).price, 0.0, 8)
    np.testing.assert_array_equal(np.bincount(np.asarray(who)), [2, 2, 2, 2])
    np.testing.assert_allclose(probability, 0.25)


def config(**settings: Any) -> BpgConfig:
    return BpgConfig(**{"epsilon": 0.1, "dual_gain": 2.0, "gap_rate": 0.5} | settings)


OWN = jnp.asarray(np.array([[1.0, 2.0, 1.0], [3.0, 2.0, 3.0]]))


def test_prices_by_hand() -> None:
    """Welfare 6; advertiser 0 gains 3 and then 1, so a third; advertiser 2 loses."""
    who = jnp.asarray(np.array([0, 0]))
    now = moved(config(), no_duals(3), OWN, who, jnp.asarray([4.0, 4.0]))
    assert now.welfare == 6.0
    np.testing.assert_allclose(now.gain, [1 / 3, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(now.price, [2 * (1 / 3 - 0.1), 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(now.known, [True, False, False])
    # What is known moves half way, and who does not deviate keeps its gain.
    later = moved(config(), now, OWN, jnp.asarray([0, 2]), jnp.asarray([1.0, 2.0]))
    np.testing.assert_allclose(later.gain, [1 / 6, 0, -1 / 6], rtol=1e-6)


def test_integral_prices_add_up_for_who_deviated() -> None:
    before = Duals(jnp.asarray([0.5, 0.5, 0.05]), jnp.zeros(3), jnp.ones(3, bool), jnp.asarray(6.0))
    rule = config(dual_rule="integral", gap_rate=1.0)
    now = moved(rule, before, OWN, jnp.asarray([0, 2]), jnp.asarray([4.0, 3.0]))
    np.testing.assert_allclose(now.price, [0.5 + 2 * (0.5 - 0.1), 0.5, 0.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["env_mode=log"], "leave env_mode at market"),
        (["welfare_weight=0"], "no aim"),
        (["epsilon=-0.1"], "epsilon must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        algorithm_named("bpg", settings)


@cache
def two() -> TrainingSetup:
    """Two advertisers whose equilibrium is far from the best of all, as one has little money.

    With low factors that are alike, impressions go to who values them most, and no budget binds;
    but each could then buy most of them alone.
    """

    def day(number: int) -> Market:
        values = np.random.default_rng(number).uniform(0.5, 1.5, (60, 2))
        return Market(
            values=jnp.asarray(values),
            tick_start=even_ticks(60, 6),
            campaigns=Campaigns(
                jnp.asarray([4.0, 20.0]), jnp.ones(2), jnp.asarray([0, 0], jnp.int32)
            ),
        )

    return generated_setup("two", day, second_price(), days=16, held_out=16)


def outcome(**settings: Any) -> tuple[float, float]:
    """Welfare of the policy that was learnt on days held out, and the largest gain it knows of."""
    algorithm = Bpg(num_envs=16, hidden_sizes=(16,), critic_baseline="none", **settings)
    task = two().task_for(algorithm)
    state = jax.jit(algorithm.init)(task, jax.random.key(0))
    step = jax.jit(algorithm.step)
    for _ in range(150):
        state, _ = step(task, state)
    told = two().judge(algorithm.policy(task, state))
    return told["value"], float(state.duals.gain.max())


@pytest.mark.slow
def test_from_the_best_for_all_to_an_equilibrium() -> None:
    """Known answers at both ends, and in between what epsilon allows."""
    days = [np.asarray(market.values) for market in two().held_out]
    best = float(np.mean([values.max(axis=1).sum() for values in days]))
    level = tatonnement_factors(two().train[0], second_price())
    rest = two().judge(Fixed(level))["value"]
    assert rest < 0.95 * best
    cooperative, left = outcome(dual_gain=0.0)
    assert cooperative > 0.98 * best
    assert left > 0.1
    equilibrium, gain = outcome(epsilon=0.0, dual_gain=100.0)
    assert equilibrium == pytest.approx(rest, rel=0.03)
    assert gain < 0.03
    between, some = outcome(epsilon=0.1, dual_gain=100.0)
    assert equilibrium < between < cooperative
    assert gain < some < left
