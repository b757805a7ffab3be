"""``equibid compare``: rank bidders on a market."""

import time
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
from equibid.cli.console import plain_console
from equibid.cli.market import MarketChoice, datasets_of, digest, generated_days
from equibid.cli.options import check_numbers
from equibid.cli.progress import progress
from equibid.cli.table import print_head_to_head, print_ranking, print_verdict
from equibid.errors import InputError
from equibid.evaluation.arena import Entry, Job, Seating, jobs
from equibid.evaluation.landscape import prices_of
from equibid.evaluation.ranking import campaign_frame, in_currency
from equibid.evaluation.replicates import counted_once, nothing_drawn
from equibid.logs import LogDataset
from equibid.logs.calibrated import calibrated
from equibid.logs.dataset import in_periods
from equibid.markets.market import Market
from equibid.registry import parted
from equibid.reports import write_report
from equibid.reports.comparison.read import read_comparison
from equibid.reports.comparison.verdict import verdict
from equibid.runs.findings import Settled, contenders_of, find, write_findings
from equibid.runs.folder import open_run, run_jobs
from equibid.runs.learned import entry_of, is_run, run_digest, title_of
from equibid.runs.places import asked_of, place_for
from equibid.runs.reading import read_run
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
class Settings:
    """What to compare, on what, and how."""

    market: Annotated[str, tyro.conf.Positional]
    """A generated market (see `equibid list`) or the path of its settings (TOML), or the path of a
    log or a folder of logs."""

    bidders: str = ",".join(CLASSIC)
    """Bidders by name, or training runs by their folders, separated by commas; settings as in
    pid-ecpc:reference=40,kp=0.5 (see `equibid list NAME`)."""

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
    """Also find what each advertiser's best constant factor in hindsight would have gained."""

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


def compare(settings: tyro.conf.OmitArgPrefixes[Settings]) -> Path:
    """Rank bidders on a market, with a table, Parquet files and an HTML report.

    Example: equibid compare auctionnet --impressions 50000 --bidders lin,pacing,hindsight --seeds 5

    Example: equibid compare logs/ipinyou --bidders mcpc,lin,rlb --budget-share 0.0625
    """
    return run_comparison(settings).parent


def run_comparison(settings: Settings, default: Path | None = None) -> Path:
    """Carry out a comparison; gives the path of the report.

    Args:
        settings: of the command.
        default: run folder where none is named, in place of runs/compare-MARKET.
    """
    console = plain_console()
    asked = bidder_names(settings.bidders)
    check_numbers(settings)
    started = time.perf_counter()
    with progress(console) as bar:
        loading = bar.add_task("markets", total=None)
        scenarios = list(cases_of(settings))
        names = suited(asked, scenarios) if settings.bidders == Settings.bidders else asked
        config = resolved(settings, scenarios, names)
        default = default or Path("runs") / f"compare-{choice_of(settings).stem}"
        folder = settings.out or place_for(default, config)
        run = open_run(folder, config, settings.force)
        bar.remove_task(loading)
        fitting = bar.add_task("tuning bidders", total=len(scenarios) * len(names))
        entries: dict[str, list[Entry]] = {}
        for scenario in scenarios:
            for name in names:
                entries.setdefault(scenario.name, []).append(entry_of(scenario, name))
                bar.advance(fitting)
        playing = bar.add_task("playing", total=None)

        def play(seeds: int) -> pl.DataFrame:
            work = [
                job
                for scenario in scenarios
                for job in jobs(
                    scenario,
                    entries[scenario.name],
                    seeds,
                    settings.seating,
                    settings.exploitability,
                )
            ]
            bar.update(playing, total=len(work), completed=0)
            return run_jobs(run, work, done)

        def done(job: Job) -> None:
            bar.update(playing, advance=1, description=f"playing {job.name}")

        # Where neither market nor rule draws anything, two seeds tell whether bidders do.
        few = (
            settings.seeds
            if any(scenario.drawn for scenario in scenarios)
            else min(settings.seeds, 2)
        )
        rows = play(few)
        if few < settings.seeds and not nothing_drawn(rows):
            run.pieces.clear()
            rows = play(settings.seeds)
        rows, notices = counted_once(rows, scenarios)
        bar.update(playing, description="playing")
    first = scenarios[0].market(0)
    entered = entries[scenarios[0].name]
    references = tuple(entry.name for entry in entered if entry.reference)
    contenders = contenders_of([entry.name for entry in entered], references)
    mixed = settings.seating == "mixed" and first.advertisers > 1
    prices = {scenario.name: prices_of(scenario, rows, contenders, mixed) for scenario in scenarios}
    found = find(
        in_currency(rows, first.labels),
        pl.concat([campaign_frame(scenario.name, scenario.market(0)) for scenario in scenarios]),
        Settled(
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
    write_findings(run, found)
    report = write_report(folder)
    print_ranking(console, found.ranked, config["market"])
    if left_out := [name for name in asked if name not in names]:
        console.print(f"Left out, as they suppose second price: {', '.join(left_out)}.")
    print_verdict(console, verdict(read_comparison(read_run(folder))))
    if found.head_to_head is not None:
        print_head_to_head(console, found.head_to_head)
    elapsed = time.perf_counter() - started
    for sentence in run.reuse():
        console.print(sentence)
    console.print(f"{elapsed:.0f} s; tables in {folder}, open {report} in a browser", style="dim")
    return report


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


def choice_of(settings: Settings) -> MarketChoice:
    """The market that is asked for."""
    return MarketChoice(**{x.name: getattr(settings, x.name) for x in fields(MarketChoice)})


def cases_of(settings: Settings) -> list[Scenario]:
    """The cases of a market's name or a log's path."""
    choice = choice_of(settings)
    if choice.generated:
        if settings.calibrate != "none":
            raise InputError("--calibrate is for logs; a generated market's values are true")
        if settings.period is not None:
            raise InputError("--period is for logs; every seed is a day of a generated market")
        auction = auction_named(settings.auction or choice.auction)
        play = "tick" if settings.play == "auto" else settings.play
        return [generated_scenario(choice.name, generated_days(choice), auction, play)]
    return [
        recorded(calibrated(in_cut(dataset, settings.period), settings.calibrate), settings)
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


def recorded(dataset: LogDataset, settings: Settings) -> Scenario:
    """The case of a log that was read."""
    auction = auction_named(settings.auction or default_auction(dataset.test))
    by_default: Play = "impression"
    if dataset.period is None or dataset.test.advertisers > 1:
        by_default = "tick"
    play = by_default if settings.play == "auto" else settings.play
    return recorded_scenario(dataset, auction, play)


def default_auction(market: Market) -> str:
    """The rule that suits a log: against a logged price, second price."""
    return "gsp" if market.market_price is None else "second-price"


def score_of(market: Market) -> str:
    """What is compared: logged outcomes where there are any, else expected value."""
    none = market.outcomes is None or not np.asarray(market.outcomes).any()
    return "value" if none else "conversions"


def resolved(settings: Settings, scenarios: list[Scenario], bidders: list[str]) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    auction: Auction = scenarios[0].auction
    return asked_of(settings) | {
        "version": equibid.__version__,
        "market": choice_of(settings).name,
        "markets": [scenario.name for scenario in scenarios],
        "log_digest": digest_of(settings, scenarios),
        "bidders": [title_of(name) for name in bidders],
        "learned": {title_of(name): run_digest(name) for name in bidders if is_run(name)},
        "auction": {"rule": type(auction).__name__} | asdict(cast(Any, auction)),
        "play": scenarios[0].play,
    }


def digest_of(settings: Settings, scenarios: list[Scenario]) -> str | None:
    """Of what was read; None for a generated market that has a name."""
    if choice_of(settings).named:
        return None
    return digest(
        ([scenario.market(day) for day in range(scenario.days or 1)], scenario.train.values)
        for scenario in scenarios
    )
