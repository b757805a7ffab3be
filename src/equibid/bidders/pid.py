"""PID: feedback control of linear bids, so that a key figure keeps to a reference.

After every tick the cumulative figure x (cost per value, or win rate) is compared with its
reference r, and the bids of the next tick are the linear ones times exp(φ):

    e_k = 1 − x_{k−1} / r
    φ_k = p · e_k + i · Σ_{j<=k} e_j + d · (x_{k−2} − x_{k−1}) / r        within [−2, 5]
    bid = max(5 price levels, b0 · v / v_avg · exp(φ_k))

Errors are shares of the reference, so that gains have no unit. The reference is what the tuned
linear bidder reached on the training log under its budget: its cost per value; or its wins out of
all the impressions that it could have bid on, the ones after its money was gone included. So a
controller buys cheaper on a dear day and slower on a busy one, where the linear bidder would run
dry.

Source: Zhang, Rong, Wang, Zhu and Wang, "Feedback control of real-time display advertising",
WSDM 2016, with 40 rounds a period. The gains are ours: with p = 1, i = 0.3, d = 0.2 the cumulative
figure settles within 40 rounds even where the linear bids are four times too high or too low.
"""

from typing import Annotated, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT
from equibid.auctions.tally import Tally
from equibid.bidders import lin
from equibid.bidders.bidder import Bidder, Observation, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.replay import replay
from equibid.bidders.search import settled
from equibid.bidders.training import TrainingLog
from equibid.markets.market import Campaigns
from equibid.settings import Within

LEAST, MOST = -2.0, 5.0
FLOOR_LEVELS = 5
GAINS = (1.0, 0.3, 0.2)

Measure = Literal["ecpc", "win-rate"]


class PidState(NamedTuple):
    """The controller's memory.

    Attributes:
        above: numerator of x so far: spend or wins.
        below: denominator of x so far: expected value or impressions bid on.
        share: x / r after the last tick.
        errors: summed errors.
        action: φ for the coming tick.
    """

    above: Float[Array, " N"]
    below: Float[Array, " N"]
    share: Float[Array, " N"]
    errors: Float[Array, " N"]
    action: Float[Array, " N"]


@pytree("measure", "gains", "limits")
class Pid(Bidder):
    """Linear bidding under feedback control.

    Attributes:
        linear: the bidder under control.
        reference_value: r, currency per value unit, or a share of impressions; an advertiser with
            r = 0 is not controlled.
        floor: lowest bid, currency per exposure.
        measure: which figure is held.
        gains: p, i and d.
        limits: of φ.
    """

    linear: lin.Lin
    reference_value: Float[Array, " N"]
    floor: Float[Array, ""]
    measure: Measure
    gains: tuple[float, float, float] = GAINS
    limits: tuple[float, float] = (LEAST, MOST)

    def init(self, campaigns: Campaigns) -> PidState:
        """Nothing measured yet counts as on the reference."""
        zero = jnp.zeros(campaigns.count)
        return PidState(zero, zero, jnp.ones_like(zero), zero, zero)

    def bid(
        self, state: PidState, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """Linear bids times exp(φ), at least the floor."""
        bids = self.linear.bid((), observation, values, key)
        moved = jnp.maximum(bids * jnp.exp(state.action).astype(bids.dtype), self.floor)
        return jnp.where(values > 0, moved.astype(bids.dtype), ABSENT)

    def update(self, state: PidState, feedback: Tally) -> PidState:
        """Measure x and set φ for the next tick."""
        p, i, d = self.gains
        by_cost = self.measure == "ecpc"
        above = state.above + (feedback.spend if by_cost else feedback.wins)
        below = state.below + (feedback.value if by_cost else feedback.offered)
        # What has not been bought at all counts as bought for nothing, which raises bids.
        controlled = (self.reference_value > 0) & (feedback.offered > 0)
        measured = above / jnp.where(below > 0, below, 1)
        share = measured / jnp.where(self.reference_value > 0, self.reference_value, 1)
        errors = state.errors + (1 - share)
        action = p * (1 - share) + i * errors + d * (state.share - share)
        new = PidState(above, below, share, errors, jnp.clip(action, *self.limits))
        return jax.tree.map(lambda a, b: jnp.where(controlled, a, b), new, state)


Gain = Annotated[float, Within(least=0)]


def fit(
    log: TrainingLog,
    measure: Measure,
    reference: float | None = None,
    gains: tuple[float, float, float] = GAINS,
    floor: float = FLOOR_LEVELS,
    limits: tuple[float, float] = (LEAST, MOST),
) -> Pid:
    """Tune the linear bidder, and take its key figure on the training log as the reference.

    Args:
        log: to tune on.
        measure: the key figure.
        reference: the figure to keep to instead: the market's money per value unit, or a share.
        gains: p, i and d.
        floor: lowest bid, price levels.
        limits: of φ.
    """
    linear = cast(lin.Lin, lin.fit(log))
    if reference is None:
        bought = replay(log, lin.linear(linear.base_bid, linear.mean_value, log.values))
        above, below = (
            (bought.spend, bought.value)
            if measure == "ecpc"
            else (bought.wins, np.asarray(log.values > 0).sum(axis=0))
        )
        figure = jnp.asarray(above / np.where(below > 0, below, 1))
    else:
        figure = settled(reference, log)
    return Pid(linear, figure, jnp.asarray(floor * log.history.step), measure, gains, limits)


@BIDDERS.add("pid-ecpc", "Linear bids under feedback control of the cost per value.")
def fit_ecpc(
    log: TrainingLog,
    reference: Annotated[float, Within(above=0)] | None = None,
    kp: Gain = GAINS[0],
    ki: Gain = GAINS[1],
    kd: Gain = GAINS[2],
    floor: Annotated[float, Within(least=0)] = FLOOR_LEVELS,
    least: Annotated[float, Within(least=-20, most=0)] = LEAST,
    most: Annotated[float, Within(least=0, most=20)] = MOST,
) -> Pid:
    """`fit` to the cost per value.

    Args:
        log: to tune on.
        reference: the cost per value to keep to, in currency; none: what lin reaches on the log.
        kp: gain of the error.
        ki: gain of the summed errors.
        kd: gain of the change of the error.
        floor: lowest bid, in price levels of the log.
        least: bids are multiplied by exp(φ); lowest φ.
        most: highest φ.
    """
    target = None if reference is None else reference * log.per_currency
    return fit(log, "ecpc", target, (kp, ki, kd), floor, (least, most))


@BIDDERS.add("pid-win-rate", "Linear bids under feedback control of the win rate.")
def fit_win_rate(
    log: TrainingLog,
    reference: Annotated[float, Within(above=0, most=1)] | None = None,
    kp: Gain = GAINS[0],
    ki: Gain = GAINS[1],
    kd: Gain = GAINS[2],
    floor: Annotated[float, Within(least=0)] = FLOOR_LEVELS,
    least: Annotated[float, Within(least=-20, most=0)] = LEAST,
    most: Annotated[float, Within(least=0, most=20)] = MOST,
) -> Pid:
    """`fit` to the win rate.

    Args:
        log: to tune on.
        reference: the share of impressions to win; none: what lin reaches on the log.
        kp: gain of the error.
        ki: gain of the summed errors.
        kd: gain of the change of the error.
        floor: lowest bid, in price levels of the log.
        least: bids are multiplied by exp(φ); lowest φ.
        most: highest φ.
    """
    return fit(log, "win-rate", reference, (kp, ki, kd), floor, (least, most))
