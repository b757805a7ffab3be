"""Settings of methods by name: what they take, what they refuse, and that they count."""

import numpy as np
import pytest
from games import game_with, lognormal

from equibid.equilibrium.certificate import certify
from equibid.equilibrium.game import Game
from equibid.equilibrium.objectives import WELFARE
from equibid.equilibrium.solvers.registry import SOLVERS, solver_named
from equibid.errors import InputError
from equibid.registry import label


@pytest.fixture(scope="module")
def game() -> Game:
    """Three advertisers; within budgets welfare is 3 % higher where one may leave 9 % of it."""
    return game_with(lognormal(3, 30, 3), np.array([2.0, 3.0, 4.0]), 0.2)


def test_a_search_takes_the_best_candidate_within_its_epsilon(game: Game) -> None:
    most = {}
    for epsilon in (0.0, 0.02, 0.1):
        found = solver_named(f"search:epsilon={epsilon},starts=1")(game, WELFARE, 0, None)
        certificate = certify(game, found.factors)
        assert certificate.exploitability <= epsilon + 1e-12
        assert certificate.overspend <= 1e-6
        assert f"more than {epsilon:g} of welfare" in found.notice
        most[epsilon] = found.response.welfare
    assert most[0.0] < most[0.02] < most[0.1]


def test_a_search_that_finds_nothing_says_so(game: Game) -> None:
    found = solver_named("search:epsilon=0,starts=1,most=1")(game, WELFARE, 0, None)
    assert "search found no profile" in found.notice
    gain = certify(game, found.factors).exploitability
    assert f"the least gain, {gain:.2g}" in found.notice


def test_the_penalty_decides_whether_primal_dual_converges(game: Game) -> None:
    far = solver_named("primal-dual:penalty=1")(game, WELFARE, 0, None)
    assert far.steps == 40
    assert far.residual > 0.1
    assert "primal-dual did not converge: after 40 dual steps" in far.notice
    near = solver_named("primal-dual:penalty=10")(game, WELFARE, 0, None)
    assert near.steps < 40
    assert near.residual < 1e-5
    assert near.notice == ""


@pytest.mark.parametrize("name", ["tatonnement:steps=3", "best-response:rounds=3"])
def test_steps_are_as_many_as_are_asked_for(game: Game, name: str) -> None:
    assert solver_named(name)(game, WELFARE, 0, None).steps == 3


def test_damping_and_rate_are_how_far_a_step_goes(game: Game) -> None:
    def moved(name: str) -> float:
        found = solver_named(name)(game, WELFARE, 0, None)
        return float(np.abs(np.log(found.factors / (0.5 * game.cap))).max())

    assert moved("tatonnement:steps=1,rate=0.2") == pytest.approx(
        2 * moved("tatonnement:steps=1,rate=0.1")
    )
    halves = [
        solver_named(f"best-response:rounds=1,damping={part}")(game, WELFARE, 0, None).factors
        for part in (0.25, 0.5)
    ]
    np.testing.assert_allclose(halves[1] - 0.5 * game.cap, 2 * (halves[0] - 0.5 * game.cap))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("serch", "there is no method 'serch'; try search"),
        ("search:epsilon=-0.1", "epsilon must be a number from 0, not '-0.1'"),
        ("search:epsilon=much", "epsilon must be a number from 0, not 'much'"),
        ("primal-dual:penalty=0", "penalty must be a number above 0, not '0'"),
        ("primal-dual:units=money", "units must be shares or raw, not 'money'"),
        ("primal-dual:penalti=1", "there is no setting 'penalti'; try penalty"),
        ("best-response:damping=2", "damping must be a number above 0 up to 1, not '2'"),
        ("uniform:steps=3", "there is no setting 'steps'; it has none"),
    ],
)
def test_settings_that_there_are_not_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        solver_named(text)
    assert said in str(refusal.value)


def test_a_setting_by_default_is_no_other_method() -> None:
    assert label(SOLVERS, "primal-dual:penalty=100") == "primal-dual"
    assert label(SOLVERS, "primal-dual:outer=10,penalty=10") == "primal-dual:penalty=10,outer=10"
