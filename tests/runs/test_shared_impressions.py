"""Processes that share impressions answer for these alone."""

from dataclasses import replace

import jax
import pytest

from equibid.auctions.soft import Soft
from equibid.equilibrium.game import Question, game_of
from equibid.equilibrium.response.shares import share_of
from equibid.markets import MARKETS
from equibid.runs.processes import _ask


def test_other_impressions_are_not_asked_about() -> None:
    market = MARKETS["demo"](jax.random.key(0), impressions=60, advertisers=3, ticks=2)
    whole = game_of(market, Soft(0.1))
    question = Question("respond", whole.cap, (), False)
    part = share_of(whole, 0, 1)
    changed = replace(whole, market=replace(whole.market, values=2 * whole.market.values))
    for game in (changed, replace(whole, auction=Soft(0.1, "hard"))):
        with pytest.raises(ValueError, match="other impressions"):
            next(iter(_ask(0, whole, part, game, question)))
