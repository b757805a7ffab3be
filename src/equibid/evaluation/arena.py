"""Bidders meet, and are judged.

In a market of many advertisers the contenders share the seats: in round r advertiser i is driven by
contender (i + r) mod B. After B rounds every contender has had every seat once, on the same
impressions, with the same draws, against the others. In a market of one advertiser, and when
everybody is to use the same bidder, each contender has the market to itself.

A reference (the hindsight factor) is no contender: it takes the first contender's place, seat by
seat, and is told the day's prices.

With pairs, every two contenders meet in a market of their own, half the seats each and then the
other half, and each meets itself: who loses when others deviate?
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from equibid.bidders.bidder import Bidder
from equibid.bidders.population import Population, everybody
from equibid.bidders.registry import bidder_label, bidder_named
from equibid.bidders.training import training_log
from equibid.errors import InputError, UnsuitableError
from equibid.evaluation.deviation import gains
from equibid.markets.market import Market
from equibid.origin import digest_of
from equibid.simulation.delivery import Delivery
from equibid.simulation.scenario import Scenario, keys_for
from equibid.simulation.simulate import simulate, simulate_many
from equibid.simulation.training_day import counterfactual_log

Seating = Literal["mixed", "uniform", "pairs"]


@dataclass(frozen=True)
class Entry:
    """A bidder in a comparison.

    Attributes:
        name: as registered, with its settings as `bidder_named` takes them.
        bidder: fitted on the training log.
    """

    name: str
    bidder: Bidder

    @property
    def reference(self) -> bool:
        """Whether it is a bound rather than a contender."""
        return self.bidder.reference


@dataclass(frozen=True)
class Job:
    """A piece of a comparison that is computed, kept and resumed as a whole.

    Attributes:
        name: file name of its result.
        run: plays it; one row a replicate, bidder, tick and advertiser.
        identity: of the bidders that play, their code included.
    """

    name: str
    run: Callable[[], pl.DataFrame]
    identity: str = ""


def enter(scenario: Scenario, names: list[str]) -> list[Entry]:
    """Fit the named bidders on a case's training log.

    Raises:
        InputError: there is no such bidder, or it does not suit the auction.
    """
    try:
        return [
            Entry(name, bidder_named(name)(scenario.train)) for name in map(bidder_label, names)
        ]
    except UnsuitableError as error:
        raise InputError(f"{', '.join(names)}: {error}; leave it out of --bidders") from error


def jobs(
    scenario: Scenario,
    entries: list[Entry],
    seeds: int,
    seating: Seating,
    exploitability: bool = False,
) -> Iterator[Job]:
    """The jobs of a case: one a bidder for a stack of periods, else one a seed or day.

    Args:
        scenario: to play.
        entries: fitted bidders.
        seeds: days, or draws of a day.
        seating: who meets whom. With pairs the rows have a further column, ``against``.
        exploitability: rows have a further column, ``gain``: see `deviation.gains`.

    Raises:
        InputError: pairs were asked for where bidders cannot meet, or gains where one campaign is
            played in periods.
    """
    if seating == "pairs" and (scenario.periods is not None or scenario.market(0).advertisers == 1):
        raise InputError(f"{scenario.name}: pairs need a market of at least two advertisers")
    if scenario.periods is not None:
        if exploitability:
            raise InputError(
                f"{scenario.name}: --exploitability is found of whole days, not of periods; "
                "leave it out, and add hindsight to --bidders for the best factor"
            )
        for entry in entries:
            yield Job(
                f"{scenario.name}-{entry.name}",
                lambda entry=entry: _play_periods(scenario, entry),
                digest_of(entry.bidder),
            )
        return
    identity = digest_of(*(entry.bidder for entry in entries))
    for seed in range(scenario.days or seeds):
        yield Job(
            f"{scenario.name}-{seed}",
            lambda seed=seed: _play_day(scenario, entries, seed, seating, exploitability),
            identity,
        )


def _play_periods(scenario: Scenario, entry: Entry) -> pl.DataFrame:
    """One bidder on a stack of single-advertiser periods."""
    markets = scenario.market(0)
    periods = markets.values.shape[0]
    bidders = (entry.bidder,)
    if entry.reference:
        fit = bidder_named(entry.name)
        each = [fit(training_log(_period(markets, s), scenario.auction)) for s in range(periods)]
        bidders = (jax.tree.map(lambda *leaves: jnp.stack(leaves), *each),)
    population = Population(bidders, jnp.zeros((periods, markets.advertisers), jnp.int32))
    delivery = simulate_many(
        markets,
        scenario.auction,
        population,
        keys_for(0, periods),
        play=scenario.play,
        own_bidders=entry.reference,
    )
    frame = delivery.frame().rename({"period": "replicate"})
    return _label(frame, scenario, entry.name)


def _period(markets: Market, index: int) -> Market:
    return jax.tree.map(lambda leaf: leaf[index], markets)


def _play_day(
    scenario: Scenario, entries: list[Entry], seed: int, seating: Seating, exploitability: bool
) -> pl.DataFrame:
    """All rounds of one seed."""
    market = scenario.market(seed)
    key = jax.random.key(seed)
    contenders = [entry for entry in entries if not entry.reference]
    references = [entry for entry in entries if entry.reference]
    if not contenders:
        contenders = references
        references = []

    def play(population: Population) -> Played:
        delivery = simulate(market, scenario.auction, population, key, play=scenario.play)
        frame = delivery.frame()
        if exploitability:
            gain = gains(market, scenario.auction, jnp.asarray(delivery.factors()))
            last = pl.col("tick") == market.ticks - 1
            whose = pl.col("advertiser").replace_strict(dict(enumerate(gain.tolist())))
            frame = frame.with_columns(gain=pl.when(last).then(whose).otherwise(0.0))
        return Played(delivery, frame)

    if seating == "pairs":
        return _meet(scenario, contenders, seed, play)
    frames = []
    told: list[Bidder] = []
    if seating == "uniform" or market.advertisers == 1:
        for entry in contenders:
            played = play(everybody(entry.bidder, market.advertisers))
            told = told or _informed(references, market, scenario, played.delivery)
            frames.append(_label(played.frame, scenario, entry.name, seed))
        for entry, informed in zip(references, told, strict=True):
            played = play(everybody(informed, market.advertisers))
            frames.append(_label(played.frame, scenario, entry.name, seed))
        return pl.concat(frames)

    seats = np.arange(market.advertisers)
    bidders = tuple(entry.bidder for entry in contenders)
    for turn in range(len(contenders)):
        seat = (seats + turn) % len(contenders)
        played = play(Population(bidders, jnp.asarray(seat, jnp.int32)))
        told = told or _informed(references, market, scenario, played.delivery)
        for index, entry in enumerate(contenders):
            frames.append(_seated(played, scenario, entry.name, seed, seat == index))
        for entry, informed in zip(references, told, strict=True):
            played = play(Population((informed, *bidders[1:]), jnp.asarray(seat, jnp.int32)))
            frames.append(_seated(played, scenario, entry.name, seed, seat == 0))
    return pl.concat(frames)


class Played(NamedTuple):
    """A day that was played, and its rows."""

    delivery: Delivery
    frame: pl.DataFrame


def _meet(
    scenario: Scenario, contenders: list[Entry], seed: int, play: Callable[[Population], Played]
) -> pl.DataFrame:
    """Every two contenders, and each with itself."""
    advertisers = scenario.market(seed).advertisers
    frames = []
    for first, one in enumerate(contenders):
        own = play(everybody(one.bidder, advertisers)).frame
        frames.append(_label(own.with_columns(against=pl.lit(one.name)), scenario, one.name, seed))
        for two in contenders[first + 1 :]:
            for turn in range(2):
                seat = (np.arange(advertisers) + turn) % 2
                played = play(Population((one.bidder, two.bidder), jnp.asarray(seat, jnp.int32)))
                for index, (entry, other) in enumerate(((one, two), (two, one))):
                    rows = _seated(played, scenario, entry.name, seed, seat == index)
                    frames.append(rows.with_columns(against=pl.lit(other.name)))
    order = frames[0].columns
    return pl.concat([frame.select(order) for frame in frames])


def _informed(
    references: list[Entry], market: Market, scenario: Scenario, delivery: Delivery
) -> list[Bidder]:
    """The references, fitted on the very day they play: its log has the contenders' prices."""
    if not references:
        return []
    day = counterfactual_log(market, scenario.auction, jnp.asarray(delivery.factors()))
    return [bidder_named(entry.name)(day) for entry in references]


def _seated(
    played: Played, scenario: Scenario, name: str, seed: int, seat: np.ndarray
) -> pl.DataFrame:
    """The rows of the advertisers a bidder drove."""
    mine = pl.Series(np.flatnonzero(seat))
    frame = played.frame.filter(pl.col("advertiser").is_in(mine.implode()))
    return _label(frame, scenario, name, seed)


def _label(
    frame: pl.DataFrame, scenario: Scenario, bidder: str, replicate: int | None = None
) -> pl.DataFrame:
    if replicate is not None:
        frame = frame.with_columns(replicate=pl.lit(replicate, pl.Int64))
    order = ["market", "replicate", "bidder", "tick", "advertiser"]
    frame = frame.with_columns(market=pl.lit(scenario.name), bidder=pl.lit(bidder))
    return frame.select(*order, pl.exclude(order))
