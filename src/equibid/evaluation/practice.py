"""Where bidders learn: periods to train on, periods held out, and the log of the day before.

Days that comparisons judge (1, 2, …) are neither trained on nor held out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.clearing import Auction
from equibid.bidders.bidder import Bidder
from equibid.bidders.population import Population
from equibid.bidders.registry import BIDDERS, bidder_named
from equibid.bidders.training import TrainingLog, training_log
from equibid.errors import InputError
from equibid.evaluation.campaign_figures import cpa_score
from equibid.evaluation.case import Case, day_before
from equibid.learning.algorithm import Algorithm, World
from equibid.learning.task import Task, hindsight_value, overlap_of, planned_for, reference_of
from equibid.logs.recording import Recording, split_for_tuning
from equibid.markets.market import Market, parted, split
from equibid.simulation.features import Reference
from equibid.simulation.markov.game import logged_game, markov_game
from equibid.simulation.markov.outcome import Reward
from equibid.simulation.markov.rewards import reward_named
from equibid.simulation.simulate import Play, simulate, simulate_many, stack

# Days of a generated market from this one on are history: never judged in a comparison.
HISTORY = 10_000
HELD_OUT = 20_000


@dataclass(frozen=True)
class Rivals:
    """Classic bidders among the agents while they learn.

    Agents that meet only each other may sink their bids together: under a rule of next prices all
    factors halved sell the same impressions to the same agents. Who meets others learns to hold
    its own.

    Attributes:
        names: of bidders, tuned on the day before.
        share: the chance that one of them drives an agent for a period.
    """

    names: tuple[str, ...] = ()
    share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise InputError(f"rival share {self.share:g}: write a number from 0 to below 1")
        if self.share and not self.names:
            raise InputError("a rival share needs rivals; name some, or leave the share at 0")


@dataclass(frozen=True)
class Practice:
    """A market to learn on.

    Attributes:
        name: of the market.
        log: what classic bidders are tuned on: the day before.
        train: periods to learn on.
        held_out: periods to judge a run's progress on.
        auction: the rule.
        play: how often bidders are asked.
    """

    name: str
    log: TrainingLog
    train: Sequence[Market]
    held_out: Sequence[Market]
    auction: Auction
    play: Play

    @cached_property
    def yesterday(self) -> Reference:
        """What is known of the day before."""
        return reference_of(self.log, self.train[0].impressions)

    @cached_property
    def best(self) -> Float[Array, " N"]:
        """What the reference factor buys on the training log in a period, value units."""
        scale = max(self.train[0].impressions / self.log.period, 1.0)
        return jnp.asarray(hindsight_value(self.log, self.yesterday.factor) * scale)

    @cached_property
    def overlap(self) -> Float[Array, "N N"]:
        """See `overlap_of`."""
        return jnp.asarray(overlap_of(self.train[0]))

    @cached_property
    def beside(self) -> Bidder:
        """Who takes the other half of the seats when a policy is judged."""
        return BIDDERS["pacing"](self.log)

    def task(
        self,
        reward: Reward,
        *,
        observer: str = "pace+traits",
        world: World = "market",
        agent: Bidder | None = None,
        rivals: Sequence[Bidder] = (),
        rival_share: float = 0.0,
        seat: Any = None,
        sampled: bool = True,
    ) -> Task:
        """The game to learn.

        Args:
            reward: of a step.
            observer: what agents see.
            world: "market", where all meet, or "log", where each buys at the log's prices.
            agent: turns actions into bids, if not by factor.
            rivals: bidders that do not learn.
            rival_share: the chance that one of them drives an agent for a period.
            seat: who drives whom; 0 learns.
            sampled: draw exposures, winners and conversions, in the world "market".

        Raises:
            InputError: there is no such observer, or the game cannot be played.
        """
        reference = planned_for(observer, self.yesterday, self.log)
        if world == "log":
            game = logged_game(self.log, reference, reward, observer=observer)
        else:
            game = markov_game(
                self.train,
                self.auction,
                reference,
                reward,
                observer=observer,
                play=self.play,
                agent=agent,
                rivals=rivals,
                rival_share=rival_share,
                seat=seat,
                sampled=sampled,
            )
        return Task(game, reference, self.best, self.overlap)

    def task_for(self, algorithm: Algorithm, rivals: Rivals | None = None) -> Task:
        """The game as an algorithm's settings ask for it.

        Args:
            algorithm: that is to learn.
            rivals: classic bidders that take some agents' seats.

        Raises:
            InputError: there is no such reward, observer or rival, or they do not go together.
        """
        rivals = rivals or Rivals()
        return self.task(
            reward_named(algorithm.reward),
            observer=algorithm.observer,
            world=algorithm.world,
            agent=algorithm.agent,
            rivals=[bidder_named(name)(self.log) for name in rivals.names],
            rival_share=rivals.share,
        )

    def judge(self, bidder: Bidder) -> dict[str, float]:
        """Play the held-out periods with a bidder on all seats, and on every second one.

        Agents that all underspend look good among themselves, so what they buy beside others is
        the better measure.

        Returns:
            Per period: ``value`` (expected value of the ads shown), ``score`` (the same, as
            AuctionNet fines it where a cost per value unit is above its target) and
            ``conversions`` of all seats, and their ``spend`` as a share of budgets; ``seated`` and
            ``seated-score``, value and score when pacing drives the other half of the seats, summed
            over both ways to sit. Alone, those are value and score.
        """
        N = self.train[0].advertisers
        told = self.judged(Population((bidder,), jnp.zeros(N, jnp.int32)))
        turns = [told]
        if N > 1:
            bidders = (bidder, self.beside)
            seats = [(jnp.arange(N, dtype=jnp.int32) + turn) % 2 for turn in range(2)]
            turns = [self.judged(Population(bidders, seat)) for seat in seats]
        seated = {
            name: sum(turn[of] for turn in turns)
            for name, of in (("seated", "value"), ("seated-score", "score"))
        }
        return told | seated

    def judged(self, population: Population) -> dict[str, float]:
        """What the agents on seat 0 get of the held-out periods."""
        mine, campaigns = np.asarray(population.seat) == 0, self.train[0].campaigns
        days = len(self.held_out)
        alike = len({market.impressions for market in self.held_out}) == 1
        if self.play == "impression" and alike:
            seating = jnp.broadcast_to(population.seat, (days, len(mine)))
            total = simulate_many(
                stack(list(self.held_out)),
                self.auction,
                replace(population, seat=seating),
                jax.random.split(jax.random.key(0), days),
                play=self.play,
            ).total()
        else:
            each = [
                simulate(
                    market, self.auction, population, jax.random.key(number), play=self.play
                ).total()
                for number, market in enumerate(self.held_out)
            ]
            total = jax.tree.map(lambda *days: np.stack(days), *each)
        value, conversions, spend = (
            np.asarray(x)[:, mine] for x in (total.value, total.conversions, total.spend)
        )
        score = cpa_score(spend, value, np.asarray(campaigns.target_cpa)[mine])
        budget = np.asarray(campaigns.budget)[mine].sum()
        return {
            "value": float(value.sum() / days),
            "score": float(score.sum() / days),
            "conversions": float(conversions.sum() / days),
            "spend": float(spend.sum() / (days * budget)) if budget > 0 else 0.0,
        }


def practice_of(case: Case) -> Practice:
    """What a case's own first period shows of its market: to set a learned policy in its seat."""
    market = case.market(0)
    if case.periods is not None:
        market = jax.tree.map(lambda x: x[0], market)
    return Practice(case.name, case.train, [market], [market], case.auction, case.play)


def generated_practice(
    name: str,
    day: Callable[[int], Market],
    auction: Auction,
    play: Play = "tick",
    days: int = 4,
    held_out: int = 2,
) -> Practice:
    """Practice on a generated market: the day before is day 0, as in `generated_case`.

    Args:
        name: of the market.
        day: from a day's number to its market.
        auction: the rule.
        play: how often bidders are asked.
        days: to learn on.
        held_out: days to judge progress on.
    """
    first = day(0)
    return Practice(
        name,
        day_before(first, auction),
        [first, *(day(HISTORY + number) for number in range(1, days))],
        [day(HELD_OUT + number) for number in range(held_out)],
        auction,
        play,
    )


def recorded_practice(
    recording: Recording,
    auction: Auction,
    play: Play,
    rounds: int = 40,
    held_out: float = 0.2,
    shake: float = 0.0,
) -> Practice:
    """Practice on the training part of a log; its last periods are held out.

    Args:
        recording: the log, with delivery periods or days.
        auction: the rule.
        play: how often bidders are asked.
        rounds: ticks of a delivery period.
        held_out: share of the training periods.
        shake: how far prices of days to come may be off, as a share: see `shaken`.

    Raises:
        InputError: the log is not cut into periods, or holds too few to learn on.
    """
    if recording.train is None:
        recording = split_for_tuning(recording)
    train = recording.train
    assert train is not None
    if recording.day_ticks is not None:
        return _daily_practice(recording, recording.day_ticks, auction, play, held_out, shake)
    if recording.period is None:
        raise InputError(
            f"log {recording.name}: it has no delivery periods to learn on; name a log of campaigns"
        )
    log = training_log(train, auction, recording.period, recording.history)
    whole = train.impressions // recording.period
    if whole < 2:
        raise InputError(
            f"log {recording.name}: its training part holds {train.impressions} impressions, less "
            f"than two periods of {recording.period}; name a longer log"
        )
    periods = split(train, recording.period, rounds)
    each = [jax.tree.map(lambda x, s=s: x[s], periods) for s in range(whole)]
    kept = max(1, round(whole * held_out))
    return Practice(
        recording.name,
        replace(log, ticks=rounds),
        shaken(each[:-kept], shake),
        shaken(each[-kept:], shake),
        auction,
        play,
    )


def _daily_practice(
    recording: Recording,
    day_ticks: int,
    auction: Auction,
    play: Play,
    held_out: float,
    shake: float,
) -> Practice:
    """Practice on the training days of a log; a single one is learnt on and judged on."""
    assert recording.train is not None
    days = parted(recording.train, day_ticks)
    kept = max(1, round(len(days) * held_out))
    return Practice(
        recording.name,
        training_log(recording.train, auction, None, recording.history, day_ticks=day_ticks),
        shaken(days[:-kept] or days, shake),
        shaken(days[-kept:], shake),
        auction,
        play,
    )


def shaken(periods: Sequence[Market], share: float) -> list[Market]:
    """The periods at their prices, and at four others, lower and higher by up to a share.

    The money of a period always fits the prices of the part of a log it was set by. Whoever learns
    on that part alone never finds itself with money left over, or short of it.

    Args:
        periods: with market prices.
        share: 0 to below 1; at 0 they are left as they are.
    """
    if not 0 <= share < 1:
        raise InputError(f"shake {share:g}: write a number from 0 to below 1")
    # Steps of equal ratio from 1 - share to its inverse.
    steps = (0.0, 1.0, 0.5, -0.5, -1.0) if share else (0.0,)

    def priced(period: Market, step: float) -> Market:
        price = period.market_price
        factor = (1 - share) ** step
        return period if price is None else replace(period, market_price=price * factor)

    return [priced(period, step) for step in steps for period in periods]
