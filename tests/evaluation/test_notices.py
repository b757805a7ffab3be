"""Markets without sense are certified all the same, and said to be so in a sentence."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions.soft import Soft
from equibid.equilibrium.certificate import certify
from equibid.equilibrium.game import Game, game_of
from equibid.equilibrium.objectives import WELFARE
from equibid.equilibrium.solvers.select import Search, best_of, search
from equibid.evaluation.notices import identical, notices
from equibid.markets import MARKETS, sparse
from equibid.markets.market import Campaigns, Market, even_ticks

VALUES = ((1.0, 0.5, 0.0), (0.4, 0.9, 0.3), (0.7, 0.2, 0.8), (0.1, 0.6, 0.5))


def game(
    values: tuple[tuple[float, ...], ...] = VALUES,
    budget: tuple[float, ...] = (0.5, 0.5, 0.5),
    temperature: float = 0.05,
) -> Game:
    table = jnp.asarray(values)
    count = table.shape[1]
    market = Market(
        values=table,
        tick_start=even_ticks(table.shape[0], 1),
        campaigns=Campaigns(jnp.asarray(budget), jnp.ones(count), jnp.zeros(count, jnp.int32)),
    )
    return game_of(market, Soft(temperature))


def solved(game: Game) -> list[str]:
    """The notices about the best profile of a short search; it must be an equilibrium."""
    leader = best_of(list(search(game, WELFARE, Search(starts=5))))
    assert leader is not None
    certificate = certify(game, leader.rest.factors)
    figures = certificate.summary()
    assert all(np.isfinite(x) for x in figures.values()), figures
    assert certificate.holds(1e-6), figures
    return notices(game, certificate)


def test_nothing_is_said_about_a_usual_market() -> None:
    assert solved(game()) == []


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ((0.5, 0.0, 0.5), ["advertiser 1 has no budget and sits out"]),
        ((0.0, 0.5, 0.0), ["advertisers 0 and 2 have no budget and sit out"]),
        (
            (0.0, 0.0, 0.0),
            [
                "nobody can play: no advertiser has both a budget and something to buy",
                "advertisers 0, 1 and 2 have no budget and sit out",
            ],
        ),
    ],
)
def test_no_budget(budget: tuple[float, ...], said: list[str]) -> None:
    assert solved(game(budget=budget)) == said


def test_no_value() -> None:
    values = tuple((a, b, 0.0) for a, b, _ in VALUES)
    assert solved(game(values)) == ["advertiser 2 values nothing and sits out"]


def test_who_cannot_pay_for_the_smallest_bid_sits_out() -> None:
    said = solved(game(budget=(50.0, 50.0, 1e-4), temperature=0.5))
    assert len(said) == 1
    assert said[0].startswith("advertiser 2 would be charged ")
    assert said[0].endswith(" for the smallest bid, more than its budget 0.0001; it sits out")
    charged = float(said[0].split()[5])
    assert charged > 1e-4


def test_a_single_impression() -> None:
    assert solved(game(((1.0, 0.5, 0.2),))) == ["the market is a single impression"]


def test_advertisers_that_value_everything_alike() -> None:
    values = tuple((a, b, a) for a, b, _ in VALUES)
    said = "advertisers 0 and 2 value everything alike; their factors need not be unique"
    assert solved(game(values)) == [said]


def test_a_factor_above_the_cap_is_noticed() -> None:
    here = game()
    assert notices(here, certify(here, np.array([1.5, 0.5, 0.5]))) == [
        "advertiser 0 bids above its cap"
    ]


def test_alike_is_told_from_nearly_alike_in_both_forms() -> None:
    market = MARKETS["demo"](jax.random.key(0), impressions=300, advertisers=6, ticks=2)
    values = np.array(market.values)
    values[:, 4] = values[:, 1]
    values[:, 5] = values[:, 2]
    values[np.flatnonzero(values[:, 2])[0], 5] *= 1 + 1e-6
    market = replace(market, values=jnp.asarray(values))
    assert identical(market) == [[1, 4]]
    assert identical(sparse(market)) == [[1, 4]]
