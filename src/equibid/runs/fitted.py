"""A market fitted to a dataset, and a day of it beside the log.

market.toml        the settings, as every command takes them
fit.json           the same with how each was found, and how far the generated day is from the log
quantiles.parquet  see `equibid.markets.likeness.quantiles`
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.auctions.clearing import ABSENT, Auction
from equibid.logs.dataset import LogDataset, whole
from equibid.markets.estimators import clock
from equibid.markets.fitting import Fit, fit
from equibid.markets.generate import generate
from equibid.markets.likeness import Facts, alike, distances, facts, quantiles
from equibid.markets.market import Market, even_ticks
from equibid.markets.moments import moments
from equibid.markets.scarcity import spend_at_cap
from equibid.markets.toml import auction_text, market_text
from equibid.runs.folder import Run
from equibid.simulation.training_day import dense_rows, tatonnement_factors

Floats = npt.NDArray[np.float64]

# Impressions at most on which a market is brought to rest.
MOST = 4096


@dataclass(frozen=True)
class Fitted:
    """A fitted market and how like the log it is.

    Attributes:
        fit: the settings, and how they were found.
        log: what was compared of the log.
        made: the same of the generated day.
        distances: see `equibid.markets.likeness.distances`.
        quantiles: see `equibid.markets.likeness.quantiles`.
        value_unit: what one unit of value is.
        currency: what money is counted in.
    """

    fit: Fit
    log: Facts
    made: Facts
    distances: pl.DataFrame
    quantiles: pl.DataFrame
    value_unit: str
    currency: str


def fitted(
    dataset: LogDataset,
    auction: Auction,
    name: str,
    day_ticks: int | None = None,
    others: int = 3,
    told: Callable[[str], None] = lambda what: None,
) -> Fitted:
    """Fit a market to a dataset and compare a day with it.

    Args:
        dataset: the log, its budgets set.
        auction: the rule.
        name: of the generated market.
        day_ticks: ticks of a day; None takes the log as one day.
        others: further generated markets, to know what is chance.
        told: what is done next.
    """
    told("estimating")
    market, logged = whole(dataset)
    found = fit(market, name, auction, day_ticks)
    told("comparing")
    prices = prices_of(market, auction)
    if logged is not None:
        prices["logged_price"] = logged
    log = facts(market, found.moments, found.at_cap, prices, day_ticks)
    made, *further = (
        generated_facts(found, auction, seed, "logged_price" in prices)
        for seed in range(others + 1)
    )
    return Fitted(
        found,
        log,
        made,
        distances(log, made, further),
        quantiles(log, made),
        market.labels.value_unit,
        market.labels.currency,
    )


def write_fitted(run: Run, found: Fitted, auction: Auction, log: str) -> Path:
    """Write all of a fit into an open run folder; gives the path of the settings.

    Args:
        run: an open run.
        found: the fitted market.
        auction: the rule that competition was measured under.
        log: its name.
    """
    settings, how = found.fit.settings, found.fit.how
    kept = dict.fromkeys(found.fit.kept, "Default kept: ")
    comments = {name: sentence(kept.get(name, "") + told) for name, told in how.items()}
    comments["auction"] = "The rule that competition was measured under."
    money = f"Money is in {found.currency}, prices and bids per impression."
    about = f"A generated market like {log}, by equibid fit. {money}"
    told = {
        "market": settings.name,
        "settings": {name: getattr(settings, name) for name in how}
        | {"auction": auction_text(auction)},
        "how": dict(how),
        "kept": found.fit.kept,
        "notes": found.fit.notes,
        "currency": found.currency,
        "value_unit": found.value_unit,
        "distances": found.distances.with_columns(like=alike(found.distances)).to_dicts(),
    }
    run.write_json("fit.json", told)
    run.write_table("quantiles.parquet", found.quantiles)
    return run.write_text("market.toml", market_text(settings, comments, about))


def sentence(text: str) -> str:
    """A line of prose."""
    return f"{text[:1].upper()}{text[1:]}."


def generated_facts(found: Fit, auction: Auction, seed: int, logged: bool) -> Facts:
    """What is compared of day 0 of a fitted market, whose traits are those of `seed`."""
    market = generate(found.settings, jax.random.key(seed))
    sums = moments(market, clock(market.ticks, market.ticks).cell)
    prices = prices_of(market, auction)
    if logged:
        prices["logged_price"] = next(iter(prices.values()))
    return facts(market, sums, np.asarray(spend_at_cap(market, auction)), prices)


def prices_of(market: Market, auction: Auction) -> dict[str, Floats]:
    """The market price where bids come from outside; else the price at rest."""
    if market.market_price is not None:
        return {"market_price": np.asarray(market.market_price, np.float64)}
    return {"price_at_rest": resting_prices(market, auction)}


def resting_prices(market: Market, auction: Auction, most: int = MOST) -> Floats:
    """What would have won a slot, on impressions of a market in which all just spend their budgets.

    Everybody bids the factor of `tatonnement_factors`. The price is the highest bid that wins no
    slot, at least the reserve: the market price of a platform's log.

    Args:
        market: one market without bids from outside.
        auction: the rule.
        most: impressions to bring to rest; a longer day is thinned evenly, and budgets with it.
    """
    every = -(-market.impressions // most)
    values = dense_rows(market, np.arange(every // 2, market.impressions, every))
    # One tick and one precision: days of equal length share their compiled programs.
    few = Market(
        values=values.astype(jnp.float32),
        tick_start=even_ticks(len(values), 1),
        campaigns=market.campaigns,
    ).with_budget(market.campaigns.budget * (len(values) / market.impressions))
    bids = jnp.where(few.values > 0, tatonnement_factors(few, auction) * few.values, ABSENT)
    return np.asarray(auction.clear(bids).market_price, np.float64)
