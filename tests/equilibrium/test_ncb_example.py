"""Example 3.2 of arXiv 2503.10304: its table, its three equilibria, and their sharp limit."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from games import example
from plain_response import plain_response
from scipy.optimize import linprog

from equibid.equilibrium.certificate import certify
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.response.response import cost_jacobian, respond
from equibid.equilibrium.solvers.select import Search, best_of, equilibria, search

# Table 3: factors, costs and values of the two equilibria. The value of the first advertiser in the
# second is printed 20.625; only 20.652 adds up to the printed total.
FACTORS = np.array([[0.664, 1.290, 0.361], [1.015, 0.856, 0.262]])
COSTS = np.array([[7.253, 9.561, 0.731], [7.253, 9.561, 0.731]])
VALUES = np.array([[16.712, 17.766, 1.982], [20.652, 14.699, 3.017]])
TEMPERATURE = 0.0843
ROUNDING = 5e-4


def predicted(x: np.ndarray) -> np.ndarray:
    """Costs and values of both equilibria at factors x[:6] and values x[6:]."""
    table = x[6:].reshape(10, 3)
    rows = [plain_response(table, x[3 * e : 3 * e + 3], TEMPERATURE, "hard") for e in (0, 1)]
    return np.concatenate([rows[0][1], rows[1][1], rows[0][0], rows[1][0]])


def test_table_3_is_reproduced_within_the_rounding_of_print() -> None:
    """Some factors and values that round to the printed ones give the printed costs and values."""
    market = example().market
    printed = np.concatenate([FACTORS.ravel(), np.asarray(market.values).ravel()])
    target = np.concatenate([COSTS.ravel(), VALUES.ravel()])
    x = printed.copy()
    for _ in range(5):
        slope = np.empty((12, x.size))
        for j in range(x.size):
            moved = x.astype(complex)
            moved[j] += 1e-30j
            slope[:, j] = np.imag(predicted(moved)) / 1e-30
        gap = predicted(x) - target
        one = np.ones((12, 1))
        step = linprog(
            np.r_[np.zeros(x.size), 1],
            A_ub=np.block([[slope, -one], [-slope, -one]]),
            b_ub=np.r_[-gap, gap],
            bounds=[*zip(printed - ROUNDING - x, printed + ROUNDING - x, strict=True), (0, None)],
        )
        x = x + step.x[:-1]
    assert np.abs(x - printed).max() <= ROUNDING + 1e-12
    assert np.abs(predicted(x) - target).max() < 5e-4
    # The same, by the project's own response.
    game = example(TEMPERATURE)
    game = replace(game, market=replace(game.market, values=jnp.asarray(x[6:].reshape(10, 3))))
    for e in (0, 1):
        response = respond(game, x[3 * e : 3 * e + 3])
        assert np.abs(response.returns - VALUES[e]).max() < 5e-4
        assert np.abs(response.cost - COSTS[e]).max() < 5e-4


@pytest.mark.parametrize("seed", range(5))
def test_the_search_finds_all_three_equilibria_from_random_starts(seed: int) -> None:
    game = example(TEMPERATURE)
    settings = Search(starts=16, deflated=12, seed=seed, tolerance=1e-8)
    outcomes = list(search(game, objective_named("welfare"), settings))
    found = sorted(equilibria(outcomes), key=lambda outcome: outcome.objective)
    welfare = [outcome.objective for outcome in found]
    np.testing.assert_allclose(welfare, [36.455, 38.255, 38.363], atol=1e-3)
    signs = []
    for outcome in found:
        certificate = certify(game, outcome.rest.factors)
        assert certificate.exploitability <= 1e-8
        assert certificate.relative.max() <= 1e-8
        assert certificate.residual <= 1e-8
        signs.append(np.sign(np.linalg.det(cost_jacobian(game, outcome.rest.factors))))
    assert signs == [1, -1, 1]
    leader = best_of(outcomes)
    assert leader is not None
    np.testing.assert_allclose(leader.rest.factors, FACTORS[1], atol=1e-3)
    np.testing.assert_allclose(found[0].rest.factors, FACTORS[0], atol=1e-3)


def test_the_sharp_limit_is_the_second_price_pacing_equilibrium() -> None:
    """The mixed-integer programme's equilibria (see test_second_price_pacing) are the limits."""
    limits = [((0.6664, 1.2846, 0.3634), 36.507), ((1.0305, 0.8509, 0.2407), 38.363)]
    game = example(1e-4)
    settings = Search(starts=16, tolerance=1e-8)
    found = equilibria(list(search(game, objective_named("welfare"), settings)))
    for factors, welfare in limits:
        near = [
            outcome
            for outcome in found
            if np.abs(outcome.rest.factors - factors).max() < 5e-4
            and abs(outcome.objective - welfare) < 1e-3
        ]
        assert near, f"{factors} is not among {[outcome.rest.factors for outcome in found]}"


def test_a_low_cap_leaves_a_budget_unspent() -> None:
    game = example(0.0845, cap=1.2)
    outcomes = list(search(game, objective_named("welfare"), Search(starts=12, deflated=8)))
    worst = min(equilibria(outcomes), key=lambda outcome: outcome.objective)
    np.testing.assert_allclose(worst.rest.factors, [0.629, 1.2, 0.339], atol=1e-3)
    assert worst.objective == pytest.approx(36.947, abs=2e-3)
    assert worst.rest.response.cost[1] < game.budget[1]
