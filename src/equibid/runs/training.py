"""What is learnt, on which market, and for how long."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, NamedTuple, cast

import tyro

from equibid.auctions.registry import auction_named
from equibid.bidders.registry import bidder_label
from equibid.envs.periods import generated_setup, recorded_setup
from equibid.envs.setup import OPPONENTS, Opponents, TrainingSetup
from equibid.learning.algorithm import Algorithm, habits_of
from equibid.learning.training.loggers import Logger
from equibid.learning.training.trainer import Evaluator, Plan
from equibid.registry import parted
from equibid.runs.market import MarketChoice, datasets_of, default_auction, digest, generated_days
from equibid.runs.options import refuse_idle
from equibid.simulation.simulate import Play


@dataclass(frozen=True)
class TrainConfig:
    """What is learnt, how, and for how long."""

    algorithm: str
    """Who learns (see `equibid list`)."""

    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A setting of the algorithm, as actor_learning_rate=1e-4 of mappo; name it once for every
    setting. `equibid list ALGORITHM` shows them."""

    auction: str | None = None
    """Pricing rule, with settings as in gsp:reserve=0.01; default gsp, or second-price against a
    logged market price."""

    play: Play = "tick"
    """How often agents decide while they learn. Of a log's impressions each decides too little to
    learn from; what was learnt at ticks is asked at impressions where a comparison does so."""

    opponents: str = OPPONENTS
    """Classic bidders among the agents while they learn, separated by commas, with settings as in
    pacing:rate=0.5; none in a market of one advertiser, or where a log is learnt."""

    opponent_prob: float | None = None
    """The chance that one of them drives an agent for a period; 0 lets agents meet only each
    other. Default 0.5, or what the algorithm asks for: 0 of bpg."""

    days: int | None = None
    """Days of a generated market to learn on; default 32, fewer where all together would hold more
    than 200 million values, at least 4."""

    price_augmentation: float = 0.5
    """Periods of a log are also played at prices lower and higher by up to this share: agents
    learn what to do when days to come are not like those they know; 0 leaves prices as they are."""

    steps: int | None = None
    """Steps of the algorithm, at most; default as many as the algorithm asks for."""

    checkpoint_every: int = 20
    """Steps from checkpoint to checkpoint; a run that was stopped goes on from the last."""

    eval_every: int = 20
    """Steps from judgement to judgement of what was learnt."""

    eval_metric: str | None = None
    """Which number of the judgement is to be high; the best state of each seed is kept, of bpg the
    last. seated: the value of held-out periods beside classic bidders on every second seat;
    seated-score: the same, fined where a target CPA is missed; or value, score, conversions.
    Default seated, or what the algorithm asks for: value of bpg."""

    patience: int = 0
    """Stop after so many judgements in a row without improvement in any seed; 0 never stops."""

    tolerance: float = 0.0
    """What a score must rise by to be an improvement."""

    logger: Logger = "none"
    """Where metrics are shown, beside TensorBoard."""


class TrainingJob(NamedTuple):
    """A market made ready for learning.

    Attributes:
        name: of the market.
        task: to learn.
        judge: of policies.
        config: what tells the task from others that are asked for in the same words; plain JSON.
    """

    name: str
    task: Any
    judge: Evaluator
    config: dict[str, Any]


def opponents_chance(training: TrainConfig, algorithm: Algorithm) -> float:
    """The chance that opponents drive an agent: as asked for, or as the algorithm has it."""
    asked = training.opponent_prob
    return habits_of(algorithm).opponent_prob if asked is None else asked


def plan_of(training: TrainConfig, algorithm: Algorithm) -> Plan:
    """How long the run is, and what is done on the way."""
    return Plan(
        steps=algorithm.steps if training.steps is None else training.steps,
        checkpoint_every=training.checkpoint_every,
        eval_every=training.eval_every,
        eval_metric=training.eval_metric or habits_of(algorithm).eval_metric,
        patience=training.patience,
        tolerance=training.tolerance,
    )


def training_setups(choice: MarketChoice, training: TrainConfig) -> list[TrainingSetup]:
    """Where to learn: a generated market, or the campaigns of a log.

    Raises:
        InputError: there is no such market, log or rule, or it cannot be learnt on.
    """
    if choice.generated:
        refuse_idle(training, ("price_augmentation",), f"{choice.market} is generated, and no log")
        auction = auction_named(training.auction or choice.auction)
        days = generated_days(choice)
        return [generated_setup(choice.name, days, auction, training.play, training.days)]
    refuse_idle(training, ("days",), f"{choice.market} is a log, which has its own periods")
    setups = []
    for dataset in datasets_of(choice):
        auction = auction_named(training.auction or default_auction(dataset.test))
        setups.append(
            recorded_setup(
                dataset, auction, training.play, price_augmentation=training.price_augmentation
            )
        )
    return setups


def training_job(setup: TrainingSetup, training: TrainConfig, algorithm: Algorithm) -> TrainingJob:
    """The task of an algorithm on a market, and its judge."""
    read = digest((setup.train, setup.held_out, setup.log.values, setup.log.prices))
    auction = {"rule": type(setup.auction).__name__} | asdict(cast(Any, setup.auction))
    config = {
        "name": setup.name,
        "digest": read,
        "periods": {"learnt": len(setup.train), "held out": len(setup.held_out)},
        "auction": auction,
        "play": setup.play,
    }
    task = setup.task_for(algorithm, opponents_of(setup, training, algorithm))
    return TrainingJob(setup.name, task, setup.judge, config)


def opponents_of(setup: TrainingSetup, training: TrainConfig, algorithm: Algorithm) -> Opponents:
    """Who else bids; nobody where agents are alone."""
    alone = setup.train[0].advertisers == 1 or algorithm.env_mode == "log"
    chance = opponents_chance(training, algorithm)
    if alone or not chance:
        return Opponents()
    names = tuple(map(bidder_label, parted(training.opponents)))
    return Opponents(names, chance)
