"""The rewards of the game, by name and as parts.

An advertiser's own: `Value`, `ValueLessCost`, `profit`, `Engagement`, `LifetimeValue`; for ratios
`RoiLagrangian`, `CpaLagrangian`, `RoiShortfall`, `CpaScore`. Shared: `Welfare`, `Revenue`, `Team`,
`Tempered`, `AlphaFair`. On the way: `Potential`, `Pacing`, `Unspent`. Parts are added and weighted,
``Value() + 0.1 * Unspent()``, and divided by each advertiser's size with `Normalised`.

Money is enforced by the game, and no reward fines a budget. A discount per auction kills the
future of a day with 10⁵ auctions; within a period there is none. Large values are not clipped:
rewards are scaled (`Normalised`).
"""

import re
from collections.abc import Callable

from equibid.envs.credit import barred, collusion, difference_rewards
from equibid.envs.kpis import Engagement, LifetimeValue, Value, ValueLessCost, profit
from equibid.envs.outcome import Normalised, Outcome, Part, Reward, Sum
from equibid.envs.ratios import CpaLagrangian, CpaScore, RoiLagrangian, RoiShortfall
from equibid.envs.shaping import (
    Dual,
    Moment,
    Pacing,
    Potential,
    Remaining,
    Unspent,
    cpa_violation,
    dual_start,
    dual_step,
    shaping_share,
)
from equibid.envs.shared import AlphaFair, Revenue, Team, Tempered, Welfare
from equibid.registry import Registry, made

__all__ = [
    "REWARDS",
    "AlphaFair",
    "CpaLagrangian",
    "CpaScore",
    "Dual",
    "Engagement",
    "LifetimeValue",
    "Moment",
    "Normalised",
    "Outcome",
    "Pacing",
    "Part",
    "Potential",
    "Remaining",
    "Revenue",
    "Reward",
    "RoiLagrangian",
    "RoiShortfall",
    "Sum",
    "Team",
    "Tempered",
    "Unspent",
    "Value",
    "ValueLessCost",
    "Welfare",
    "barred",
    "collusion",
    "cpa_violation",
    "difference_rewards",
    "dual_start",
    "dual_step",
    "profit",
    "reward_named",
    "shaping_share",
]


def value_share(sampled: bool = False) -> Normalised:
    """`Value` over what the budget buys at the target CPA."""
    return Normalised(Value(sampled), "target")


def profit_share(margin: float | None = None, sampled: bool = False) -> Normalised:
    """`profit` over the budget."""
    return Normalised(profit(margin, sampled), "budget")


def team(weight: float = 0.0, margin: float | None = None) -> Team:
    """`ValueLessCost` summed over all: with weight 0 their worth, with weight 1 a cartel's aim."""
    return Team(ValueLessCost(weight, margin))


REWARDS: Registry[Callable[..., Part]] = Registry("reward")
"""What a step is worth to agents, by name: settings in, a part of a reward out."""

REWARDS.add("value", "Value won, value units.")(Value)
REWARDS.add("value-less-cost", "Worth of the value won less weight times its cost, currency.")(
    ValueLessCost
)
REWARDS.add("roi", "Worth, with a price on the return that is missing; currency.")(RoiLagrangian)
REWARDS.add("cpa", "Value, with a price on what it costs beyond the target; value units.")(
    CpaLagrangian
)
REWARDS.add("roi-shortfall", "At the end: a fine for the return that is missing.")(RoiShortfall)
REWARDS.add("cpa-score", "AuctionNet's score, at the end or (dense=1) as it grows; value units.")(
    CpaScore
)
REWARDS.add("engagement", "Ads shown, slots won and conversions, weighted; value units.")(
    Engagement
)
REWARDS.add(
    "lifetime-value", "Discounted margins of additional customers less their cost, currency."
)(LifetimeValue)
REWARDS.add("welfare", "Value won by all, given to each; value units.")(Welfare)
REWARDS.add("revenue", "Money paid by all, given to each; currency.")(Revenue)
REWARDS.add("tempered", "Value won by all, shared by the softmax of bids over a temperature.")(
    Tempered
)
REWARDS.add("alpha-fair", "At the end: alpha-fair welfare of budget-sized returns, for each.")(
    AlphaFair
)
REWARDS.add("potential", "Shaping by what can still be bought, with steps=T of a period.")(
    Potential
)
REWARDS.add("pacing", "A fine for spending ahead of or behind an even plan.")(Pacing)
REWARDS.add("unspent", "At the end: a fine for money that is left.")(Unspent)
REWARDS.add("profit", "Worth of the value won less its cost, currency.")(profit)
REWARDS.add("team", "Worth less weight times cost, of all as one team; currency.")(team)
REWARDS.add("value-share", "Value won over what the budget buys at the target CPA.")(value_share)
REWARDS.add("profit-share", "Profit over the budget.")(profit_share)


def reward_named(text: str) -> Part:
    """The reward ``name`` or ``name:setting=value,…``, or a sum of them joined with ``+``.

    >>> reward_named("value-less-cost:weight=0.5")
    ValueLessCost(weight=0.5, margin=None, sampled=False)
    >>> len(reward_named("value + pacing:weight=0.1").parts)
    2

    Raises:
        InputError: there is no such reward or setting, or a setting cannot be used.
    """
    # A plus in a number, as in 1e+5, joins nothing.
    first, *others = (made(REWARDS, term) for term in re.split(r"\s*\+\s*(?=[a-z])", text.strip()))
    for other in others:
        first = first + other
    return first
