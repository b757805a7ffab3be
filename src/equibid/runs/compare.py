"""A comparison: bidders meet on a market, and what came of it lies in a folder."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import numpy as np
import polars as pl
import tyro

import equibid
from equibid.auctions.clearing import Auction
from equibid.auctions.registry import auction_named
from equibid.bidders.registry import SECOND_PRICE_ONLY
from equibid.errors import InputError
from equibid.evaluation.arena import Entry, Job, Seating, jobs
from equibid.evaluation.price_distribution import prices_of
from equibid.evaluation.ranking import campaign_frame, in_currency
from equibid.evaluation.replicates import counted_once, nothing_drawn
from equibid.logs import LogDataset
from equibid.logs.calibrated import calibrated
from equibid.logs.dataset import in_periods
from equibid.markets.market import Market
from equibid.registry import parted
from equibid.runs.comparison_result import (
    ComparisonInfo,
    ComparisonResult,
    contenders_of,
    summarise,
    write_result,
)
from equibid.runs.folder import Run, open_run, run_jobs
from equibid.runs.learned import entry_of, is_run, run_digest, title_of
from equibid.runs.market import (
    MarketChoice,
    datasets_of,
    default_auction,
    digest,
    generated_days,
)
from equibid.runs.options import check_numbers
from equibid.runs.places import asked_of, place_for
from equibid.runs.progress import SILENT, Progress
from equibid.simulation.scenario import Scenario, generated_scenario, recorded_scenario
from equibid.simulation.simulate import Play

CLASSIC = (
    "constant",
    "random",
    "mcpc",
    "lin",
    "ortb1",
    "ortb2",
    "pid-ecpc",
    "pid-win-rate",
    "pacing",
    "pacing-multiplicative",
    "pacing-ratio",
    "online-lp",
    "fixed",
    "ss-mdp",
    "rlb",
    "hindsight",
)


@dataclass(frozen=True)
class CompareConfig:
    """What to compare, on what, and how."""

    market: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MARKET")]
    """A generated market (see `equibid list`) or the path of its settings (TOML), or the path of a
    log or a folder of logs."""

    bidders: str = ",".join(CLASSIC)
    """Bidders by name, or training runs by their folders, separated by commas; settings as in
    pid-ecpc:reference=40,kp=0.5 (see `equibid list NAME`), one seed of a run as in
    runs/mine:seed=2."""

    seeds: int = 13
    """Days to play in a generated market, draws to make on a logged day. A log that is cut into
    delivery periods or days needs none: every one is a replicate. With fewer than 13, no difference
    between two of the 16 default bidders can be told from chance."""

    period: str | None = None
    """Cut a log into delivery periods, each of which is a replicate with its share of the money: a
    number of impressions, or "day" for the days that the log tells."""

    auction: str | None = None
    """Pricing rule, with settings as in gsp:reserve=0.01 or soft:temperature=0.02; default gsp, or
    second-price against a logged market price."""

    play: Literal["auto", "tick", "impression"] = "auto"
    """How often bidders are asked; auto asks at every impression of a log that is cut into
    delivery periods, once a tick elsewhere."""

    seating: Seating = "mixed"
    """mixed: contenders share the market and change seats until each had every one. uniform: every
    contender has a market of its own. pairs: every two share a market of their own."""

    exploitability: bool = False
    """Also find what each advertiser's best constant factor in hindsight would have gained, the
    others' bids standing. `equibid exploit` lets responses learn while the others react."""

    budget_share: float | None = None
    """Budget of a campaign log: this share of what all its impressions cost (c0); default the
    log's own budget, or 0.125."""

    budget: float | None = None
    """Budget of each advertiser of a log for a delivery period, in the log's currency."""

    calibrate: Literal["none", "isotonic", "platt", "scale"] = "none"
    """Make the predictions of a log true first, by what they were in its training part."""

    impressions: int | None = None
    """Impressions of a generated day; default the market's own."""

    advertisers: int | None = None
    """Advertisers of a generated market; default the market's own."""

    ticks: int | None = None
    """Ticks of a generated day; default the market's own."""

    market_seed: int = 0
    """Which generated market: the traits of its advertisers."""

    format: str | None = None
    """Format of the log, if it is not recognised (see `equibid list`)."""

    out: Path | None = None
    """Run folder; default runs/compare-MARKET, or one beside it where that holds a run with other
    settings. A run that was stopped goes on from there."""

    force: bool = False
    """Replace the run that is in the folder."""


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Attributes:
        run: its folder, in which all tables are.
        market: its name.
        found: the tables.
        left_out: bidders of the default list that suppose another auction.
        seconds: that it took.
    """

    run: Run
    market: str
    found: ComparisonResult
    left_out: tuple[str, ...]
    seconds: float


def compare(
    asked: CompareConfig, default: Path | None = None, progress: Progress = SILENT
) -> Comparison:
    """Let bidders meet on a market, and write what came of it.

    Args:
        asked: the bidders, the market, and how they meet.
        default: run folder where none is named, in place of runs/compare-MARKET.
        progress: told how far it has come.

    Raises:
        InputError: something that is asked for is not there or does not go together, or the folder
            holds another run.
    """
    names = bidder_names(asked.bidders)
    check_numbers(asked)
    started = time.perf_counter()
    loading = progress.add_task("markets", total=None)
    scenarios = scenarios_of(asked)
    kept = suited(names, scenarios) if asked.bidders == CompareConfig.bidders else names
    config = resolved(asked, scenarios, kept)
    default = default or Path("runs") / f"compare-{choice_of(asked).stem}"
    run = open_run(asked.out or place_for(default, config), config, asked.force)
    progress.remove_task(loading)
    fitting = progress.add_task("tuning bidders", total=len(scenarios) * len(kept))
    entries: dict[str, list[Entry]] = {}
    for scenario in scenarios:
        for name in kept:
            entries.setdefault(scenario.name, []).append(entry_of(scenario, name))
            progress.advance(fitting)
    rows, notices = counted_once(_played(run, asked, scenarios, entries, progress), scenarios)
    found = _found(asked, scenarios, entries[scenarios[0].name], rows, notices)
    write_result(run, found)
    left_out = tuple(name for name in names if name not in kept)
    return Comparison(run, config["market"], found, left_out, time.perf_counter() - started)


def _played(
    run: Run,
    asked: CompareConfig,
    scenarios: Sequence[Scenario],
    entries: dict[str, list[Entry]],
    progress: Progress,
) -> pl.DataFrame:
    """The rows of all jobs; only two seeds where nothing is drawn."""
    playing = progress.add_task("playing", total=None)

    def play(seeds: int) -> pl.DataFrame:
        work = [
            job
            for scenario in scenarios
            for job in jobs(
                scenario, entries[scenario.name], seeds, asked.seating, asked.exploitability
            )
        ]
        progress.update(playing, total=len(work), completed=0)
        return run_jobs(run, work, done)

    def done(job: Job) -> None:
        progress.update(playing, advance=1, description=f"playing {job.name}")

    # Where neither market nor rule draws anything, two seeds tell whether bidders do.
    drawn = any(scenario.drawn for scenario in scenarios)
    few = asked.seeds if drawn else min(asked.seeds, 2)
    rows = play(few)
    if few < asked.seeds and not nothing_drawn(rows):
        run.pieces.clear()
        rows = play(asked.seeds)
    progress.update(playing, description="playing")
    return rows


def _found(
    asked: CompareConfig,
    scenarios: Sequence[Scenario],
    entered: Sequence[Entry],
    rows: pl.DataFrame,
    notices: Sequence[str],
) -> ComparisonResult:
    """All tables of what was played."""
    first = scenarios[0].market(0)
    references = tuple(entry.name for entry in entered if entry.reference)
    contenders = contenders_of([entry.name for entry in entered], references)
    mixed = asked.seating == "mixed" and first.advertisers > 1
    prices = {scenario.name: prices_of(scenario, rows, contenders, mixed) for scenario in scenarios}
    return summarise(
        in_currency(rows, first.labels),
        pl.concat([campaign_frame(scenario.name, scenario.market(0)) for scenario in scenarios]),
        ComparisonInfo(
            score_of(first),
            references,
            first.labels.value_unit,
            first.labels.currency,
            tuple(notices),
            scenarios[0].tick_hours,
        ),
        prices,
        mixed,
    )


def bidder_names(text: str) -> list[str]:
    """The bidders of a comma list, each known and named once."""
    names = parted(text)
    if not names:
        raise InputError("--bidders names nobody; try --bidders lin,pacing")
    titles = [title_of(name) for name in names]
    twice = {title for title in titles if titles.count(title) > 1}
    if twice:
        raise InputError(f"--bidders names {', '.join(sorted(twice))} more than once")
    return names


def suited(names: list[str], scenarios: list[Scenario]) -> list[str]:
    """The bidders that suppose nothing that the auction is not."""
    second_price = all(scenario.train.rule.second_price for scenario in scenarios)
    return [name for name in names if second_price or name not in SECOND_PRICE_ONLY]


def choice_of(asked: CompareConfig) -> MarketChoice:
    """The market that is asked for."""
    return MarketChoice(**{x.name: getattr(asked, x.name) for x in fields(MarketChoice)})


def scenarios_of(asked: CompareConfig) -> list[Scenario]:
    """The scenarios of a market's name or a log's path."""
    choice = choice_of(asked)
    if choice.generated:
        if asked.calibrate != "none":
            raise InputError("--calibrate is for logs; a generated market's values are true")
        if asked.period is not None:
            raise InputError("--period is for logs; every seed is a day of a generated market")
        auction = auction_named(asked.auction or choice.auction)
        play = "tick" if asked.play == "auto" else asked.play
        return [generated_scenario(choice.name, generated_days(choice), auction, play)]
    return [
        recorded(calibrated(in_cut(dataset, asked.period), asked.calibrate), asked)
        for dataset in datasets_of(choice)
    ]


def in_cut(dataset: LogDataset, period: str | None) -> LogDataset:
    """The log in the delivery periods that are asked for.

    Raises:
        InputError: it is neither a number of impressions nor "day", or the log tells no days.
    """
    if period is None or (period == "day" and dataset.day_ticks is not None):
        return dataset
    if period == "day":
        raise InputError(
            f"--period day: {dataset.name} does not tell two whole days; name a number of "
            "impressions, or import the log with its time"
        )
    if not (period.isascii() and period.isdigit() and 0 < int(period[:10]) < 2**31):
        raise InputError(f"--period {period[:20]}: write a number of impressions, as 10000, or day")
    return in_periods(dataset, int(period))


def recorded(dataset: LogDataset, asked: CompareConfig) -> Scenario:
    """The scenario of a log that was read."""
    auction = auction_named(asked.auction or default_auction(dataset.test))
    by_default: Play = "impression"
    if dataset.period is None or dataset.test.advertisers > 1:
        by_default = "tick"
    play = by_default if asked.play == "auto" else asked.play
    return recorded_scenario(dataset, auction, play)


def score_of(market: Market) -> str:
    """What is compared: logged outcomes where there are any, else expected value."""
    none = market.outcomes is None or not np.asarray(market.outcomes).any()
    return "value" if none else "conversions"


def resolved(asked: CompareConfig, scenarios: list[Scenario], bidders: list[str]) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    auction: Auction = scenarios[0].auction
    return asked_of(asked) | {
        "version": equibid.__version__,
        "market": choice_of(asked).name,
        "markets": [scenario.name for scenario in scenarios],
        "log_digest": digest_of(asked, scenarios),
        "bidders": [title_of(name) for name in bidders],
        "learned": {title_of(name): run_digest(name) for name in bidders if is_run(name)},
        "auction": {"rule": type(auction).__name__} | asdict(cast(Any, auction)),
        "play": scenarios[0].play,
    }


def digest_of(asked: CompareConfig, scenarios: list[Scenario]) -> str | None:
    """Of what was read; None for a generated market that has a name."""
    if choice_of(asked).named:
        return None
    return digest(
        ([scenario.market(day) for day in range(scenario.days or 1)], scenario.train.values)
        for scenario in scenarios
    )
