"""What a trainer is given: a game, and what is known of it beforehand."""

from collections.abc import Sequence
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.clearing import Auction
from equibid.bidders.bidder import by_factor, pytree
from equibid.bidders.fixed import logged_factor
from equibid.bidders.replay import replay
from equibid.bidders.training import TrainingLog
from equibid.envs.game import MarkovGame
from equibid.markets.market import Market
from equibid.simulation.features import Reference
from equibid.simulation.response_curves import purchases, response_curves
from equibid.simulation.segments import spending_plan
from equibid.simulation.training_day import dense_rows

# Where agents learn: all in one market, or each against the prices of the log.
EnvMode = Literal["market", "log"]

# Impressions from which the overlap of targeting is measured.
SAMPLE = 4096
# Of a period, for agents that see a plan of how to spend over segments.
SEGMENTS = 12
# Factors tried for a curve of what money buys in a segment.
CURVE_POINTS = 32


@pytree("auction")
class Task:
    """A game to learn.

    Attributes:
        game: the training periods; its reward is the trainer's.
        reference: the day before.
        best: what the reference factor buys on the training log in a period, value units; above 0.
        overlap: how much two agents' targeting overlaps: cosine of their values over impressions of
            the training periods.
        auction: the rule; None where the game is a log's.
        markets: the training periods themselves, for algorithms that solve them on the host.
    """

    game: MarkovGame
    reference: Reference
    best: Float[Array, " N"]
    overlap: Float[Array, "N N"]
    auction: Auction | None = None
    markets: tuple[Market, ...] = ()


def reference_of(log: TrainingLog) -> Reference:
    """What is known of the day before, as much as a period is expected to have of it.

    Args:
        log: what bidders are tuned on.
    """
    values = np.asarray(log.values, np.float64)
    offered = (values > 0).sum(axis=0)
    factor = logged_factor(log)
    # Who could not afford one impression of the log starts at the bid its target allows.
    factor = jnp.where(factor > 0, factor, log.campaigns.target_cpa)
    return Reference(
        jnp.asarray(factor, jnp.float64),
        jnp.asarray(offered * (log.expected / (len(values) * log.ticks))),
        jnp.asarray(values.sum(axis=0) / np.maximum(offered, 1)),
    )


def planned_for(observer: str, reference: Reference, log: TrainingLog) -> Reference:
    """With a plan of the budgets, where an observer that is named shows one."""
    parts = {part.strip() for part in observer.split("+")}
    return planned(reference, log, SEGMENTS) if "segments" in parts else reference


def planned(reference: Reference, log: TrainingLog, segments: int) -> Reference:
    """With a plan of the budgets over the segments of a period."""
    curves = response_curves(purchases(log, segments, points=CURVE_POINTS))
    return reference._replace(plan=spending_plan(curves, log.campaigns.budget))


def hindsight_value(
    log: TrainingLog, factor: Float[Array, " N"] | None = None
) -> Float[np.ndarray, " N"]:
    """What the log's best factor buys there in a period, value units; 1 where that is nothing.

    Args:
        log: to buy from.
        factor: the best one, where it is known.
    """
    best = logged_factor(log) if factor is None else factor
    bought = replay(log, by_factor(best, log.values)).value
    bought = bought * (log.period / len(log.values))
    return np.where(bought > 0, bought, 1.0)


def overlap_of(periods: Sequence[Market]) -> Float[np.ndarray, "N N"]:
    """Cosine of two advertisers' values over the impressions of periods, at most about `SAMPLE`."""
    most = -(-SAMPLE // len(periods))

    def sample(period: Market) -> Float[np.ndarray, "R N"]:
        rows = np.linspace(0, period.impressions - 1, min(most, period.impressions)).astype(int)
        return np.asarray(dense_rows(period, rows), np.float64)

    values = np.concatenate([sample(period) for period in periods])
    length = np.maximum(np.sqrt((values**2).sum(axis=0)), 1e-300)
    return (values / length).T @ (values / length)
