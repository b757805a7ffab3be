"""Objectives: their gradients, and what they say."""

import jax
import numpy as np
import pytest

from equibid.auctions import Soft
from equibid.equilibrium.game import Game, game_of
from equibid.equilibrium.objectives import KNEE, OBJECTIVES, objective_named
from equibid.equilibrium.response.response import Response, respond, vjp
from equibid.errors import InputError
from equibid.markets import MARKETS

NAMES = (*OBJECTIVES, "mix:welfare=0.7,revenue=0.02", "mix:revenue=-0.01")


@pytest.fixture(scope="module")
def game() -> Game:
    market = MARKETS["demo"](
        jax.random.key(3), impressions=1500, advertisers=8, ticks=3, form="sparse"
    )
    return game_of(market, Soft(0.5))


@pytest.mark.parametrize("name", NAMES)
def test_gradient_by_factors(game: Game, name: str) -> None:
    """Through `vjp`, against central differences of fourth order."""
    aim, step = objective_named(name), 1e-4
    rng = np.random.default_rng(0)
    factors = game.cap * rng.uniform(0.3, 0.9, len(game.cap))
    _, gradient = vjp(game, factors, *aim.weights(game, respond(game, factors)))

    def along(turn: np.ndarray) -> float:
        parts = [aim.value(game, respond(game, factors + h * step * turn)) for h in (1, -1, 2, -2)]
        return (8 * (parts[0] - parts[1]) - (parts[2] - parts[3])) / (12 * step)

    for turn in rng.normal(size=(3, len(factors))) * game.cap:
        assert along(turn) == pytest.approx(gradient @ turn, rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_by_returns_and_costs(game: Game, name: str) -> None:
    """Also where somebody wins nothing, and on both sides of the logarithm's knee."""
    aim = objective_named(name)
    part = np.array([0, 0.5 * KNEE, 2 * KNEE, 1e-3, 0.1, 0.2, 0.3, 0.4])
    here = Response(part * game.worth, part * game.budget)
    by_returns, by_costs = aim.weights(game, here)
    for i in range(len(part)):
        nudge = np.zeros(len(part))
        nudge[i] = 1e-4 * KNEE * game.worth[i]
        for weight, turn in ((by_returns, (nudge, 0 * nudge)), (by_costs, (0 * nudge, nudge))):
            ends = [
                aim.value(game, Response(here.returns + s * turn[0], here.cost + s * turn[1]))
                for s in (1, -1)
            ]
            slope = (ends[0] - ends[1]) / (2 * nudge[i])
            assert slope == pytest.approx(weight[i], rel=1e-3, abs=1e-4)


def test_values_by_hand(game: Game) -> None:
    rng = np.random.default_rng(1)
    response = Response(game.worth * rng.random(8), game.budget * rng.random(8))
    returns, cost = response.returns, response.cost
    assert objective_named("welfare").value(game, response) == pytest.approx(returns.sum())
    assert objective_named("revenue").value(game, response) == pytest.approx(cost.sum())
    mixed = objective_named("mix:revenue=0.2").value(game, response)
    assert mixed == pytest.approx(returns.sum() + 0.2 * cost.sum())
    mean = np.prod((returns / game.worth) ** (game.budget / game.budget.sum()))
    assert objective_named("nash-welfare").value(game, response) == pytest.approx(np.log(mean))


def test_units_bound_what_can_be_reached(game: Game) -> None:
    """Equal factors give every impression to who values it most."""
    most = objective_named("welfare").unit(game)
    assert respond(game.at(1e-9), np.ones(8)).welfare == pytest.approx(most, rel=1e-6)
    assert objective_named("revenue").unit(game) == pytest.approx(game.budget.sum())
    assert respond(game, game.cap).welfare <= most


def test_winning_nothing_is_finite_and_worse_than_winning_little(game: Game) -> None:
    aim = objective_named("nash-welfare")
    little = np.full(8, 0.3)
    values = []
    for part in (0.0, 0.5 * KNEE, KNEE, 2 * KNEE):
        little[2] = part
        values.append(aim.value(game, Response(little * game.worth, little)))
    assert np.isfinite(values).all() and (np.diff(values) > 0).all()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("wellfare", "welfare"),
        ("mix:revenue=much", "revenue must be a number"),
        ("mix:money=1", "no setting 'money'"),
        ("welfare:revenue=1", "no setting 'revenue'"),
        ("mix:welfare=0", "not both 0"),
        ("mix:revenue=nan", "must be a number"),
    ],
)
def test_bad_names(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        objective_named(text)
