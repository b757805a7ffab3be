"""Help on the way: potentials, plans, and prices of constraints that find themselves.

Potential-based shaping leaves optimal policies and equilibria as they are; every other shaping is
an aim of its own, and its share of the reward (`shaping_share`) should stay below a tenth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.tally import Tally
from equibid.envs.kpis import check
from equibid.envs.outcome import Outcome, Part

# Of multipliers. Below the first a constraint counts as slack: its multiplier is 0.
SLACK, DEAREST = 1e-3, 1e3


class Moment(NamedTuple):
    """A state between two steps, as a potential sees it.

    Attributes:
        money: left, currency.
        budget: of the period, currency.
        target_cpa: currency per value unit.
        progress: share of the period that is over.
        so_far: sums of the period until now.
    """

    money: Float[Array, " N"]
    budget: Float[Array, " N"]
    target_cpa: Float[Array, " N"]
    progress: Float[Array, ""]
    so_far: Tally


@dataclass(frozen=True)
class Remaining:
    """``min(share of the budget left, share of the period left)``: what can still be bought.

    Money that is spent ahead of the clock is missed; money behind it is thought lost.
    """

    def __call__(self, moment: Moment) -> Float[Array, " N"]:
        """From 0 to 1; 0 without budget."""
        share = moment.money / jnp.where(moment.budget > 0, moment.budget, 1)
        return jnp.minimum(share, 1 - moment.progress)


@dataclass(frozen=True)
class Potential(Part):
    """``weight · (γ Φ(s') − Φ(s))``, Φ = 0 once the period is over.

    Optimal policies do not change, nor do equilibria when everybody is shaped: Q* falls by Φ(s).

    Source: Ng, Harada and Russell, ICML 1999; for games Devlin and Kudenko, AAMAS 2011.

    Attributes:
        steps: T, steps of a period.
        weight: in the unit of the reward it is added to; the size of a period's reward is right.
        discount: γ of the learner.
        phi: Φ of a `Moment`; must be hashable.
    """

    steps: float = 0
    weight: float = 1.0
    discount: float = 1.0
    phi: Callable[[Moment], Float[Array, " N"]] = Remaining()

    def __post_init__(self) -> None:
        check(
            f"potential: steps={self.steps:g} must be the number of steps of a period, as steps=24",
            self.steps >= 1 and self.steps == int(self.steps),
        )
        check(
            f"potential: discount={self.discount:g} must be above 0 and at most 1",
            0 < self.discount <= 1,
        )

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """In the weight's unit."""
        o = outcome
        earlier = jax.tree.map(jnp.subtract, o.so_far, o.tally)
        left = Moment(o.before, o.budget, o.target_cpa, o.progress - 1 / self.steps, earlier)
        reached = Moment(o.after, o.budget, o.target_cpa, o.progress, o.so_far)
        ahead = jnp.where(o.ends, 0.0, self.phi(reached))
        return self.weight * (self.discount * ahead - self.phi(left))


@dataclass(frozen=True)
class Pacing(Part):
    """``−weight · (spent / budget − progress)²`` in every step: the plan becomes the aim.

    Attributes:
        weight: in the unit of the reward it is added to.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check(f"pacing: weight={self.weight:g} must be at least 0", 0 <= self.weight < np.inf)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """In the weight's unit; 0 without budget."""
        has = outcome.budget > 0
        share = outcome.so_far.spend / jnp.where(has, outcome.budget, 1)
        return jnp.where(has, -self.weight * (share - outcome.progress) ** 2, 0.0)


@dataclass(frozen=True)
class Unspent(Part):
    """``−weight · money left`` at the period's end.

    Attributes:
        weight: units of the reward it is added to, per currency.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check(f"unspent: weight={self.weight:g} must be at least 0", 0 <= self.weight < np.inf)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """In the weight's unit times currency."""
        return jnp.where(outcome.ends, -self.weight * outcome.after, 0.0)


def shaping_share(
    shaping: Float[Array, "*T N"], reward: Float[Array, "*T N"]
) -> Float[Array, " N"]:
    """``Σ|shaping| / Σ|reward|`` over all but the last axis; 0 where there is no shaping.

    Args:
        shaping: what was added.
        reward: what it was added to.
    """
    axes = tuple(range(shaping.ndim - 1))
    added, own = (jnp.abs(x).sum(axis=axes) for x in (shaping, reward))
    return jnp.where(added > 0, added / jnp.where(own > 0, own, 0.0), 0.0)


class Dual(NamedTuple):
    """The price of each advertiser's constraint, found by slow ascent.

    Attributes:
        log: of the multiplier, from log `SLACK` to log `DEAREST`.
    """

    log: Float[Array, " N"]

    @property
    def multiplier(self) -> Float[Array, " N"]:
        """λ; 0 where the constraint is slack."""
        return jnp.where(self.log > np.log(SLACK), jnp.exp(self.log), 0.0)


def dual_start(advertisers: int, multiplier: float = 1.0) -> Dual:
    """The same multiplier for all, within the bounds."""
    return Dual(jnp.full(advertisers, np.log(np.clip(multiplier, SLACK, DEAREST))))


def dual_step(dual: Dual, violation: Float[Array, " N"], rate: float) -> Dual:
    """``log λ + rate · violation``, bounded.

    Nothing winds up: the sum stops at its bounds instead of counting on beyond them, and a single
    step's violation counts as at most 1, so that the first unlucky purchases do not shut a bidder
    out. `rate` should be a tenth of the policy's, or the two chase each other.

    Args:
        dual: before.
        violation: share by which the constraint is missed, negative where there is room.
        rate: of the ascent.
    """
    moved = dual.log + rate * jnp.clip(violation, -1.0, 1.0)
    return Dual(jnp.clip(moved, np.log(SLACK), np.log(DEAREST)))


def cpa_violation(sums: Tally, target_cpa: Float[Array, " N"]) -> Float[Array, " N"]:
    """``CPA / target − 1`` in expectation: 1 for money without value, 0 where none was spent."""
    fair = sums.value * jnp.where(sums.value > 0, target_cpa, 0)
    missed = jnp.where(fair > 0, sums.spend / jnp.where(fair > 0, fair, 1) - 1, 1.0)
    return jnp.where(sums.spend > 0, missed, 0.0)
