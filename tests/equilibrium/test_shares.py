"""Shares of a game, one after the other, give the sums of the whole, to the same bits."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from equibid.equilibrium.game import Floats, Game, Question
from equibid.equilibrium.response.response import (
    BLOCK,
    answers,
    deviate,
    deviation_vjp,
    jvp,
    respond,
    vjp,
)
from equibid.equilibrium.response.shares import blocks_each, share_of
from equilibrium.games import game_with, lognormal

K, N, T = 2 * BLOCK + 1001, 5, 3


def games() -> dict[str, Game]:
    """Dense with an outside and a cap on bids, and candidate lists; three blocks each."""
    outside = np.random.default_rng(3).lognormal(-1, 1, K)
    values = lognormal(17, K, N)
    return {
        "dense": game_with(values, outside=outside, bid_cap=2.5, ticks=T),
        "lists": game_with(values, temperature=0.02, pricing="hard", lists=True, ticks=T),
    }


def by(processes: int, game: Game) -> Game:
    """The game, its sums made of those of so many shares."""

    def sums(game: Game, question: Question) -> list[Floats]:
        shares = [share_of(game, process, processes) for process in range(processes)]
        return [part for share in shares for part in answers(share, question)]

    return replace(game, shares=sums)


def asked() -> list[Any]:
    """Each quantity, of factors [N] and, where they may be, [T N]."""
    factors, trial, weight, toll = np.random.default_rng(23).uniform(0.3, 1.5, (4, N))
    by_tick = np.random.default_rng(29).uniform(0.3, 1.5, (T, N))
    factors[3] = 0.0
    return [
        partial(respond, factors=factors),
        partial(respond, factors=by_tick),
        partial(vjp, factors=factors, returns_weight=weight, cost_weight=-toll),
        partial(jvp, factors=factors, direction=weight),
        partial(deviate, factors=by_tick, trial=trial),
        partial(
            deviation_vjp, factors=factors, trial=trial, returns_weight=weight, cost_weight=toll
        ),
        partial(deviate, factors=factors, trial=trial, worth=toll),
    ]


def numbers(result: Any) -> Floats:
    """All arrays of a result, one below the other."""
    parts = result if isinstance(result, tuple) else (result,)
    tables = [[part] if isinstance(part, np.ndarray) else vars(part).values() for part in parts]
    return np.concatenate([np.atleast_2d(x) for table in tables for x in table])


@pytest.mark.parametrize("processes", [2, 3, 5])
@pytest.mark.parametrize("name", ["dense", "lists"])
def test_shares_add_up_to_the_same_bits(name: str, processes: int) -> None:
    game = games()[name]
    for ask in asked():
        np.testing.assert_array_equal(numbers(ask(by(processes, game))), numbers(ask(game)))


@pytest.mark.parametrize("name", ["dense", "lists"])
def test_shares_add_up_on_xla(name: str) -> None:
    game = games()[name]
    for ask in asked()[:6]:
        whole = numbers(ask(game, engine="xla"))
        got = numbers(ask(by(3, game), engine="xla"))
        scale = abs(whole).max(axis=1, keepdims=True)
        np.testing.assert_allclose(got / scale, whole / scale, rtol=0, atol=1e-12)


def test_every_impression_is_in_one_share() -> None:
    game = games()["dense"]
    assert blocks_each(game, 2) == 2
    shares = [share_of(game, process, 5).market for process in range(5)]
    assert [share.impressions for share in shares] == [BLOCK, BLOCK, 1001, 0, 0]
    for name in ("values", "market_price"):
        parts = np.concatenate([np.asarray(getattr(share, name)) for share in shares])
        np.testing.assert_array_equal(parts, getattr(game.market, name))
    ticks = [np.diff(np.asarray(share.tick_start)) for share in shares]
    np.testing.assert_array_equal(np.sum(ticks, axis=0), np.diff(game.market.tick_start))
