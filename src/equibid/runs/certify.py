"""How far what everybody bids is from equilibrium, proven for each market and day."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import tyro

import equibid
from equibid.auctions.clearing import Auction
from equibid.bidders import BIDDERS
from equibid.bidders.registry import bidder_label, names_bidder
from equibid.equilibrium.game import Floats, Game
from equibid.errors import InputError, near
from equibid.files import opening, read_json
from equibid.logs.factors import read_factors
from equibid.markets.market import Market
from equibid.runs.certifying import (
    Certified,
    certified,
    fitted,
    played_factors,
    write_certified,
    write_factors,
)
from equibid.runs.command import soft_text
from equibid.runs.folder import Run, open_run
from equibid.runs.market import (
    SIZES,
    MarketChoice,
    datasets_of,
    game_in,
    generated_days,
    soft_auction,
    whole_market,
)
from equibid.runs.options import check_numbers
from equibid.runs.places import asked_of, place_for
from equibid.runs.progress import SILENT, Progress
from equibid.simulation.scenario import Scenario, generated_scenario, recorded_scenario

# What a run folder of `equibid solve` must agree on for its factors to be of the same market.
SAME = ("market", "market_seed", "impressions", "advertisers", "ticks", "budget_share", "budget")


@dataclass(frozen=True)
class CertifyConfig:
    """Whose factors, and where."""

    factors: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FACTORS")]
    """A file of factors (CSV or Parquet with columns advertiser, factor and, if they change,
    tick), a run folder of `equibid solve`, or a bidder by name, with settings as in
    pacing:rate=0.5."""

    days: str | None = None
    """Days of a generated market: how many, as in 10, or which, as in 0,1,2. By default day 0 for
    factors; a bidder is tuned on day 0 and by default plays day 1."""

    auction: str | None = None
    """soft or soft-hard, with its temperature as in soft:temperature=0.05. By default the run
    folder's, else soft at 1 % of the mean second-highest bid on the first of the days."""

    cap: float | None = None
    """Highest factor, in multiples of the target CPA; default the run folder's, else 1."""

    tolerance: float = 1e-2
    """Gain over welfare, and share of a budget, up to which the certificate holds."""

    out: Path | None = None
    """Run folder; default runs/certify-MARKET, or one beside it where that holds a run with other
    settings."""

    force: bool = False
    """Replace the run that is in the folder."""


@dataclass(frozen=True)
class Source:
    """Where factors come from.

    Attributes:
        path: of a file; None for a bidder.
        auctions: rules by market, as a run folder names them.
        cap: of the run folder.
        sizes: of its market, where none were asked for.
        notice: that the folder is about another market, if it is.
    """

    path: Path | None
    auctions: Mapping[str, str] = field(default_factory=dict)
    cap: float = 1.0
    sizes: Mapping[str, int] = field(default_factory=dict)
    notice: str | None = None


@dataclass(frozen=True)
class Proven:
    """What is proven of factors.

    Attributes:
        run: its folder, in which all tables are.
        market: its name.
        results: of each market and day.
        days: that were certified.
        notice: that the factors are of another market, if they are.
        seconds: that it took.
    """

    run: Run
    market: str
    results: list[Certified]
    days: list[int]
    notice: str | None
    seconds: float


def certify(choice: MarketChoice, asked: CertifyConfig, progress: Progress = SILENT) -> Proven:
    """Prove how far factors are from equilibrium, and write it.

    Args:
        choice: the market; each campaign of a log is one of its own.
        asked: whose factors, and where to.
        progress: told how far it has come.

    Raises:
        InputError: something that is asked for is not there or does not go together, or the folder
            holds another run.
    """
    check_numbers(choice, asked)
    if not 0 < asked.tolerance < 1:
        raise InputError(f"--tolerance {asked.tolerance:g}: name a number between 0 and 1")
    started = time.perf_counter()
    source = _source_of(choice, asked.factors)
    choice = replace(choice, **source.sizes)
    results: list[Certified] = []
    profiles: list[tuple[Game, Floats]] = []
    task = progress.add_task("certifying", total=None)
    days = _days_of(choice, asked.days, 1 if source.path is None else 0)
    config = _resolved(choice, asked, source, days)
    places = _profiles_of(choice, asked, source, days)
    # Bad input leaves no folder behind.
    first = next(places)
    folder = asked.out or place_for(Path("runs") / f"certify-{choice.stem}", config)
    run = open_run(folder, config, asked.force)
    for name, day, game, factors in chain([first], places):
        progress.update(task, description=f"certifying {name}, day {day}")
        results.append(certified(name, day, game, factors, asked.tolerance))
        profiles.append((game, factors))
        progress.update(task, advance=1)
    if len(days) == 1 and source.path is not None and profiles[0][1].ndim == 1:
        write_factors(run, profiles)
    write_certified(run, results)
    seconds = time.perf_counter() - started
    return Proven(run, choice.name, results, days, source.notice, seconds)


def _source_of(choice: MarketChoice, factors: str) -> Source:
    """The bidder, file or run folder that is meant.

    Raises:
        InputError: it is none of them, or the folder holds no factors.
    """
    if names_bidder(factors):
        bidder_label(factors)
        return Source(None)
    _refuse_learnt(choice, factors)
    path = Path(factors)
    if not path.exists():
        names = near(factors.partition(":")[0], BIDDERS, 2)
        hint = f"; did you mean {' or '.join(names)}?" if names else ""
        raise InputError(
            f"{path} is neither a file of factors, nor a run folder, nor a bidder{hint}"
        )
    if not path.is_dir():
        return Source(path)
    if not (path / "config.json").exists():
        raise InputError(f"{path} is no run folder; it needs config.json")
    config = read_json(path / "config.json")
    if (
        not isinstance(config, dict)
        or config.get("command") != "solve"
        or not (path / "factors.csv").exists()
    ):
        raise InputError(f"{path} holds no factors; name a run folder of `equibid solve`")
    try:
        asked = asdict(_of_folder(choice, config)) | {"market": choice.name}
        other = [f"{name} {config[name]}" for name in SAME if config.get(name) != asked[name]]
        return Source(
            path / "factors.csv",
            {game["market"]: soft_text(game) for game in config["games"]},
            float(config["cap"]),
            _of_folder(choice, config).sizes,
            f"{path} was solved with {', '.join(other)}; this is another market" if other else None,
        )
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: config.json was changed; solve the market again") from error


def _refuse_learnt(choice: MarketChoice, factors: str) -> None:
    """Refuse a training run, of which another command says what leaving it gains.

    Raises:
        InputError: it is one.
    """
    path = Path(factors.partition(":seed=")[0]) / "config.json"
    config = read_json(path) if path.exists() else None
    if isinstance(config, dict) and config.get("command") == "train":
        raise InputError(
            f"{factors} learnt to bid, and bids no factors that could be certified; what leaving "
            f"it gains is found by: equibid exploit {choice.market} {factors}"
        )


def _of_folder(choice: MarketChoice, config: Mapping[str, Any]) -> MarketChoice:
    """The market that was asked for, in the sizes of a run folder where none were asked for."""
    if config["market"] != choice.name:
        return choice
    sizes = {name: config[name] for name in SIZES if config[name] is not None}
    return replace(choice, **(sizes | choice.sizes))


def _days_of(choice: MarketChoice, text: str | None, first: int) -> list[int]:
    """The days to certify.

    Args:
        choice: of the market.
        text: how many, or a list of them.
        first: day there may be; day 0 is what a bidder is tuned on.

    Raises:
        InputError: days of a log were asked for, or they are no days from `first`.
    """
    if text is not None and not choice.generated:
        raise InputError(f"--days {text}: only generated markets have days")
    if text is None or not choice.generated:
        return [first]
    words = [word.strip() for word in text.removesuffix(",").split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise InputError(f"--days {text}: write how many, as in 10, or which, as in 0,1,2")
    days = [int(word) for word in words]
    if "," not in text:
        days = list(range(first, first + days[0]))
    if not days or min(days) < first or len(set(days)) < len(days):
        raise InputError(f"--days {text}: name days from {first} on, each once")
    return days


def _profiles_of(
    choice: MarketChoice, asked: CertifyConfig, source: Source, days: list[int]
) -> Iterator[tuple[str, int, Game, Floats]]:
    """Each market's name, the day, the game and the factors [N] or [T N]."""
    cap = asked.cap if asked.cap is not None else source.cap

    def rule(market: Market) -> Auction:
        return soft_auction(asked.auction or source.auctions.get(market.labels.name), market)

    if source.path is None:
        for scenario, when in _cases_of(choice, rule, days):
            bidder = fitted(scenario, asked.factors)
            for day, seed in when:
                game = game_in(scenario.market(seed), scenario.auction, cap)
                yield scenario.name, day, game, played_factors(scenario, bidder, seed)
        return
    if choice.generated:
        make = generated_days(choice, form="sparse")
        auction = rule(make(days[0]))
        for day in days:
            market = make(day)
            game = game_in(market, auction, cap)
            yield market.labels.name, day, game, read_factors(source.path, market)
        return
    for market in map(whole_market, datasets_of(choice)):
        game = game_in(market, rule(market), cap)
        yield market.labels.name, 0, game, read_factors(source.path, market)


def _cases_of(
    choice: MarketChoice, rule: Callable[[Market], Auction], days: list[int]
) -> Iterator[tuple[Scenario, list[tuple[int, int]]]]:
    """Cases for a bidder, each with its days and the seeds of these."""
    if choice.generated:
        make = generated_days(choice, form="sparse")
        scenario = generated_scenario(choice.name, make, rule(make(days[0])))
        # A generated case is tuned on day 0 and plays day 1 for seed 0.
        yield scenario, [(day, day - 1) for day in days]
        return
    for dataset in datasets_of(choice):
        scenario = recorded_scenario(dataset, rule(dataset.test), "tick")
        yield scenario, [(day, day) for day in range(scenario.days or 1)]


def _resolved(
    choice: MarketChoice, asked: CertifyConfig, source: Source, days: list[int]
) -> dict[str, Any]:
    """The settings with every default filled in, for the run folder."""
    return (
        {"command": "certify", "version": equibid.__version__}
        | asdict(choice)
        | asked_of(asked)
        | {
            "market": choice.name,
            "factors": _factors_label(asked.factors, source),
            "factors_digest": None if source.path is None else _file_digest(source.path),
            "cap": asked.cap if asked.cap is not None else source.cap,
            "days": days,
        }
    )


def _factors_label(factors: str, source: Source) -> str:
    """What the factors are called in the run folder."""
    return bidder_label(factors) if source.path is None else Path(factors).name


def _file_digest(path: Path) -> str:
    """Names a file's content."""
    with opening(path):
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
