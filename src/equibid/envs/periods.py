"""Which periods of a market are learnt from, which are held out, and which are left to be judged.

| | learnt from | held out | compared |
| --- | --- | --- | --- |
| generated market | days 0, 10,001, 10,002, … | days 20,000, 20,001, … | days 1, 2, … |
| log | its training part, but for the last fifth of its periods | that fifth | its test part |

Who looks for responses to what was learnt does so on days 30,000, 30,001, … of a generated market.

The log that learners and their opponents start from is of the periods that are learnt from: day 0,
or the part of a log that is left to learn from.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import jax
import numpy as np

from equibid.auctions.clearing import Auction
from equibid.bidders.training import MOST, TrainingLog, training_log
from equibid.envs.setup import TrainingSetup
from equibid.errors import InputError
from equibid.logs.dataset import LogDataset, split_for_tuning
from equibid.markets.market import Market, joined, parted, split, usual_rest
from equibid.simulation.scenario import HISTORY, day_before
from equibid.simulation.simulate import Play

# The first held-out day of a generated market.
HELD_OUT = 2 * HISTORY
# The first day on which responses to a bidder learn.
RESPONDING = 3 * HISTORY
# Values of all days to learn on together, unless more days are asked for.
MOST_VALUES = 200_000_000


def generated_setup(
    name: str,
    day: Callable[[int], Market],
    auction: Auction,
    play: Play = "tick",
    days: int | None = None,
    held_out: int = 8,
) -> TrainingSetup:
    """Practice on a generated market: the day before is day 0, as in `generated_scenario`.

    Args:
        name: of the market.
        day: from a day's number to its market.
        auction: the rule.
        play: how often bidders are asked.
        days: to learn on; None for `usual_days`.
        held_out: days to judge progress on.

    Raises:
        InputError: there are so many days that some would be held out, too.
    """
    first = day(0)
    days = usual_days(first) if days is None else days
    if days > HISTORY:
        raise InputError(f"{days} days to learn on: ask for at most {HISTORY}")
    return TrainingSetup(
        name,
        day_before(first, auction),
        [first, *(day(HISTORY + number) for number in range(1, days))],
        [day(HELD_OUT + number) for number in range(held_out)],
        auction,
        play,
    )


def usual_days(market: Market) -> int:
    """Days to learn on: 32, fewer of large ones, which have more to learn from; at least 4."""
    return int(np.clip(MOST_VALUES // market.values.size, 4, 32))


def recorded_setup(
    dataset: LogDataset,
    auction: Auction,
    play: Play,
    rounds: int = 40,
    held_out: float = 0.2,
    price_augmentation: float = 0.0,
) -> TrainingSetup:
    """Practice on the training part of a log; its last periods are held out.

    Args:
        dataset: the log, with delivery periods or days.
        auction: the rule.
        play: how often bidders are asked.
        rounds: ticks of a delivery period; days have their own.
        held_out: share of the training periods.
        price_augmentation: how far prices of days to come may be off, as a share: see `augmented`.

    Raises:
        InputError: the log is not cut into periods, holds too few to learn on and be judged by, or
            tells no market prices.
    """
    if dataset.test.market_price is None:
        raise InputError(
            f"log {dataset.name}: its advertisers meet each other, and it tells no price of "
            "others to learn at; fit a market to it with equibid fit, and train on that"
        )
    dataset = split_for_tuning(dataset)
    train, length, day_ticks = dataset.train, dataset.period, dataset.day_ticks
    assert train is not None
    if day_ticks is not None:
        periods, unit = parted(train, day_ticks), "days"
    elif length is not None:
        whole = train.impressions // length
        stacked = split(train, length, rounds)
        periods = [jax.tree.map(lambda x, s=s: x[s], stacked) for s in range(whole)]
        unit = f"periods of {length} impressions"
    else:
        raise InputError(
            f"log {dataset.name}: it has no delivery periods to learn on; name a log of campaigns"
        )
    if len(periods) < 2:
        raise InputError(
            f"log {dataset.name}: its training part holds {len(periods)} {unit}, and learning "
            "takes at least two, one to learn on and one to judge by; name a longer log"
        )
    kept = max(1, round(len(periods) * held_out))
    if day_ticks is not None:
        usual = usual_rest(joined(periods[:-kept]).tick_start, day_ticks)
        periods = [replace(period, expected=usual) for period in periods]
    learnt, judged = periods[:-kept], periods[-kept:]
    seen = augmented(learnt, price_augmentation)

    def logged(periods: Sequence[Market], copies: int = 1) -> TrainingLog:
        whole = joined(periods)
        log = training_log(whole, auction, length, most=copies * MOST, day_ticks=day_ticks)
        return log if day_ticks is not None else replace(log, ticks=rounds)

    return TrainingSetup(
        dataset.name,
        logged(learnt),
        seen,
        augmented(judged, price_augmentation),
        auction,
        play,
        logged(seen, len(seen) // len(learnt)) if price_augmentation else None,
    )


def augmented(periods: Sequence[Market], share: float) -> list[Market]:
    """The periods at their prices, and at four others, lower and higher by up to a share.

    The money of a period always fits the prices of the part of a log it was set by. Whoever learns
    on that part alone never finds itself with money left over, or short of it.

    Args:
        periods: with market prices.
        share: 0 to below 1; at 0 they are left as they are.
    """
    if not 0 <= share < 1:
        raise InputError(f"price_augmentation {share:g}: write a number from 0 to below 1")
    # Steps of equal ratio from 1 - share to its inverse.
    steps = (0.0, 1.0, 0.5, -0.5, -1.0) if share else (0.0,)

    def priced(period: Market, step: float) -> Market:
        price = period.market_price
        factor = (1 - share) ** step
        return period if price is None else replace(period, market_price=price * factor)

    return [priced(period, step) for step in steps for period in periods]
