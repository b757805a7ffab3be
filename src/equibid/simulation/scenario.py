"""What a comparison is played on: a training log, and the periods to judge bidders by."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from equibid.auctions.clearing import Auction
from equibid.auctions.soft import Soft
from equibid.bidders.training import TrainingLog, training_log
from equibid.errors import InputError
from equibid.logs.dataset import LogDataset, split_for_tuning
from equibid.markets.market import Market, even_ticks, parted, span, split, usual_rest
from equibid.markets.values.joint import draw_unknown
from equibid.simulation.simulate import Play
from equibid.simulation.training_day import counterfactual_log, tatonnement_factors

# Days of a generated market from here on are for learning: none is judged in a comparison.
HISTORY = 10_000


@dataclass(frozen=True, eq=False)
class Scenario:
    """A market to compare bidders on.

    Attributes:
        name: of the market.
        train: all that bidders are tuned on.
        market: from a seed to the day that is played with it.
        auction: the rule.
        play: how often bidders are asked.
        periods: S when the day is a stack of that many replicates, None when a seed is one.
        days: how many days there are, seeds 0, 1, …; None when there are as many as are asked for.
        drawn: whether the market or the rule draws something for a seed; bidders may do so too.
        tick_hours: hours of a tick, None where a tick is no span of a day.
    """

    name: str
    train: TrainingLog
    market: Callable[[int], Market]
    auction: Auction
    play: Play
    periods: int | None = None
    days: int | None = None
    drawn: bool = True
    tick_hours: float | None = None

    def replicates(self, seeds: int) -> int:
        """How many independent figures `seeds` seeds give for each bidder."""
        return self.periods or self.days or seeds


def generated_scenario(
    name: str,
    day: Callable[[int], Market],
    auction: Auction,
    play: Play = "tick",
) -> Scenario:
    """A generated market: tuned on day 0, judged on day 1, 2, … for seeds 0, 1, ….

    Args:
        name: of the market.
        day: from a day's number to its market; advertisers keep their traits.
        auction: the rule.
        play: how often bidders are asked.
    """

    def judged(seed: int) -> Market:
        if seed >= HISTORY:
            raise InputError(
                f"seed {seed}: a generated market has {HISTORY} days to compare bidders on, seeds "
                f"0 to {HISTORY - 1}; later days are for learning"
            )
        return day(seed + 1)

    first = day(0)
    hours = 24 / first.ticks
    return Scenario(name, day_before(first, auction), judged, auction, play, tick_hours=hours)


def day_before(market: Market, auction: Auction) -> TrainingLog:
    """The training log of a market of many advertisers, at rest."""
    level = tatonnement_factors(market, auction)
    factors = jnp.broadcast_to(level, (market.ticks, market.advertisers))
    return counterfactual_log(market, auction, factors)


def recorded_scenario(
    dataset: LogDataset, auction: Auction, play: Play, rounds: int = 40
) -> Scenario:
    """A log: tuned on its training part, judged on the rest.

    A log that is cut into delivery periods is judged period by period, one of days day by day; any
    other log is one day, and seeds differ in what is drawn.

    Args:
        dataset: the log. Without a training log, its first fifth serves as one.
        auction: the rule.
        play: how often bidders are asked.
        rounds: ticks of a delivery period, at which bidders may adjust.
    """
    if dataset.train is None:
        dataset = split_for_tuning(dataset)
    train, test = dataset.train, dataset.test
    assert train is not None
    if train.advertisers > 1:
        if test.market_price is None:
            # The log's price is what the worst slot cost; the bids behind it are in the market.
            train = replace(train, market_price=None)
        held = train.impressions / (dataset.period or train.impressions)
        log = day_before(train.with_budget(train.campaigns.budget * held), auction)
    else:
        log = training_log(
            train, auction, dataset.period, dataset.history, day_ticks=dataset.day_ticks
        )
    if dataset.day_ticks is not None:
        expected = usual_rest(train.tick_start, dataset.day_ticks)
        days = [replace(x, expected=expected) for x in parted(test, dataset.day_ticks)]
        hours = 24 / dataset.day_ticks
        name, day_of = dataset.name, days.__getitem__
        return Scenario(name, log, day_of, auction, play, days=len(days), tick_hours=hours)
    impressions = dataset.period or test.impressions
    ticks = test.ticks if dataset.period is None else rounds
    log = log.tuning_for(test.campaigns, impressions, ticks, train.impressions)
    if dataset.period is None:
        known = dataset.known

        def day(seed: int) -> Market:
            return test if known is None else draw_unknown(test, known, seed)

        drawn = known is not None or draws(test, auction)
        return Scenario(dataset.name, log, day, auction, play, drawn=drawn)
    if test.advertisers > 1:
        return daily_case(dataset, log, auction, play, rounds)
    periods = split(test, dataset.period, rounds)
    count = periods.values.shape[0]
    return Scenario(dataset.name, log, lambda seed: periods, auction, play, count)


def daily_case(
    dataset: LogDataset, log: TrainingLog, auction: Auction, play: Play, rounds: int
) -> Scenario:
    """A log of advertisers that meet, period by period: every whole period is a day of a seed."""
    test, length, known = dataset.test, dataset.period, dataset.known
    assert length is not None
    days = test.impressions // length

    def day(seed: int) -> Market:
        number = seed % days
        market = period_of(test, number, dataset, rounds)
        mine = slice(number * length, (number + 1) * length)
        return market if known is None else draw_unknown(market, known[mine], seed)

    return Scenario(dataset.name, log, day, auction, play, days=days)


def period_of(market: Market, number: int, dataset: LogDataset, rounds: int) -> Market:
    """A whole delivery period of a part of a log, its traffic spread evenly over the ticks."""
    length = dataset.period
    assert length is not None
    market = span(market, number * length, (number + 1) * length)
    return replace(market, tick_start=even_ticks(length, rounds))


def draws(market: Market, auction: Auction) -> bool:
    """Whether chance has a say in what a day of a log delivers: outcomes, exposures or winners."""
    sure = all(chance == 1 for chance in auction.expected_exposure)
    return market.outcomes is None or isinstance(auction, Soft) or not sure


def keys_for(seed: int, count: int) -> jax.Array:
    """Keys of `count` replicates of a seed."""
    return jax.random.split(jax.random.key(seed), count)
