"""Every setting of every bidder reaches what it is a setting of."""

from dataclasses import replace
from functools import lru_cache

import jax
import numpy as np
import pytest
from training_logs import observe, random_log

from equibid.bidders import BIDDERS, Bidder, TrainingLog
from equibid.bidders.pid import Pid
from equibid.bidders.registry import bidder_label, bidder_named
from equibid.registry import settings_of
from equibid.settings import as_text

# A value for each setting that differs from its default on an ordinary log.
TRIED = {
    **dict.fromkeys(("bid", "mean", "base_bid", "cost_per_value", "factor", "scale"), "7"),
    **dict.fromkeys(("kp", "ki", "kd", "rate", "power", "floor", "prior_share"), "0.7"),
    **dict.fromkeys(("widest", "margin", "most"), "3"),
    **dict.fromkeys(("recentre", "quasi_linear"), "true"),
    **{"multiplier": "0.5", "reference": "0.3", "least": "-1", "bins": "64"},
    **{"most_cells": "10", "auctions": "16", "price_levels": "21", "segment": "20"},
}
CASES = [(name, setting) for name in sorted(BIDDERS) for setting in settings_of(BIDDERS[name])]


def log() -> TrainingLog:
    """On whole price levels, so that all kinds of tables can be made."""
    drawn = random_log()
    prices = np.ceil(np.asarray(drawn.prices))
    history = replace(drawn.history, step=1.0, counts=np.bincount(prices.astype(int).ravel()))
    return replace(drawn, prices=jax.numpy.asarray(prices), history=history)


@lru_cache
def by_default(name: str, levels: bool) -> Bidder:
    return BIDDERS[name](log() if levels else random_log())


def same(one: Bidder, other: Bidder) -> bool:
    if jax.tree.structure(one) != jax.tree.structure(other):
        return False
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("name", "setting"), CASES)
def test_a_setting_changes_the_bidder_and_it_still_bids(name: str, setting: str) -> None:
    levels = setting != "price_levels"
    on, default = log() if levels else random_log(), by_default(name, levels)
    written = as_text(settings_of(BIDDERS[name])[setting].default)
    assert same(bidder_named(f"{name}:{setting}={written}")(on), default)
    assert bidder_label(f"{name}:{setting}={written}") == name
    changed = bidder_named(f"{name}:{setting}={TRIED[setting]}")(on)
    assert not same(changed, default)
    seen = observe(on, 0, np.asarray(on.campaigns.budget))
    state = changed.init(on.campaigns)
    bids = np.asarray(changed.bid(state, seen, on.values, jax.random.key(0)))
    taking = bids > -np.inf
    assert taking[np.asarray(on.values) > 0].any()
    assert (np.isfinite(bids[taking]) & (bids[taking] >= 0)).all()


def test_every_setting_has_a_meaning() -> None:
    for name, setting in CASES:
        assert settings_of(BIDDERS[name])[setting].meaning.endswith("."), (name, setting)


@pytest.mark.parametrize("name", sorted(BIDDERS))
def test_only_hindsight_has_no_settings(name: str) -> None:
    assert bool(settings_of(BIDDERS[name])) == (name != "hindsight")


def test_amounts_are_bids_and_costs_are_in_currency() -> None:
    on = replace(log(), per_currency=1000.0)
    value = np.asarray(on.values, np.float64)
    seen = observe(on, 0, np.asarray(on.campaigns.budget))
    shown = value > 0

    def bids(text: str) -> np.ndarray:
        bidder = bidder_named(text)(on)
        state = bidder.init(on.campaigns)
        return np.asarray(bidder.bid(state, seen, on.values, jax.random.key(0)))[shown]

    np.testing.assert_allclose(bids("constant:bid=7"), 7)
    assert 7 < bids("random:mean=7").max() < 14
    mean = np.broadcast_to(np.asarray(bidder_named("lin")(on).mean_value), value.shape)  # pyright: ignore
    np.testing.assert_allclose(bids("lin:base_bid=7"), (7 * value / mean)[shown], rtol=1e-5)
    # 40 of currency are 40,000 of the log's money.
    np.testing.assert_allclose(bids("mcpc:cost_per_value=40"), (40_000 * value)[shown], rtol=1e-5)
    np.testing.assert_allclose(bids("fixed:factor=40"), (40_000 * value)[shown], rtol=1e-5)
    np.testing.assert_allclose(bids("fixed:scale=0.5"), bids("fixed") / 2, rtol=1e-6)
    pid = bidder_named("pid-ecpc:reference=40")(on)
    assert isinstance(pid, Pid)
    np.testing.assert_array_equal(pid.reference_value, [40_000] * 3)
    share = bidder_named("pid-win-rate:reference=0.25,kp=3")(on)
    assert isinstance(share, Pid)
    np.testing.assert_array_equal(share.reference_value, [0.25] * 3)
    assert share.gains == (3, 0.3, 0.2)
