"""Teams by name, and what their members want."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.errors import InputError
from equibid.learning.structure import (
    aims,
    first_alike,
    mates_mean,
    scaled_reward,
    structure_named,
    team_sum,
)
from equibid.markets.market import Campaigns

CATEGORY = jnp.asarray([3, 1, 3, 0, 1], jnp.int32)
CAMPAIGNS = Campaigns(jnp.ones(5), jnp.ones(5), CATEGORY)


@pytest.mark.parametrize(
    ("text", "wanted", "central", "solitary"),
    [
        ("independent", [0, 1, 2, 3, 4], False, True),
        ("competitive", [0, 1, 2, 3, 4], True, True),
        ("cooperative", [0, 0, 0, 0, 0], True, False),
        ("teams:category", [0, 1, 0, 3, 1], True, False),
        ("teams:2", [0, 0, 2, 2, 4], True, False),
        ("teams: 7, 9, 9, 7, 8", [0, 1, 1, 0, 4], True, False),
    ],
)
def test_teams_are_called_by_their_first_member(
    text: str, wanted: list[int], central: bool, solitary: bool
) -> None:
    structure = structure_named(text)
    np.testing.assert_array_equal(structure.teams(CAMPAIGNS), wanted)
    np.testing.assert_array_equal(jax.jit(structure.teams)(CAMPAIGNS), wanted)
    assert (structure.central, structure.solitary) == (central, solitary)


@pytest.mark.parametrize(
    "text", ["", "opponents", "teams", "teams:", "teams:0", "teams:-1", "teams:a"]
)
def test_what_is_no_structure_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="structure"):
        structure_named(text)


def test_a_list_names_a_team_for_every_agent() -> None:
    with pytest.raises(InputError, match="3 teams are listed for 5 agents"):
        structure_named("teams:0,0,1").teams(CAMPAIGNS)


@given(st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_sums_are_those_of_the_matrix_of_aims(labels: list[int]) -> None:
    teams = first_alike(jnp.asarray(labels))
    x = np.random.default_rng(0).normal(size=(2, 3, len(labels)))
    wanted = np.array(labels)[:, None] == np.array(labels)
    np.testing.assert_array_equal(aims(teams), wanted)
    np.testing.assert_allclose(team_sum(x, teams), x @ wanted, atol=1e-12)


def test_the_mean_of_mates_leaves_oneself_out() -> None:
    x = jnp.asarray([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]])
    teams = structure_named("teams:0,0,0,1").teams(Campaigns(*[jnp.ones(4)] * 3))
    wanted = [[3.0, 30.0], [2.5, 25.0], [1.5, 15.0], [0.0, 0.0]]
    np.testing.assert_allclose(mates_mean(x, teams), wanted)
    np.testing.assert_allclose(mates_mean(jnp.stack([x, 2 * x]), teams)[1], 2 * np.array(wanted))


def test_rewards_are_the_teams_over_its_best_and_count_learners_only() -> None:
    reward = jnp.asarray([1.0, 3.0, 5.0, 7.0])
    best = jnp.asarray([2.0, 2.0, 10.0, 14.0])
    teams = jnp.asarray([0, 0, 2, 2])
    learns = jnp.asarray([True, True, True, False])
    everybody = jnp.ones(4, bool)
    np.testing.assert_allclose(scaled_reward(reward, best, everybody, teams), [1, 1, 0.5, 0.5])
    np.testing.assert_allclose(scaled_reward(reward, best, learns, teams), [1, 1, 0.5, 0.5])
    alone = scaled_reward(reward, best, learns, jnp.arange(4))
    np.testing.assert_allclose(alone, [0.5, 1.5, 0.5, 0])
    # Who learns may differ from one episode to the next.
    each = scaled_reward(jnp.stack([reward, reward]), best, jnp.stack([everybody, ~learns]), teams)
    np.testing.assert_allclose(each, [[1, 1, 0.5, 0.5], [0, 0, 0.5, 0.5]])
