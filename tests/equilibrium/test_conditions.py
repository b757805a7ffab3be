"""What the proof of the primal-dual method assumes: analytic cases, differences, the example."""

import numpy as np
import pytest
from games import example, game_with, lognormal

from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers.conditions import (
    SHARP,
    conditions,
    self_dominance,
    stationarity,
)
from equibid.equilibrium.solvers.newton import polish
from equibid.equilibrium.solvers.primal_dual import Problem, condition

TEMPERATURE = 0.3


def test_two_advertisers_for_one_impression() -> None:
    """C_1 = p_1 b_2 and C_2 = p_2 b_1, so that all derivatives are known."""
    value, budget, cap = np.array([1.0, 0.8]), np.array([0.4, 0.3]), 2.0
    game = game_with([value], budget, TEMPERATURE, cap=cap)
    factors = np.array([0.9, 1.1])
    bid = factors * value
    win = np.exp(bid / TEMPERATURE) / np.exp(bid / TEMPERATURE).sum()
    other = bid[::-1]
    bend = win.prod() / TEMPERATURE
    own = other * value * bend
    cross = win * value[::-1] - other * value[::-1] * bend
    found = conditions(game, factors)
    assert found is not None
    ratios = np.abs(cross) / own
    assert found.self_dominance == pytest.approx(ratios.max())
    assert found.not_dominant == (ratios >= 1).sum()

    x, y = 1 - factors / cap, 1 - win * other / budget
    root = np.hypot(x, y)
    assert found.violation == pytest.approx(np.abs(root - x - y).max())
    slopes = np.diag(own) + np.array([[0, cross[0]], [cross[1], 0]])
    jacobian = np.diag(1 - x / root) + ((1 - y / root) / budget)[:, None] * slopes * cap
    assert found.smallest_singular == pytest.approx(np.linalg.svd(jacobian)[1].min())
    assert found.stationarity < 1e-12


@pytest.mark.parametrize("pricing", ["soft", "hard"])
def test_the_singular_value_is_that_of_differences(pricing: str) -> None:
    game = game_with(lognormal(5, 12, 4), 1.5, TEMPERATURE, pricing, cap=2.0)  # pyright: ignore
    shares, step = np.array([0.5, 0.31, 0.8, 0.63]), 1e-6
    problem = Problem(game, SHARP)

    def h(share: np.ndarray) -> np.ndarray:
        return condition(problem, share * game.cap, respond(game, share * game.cap)).h

    columns = [(h(shares + step * e) - h(shares - step * e)) / (2 * step) for e in np.eye(4)]
    least = np.linalg.svd(np.column_stack(columns))[1].min()
    found = conditions(game, shares * game.cap)
    assert found is not None
    assert found.smallest_singular == pytest.approx(least, rel=1e-6)


def test_the_published_example_is_not_self_dominant() -> None:
    """The ratios .45, 1.60, .28 at its first equilibrium; any equilibrium is a KKT point."""
    game = example(0.0845)
    found = conditions(game, polish(game, np.array([0.6643, 1.2904, 0.3617])).factors)
    assert found is not None
    assert found.self_dominance == pytest.approx(1.60, abs=0.01)
    assert found.not_dominant == 1
    assert found.violation < 1e-8
    assert found.stationarity < 1e-10
    # Where the method rests without an equilibrium, the Jacobian is next to singular.
    spurious = conditions(game, np.array([0.953, 0.836, 0.504]))
    assert spurious is not None
    assert spurious.violation > 0.01
    assert spurious.smallest_singular < 0.1 * found.smallest_singular


def test_own_slopes_of_nothing() -> None:
    slopes = np.array([[0.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 1.0, 5e-324]])
    np.testing.assert_array_equal(self_dominance(slopes), [0, np.inf, np.inf])


def test_a_singular_jacobian_leaves_what_it_cannot_reach() -> None:
    jacobian = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert stationarity(jacobian, np.array([3.0, 4.0])) == pytest.approx(0.8)
    assert stationarity(jacobian, np.zeros(2)) == 0


def test_it_is_about_one_profile_of_who_bids() -> None:
    game = game_with(lognormal(5, 12, 3), 1.5, TEMPERATURE)
    factors = np.array([0.5, 0.0, 0.7])
    two = conditions(game, factors)
    values = lognormal(5, 12, 3)[:, [0, 2]]
    assert two == conditions(game_with(values, 1.5, TEMPERATURE), factors[[0, 2]])
    assert conditions(game, np.zeros(3)) is None
    assert conditions(game, np.tile(factors, (2, 1))) is None
    poor = game_with(lognormal(5, 12, 3), np.array([1.0, 1e-305, 1.0]), TEMPERATURE)
    assert conditions(poor, np.full(3, 0.5)) is None
