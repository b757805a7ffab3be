"""AuctionNet's state, against rows of its trajectory data and by hand."""

import ast
import csv
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.outcomes import sums
from equibid.auctions.ranked import first_price, second_price
from equibid.auctions.tally import Tally
from equibid.bidders.bidder import Arriving, Observation
from equibid.bidders.training import training_log
from equibid.envs.auctionnet_observer import (
    NAMES,
    AuctionNet,
    History,
    auctionnet_scaled,
)
from equibid.envs.game import logged_game, markov_game
from equibid.envs.rewards import Value
from equibid.errors import InputError
from equibid.markets.market import Campaigns
from equibid.simulation.features import Reference
from shared import SHARED, needs
from worlds import levels, market

ROWS = "data/auctionnet/trajectory_period7_adv0_real_rows.csv"
T = 48
OBSERVER = AuctionNet(None)


def campaigns(budget: float = 750.0) -> Campaigns:
    return Campaigns(jnp.asarray([budget]), jnp.asarray([8.0]), jnp.zeros(1, jnp.int32))


def moment(tick: int, remaining: float, value: float, offered: float) -> Observation:
    arriving = Arriving(jnp.asarray([offered]), jnp.asarray([value * offered]))
    money = jnp.asarray([remaining])
    start, ticks = jnp.asarray(0), jnp.asarray(T)
    return Observation(jnp.asarray(tick), ticks, start, start, money, arriving)


def ended(impressions: float, **means: float) -> Tally:
    """A tick of one advertiser, from its means."""
    totals = {name: [mean * impressions] for name, mean in means.items()}
    return sums(offered=[impressions], **totals)


def published() -> dict[int, dict]:
    with (SHARED / ROWS).open() as file:
        rows = list(csv.DictReader(file))
    states = ("state", "next_state")
    return {
        int(float(row["timeStepIndex"])): {
            **{name: np.array(ast.literal_eval(row[name] or "()")) for name in states},
            "reward": float(row["reward"]),
            "budget": float(row["budget"]),
        }
        for row in rows
    }


def told(before: np.ndarray, after: np.ndarray, ticks: int, reward: float | None) -> Tally:
    """The tick between two states: its own means, from those of all ticks before and with it."""

    def mean(feature: int) -> float:
        return (ticks + 1) * after[feature] - ticks * before[feature]

    # What the state shows directly, or the row tells, is not inferred.
    conversions = mean(6) if reward is None else reward / before[13]
    return ended(
        before[13],
        bid=mean(2),
        market_price=mean(4),
        value_offered=before[12],
        conversions=conversions,
        wins=mean(7),
    )


def observe(memory: History, state: np.ndarray, budget: float) -> np.ndarray:
    tick = round((1 - state[0]) * T)
    now = moment(tick, state[1] * budget, state[12], state[13])
    return np.asarray(OBSERVER.observe(memory, now))[0]


@needs(ROWS)
def test_published_states_follow_from_each_other() -> None:
    """The file's history begins with tick 16: three ticks in a row, then single transitions."""
    rows = published()
    budget = rows[16]["budget"]
    memory = OBSERVER.init(campaigns(budget))
    chain = [rows[16]["state"], rows[16]["next_state"], rows[18]["state"], rows[18]["next_state"]]
    rewards = [rows[16]["reward"], None, rows[18]["reward"]]
    np.testing.assert_allclose(observe(memory, chain[0], budget), chain[0], rtol=1e-6)
    for ticks, (before, after, reward) in enumerate(zip(chain, chain[1:], rewards, strict=False)):
        memory = OBSERVER.update(memory, told(before, after, ticks, reward))
        np.testing.assert_allclose(observe(memory, after, budget), after, rtol=1e-6)


@needs(ROWS)
def test_published_state_after_many_ticks() -> None:
    """Value, traffic and conversions of a state enter the next as ours do."""
    row = published()[32]
    before, after, ticks = row["state"], row["next_state"], 16
    means = before[[2, 4, 5, 6, 7]] * ticks
    total = jnp.asarray([*means, before[15], ticks])[:, None]
    # The oldest of the last three ticks, from what the newest put in its place.
    tick = told(before, after, ticks, row["reward"])
    newest = np.array([tick.bid, tick.market_price, tick.value_offered, tick.conversions])[:, 0]
    newest /= before[13]
    oldest = newest - 3 * (after[[3, 8, 9, 10]] - before[[3, 8, 9, 10]])
    # Of the published three, two remain: here alike.
    rest = (3 * before[[3, 8, 9, 10]] - oldest) / 2
    won = before[11]
    three = [[*oldest, won], [*rest, won], [*rest, won]]
    counts = [before[14] + before[13] - after[14], 0.0]
    counts[1] = (before[14] - counts[0]) / 2
    recent = [[*x, count, 1.0] for x, count in zip(three, [*counts, counts[1]], strict=True)]
    memory = History(jnp.asarray([row["budget"]]), total, jnp.asarray(recent)[..., None])
    np.testing.assert_allclose(observe(memory, before, row["budget"]), before, rtol=1e-6)
    memory = OBSERVER.update(memory, tick)
    known = [i for i in range(16) if i != 11]
    np.testing.assert_allclose(
        observe(memory, after, row["budget"])[known], after[known], rtol=1e-6
    )


def test_means_of_ticks_by_hand() -> None:
    memory = OBSERVER.init(campaigns(100.0))
    ticks = [
        ended(10, bid=1.0, market_price=2.0, value_offered=0.1, conversions=0.0, wins=0.0),
        ended(20, bid=2.0, market_price=4.0, value_offered=0.2, conversions=0.1, wins=0.5),
        sums(offered=[0.0]),
        ended(30, bid=6.0, market_price=3.0, value_offered=0.6, conversions=0.2, wins=1.0),
    ]
    for tick in ticks:
        memory = OBSERVER.update(memory, tick)
    seen = np.asarray(OBSERVER.observe(memory, moment(4, 40.0, 0.3, 7.0)))[0]
    expected = {
        "time left": 44 / 48,
        "budget left": 0.4,
        "bid, all": 3.0,
        "bid, last three": 4.0,
        "market price, all": 3.0,
        "value, all": 0.3,
        "conversions, all": 0.1,
        "won, all": 0.5,
        "market price, last three": 3.5,
        "value, last three": 0.4,
        "conversions, last three": 0.15,
        "won, last three": 0.75,
        "value, now": 0.3,
        "impressions, now": 7.0,
        "impressions, last three": 50.0,
        "impressions, all": 60.0,
    }
    assert tuple(expected) == NAMES
    np.testing.assert_allclose(seen, list(expected.values()), rtol=1e-6)


def test_scaled_by_the_day_before_is_one_on_such_a_day() -> None:
    """A day that repeats the one before, at market prices of an average bid."""
    reference = Reference(jnp.asarray([20.0]), jnp.asarray([50.0]), jnp.asarray([0.25]))
    observer = auctionnet_scaled(campaigns(), reference)
    memory = observer.init(campaigns())
    for _ in range(T):
        row = ended(50, bid=5.0, market_price=5.0, value_offered=0.25, conversions=0.25, wins=1.0)
        memory = observer.update(memory, row)
    seen = np.asarray(observer.observe(memory, moment(T, 750.0, 0.25, 50.0)))[0]
    np.testing.assert_allclose(seen[1:], 1.0, rtol=1e-6)


def test_the_game_shows_what_will_arrive() -> None:
    made = market(0)
    reference = Reference(levels(0), jnp.ones(6), jnp.ones(6))
    game = markov_game([made], first_price(), reference, Value(), observer="auctionnet")
    state = game.reset(jax.random.key(0))
    step = jax.jit(game.step)
    values = np.asarray(made.values)
    for tick in range(made.ticks):
        seen = np.asarray(game.observe(state))
        rows = values[int(made.tick_start[tick]) : int(made.tick_start[tick + 1])]
        count = (rows > 0).sum(axis=0)
        np.testing.assert_allclose(seen[:, 13], count)
        np.testing.assert_allclose(
            seen[:, 12] * seen[:, 13], rows.sum(axis=0), rtol=1e-6, atol=1e-12
        )
        state, _ = step(state, levels(0))
    assert np.isfinite(np.asarray(game.observe(state))).all()


def test_without_foresight_it_refuses() -> None:
    with pytest.raises(InputError, match="impressions to come"):
        OBSERVER.observe(
            OBSERVER.init(campaigns()), replace(moment(0, 1.0, 1.0, 1.0), arriving=None)
        )

    log = training_log(market(0, advertisers=1, outside=True), second_price())
    reference = Reference(jnp.ones(1), jnp.ones(1), jnp.ones(1))
    with pytest.raises(InputError, match="without foresight"):
        logged_game(log, reference, Value(), observer="auctionnet")
