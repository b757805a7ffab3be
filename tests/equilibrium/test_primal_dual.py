"""The primal-dual method: its derivatives, and where it ends on the published example."""

from dataclasses import replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_response import plain_response

from equibid.auctions import Soft
from equibid.equilibrium.game import Game, game_of
from equibid.equilibrium.objectives import OBJECTIVES, objective_named
from equibid.equilibrium.response.response import cost_jacobian, respond, vjp
from equibid.equilibrium.solvers.ascent import Ascent, climb
from equibid.equilibrium.solvers.dynamics import tatonnement
from equibid.equilibrium.solvers.newton import polish
from equibid.equilibrium.solvers.primal_dual import (
    PrimalDual,
    PrimalDualSettings,
    Problem,
    condition,
    lagrangian,
    primal_dual,
)
from equibid.errors import InputError
from equibid.markets import MARKETS, Campaigns, Labels, Market

EXAMPLE = game_of(MARKETS["example-3.2"](jax.random.key(0)), Soft(0.0845, "hard"), 10.0)
RAW = partial(PrimalDualSettings, units="raw", outer=40, inner=Ascent(steps=100), tolerance=1e-8)
SPURIOUS = (0.953, 0.836, 0.504)


@cache
def equilibria() -> list[np.ndarray]:
    """All of the example under this rule (three digits: arXiv 2503.10304, table 3)."""
    three_digits = (
        (0.6643, 1.2904, 0.3617),
        (0.8926, 1.0151, 0.2966),
        (1.0152, 0.8566, 0.2625),
    )
    return [polish(EXAMPLE, np.array(near)).factors for near in three_digits]


def which(found: PrimalDual) -> int | None:
    """Number of the equilibrium reached."""
    near = [n for n, known in enumerate(equilibria()) if abs(found.factors - known).max() < 2e-3]
    return near[0] if near else None


@pytest.fixture(scope="module")
def demo() -> Game:
    market = MARKETS["demo"](
        jax.random.key(1), impressions=1500, advertisers=10, ticks=3, form="sparse"
    )
    return game_of(market, Soft(0.5))


@pytest.mark.parametrize("units", ["raw", "shares"])
@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_gradient_against_finite_differences(demo: Game, units: Any, name: str) -> None:
    rng = np.random.default_rng(4)
    settings = PrimalDualSettings(units=units, objective=objective_named(name))
    problem = Problem(demo, settings)
    factors = demo.cap * rng.uniform(0.4, 0.9, 10)
    multipliers, step = rng.normal(size=10), 1e-4
    _, gradient = lagrangian(problem, factors, multipliers, 3.0)
    for turn in rng.normal(size=(3, 10)) * demo.cap:
        ends = [
            lagrangian(problem, factors + h * step * turn, multipliers, 3.0)[0]
            for h in (1, -1, 2, -2)
        ]
        slope = (8 * (ends[0] - ends[1]) - (ends[2] - ends[3])) / (12 * step)
        assert slope == pytest.approx(gradient @ turn, rel=1e-7)


@pytest.mark.parametrize("pricing", ["soft", "hard"])
def test_gradient_against_complex_steps(pricing: Any) -> None:
    """L written as in the paper, equations 7 to 9, of complex factors."""
    game = game_of(EXAMPLE.market, Soft(0.0845, pricing), 10.0)
    factors, multipliers = np.array([0.9, 1.1, 0.3]), np.array([0.4, -1.2, 2.0])
    rho, mu = 7.0, 1e-3
    values = np.asarray(game.market.values)

    def plain(alpha: np.ndarray) -> complex:
        returns, cost = plain_response(values, alpha, 0.0845, pricing)
        x, y = game.cap - alpha, game.budget - cost
        h = np.sqrt(x * x + y * y + mu) - x - y
        return returns.sum() + (multipliers * h).sum() - rho / 2 * (h * h).sum()

    problem = Problem(game, RAW(smoothing=mu))
    value, gradient = lagrangian(problem, factors, multipliers, rho)
    assert value == pytest.approx(plain(factors).real, rel=1e-12)
    exact = [plain(factors + 1e-30j * turn).imag / 1e-30 for turn in np.eye(3)]
    np.testing.assert_allclose(gradient, exact, rtol=1e-10)


@pytest.mark.parametrize("number", range(3))
def test_equilibria_are_stationary_with_the_multipliers_of_the_theory(number: int) -> None:
    """With λ = -J^-T ∇W every regular equilibrium is stationary, whatever its welfare."""
    known = equilibria()[number]
    problem = Problem(EXAMPLE, RAW(smoothing=1e-20))
    response, slope = vjp(EXAMPLE, known, 1.0, 0.0)
    h, own, toll = condition(problem, known, response)
    jacobian = toll[:, None] * cost_jacobian(EXAMPLE, known) + np.diag(own)
    multipliers = -np.linalg.solve(jacobian.T, slope)
    assert abs(h).max() < 1e-8
    expected = [(-0.41, 0.42, -1.61), (0.26, 0, -2.55), (0.24, 0.05, -2.99)][number]
    np.testing.assert_allclose(multipliers, expected, atol=6e-3)
    _, gradient = lagrangian(problem, known, multipliers, 100.0)
    assert abs(gradient).max() < 1e-5


def test_where_runs_on_the_example_end() -> None:
    """Six of many random starts, of which a quarter to a half lead to an equilibrium."""
    rng = np.random.default_rng(7)
    ends = []
    for start in np.exp(rng.uniform(np.log(0.1), np.log(3.0), (6, 3))):
        found = primal_dual(EXAMPLE, start, RAW(penalty=100.0, outer=10))
        ends.append(which(found))
        # What it claims is true: it never converges where there is no equilibrium.
        assert ends[-1] is not None or not found.converged
        if found.converged:
            np.testing.assert_allclose(found.response.cost, EXAMPLE.budget, rtol=1e-6)
    assert 0 in ends and 1 in ends and ends.count(None) >= 2


def test_a_stationary_point_that_is_no_equilibrium() -> None:
    """The Jacobian of h is singular there: multipliers grow on and on, and nothing moves."""
    ends = [
        primal_dual(EXAMPLE, np.array(SPURIOUS), RAW(penalty=100.0, outer=outer))
        for outer in (6, 15)
    ]
    for found in ends:
        np.testing.assert_allclose(found.factors, SPURIOUS, atol=2e-3)
        assert found.largest_violation == pytest.approx(0.273, abs=2e-3)
        assert not found.converged
    early, late = (float(abs(found.multipliers).max()) for found in ends)
    assert late > 2 * early
    problem = Problem(EXAMPLE, RAW())
    _, own, toll = condition(problem, ends[1].factors, ends[1].response)
    jacobian = toll[:, None] * cost_jacobian(EXAMPLE, ends[1].factors) + np.diag(own)
    sizes = np.linalg.svd(jacobian, compute_uv=False)
    assert sizes[-1] < 0.02 * sizes[0]


def test_plain_gradient_ascent_of_the_paper() -> None:
    settings = RAW(
        penalty=10.0, dual_step=1.0, outer=40, inner=Ascent("gradient", 200), tolerance=1e-4
    )
    found = primal_dual(EXAMPLE, equilibria()[1] * 1.02, settings)
    assert found.largest_violation < 1e-2 and which(found) == 1


def test_from_where_tatonnement_leads_it_arrives() -> None:
    for level in (0.1, 0.5, 2.0):
        start = tatonnement(EXAMPLE, np.full(3, level), steps=40).factors
        found = primal_dual(EXAMPLE, start, RAW(penalty=100.0))
        assert found.converged and which(found) is not None


@pytest.mark.parametrize("units", ["raw", "shares"])
def test_one_equilibrium_is_found_by_all(units: Any) -> None:
    """Pairs of advertisers with interests of their own; some budgets too large to be spent."""
    rng = np.random.default_rng(8)
    values = np.zeros((240, 6))
    for pair in range(3):
        rows = slice(80 * pair, 80 * pair + 80)
        values[rows, 2 * pair] = rng.lognormal(0, 0.6, 80)
        values[rows, 2 * pair + 1] = 0.05 * rng.lognormal(0, 0.6, 80)
    campaigns = Campaigns(
        jnp.array([1.5, 0.4, 2.0, 0.3, 50.0, 0.5]), jnp.ones(6), jnp.zeros(6, jnp.int32)
    )
    market = Market(jnp.asarray(values), jnp.array([0, 240]), campaigns, labels=Labels("pairs"))
    game = game_of(market, Soft(0.02))
    rest = polish(game, tatonnement(game, game.cap * 0.5).factors)
    assert rest.residual < 1e-9 and (rest.factors == game.cap).any()
    settings = PrimalDualSettings(
        units=units, smoothing=1e-16, inner=Ascent(steps=200), tolerance=1e-8, outer=60
    )
    found = primal_dual(game, game.cap * 0.5, settings)
    assert found.converged
    np.testing.assert_allclose(found.factors, rest.factors, rtol=1e-6)


def test_who_is_no_player_stays_out(demo: Game) -> None:
    budget = np.array(demo.budget)
    budget[4] = 0
    campaigns = Campaigns(
        jnp.asarray(budget), demo.market.campaigns.target_cpa, demo.market.campaigns.category
    )
    game = Game(replace(demo.market, campaigns=campaigns), demo.auction, demo.cap)
    found = primal_dual(game, game.cap, PrimalDualSettings(outer=2))
    assert found.factors[4] == found.multipliers[4] == found.h[4] == 0
    assert (np.delete(found.factors, 4) > 0).all()
    assert (found.factors <= game.cap).all()


def test_climbing_a_hill_between_bounds() -> None:
    """Both climbs end at the projection of the top."""
    top, low, high = np.array([0.3, 2.0, -1.0]), np.zeros(3), np.ones(3)
    for ascent in (Ascent("gradient", 200, 0.1), Ascent("lbfgs", 50)):
        end = climb(
            lambda x: (-float((x - top) @ (x - top)), -2 * (x - top)), low + 0.5, low, high, ascent
        )
        np.testing.assert_allclose(end, np.clip(top, 0, 1), atol=1e-7)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: PrimalDualSettings(penalty=0.0), "penalty"),
        (lambda: PrimalDualSettings(smoothing=-1.0), "smoothing"),
        (lambda: PrimalDualSettings(units="euro"), "units"),  # pyright: ignore
        (lambda: Ascent("newton"), "method"),  # pyright: ignore
        (lambda: Ascent(steps=0), "steps"),
    ],
)
def test_bad_settings(make: Any, word: str) -> None:
    with pytest.raises(InputError, match=word):
        make()


def test_told_of_every_step(demo: Game) -> None:
    callback: list[tuple[int, float]] = []
    found = primal_dual(
        demo, demo.cap, PrimalDualSettings(outer=3), lambda n, gap: callback.append((n, gap))
    )
    assert [n for n, _ in callback] == [1, 2, 3]
    assert callback[-1][1] == found.largest_violation
    np.testing.assert_array_equal(respond(demo, found.factors).cost, found.response.cost)
