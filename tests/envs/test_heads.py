"""Heads: what the start follows, and that a paced one is pacing by ratio wherever it is played."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from equibid.auctions import gsp
from equibid.bidders import Observation
from equibid.bidders.bidder import pytree
from equibid.bidders.pacing_ratio import PacingRatio
from equibid.bidders.population import everybody
from equibid.envs.game import GameState, markov_game
from equibid.envs.heads import Follows, Increment, Multiple, start_now
from equibid.envs.rewards import Value
from equibid.learning.losses.actor_critic import Moves, Steering
from equibid.learning.policy import Learned
from equibid.learning.training.rollout import play_periods
from equibid.simulation.features import Reference
from equibid.simulation.simulate import Play, simulate
from worlds import levels, market

N = 6


@pytree()
class Silent:
    """A network that says nothing."""

    def __call__(self, seen: Float[Array, "... N F"]) -> Float[Array, "... N 1"]:
        return jnp.zeros((*seen.shape[:-1], 1))


@pytest.mark.parametrize(
    ("follows", "expected"), [("nothing", 6.0), ("pace", 6.0 * 1.5**2), ("money", 4.5)]
)
def test_what_a_start_follows(follows: Follows, expected: float) -> None:
    """Three quarters of the money are left for half of the time."""
    now = Observation(
        tick=jnp.asarray(2),
        ticks=jnp.asarray(4),
        impression=jnp.asarray(500),
        impressions=jnp.asarray(1000),
        remaining=jnp.asarray([75.0]),
    )
    start, budget = jnp.asarray([6.0]), jnp.asarray([100.0])
    np.testing.assert_allclose(start_now(follows, start, budget, now), expected)


@pytest.mark.parametrize("play", ["tick", "impression"])
def test_who_says_nothing_paces_by_ratio(play: Play) -> None:
    """As a bidder in `simulate` and as agents of the game, under the head "paced"."""
    world, start = market(3), levels(3)
    steering = Steering("paced", 0.1, 5.0)
    nothing = Reference(start, jnp.ones(N), jnp.ones(N))
    game = markov_game([world], gsp(), nothing, Value(), play=play)

    def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
        action = Silent()(seen)
        return action, steering.factor(action, state, game)

    key = jax.random.key(5)
    episodes = play_periods(game, act, key[None], jnp.zeros(1, jnp.int32), key)
    learned = Learned(Silent(), game.observer, start, steering.rule, steering.follows)
    want, got = (
        simulate(world, gsp(), everybody(bidder, N), key, play=play)
        for bidder in (PacingRatio(start), learned)
    )
    np.testing.assert_array_equal(got.tally.spend, want.tally.spend)
    assert np.unique(np.asarray(want.factors())[:, 0]).size > 3, "the factor should move"
    np.testing.assert_allclose(episodes.tally.spend[0].sum(axis=0), want.tally.spend.sum(axis=0))


@pytest.mark.parametrize(
    ("head", "rule"), [("increment", Increment), ("multiple", Multiple), ("paced", Multiple)]
)
def test_a_stride_means_the_same_under_every_head(head: Moves, rule: type) -> None:
    steering, start = Steering(head, 0.1, 5.0), jnp.asarray([2.0])
    assert type(steering.rule) is rule
    factor = steering.rule(steering.scale * jnp.asarray([[1.0]]), start, start)
    np.testing.assert_allclose(factor, 2 * np.exp(0.1))
