"""Which market a run is about, and the game in it.

A market is a generated one, by name or by the path of its settings in TOML, or a log by its path.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast

import jax
import numpy as np
import tyro

from equibid.auctions.clearing import Auction
from equibid.auctions.registry import auction_named
from equibid.auctions.soft import Soft
from equibid.equilibrium.game import Game, default_temperature, game_of
from equibid.errors import InputError
from equibid.files import file_name
from equibid.logs import LogDataset, read_log, with_budget, with_budget_share
from equibid.logs.campaign import BUDGET_SHARE
from equibid.markets import MARKETS
from equibid.markets.days import market_days
from equibid.markets.market import Market
from equibid.markets.settings import Generator
from equibid.markets.toml import auction_text, read_market
from equibid.runs.market_name import check_market
from equibid.runs.options import refuse_idle

SIZES = ("impressions", "advertisers", "ticks")


@dataclass(frozen=True)
class MarketChoice:
    """A market as it is asked for."""

    market: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MARKET")]
    """A generated market (see `equibid list`) or the path of its settings (TOML), or the path of a
    log or a folder of logs."""

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

    budget_share: float | None = None
    """Budget of a campaign log: this share of what all its impressions cost (c0); default the
    log's own budget, or 0.125."""

    budget: float | None = None
    """Budget of each advertiser of a log for a delivery period, in the log's currency."""

    @property
    def named(self) -> bool:
        """Whether it is the name of a generator."""
        return self.market in MARKETS

    @property
    def settings(self) -> Generator | None:
        """The settings of a generated market that are in a file; None where it is no such file.

        Raises:
            InputError: the file cannot be used.
        """
        path = Path(self.market)
        return read_market(path) if path.suffix == ".toml" and not self.named else None

    @property
    def generated(self) -> bool:
        """Whether it has as many days as are asked for."""
        return self.named or self.settings is not None

    @property
    def name(self) -> str:
        """For people."""
        settings = self.settings
        return Path(self.market).name if settings is None else settings.name

    @property
    def stem(self) -> str:
        """For folders."""
        return file_name(self.name if self.generated else self.name.split(".")[0])

    @property
    def auction(self) -> str:
        """The rule of a generated market, where none is asked for."""
        settings = self.settings
        return "gsp" if settings is None else auction_text(settings.auction)

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that were asked for."""
        asked = {name: getattr(self, name) for name in SIZES}
        return {name: size for name, size in asked.items() if size is not None}


def generated_days(choice: MarketChoice, **form: Any) -> Callable[[int], Market]:
    """From a day's number to a day of a generated market.

    Args:
        choice: of the market.
        form: settings for those generators that have them, as ``form="sparse"``.
    """
    idle = ("format", "budget_share", "budget")
    refuse_idle(choice, idle, f"{choice.market} is generated, and no log")
    market = choice.settings or choice.market
    return market_days(market, choice.market_seed, choice.sizes, **form)


def datasets_of(choice: MarketChoice) -> list[LogDataset]:
    """The datasets of a log, each with its budget.

    Raises:
        InputError: there is no such market or log, it cannot be read, or it was to be resized.
    """
    check_budget(choice)
    path = Path(choice.market)
    check_market(choice.market, MARKETS)
    if choice.sizes:
        option = next(iter(choice.sizes))
        raise InputError(f"--{option} resizes generated markets; a log has its own size")
    check_budget(choice)
    refuse_idle(choice, ("market_seed",), f"{choice.market} is a log, and not generated")
    datasets = read_log(path, choice.format)
    if all(dataset.test.market_price is None for dataset in datasets):
        refuse_idle(choice, ("budget_share",), f"{choice.market} holds the budgets itself")
    return [_funded(dataset, choice) for dataset in datasets]


def check_budget(choice: MarketChoice) -> None:
    """Refuse budgets that were asked for twice, or are none.

    Raises:
        InputError: see above.
    """
    money = choice.budget
    if money is None:
        return
    if choice.budget_share is not None:
        raise InputError("--budget and --budget-share both set the budget; name one of them")
    if not 0 < money < math.inf:
        raise InputError(f"--budget {money:g}: write an amount of money above 0")


def _funded(dataset: LogDataset, choice: MarketChoice) -> LogDataset:
    """With the budgets that were asked for, else the log's own, else the default share."""
    if choice.budget is not None:
        return with_budget(dataset, choice.budget)
    if dataset.test.market_price is None:
        return dataset
    if choice.budget_share is None and dataset.budgeted:
        return dataset
    share = BUDGET_SHARE if choice.budget_share is None else choice.budget_share
    return with_budget_share(dataset, share)


def whole_market(dataset: LogDataset) -> Market:
    """What a dataset is tested on, as one period: the budgets of its delivery periods together.

    An equilibrium is of one market with one budget an advertiser.
    """
    market = dataset.test
    labels = replace(market.labels, name=dataset.name)
    market = replace(market, labels=labels)
    return market.with_budget(market.campaigns.budget * dataset.periods_in(market))


def digest(trees: Iterable[Any]) -> str:
    """Names what was read: two logs of one name, or a log that was edited, are different runs."""
    state = hashlib.blake2b(digest_size=16)
    for tree in trees:
        for array in jax.tree.leaves(tree):
            state.update(np.ascontiguousarray(array).data)
    return state.hexdigest()


def default_auction(market: Market) -> str:
    """The rule that suits a log: against a logged price, second price."""
    return "gsp" if market.market_price is None else "second-price"


def refuse_log(choice: MarketChoice, why: str = "") -> None:
    """Refuse what is no generated market.

    Args:
        choice: of the market.
        why: a log is of no use, as part of a sentence.

    Raises:
        InputError: it is a log, or nothing of that name is there.
    """
    if choice.generated:
        return
    check_market(choice.market, MARKETS)
    raise InputError(
        f"{choice.market} is a log{why}; fit a market to it with equibid fit, and name that"
    )


def soft_auction(text: str | None, market: Market) -> Auction:
    """The rule ``soft`` or ``soft-hard``, its temperature from the market unless it is named.

    Args:
        text: as `auction_named` takes it; None is ``soft``.
        market: whose bids set the temperature. Where no impression has two bidders it is 1, and
            plays no part.
    """
    text = text or "soft"
    auction = auction_named(text)
    if not isinstance(auction, Soft) or "temperature" in text:
        return auction
    try:
        return replace(auction, temperature=default_temperature(market))
    except InputError:
        return replace(auction, temperature=1.0)


def game_in(market: Market, auction: Auction, cap: float) -> Game:
    """The game of a market under a rule that was named.

    Raises:
        InputError: the rule is not a soft one, or the cap is not positive.
    """
    return game_of(market, cast(Soft, auction), cap)
