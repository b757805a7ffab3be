"""What a bidder bids, as factors, and figures over several days."""

import jax
import numpy as np
import pytest

from equibid.auctions.soft import Soft
from equibid.bidders.fixed import Fixed
from equibid.equilibrium.game import game_of
from equibid.equilibrium.response.response import respond
from equibid.errors import InputError
from equibid.markets import MARKETS
from equibid.markets.market import Market
from equibid.runs.certifying import (
    all_notices,
    as_json,
    certified,
    fitted,
    mean_figures,
    played_factors,
)
from equibid.simulation.scenario import generated_scenario

RULE = Soft(0.05)


def day(number: int) -> Market:
    return MARKETS["demo"](
        jax.random.key(0), day=number, impressions=400, advertisers=5, ticks=4, form="sparse"
    )


def test_a_bidder_with_money_to_spare_bids_its_factor_in_every_tick() -> None:
    factors = np.array([40.0, 0.0, 60.0, 20.0, 30.0])
    rich = generated_scenario("demo", lambda n: day(n).with_budget(np.full(5, 1e6)), RULE)
    market = rich.market(0)
    played = played_factors(rich, Fixed(np.where(factors > 0, factors, -np.inf)), 0)
    assert played.shape == (4, 5)
    # Values are float32, and so are bids.
    np.testing.assert_allclose(played, np.broadcast_to(factors, (4, 5)), rtol=1e-5)
    # With the same factors all day, a tick is as good as another.
    game = game_of(market, RULE)
    one, other = respond(game, played), respond(game, factors)
    np.testing.assert_allclose(one.returns, other.returns, rtol=1e-4)


def test_money_that_ends_shows_as_no_bid() -> None:
    scenario = generated_scenario("demo", lambda n: day(n).with_budget(np.full(5, 0.5)), RULE)
    played = played_factors(scenario, Fixed(np.full(5, 80.0)), 0)
    assert (played[-1] == 0).any()
    assert (played[0] > 0).any()


def test_only_bidders_of_factors_are_fitted() -> None:
    scenario = generated_scenario("demo", day, RULE)
    assert fitted(scenario, "pacing").reference is False
    for name in ("lin", "hindsight"):
        with pytest.raises(InputError, match=f"bidder {name} cannot be certified"):
            fitted(scenario, name)


def test_figures_over_days() -> None:
    factors = np.array([40.0, 0.0, 60.0, 20.0, 200.0])
    results = [certified("demo", n, game_of(day(n), RULE), factors, 0.01) for n in range(3)]
    welfare = [result.certificate.response.welfare for result in results]
    mean = mean_figures(results)["welfare"]
    assert mean.value == pytest.approx(np.mean(welfare))
    # Student's interval: 4.303 standard errors of three numbers.
    reach = 4.30265 * np.std(welfare, ddof=1) / np.sqrt(3)
    assert mean.high - mean.value == pytest.approx(reach, rel=1e-4)
    # Advertiser 1 wins nothing now: whatever it would gain is more by any factor.
    assert mean_figures(results)["largest_gain_share"].value == np.inf
    said = as_json(results)
    assert said["compliance"] == 0
    assert said["markets"][0]["largest_gain_share"] is None
    assert said["mean"]["largest_gain_share"] == [None, None, None]
    assert all_notices(results) == ["advertiser 4 bids above its cap"]


def test_a_notice_of_one_day_says_which() -> None:
    results = [
        certified("demo", n, game_of(day(n), RULE), np.full(5, level), 0.01)
        for n, level in ((0, 20.0), (1, 500.0))
    ]
    (said,) = all_notices(results)
    assert said == "day 1: advertisers 0, 1, 2, 3 and 1 other bid above their caps"
