"""What agents see of their auctions, by hand, in range, and in any currency."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions.ranked import second_price
from equibid.auctions.tally import FIELDS, Tally
from equibid.bidders.bidder import Arriving, Observation
from equibid.envs.auction_observer import HORIZONS, Auctions
from equibid.envs.game import markov_game
from equibid.envs.observers import OBSERVERS
from equibid.envs.outcome import Outcome
from equibid.markets.market import Campaigns, Market, even_ticks
from equibid.simulation.features import Reference
from equibid.simulation.simulate import Play

CAMPAIGNS = Campaigns(jnp.array([40.0, 5.0]), jnp.array([1.0, 1.0]), jnp.zeros(2, jnp.int32))
REFERENCE = Reference(jnp.array([2.0, 0.5]), jnp.array([10.0, 4.0]), jnp.array([0.3, 1.0]))
BOUNDED = 5.0


def sums(seed: int, scale: float = 1.0) -> Tally:
    """A tick's sums of two agents, money times `scale`."""
    random = np.random.default_rng(seed)
    offered = random.integers(1, 12, 2).astype(float)
    wins = np.floor(offered * random.random(2))
    money = {name: scale * offered * random.random(2) for name in ("bid", "market_price", "spend")}
    value = offered * random.random(2)
    rest = {"wins": wins, "exposures": wins, "value_offered": value, "value": value * wins / 12}
    every = {"offered": offered, "conversions": wins, **money, **rest}
    return Tally(*(jnp.asarray(every[name]) for name in FIELDS))


def seen(
    observer: Auctions, ticks: int, remaining: list[float], scale: float = 1.0
) -> dict[str, np.ndarray]:
    """What is seen after some ticks of 48, by name."""
    campaigns = replace(CAMPAIGNS, budget=CAMPAIGNS.budget * scale)
    memory = observer.init(campaigns)
    for tick in range(ticks):
        memory = observer.update(memory, sums(tick, scale))
    now = Observation(
        tick=jnp.asarray(ticks),
        ticks=jnp.asarray(48),
        impression=jnp.asarray(10 * ticks),
        impressions=jnp.asarray(500),
        remaining=scale * jnp.asarray(remaining),
        arriving=Arriving(jnp.array([3.0, 0.0]), jnp.array([1.8, 0.0])),
    )
    row = np.asarray(observer.observe(memory, now))
    assert row.dtype == np.float32 and row.shape == (2, len(observer.names))
    return dict(zip(observer.names, row.T, strict=True))


def test_features_by_hand() -> None:
    got = seen(Auctions(REFERENCE, foresight=True), 5, [30.0, 1.0])
    rows = [sums(tick) for tick in range(5)]

    def faded(name: str, horizon: int) -> np.ndarray:
        weights = np.exp(-(4 - np.arange(5)) / horizon)
        return weights @ np.stack([np.asarray(getattr(row, name)) for row in rows])

    def rate(part: str, of: str, horizon: int) -> np.ndarray:
        return faded(part, horizon) / faded(of, horizon)

    usual = np.array([0.6, 0.5])
    plan = np.array([40 / 480, 5 / 192])
    for h in HORIZONS:
        price = np.log(rate("market_price", "offered", h) / usual)
        expected = {
            "market price": price,
            "own bid": np.log(rate("bid", "offered", h) / usual),
            "win rate": rate("wins", "offered", h),
            "spend": np.log(rate("spend", "offered", h) / plan),
            "value won": rate("value", "value_offered", h),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(got[f"{name}, {h}"], np.clip(value, -5, 5), rtol=1e-5)
    np.testing.assert_allclose(got["money left"], [0.75, 0.2])
    np.testing.assert_allclose(got["auctions left"], 0.9, rtol=1e-6)
    longest = np.log(rate("market_price", "offered", HORIZONS[-1]) / usual)
    np.testing.assert_allclose(got["need"], np.log([0.75 / 0.9, 0.2 / 0.9]) - longest, rtol=1e-5)
    np.testing.assert_allclose(got["hour sin"], np.sin(2 * np.pi * 5 / 48), rtol=1e-6)
    np.testing.assert_allclose(got["arriving value"], [np.log(2), 0], rtol=1e-6)
    np.testing.assert_allclose(got["arriving traffic"], [0.3, 0], rtol=1e-6)


def test_at_first_there_are_no_rates() -> None:
    got = seen(Auctions(REFERENCE, foresight=False), 0, [40.0, 5.0])
    assert all((got[f"{name}, {h}"] == 0).all() for name in ("own bid", "spend") for h in HORIZONS)
    np.testing.assert_array_equal(got["need"], 0)


@pytest.mark.parametrize("scale", [1e-3, 7.0])
def test_the_currency_is_not_seen(scale: float) -> None:
    reference = REFERENCE._replace(factor=REFERENCE.factor * scale)
    one = seen(Auctions(REFERENCE, foresight=True), 4, [13.0, 2.0])
    other = seen(Auctions(reference, foresight=True), 4, [13.0, 2.0], scale)
    for name, row in one.items():
        np.testing.assert_allclose(other[name], row, rtol=1e-5, atol=1e-6, err_msg=name)


def test_only_the_second_name_foresees() -> None:
    made = [OBSERVERS[n](CAMPAIGNS, REFERENCE) for n in ("auction", "auction-foresight")]
    assert [x.needs_forecast for x in made] == [False, True]
    assert len(made[1].names) == len(made[0].names) + 2 == 22


def reward(outcome: Outcome) -> jax.Array:
    return outcome.tally.value


@pytest.mark.parametrize("play", ["tick", "impression"])
def test_a_game_stays_within_the_ranges(play: Play) -> None:
    """Three agents, one without money; foresight shows what is sold next."""
    random = np.random.default_rng(0)
    market = Market(
        values=jnp.asarray(random.random((24, 3)) * (random.random((24, 3)) < 0.7)),
        tick_start=even_ticks(24, 6),
        campaigns=Campaigns(jnp.array([2.0, 0.0, 0.4]), jnp.ones(3), jnp.zeros(3, jnp.int32)),
    )
    reference = Reference(jnp.array([0.5, 1.0, 0.2]), jnp.full(3, 2.8), jnp.full(3, 0.5))
    game = markov_game(
        [market], second_price(), reference, reward, observer="auction-foresight", play=play
    )
    observe, step = jax.jit(game.observe), jax.jit(game.step)
    state = game.reset(jax.random.key(0))
    rows = []
    for _ in range(game.steps):
        rows.append(np.asarray(observe(state)))
        state, _ = step(state, jnp.array([0.5, 1.0, 0.4]))
    got = np.stack([*rows, np.asarray(observe(state))])
    assert np.isfinite(got).all() and (np.abs(got) <= BOUNDED).all()
    for name, column in zip(game.observer.names, np.moveaxis(got, -1, 0), strict=True):
        if name.startswith(("win", "value won", "money", "auctions")):
            assert (column >= 0).all() and (column <= 1).all(), name
    values = np.asarray(market.values)
    if play == "impression":
        there = values > 0
        expected = np.where(there, np.log(np.where(there, values, 1) / 0.5), 0)
        np.testing.assert_allclose(got[:-1, :, -2], np.clip(expected, -5, 5), rtol=1e-5, atol=1e-6)
    else:
        offered = (values > 0).reshape(6, 4, 3).sum(axis=1)
        np.testing.assert_allclose(got[:-1, :, -1], np.minimum(offered / 2.8, 4), rtol=1e-5)
