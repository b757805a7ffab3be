"""Rewards that advertisers share: welfare, revenue, teams, tempered credit, fairness."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from equibid.auctions.clearing import ABSENT
from equibid.envs.kpis import VALUE, bought, check
from equibid.envs.outcome import (
    Measure,
    Outcome,
    Part,
    Reward,
    check_measure,
    measured,
)
from equibid.errors import InputError

# Least share of its size an advertiser is counted with where fairness would be minus infinity.
LEAST_SHARE = 1e-6


@dataclass(frozen=True)
class Welfare(Part):
    """Value won by all advertisers, given to each, value units.

    It knows neither payments nor fairness: a rich advertiser may win everything.
    """

    sampled: bool = False

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Value units."""
        return _to_each(bought(outcome.tally, self.sampled))


@dataclass(frozen=True)
class Revenue(Part):
    """Money paid by all advertisers, given to each, currency; constant where budgets all end."""

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Currency."""
        return _to_each(outcome.tally.spend)


def _to_each(x: Float[Array, " N"]) -> Float[Array, " N"]:
    return jnp.broadcast_to(x.sum(), x.shape)


@dataclass(frozen=True)
class Team(Part):
    """The sum of a reward over each team, given to each of its members.

    With a reward that counts cost, a team of bidders gains by bidding low: payments leave the team,
    and in a second-price auction the price falls to the reserve (see `collusion`).

    Attributes:
        part: each member's own reward.
        groups: the team of each advertiser, 0 on; empty puts all on one team.
    """

    part: Reward = VALUE
    groups: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        whole = all(group == int(group) and group >= 0 for group in self.groups)
        check(f"team: groups {self.groups} must be numbers of teams, 0 on", whole)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """In the part's unit."""
        own = self.part(outcome)
        if not self.groups:
            return _to_each(own)
        if len(self.groups) != len(own):
            raise InputError(
                f"team: {len(self.groups)} groups for {len(own)} advertisers; name one for each"
            )
        group = np.asarray(self.groups, np.int32)
        return jax.ops.segment_sum(own, group, int(group.max()) + 1)[group]


@dataclass(frozen=True)
class Tempered(Part):
    """``α_i Σ_j r_j`` with ``α = softmax(b / τ)``: temperature-regularised credit.

    Low temperatures give all to the highest bidder, high ones the same to everybody. b is the mean
    bid of the step. Who bid nothing has no share. A reward that rises with the own bid even where
    it loses pushes bids up as τ falls.

    Source: Wen et al., "A cooperative-competitive multi-agent framework for auto-bidding in online
    advertising" (MAAB), WSDM 2022, with τ = 4 for bids of up to 5.

    Attributes:
        temperature: τ, currency per exposure.
        relative: τ counts in mean bids of the step instead, so that the currency does not matter.
        part: what is shared.
    """

    temperature: float = 4.0
    relative: bool = False
    part: Reward = VALUE

    def __post_init__(self) -> None:
        check(f"tempered: temperature={self.temperature:g} must be positive", self.temperature > 0)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """In the part's unit."""
        sums = outcome.tally
        bids = sums.bid / jnp.where(sums.offered > 0, sums.offered, 1)
        return self.shares(bids, sums.offered > 0) * self.part(outcome).sum()

    def shares(self, bids: Float[Array, " N"], present: Bool[Array, " N"]) -> Float[Array, " N"]:
        """α: sums to one over who is present; all zeros if nobody is."""
        if self.relative:
            mean = jnp.where(present, bids, 0).sum() / jnp.maximum(present.sum(), 1)
            bids = bids / jnp.where(mean > 0, mean, 1)
        hot = jnp.where(present, bids, ABSENT)
        top = jnp.where(present.any(), hot.max(), 0.0)
        weight = jnp.exp((hot - top) / self.temperature)
        return weight / jnp.where(present.any(), weight.sum(), 1)


@dataclass(frozen=True)
class AlphaFair(Part):
    """``Σ_i G_i^{1−a} / (1−a)`` at the period's end, given to each; ``Σ log G_i`` for a = 1.

    G is value over the advertiser's size, without unit: in raw units fairness would favour who
    counts in small ones. From 0 (welfare) by 1 (Nash welfare) to infinity (the worst off). An
    advertiser without budget is left out.

    Attributes:
        aversion: a, to inequality.
        by: the size; "target" is what the budget buys at the target CPA.
        sampled: count conversions instead of expecting them.
    """

    aversion: float = 1.0
    by: Measure = "target"
    sampled: bool = False

    def __post_init__(self) -> None:
        check(f"alpha-fair: aversion={self.aversion:g} must be at least 0", self.aversion >= 0)
        check_measure(self.by)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Without unit."""
        share = bought(outcome.so_far, self.sampled) / measured(outcome, self.by)
        share = jnp.maximum(share, LEAST_SHARE)
        power = 1 - self.aversion
        good = jnp.log(share) if power == 0 else share**power / power
        good = jnp.where((outcome.budget > 0) & outcome.ends, good, 0)
        return _to_each(good)
