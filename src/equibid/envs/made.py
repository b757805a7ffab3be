"""Environments made from words, as a command line has them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from equibid.auctions.registry import auction_named
from equibid.bidders.registry import bidder_named
from equibid.envs.forked import refuse_fork
from equibid.envs.game import MarkovGame
from equibid.envs.parallel_env import MarketEnv
from equibid.envs.periods import generated_setup
from equibid.envs.rewards import reward_named
from equibid.envs.setup import OPPONENTS, Opponents
from equibid.envs.single_env import BidderEnv
from equibid.envs.vector_env import BidderVectorEnv
from equibid.errors import InputError, near
from equibid.markets.days import market_days
from equibid.markets.registry import MARKETS
from equibid.markets.settings import Generator
from equibid.markets.toml import read_market
from equibid.registry import parted
from equibid.simulation.simulate import Play

SIZES = ("impressions", "advertisers", "ticks")


@dataclass(frozen=True)
class EnvSpec:
    """The game of an environment, in words; made once for equal words.

    Attributes:
        market: a generated market by its name, or its settings.
        reward: of a step, as ``cpa-score:dense=1``.
        opponents: bidders that do not learn, tuned on the day before, as ``pacing,fixed``.
        opponent_prob: the chance that one of them drives an agent for a period.
        observer: what agents see, as ``pace+traits``.
        auction: the rule, as ``gsp:reserve=0.01``; default the market's own, or gsp.
        play: a step is a tick or an impression.
        days: to play on; the first is the one that the opponents were tuned on. Default as many as
            `equibid train` takes.
        market_seed: which market: the traits of its advertisers.
        impressions: of a day; default the market's own.
        advertisers: default the market's own.
        ticks: of a day; default the market's own.
        sampled: draw exposures, winners and conversions; False books their expectations.
    """

    market: str | Generator = "demo"
    reward: str = "value"
    opponents: str = ""
    opponent_prob: float = 0.0
    observer: str = "pace+traits"
    auction: str | None = None
    play: Play = "tick"
    days: int | None = None
    market_seed: int = 0
    impressions: int | None = None
    advertisers: int | None = None
    ticks: int | None = None
    sampled: bool = True

    def __post_init__(self) -> None:
        for name in ("days", *SIZES):
            x = getattr(self, name)
            if x is not None and (not isinstance(x, int) or x < 1):
                raise InputError(f"{name}={x!r}: write a whole number of at least 1")
        if self.play not in get_args(Play):
            raise InputError(f"play={self.play!r}: write {' or '.join(get_args(Play))}")


def bidder_env(game: MarkovGame | None = None, scaled: bool = False, **words: Any) -> BidderEnv:
    """One advertiser learns: ``gymnasium.make("equibid/Bidder-v0", …)``.

    Args:
        game: to play, instead of one from words.
        scaled: each advertiser's reward is divided by what its best constant factor bought on the
            day before, so that a period's is about 1, as Equibid's own learners have it.
        words: of a `EnvSpec`, whose opponents are `OPPONENTS` by default, and arguments of
            `BidderEnv`.

    Raises:
        InputError: there is no such word, or something of that name; or see `BidderEnv`.
    """
    return BidderEnv(**_asked(game, scaled, words))


def bidder_vector_env(
    num_envs: int, game: MarkovGame | None = None, scaled: bool = False, **words: Any
) -> BidderVectorEnv:
    """Many copies in one compiled step: ``gymnasium.make_vec("equibid/Bidder-v0", …)``.

    Args:
        num_envs: copies.
        game: as of `bidder_env`.
        scaled: as of `bidder_env`.
        words: as of `bidder_env`.

    Raises:
        InputError: as `bidder_env`.
    """
    return BidderVectorEnv(num_envs, **_asked(game, scaled, words))


def market_env(
    market: str | Generator = "demo",
    *,
    head: str = "multiple",
    stays: bool = False,
    scaled: bool = False,
    **words: Any,
) -> MarketEnv:
    """All advertisers learn, as PettingZoo has it: equibid_market_v0.

    Args:
        market: a generated market by its name, the path of its settings (TOML), or settings.
        head: as of `MarketEnv`.
        stays: as of `MarketEnv`.
        scaled: as of `bidder_env`.
        words: of a `EnvSpec`. With opponents, `opponent_prob` says how often they drive an agent.

    Raises:
        InputError: there is no such word, or something of that name; or see `MarketEnv`.
    """
    _check(words, "market_env")
    opponents = words.get("opponents", "")
    if opponents and not words.get("opponent_prob"):
        raise InputError(
            f"opponents={opponents!r} with opponent_prob=0 drive nobody; write a share above 0"
        )
    game, best = made(_world({"market": market} | words))
    return MarketEnv(game, head, stays, best if scaled else None)


@lru_cache(maxsize=4)
def made(world: EnvSpec) -> tuple[MarkovGame, npt.NDArray[np.float64]]:
    """The game, and what each advertiser's best constant factor bought the day before.

    Raises:
        InputError: there is no such market, rule, bidder, reward or observer, or they do not go
            together.
    """
    refuse_fork()
    settings = world.market
    sizes = {name: getattr(world, name) for name in SIZES if getattr(world, name) is not None}
    auction = auction_named(world.auction or "gsp")
    if isinstance(settings, Generator) and world.auction is None:
        auction = settings.auction
    name = settings.name if isinstance(settings, Generator) else settings
    days = {} if world.days is None else {"days": world.days}
    market = market_days(settings, world.market_seed, sizes)
    setup = generated_setup(name, market, auction, world.play, held_out=0, **days)
    opponents = Opponents(tuple(parted(world.opponents)), world.opponent_prob)
    task = setup.task(
        reward_named(world.reward),
        observer=world.observer,
        opponents=[bidder_named(opponent)(setup.log) for opponent in opponents.names],
        opponent_prob=opponents.share,
        sampled=world.sampled,
    )
    return task.game, np.asarray(task.best)


def _asked(game: MarkovGame | None, scaled: bool, words: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a `BidderEnv`."""
    if words.pop("render_mode", None) is not None:
        # Makers of other libraries ask for one, and do without after this error alone.
        raise TypeError("equibid/Bidder-v0 shows no pictures; leave render_mode out")
    own = ("advertiser", "head", "drawn", "stays", "scale")
    _check(words, "equibid/Bidder-v0", own)
    rest = {name: x for name, x in words.items() if name in own}
    world = {name: x for name, x in words.items() if name not in own}
    if game is not None:
        if world or scaled:
            word = next(iter(world), "scaled")
            raise InputError(f"game= is a game already; leave {word} out, or make it from words")
        return {"game": game} | rest
    if "opponent_prob" in world:
        raise InputError(
            "opponent_prob is for market_env; here opponents drive all but the learner"
        )
    game, best = made(_world({"opponents": OPPONENTS} | world))
    return {"game": game} | ({"scale": best} if scaled else {}) | rest


def _world(words: dict[str, Any]) -> EnvSpec:
    """With the settings that a file holds, and lists as the words they stand for.

    Raises:
        InputError: the market is a log, or a file that cannot be used.
    """
    market, opponents = words.get("market", "demo"), words.get("opponents", "")
    if not isinstance(market, Generator):
        path = Path(market)
        if str(market) not in MARKETS and path.suffix == ".toml":
            market = read_market(path)
        elif str(market) not in MARKETS and path.exists():
            raise InputError(
                f"market {market} is a log; make its game with "
                "equibid.envs.periods.recorded_setup and hand it over as game="
            )
    if isinstance(opponents, Sequence) and not isinstance(opponents, str):
        opponents = ",".join(opponents)
    return EnvSpec(**words | {"market": market, "opponents": opponents})


def _check(words: dict[str, Any], what: str, own: Sequence[str] = ()) -> None:
    known = [*(field.name for field in fields(EnvSpec)), *own]
    for name in words:
        if name not in known:
            others = near(name, known) or known
            raise InputError(f"{what}: there is no {name!r}; try {', '.join(others)}")
