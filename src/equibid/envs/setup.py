"""Where bidders learn: periods to train on, periods held out, and the log they start from.

Three sets of periods are kept apart: those that are learnt from, those by which the state to keep
is chosen, and those that comparisons judge by. All that a learner starts from or divides by is of
the first alone: the log, the start factors, the references, what a period is worth, and how many
impressions it is expected to have. `equibid.envs.periods` makes the sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.clearing import Auction
from equibid.bidders.bidder import Bidder
from equibid.bidders.population import Population
from equibid.bidders.registry import BIDDERS, bidder_named
from equibid.bidders.training import TrainingLog
from equibid.envs.game import logged_game, markov_game
from equibid.envs.outcome import Reward
from equibid.envs.problem import (
    EnvMode,
    Task,
    hindsight_value,
    overlap_of,
    planned_for,
    reference_of,
)
from equibid.envs.rewards import reward_named
from equibid.errors import InputError
from equibid.markets.market import Campaigns, Market, even_ticks
from equibid.simulation.campaign_figures import cpa_score
from equibid.simulation.features import Reference
from equibid.simulation.scenario import Scenario
from equibid.simulation.simulate import Play, simulate, simulate_many, stack

# Classic bidders beside which a policy is judged.
NEIGHBOURS = ("pacing", "pacing-ratio", "online-lp")
# Those that it meets while it learns, unless others are named: a game has none that watch.
OPPONENTS = "pacing,pacing-ratio,fixed"


@dataclass(frozen=True)
class Opponents:
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
            raise InputError(f"opponent_prob {self.share:g}: write a number from 0 to below 1")
        if self.share and not self.names:
            raise InputError("a chance of opponents needs opponents; name some, or leave it at 0")


class Wanted(Protocol):
    """What an algorithm's settings say of its game.

    Attributes:
        observer: what agents see, by name.
        reward: of a step, by name.
        env_mode: where they learn.
        agent: turns actions into bids, if not by factor.
    """

    agent: ClassVar[Bidder | None]

    @property
    def observer(self) -> str: ...  # noqa: D102

    @property
    def reward(self) -> str: ...  # noqa: D102

    @property
    def env_mode(self) -> EnvMode: ...  # noqa: D102


@dataclass(frozen=True)
class TrainingSetup:
    """A market to learn on.

    Attributes:
        name: of the market.
        log: what classic bidders are tuned on: the day before, or the periods to learn on.
        train: periods to learn on.
        held_out: periods to judge a run's progress on.
        auction: the rule.
        play: how often bidders are asked.
        logged: what is bought from where each agent learns on the log alone; None for `log`.
    """

    name: str
    log: TrainingLog
    train: Sequence[Market]
    held_out: Sequence[Market]
    auction: Auction
    play: Play
    logged: TrainingLog | None = None

    @cached_property
    def day_before(self) -> Reference:
        """What is known of the day before."""
        return reference_of(self.log)

    @cached_property
    def best(self) -> Float[Array, " N"]:
        """What the reference factor buys on the training log in a period, value units."""
        scale = max(self.log.expected / self.log.period, 1.0)
        return jnp.asarray(hindsight_value(self.log, self.day_before.factor) * scale)

    @cached_property
    def overlap(self) -> Float[Array, "N N"]:
        """See `overlap_of`."""
        return jnp.asarray(overlap_of(self.train))

    @cached_property
    def neighbours(self) -> tuple[Bidder, ...]:
        """Who take the other half of the seats in turn when a policy is judged."""
        return tuple(BIDDERS[name](self.log) for name in NEIGHBOURS)

    def task(
        self,
        reward: Reward,
        *,
        observer: str = "pace+traits",
        env_mode: EnvMode = "market",
        agent: Bidder | None = None,
        opponents: Sequence[Bidder] = (),
        opponent_prob: float = 0.0,
        seat: Any = None,
        sampled: bool = True,
    ) -> Task:
        """The game to learn.

        Args:
            reward: of a step.
            observer: what agents see.
            env_mode: "market", where all meet, or "log", where each buys at the log's prices.
            agent: turns actions into bids, if not by factor.
            opponents: bidders that do not learn.
            opponent_prob: the chance that one of them drives an agent for a period.
            seat: who drives whom; 0 learns.
            sampled: draw exposures, winners and conversions, in the world "market".

        Raises:
            InputError: there is no such observer, or the game cannot be played.
        """
        reference = planned_for(observer, self.day_before, self.log)
        if env_mode == "log":
            game = logged_game(self.logged or self.log, reference, reward, observer=observer)
        else:
            game = markov_game(
                self.train,
                self.auction,
                reference,
                reward,
                observer=observer,
                play=self.play,
                agent=agent,
                opponents=opponents,
                opponent_prob=opponent_prob,
                seat=seat,
                sampled=sampled,
            )
        return Task(game, reference, self.best, self.overlap)

    def task_for(self, algorithm: Wanted, opponents: Opponents | None = None) -> Task:
        """The game as an algorithm's settings ask for it.

        Args:
            algorithm: that is to learn.
            opponents: classic bidders that take some agents' seats.

        Raises:
            InputError: there is no such reward, observer or opponent, or they do not go together.
        """
        opponents = opponents or Opponents()
        task = self.task(
            reward_named(algorithm.reward),
            observer=algorithm.observer,
            env_mode=algorithm.env_mode,
            agent=algorithm.agent,
            opponents=[bidder_named(name)(self.log) for name in opponents.names],
            opponent_prob=opponents.share,
        )
        prepared = getattr(algorithm, "prepared", None)
        return prepared(task, self.auction, self.train) if prepared else task

    def judge(self, bidder: Bidder) -> dict[str, float]:
        """Play the held-out periods with a bidder on all seats, and on every second one.

        Agents that all underspend look good among themselves, so what they buy beside others is
        the better measure.

        Returns:
            Per period: ``value`` (expected value of the ads shown), ``score`` (the same, as
            AuctionNet fines it where a cost per value unit is above its target) and
            ``conversions`` of all seats, and their ``spend`` as a share of budgets; ``seated`` and
            ``seated-score``, value and score when classic bidders (`NEIGHBOURS`) drive the other
            half of the seats, summed over both ways to sit. Alone, those are value and score.
        """
        N = self.train[0].advertisers
        told = self.judged(Population((bidder,), jnp.zeros(N, jnp.int32)))
        turns = [told]
        if N > 1:
            bidders = (bidder, *self.neighbours)
            place = np.arange(N, dtype=np.int32)
            others = 1 + place // 2 % len(self.neighbours)
            seats = [np.where((place + turn) % 2, others, 0) for turn in range(2)]
            turns = [self.judged(Population(bidders, jnp.asarray(seat))) for seat in seats]
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


def setup_of(scenario: Scenario) -> TrainingSetup:
    """What a case's training log shows of its market: to set a learned policy in its seat.

    Of the periods that are judged nothing is known but their budgets and targets.
    """
    campaigns = scenario.market(0).campaigns
    if scenario.periods is not None:
        campaigns = jax.tree.map(lambda x: x[0], campaigns)
    return TrainingSetup(
        scenario.name,
        scenario.train,
        [logged_period(scenario.train, campaigns)],
        [],
        scenario.auction,
        scenario.play,
    )


def logged_period(log: TrainingLog, campaigns: Campaigns) -> Market:
    """A period of a log as a market: its first impressions, spread evenly over the ticks."""
    rows = min(log.period, len(log.values))
    own = log.prices.shape[1] > 1
    return Market(
        values=log.values[:rows],
        tick_start=even_ticks(rows, log.ticks),
        campaigns=campaigns,
        market_price=None if own else log.prices[:rows, 0, 0],
        bid_step=log.bid_step,
        bid_cap=log.bid_cap,
    )
