"""What a reward is: a function of the outcome of one step, composed of parts.

A part is a frozen dataclass of settings, so that a reward is hashable and may stand among the
static arguments of a compiled program. Parts are added and multiplied by numbers; the weights of a
sum are in the reward's unit per unit of the part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from equibid.auctions.tally import Tally
from equibid.errors import InputError


class Outcome(NamedTuple):
    """One step of one market, as every reward sees it (float64).

    Attributes:
        tally: sums of the step.
        so_far: sums of the period, the step included.
        before: money at the step's start, currency.
        after: money at its end, currency.
        budget: money of the whole period, currency.
        target_cpa: currency per value unit.
        progress: share of the period that has ended with the step, in (0, 1].
        ends: whether it is the last step of the period.
    """

    tally: Tally
    so_far: Tally
    before: Float[Array, " N"]
    after: Float[Array, " N"]
    budget: Float[Array, " N"]
    target_cpa: Float[Array, " N"]
    progress: Float[Array, ""]
    ends: Bool[Array, ""]


Reward = Callable[[Outcome], Float[Array, " N"]]
"""What each agent collects in a step."""


@dataclass(frozen=True)
class Part:
    """A reward that can be added to others and multiplied by a number."""

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """The reward of the step."""
        raise NotImplementedError

    def __add__(self, other: "Part") -> "Sum":
        one, two = _terms(self), _terms(other)
        return Sum(one.parts + two.parts, one.weights + two.weights)

    def __mul__(self, weight: float) -> "Sum":
        terms = _terms(self)
        return Sum(terms.parts, tuple(weight * w for w in terms.weights))

    __rmul__ = __mul__


@dataclass(frozen=True)
class Sum(Part):
    """``Σ weight · part``.

    Attributes:
        parts: the summands.
        weights: one a part.
    """

    parts: tuple[Reward, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.parts or len(self.parts) != len(self.weights):
            raise InputError(
                f"a sum of rewards needs parts and as many weights: it has {len(self.parts)} parts "
                f"and {len(self.weights)} weights"
            )
        if not np.isfinite(self.weights).all():
            raise InputError(f"a sum of rewards needs finite weights, not {self.weights}")

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """Every part, weighted."""
        total = jnp.zeros_like(outcome.budget)
        for part, weight in zip(self.parts, self.weights, strict=True):
            total += weight * part(outcome)
        return total


def _terms(part: Part) -> Sum:
    return part if isinstance(part, Sum) else Sum((part,), (1.0,))


# By what a reward is divided to compare advertisers: the budget (rewards in currency), what the
# budget buys at the target (rewards in value units), or given numbers (hindsight optima).
Measure = Literal["budget", "target"] | tuple[float, ...]


def check_measure(by: Measure) -> None:
    """Raise `InputError` unless `by` is a `Measure`."""
    if isinstance(by, str):
        if by not in ("budget", "target"):
            raise InputError(f"a reward is divided by budget, target or numbers, not by {by!r}")
    elif not by or not (np.isfinite(by).all() and min(by) > 0):
        raise InputError(f"a reward is divided by positive numbers, one an advertiser, not {by}")


def measured(outcome: Outcome, by: Measure) -> Float[Array, " N"]:
    """The divisor of each advertiser; 1 where it has no budget, or no finite target to buy at."""
    if not isinstance(by, str):
        return jnp.asarray(by)
    size = outcome.budget if by == "budget" else outcome.budget / outcome.target_cpa
    return jnp.where((size > 0) & jnp.isfinite(size), size, 1.0)


@dataclass(frozen=True)
class Normalised(Part):
    """A part in units of each advertiser's own size, so that critics see comparable numbers.

    Nothing changes when all money is counted in another currency, for a part in currency divided by
    "budget" as well as for a part in value units divided by "target".

    Attributes:
        part: what is divided.
        by: "budget", "target", or the best value in hindsight of each advertiser.
    """

    part: Reward
    by: Measure = "budget"

    def __post_init__(self) -> None:
        check_measure(self.by)

    def __call__(self, outcome: Outcome) -> Float[Array, " N"]:
        """A share, without unit."""
        return self.part(outcome) / measured(outcome, self.by)
