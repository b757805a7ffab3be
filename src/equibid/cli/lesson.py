"""What is learnt, on which market, and for how long."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, NamedTuple, cast

import tyro

from equibid.auctions.registry import auction_named
from equibid.bidders.registry import bidder_label
from equibid.cli.compare import default_auction
from equibid.cli.market import MarketChoice, digest, generated_days, recordings_of
from equibid.cli.options import refuse_idle
from equibid.envs.periods import generated_practice, recorded_practice
from equibid.envs.setup import RIVALS, Practice, Rivals
from equibid.learning.algorithm import Algorithm
from equibid.learning.training.loggers import Log
from equibid.learning.training.trainer import Judge, Plan
from equibid.registry import parted
from equibid.simulation.simulate import Play


@dataclass(frozen=True)
class Lesson:
    """What is learnt, how, and for how long."""

    algorithm: str
    """Who learns (see `equibid list`)."""

    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A setting of the algorithm, as actor_learning_rate=1e-4 of mappo; name it once for every setting.
    `equibid list ALGORITHM` shows them."""

    auction: str | None = None
    """Pricing rule, with settings as in gsp:reserve=0.01; default gsp, or second-price against a
    logged market price."""

    play: Play = "tick"
    """How often agents decide while they learn. Of a log's impressions each decides too little to
    learn from; what was learnt at ticks is asked at impressions where a comparison does so."""

    rivals: str = RIVALS
    """Classic bidders among the agents while they learn, separated by commas, with settings as in
    pacing:rate=0.5; none in a market of one advertiser, or where a log is learnt."""

    rival_share: float = 0.5
    """The chance that one of them drives an agent for a period; 0 lets agents meet only each
    other."""

    days: int | None = None
    """Days of a generated market to learn on; default 32, fewer where all together would hold more
    than 200 million values, at least 4."""

    shake: float = 0.5
    """Periods of a log are also played at prices lower and higher by up to this share: agents
    learn what to do when days to come are not like those they know; 0 leaves prices as they are."""

    steps: int | None = None
    """Steps of the algorithm, at most; default as many as the algorithm asks for."""

    keep_every: int = 20
    """Steps from checkpoint to checkpoint; a run that was stopped goes on from the last."""

    judge_every: int = 20
    """Steps from judgement to judgement of what was learnt."""

    judged_by: str = "seated"
    """Which number of the judgement is to be high; the best state of each seed is kept. seated: the
    value of held-out periods beside classic bidders on every second seat; seated-score: the same,
    fined where a target CPA is missed; or value, score, conversions."""

    patience: int = 0
    """Stop after so many judgements in a row without improvement in any seed; 0 never stops."""

    tolerance: float = 0.0
    """What a score must rise by to be an improvement."""

    log: Log = "none"
    """A board beside TensorBoard."""


class Prepared(NamedTuple):
    """A market made ready for learning.

    Attributes:
        name: of the market.
        task: to learn.
        judge: of policies.
        config: what tells the task from others that are asked for in the same words; plain JSON.
    """

    name: str
    task: Any
    judge: Judge
    config: dict[str, Any]


def plan_of(lesson: Lesson, algorithm: Algorithm) -> Plan:
    """How long the run is, and what is done on the way."""
    return Plan(
        steps=algorithm.steps if lesson.steps is None else lesson.steps,
        keep_every=lesson.keep_every,
        judge_every=lesson.judge_every,
        judged_by=lesson.judged_by,
        patience=lesson.patience,
        tolerance=lesson.tolerance,
    )


def practices_of(choice: MarketChoice, lesson: Lesson) -> list[Practice]:
    """Where to learn: a generated market, or the campaigns of a log.

    Raises:
        InputError: there is no such market, log or rule, or it cannot be learnt on.
    """
    if choice.generated:
        refuse_idle(lesson, ("shake",), f"{choice.market} is generated, and no log")
        auction = auction_named(lesson.auction or choice.auction)
        days = generated_days(choice)
        return [generated_practice(choice.name, days, auction, lesson.play, lesson.days)]
    refuse_idle(lesson, ("days",), f"{choice.market} is a log, which has its own periods")
    practices = []
    for recording in recordings_of(choice):
        auction = auction_named(lesson.auction or default_auction(recording.test))
        practices.append(recorded_practice(recording, auction, lesson.play, shake=lesson.shake))
    return practices


def prepared(practice: Practice, lesson: Lesson, algorithm: Algorithm) -> Prepared:
    """The task of an algorithm on a market, and its judge."""
    read = digest((practice.train, practice.held_out, practice.log.values, practice.log.prices))
    auction = {"rule": type(practice.auction).__name__} | asdict(cast(Any, practice.auction))
    config = {
        "name": practice.name,
        "digest": read,
        "periods": {"learnt": len(practice.train), "held out": len(practice.held_out)},
        "auction": auction,
        "play": practice.play,
    }
    task = practice.task_for(algorithm, rivals_of(practice, lesson, algorithm))
    return Prepared(practice.name, task, practice.judge, config)


def rivals_of(practice: Practice, lesson: Lesson, algorithm: Algorithm) -> Rivals:
    """Who else bids; nobody where agents are alone."""
    alone = practice.train[0].advertisers == 1 or algorithm.world == "log"
    if alone or not lesson.rival_share:
        return Rivals()
    names = tuple(map(bidder_label, parted(lesson.rivals)))
    return Rivals(names, lesson.rival_share)
