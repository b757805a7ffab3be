"""Specialisation, aggressiveness and attention on cases where the answer is known."""

import jax
import jax.numpy as jnp
import numpy as np

from equibid.auctions import second_price
from equibid.bidders.fixed import Fixed
from equibid.evaluation.policy_analysis import (
    aggressiveness,
    attention_on_overlap,
    segments_of,
    specialisation,
)
from equibid.markets.market import Campaigns, Market, even_ticks
from equibid.simulation import everybody, simulate


def market(values: np.ndarray, ticks: int = 2) -> Market:
    N = values.shape[1]
    return Market(
        jnp.asarray(values),
        even_ticks(len(values), ticks),
        Campaigns(jnp.full(N, 1e3), jnp.ones(N), jnp.arange(N) // 2),
    )


def test_an_impression_belongs_to_the_category_that_values_it_most() -> None:
    values = np.array([[1.0, 1.0, 0.0, 0.5], [0.2, 0.0, 0.9, 0.0]])
    np.testing.assert_array_equal(segments_of(values, np.array([0, 0, 1, 1])), [0, 1])


def test_who_buys_apart_is_specialised_and_who_buys_alike_is_not() -> None:
    apart = np.zeros((40, 4))
    apart[:20, 0], apart[20:, 2] = 1.0, 1.0
    found = specialisation(market(apart), second_price(), np.ones((2, 4)))
    np.testing.assert_allclose(found.wins[0], [20, 0])
    np.testing.assert_allclose(found.wins[2], [0, 20])
    np.testing.assert_allclose(found.distance[[0, 2]], 1.0)
    assert np.isnan(found.distance[1])  # won nothing
    # Of each kind both win as much as the other.
    alike = np.tile([[1.0, 0.0, 0.9, 0.0], [0.9, 0.0, 1.0, 0.0]], (20, 1))
    alike[:20] = alike[:20, [1, 0, 3, 2]]
    found = specialisation(market(alike), second_price(), np.ones((2, 4)))
    assert found.wins.sum() == 40


def test_aggressiveness_is_the_mean_log_ratio_of_time_and_money() -> None:
    values = np.full((24, 2), [1.0, 0.5])
    day = market(values, ticks=12)
    level = jnp.array([2.0, 0.25])
    delivery = simulate(day, second_price(), everybody(Fixed(level), 2), jax.random.key(0))
    found = aggressiveness(delivery, day.campaigns.budget, jnp.array([1.0, 1.0]))
    # Nobody comes near a fifth of its money: all stands in the last row.
    np.testing.assert_allclose(found.level[-1], (1 - 2) / 2)
    assert found.weight.sum() == 24 and np.isnan(found.level[:-1]).all()


def test_attention_pairs_leave_out_oneself() -> None:
    weights, overlap = np.arange(9.0).reshape(3, 3), np.eye(3) + 0.5
    pairs = attention_on_overlap(weights, overlap)
    assert len(pairs) == 6 and (pairs[:, 0] == 0.5).all()
    assert set(pairs[:, 1]) == {1, 2, 3, 5, 6, 7}
