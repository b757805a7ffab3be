"""The day before: everybody about spends its budget, and the log says what slots would cost."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import Ranked, gsp, second_price
from equibid.bidders.fixed import Fixed
from equibid.markets import MARKETS
from equibid.simulation import everybody, simulate
from equibid.simulation.training_day import counterfactual_log, tatonnement_factors
from worlds import levels, market


def test_at_rest_everybody_spends_its_budget_or_bids_its_worth() -> None:
    made = MARKETS["demo"](jax.random.key(3), impressions=2000, advertisers=8, ticks=4)
    factors = tatonnement_factors(made, second_price())
    budget, cap = made.campaigns.budget, made.campaigns.target_cpa
    free = made.with_budget(jnp.full(8, 1e12))
    population = everybody(Fixed(factors), 8)
    day = simulate(free, second_price(), population, jax.random.key(0), sampled=False)
    use = np.asarray(day.total().spend / budget)
    at_cap = np.asarray(factors >= cap * (1 - 1e-9))
    assert (factors <= cap).all()
    assert (~at_cap).any()
    assert (np.abs(use[~at_cap] - 1) < 0.15).all(), use
    # Whoever bids all it is worth does so because money is left over.
    assert (use[at_cap] < 1.15).all(), use


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("candidates", [False, True])
@pytest.mark.parametrize("rule", [second_price(0.05), gsp(), Ranked(exposure=(0.9, 0.5))])
def test_slot_prices_are_the_others_bids_in_order(
    rule: Ranked, candidates: bool, outside: bool
) -> None:
    made = market(11, impressions=60, advertisers=5, ticks=4, outside=outside)
    values = np.asarray(made.values)
    given = market(11, 60, 5, 4, outside=outside, candidates=candidates)
    # One advertiser sits out half the day.
    factors = np.tile(np.asarray(levels(11, 5)), (4, 1))
    factors[:2, 3] = -np.inf
    log = counterfactual_log(given, rule, jnp.asarray(factors))
    np.testing.assert_array_equal(log.values, values)
    tick = np.searchsorted(np.asarray(made.tick_start), np.arange(60), side="right") - 1
    checked = 0
    for k in range(60):
        bids = {
            i: factors[tick[k], i] * values[k, i]
            for i in range(5)
            if values[k, i] > 0 and factors[tick[k], i] > 0
        }
        there = [] if made.market_price is None else [float(made.market_price[k])]
        for i in np.flatnonzero(values[k]):
            others = sorted([*there, *(b for j, b in bids.items() if j != i)], reverse=True)
            top_bids = [*others, *[0.0] * rule.slots][: rule.slots]
            expected = np.maximum(top_bids, rule.reserve)
            np.testing.assert_allclose(log.prices[k, i], expected, rtol=1e-12, err_msg=f"{k} {i}")
            checked += 1
    assert checked > 150


def test_a_long_day_is_thinned_with_its_budgets() -> None:
    made = market(4, impressions=300, advertisers=6)
    factors = jnp.broadcast_to(levels(4), (made.ticks, 6))
    whole = counterfactual_log(made, second_price(), factors)
    thin = counterfactual_log(made, second_price(), factors, most=300 * 6 // 3)
    assert (whole.period, thin.period) == (300, 100)
    np.testing.assert_allclose(thin.campaigns.budget, whole.campaigns.budget / 3)
    np.testing.assert_array_equal(thin.values, whole.values[1::3])
    np.testing.assert_array_equal(thin.prices, whole.prices[1::3])
