"""Settings of a generated market whose days are like a log."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np

from equibid.auctions.clearing import Auction
from equibid.errors import InputError
from equibid.markets import estimators as est
from equibid.markets.estimators import Clock, Estimate, Levels
from equibid.markets.market import Market
from equibid.markets.moments import Moments, moments
from equibid.markets.scarcity import spend_at_cap
from equibid.markets.settings import TINY, Generator

# What has no default, where the log cannot tell it.
UNKNOWN = {"categories": 1}


@dataclass(frozen=True)
class Fit:
    """A generated market that was fitted to a log.

    Attributes:
        settings: of the market.
        how: each setting was estimated, by its name; or why its default was kept.
        kept: settings left at their defaults, because the log cannot tell them.
        notes: what of the log the generator cannot show.
        moments: of the log.
        at_cap: [N] what each advertiser would spend on the log, if money were no object.
    """

    settings: Generator
    how: Mapping[str, str]
    kept: tuple[str, ...]
    notes: tuple[str, ...]
    moments: Moments
    at_cap: np.ndarray


def fit(market: Market, name: str, auction: Auction, day_ticks: int | None = None) -> Fit:
    """Estimate the settings of a generated market from a log.

    Args:
        market: the log: values, ticks, budgets, target CPAs, and the market price where the bids
            behind it are outside of it.
        name: of the generated market.
        auction: the rule, under which budgets are scarce or not.
        day_ticks: ticks of a day; None takes the log as one day. The first is at midnight.

    Raises:
        InputError: the log has no value for anybody.
    """
    when = est.clock(market.ticks, day_ticks or market.ticks)
    sums = moments(market, when.cell)
    if not sums.offered.any():
        raise InputError(f"log {market.labels.name}: it has no values to fit a market to")
    at_cap = np.asarray(spend_at_cap(market, auction))
    found, level = estimates(market, when, sums, at_cap)
    defaults = {x.name: x.default for x in fields(Generator) if x.default is not MISSING}
    defaults = UNKNOWN | defaults
    values = {key: _rounded(x.value) if x.known else defaults[key] for key, x in found.items()}
    settings = Generator(name=name, auction=auction, **values)  # pyright: ignore[reportArgumentType]
    return Fit(
        settings,
        {key: x.how for key, x in found.items()},
        tuple(key for key, x in found.items() if not x.known),
        notes(market, sums, level),
        sums,
        at_cap,
    )


def estimates(
    market: Market, when: Clock, sums: Moments, at_cap: np.ndarray
) -> tuple[dict[str, Estimate], Levels]:
    """An estimate of each numeric setting, in the order of `Generator`; and advertisers' levels."""
    campaigns = market.campaigns
    cpa = np.asarray(campaigns.target_cpa, np.float64)
    cpa = cpa[cpa > 0]
    categories = int(sums.category.max()) + 1
    spread, rho, known = est.value_spread(sums), est.correlation(sums), est.interests(sums)
    sigma, share = _number(spread, 0.0), _number(rho, 0.0)
    drift, moved = est.drift(market, when, sums, sigma, share)
    level = est.levels(sums, sigma, share, moved)
    price = None if market.market_price is None else np.asarray(market.market_price, np.float64)
    median, tail = est.outside(price)
    mean = max(float(np.exp(level.log_mean.mean())), TINY)
    budget = np.asarray(campaigns.budget, np.float64)
    found = {
        "impressions": Estimate(
            max(round(market.impressions / when.days), when.ticks),
            "impressions of the log"
            if abs(when.days - 1) < 1e-9
            else f"impressions of the log, which holds {when.days:.2f} days of usual traffic",
        ),
        "advertisers": Estimate(market.advertisers, "advertisers of the log"),
        "ticks": Estimate(when.ticks, "ticks of a day of the log"),
        "categories": Estimate(None, est.ALONE)
        if market.advertisers == 1
        else Estimate(categories, "categories of the log"),
        "interests": known,
        "reach": est.reach(sums, int(known.value) if known.known else 1),  # pyright: ignore
        "mean_value": Estimate(mean, "mean log values of advertisers, and half their variance"),
        "level_spread": est.level_spread(level),
        "value_spread": spread,
        "correlation": rho,
        "drift": drift,
        "target_cpa": Estimate(float(np.exp(np.log(cpa).mean())), "median of log-normal CPAs")
        if len(cpa)
        else Estimate(None, "the log has no target CPAs"),
        "cpa_spread": est.cpa_spread(cpa),
        "budget_spread": est.budget_spread(market, sums, level),
        "competition": est.competition(budget, at_cap, moved),
        "traffic_noise": est.traffic_noise(market, when),
        "outside_price": median,
        "outside_spread": tail,
    }
    return found, level


def _rounded(x: Any) -> Any:
    """Six digits: more than any log tells, and as many as people read."""
    if isinstance(x, tuple):
        return tuple(map(_rounded, x))
    return float(f"{x:.6g}") if isinstance(x, float) else x


def _number(estimate: Estimate, otherwise: float) -> float:
    return float(estimate.value) if isinstance(estimate.value, int | float) else otherwise


def notes(market: Market, sums: Moments, level: Levels) -> tuple[str, ...]:
    """What of the log the generator cannot show."""
    said = []
    if sums.above:
        said.append(
            f"{sums.above:.1%} of the log's values are above 1; generated values are cut there"
        )
    sizes = np.bincount(sums.category)
    if sizes.max() - sizes.min() > 1:
        said.append(
            f"categories of the log have {sizes.min()} to {sizes.max()} advertisers; generated "
            "ones are of equal size but for the last"
        )
    mean, usual = (
        float(sums.total.sum()),
        float(sums.offered[sums.offered > 0] @ np.exp(level.log_mean)),
    )
    if not 0.8 < mean / usual < 1.25:
        tail, worth = ("heavier", "less") if mean > usual else ("lighter", "more")
        said.append(
            f"the log's mean value is {mean / usual:.2g} times that of log-normal values of the "
            f"same logs: its upper tail is {tail}, and a generated day is worth {worth}"
        )
    silent = int((sums.offered == 0).sum())
    if silent:
        said.append(f"{silent} of the log's {market.advertisers} advertisers have no value at all")
    if market.market_price is not None:
        price = np.asarray(market.market_price)
        free = int((price <= 0).sum())
        if free:
            said.append(f"{free} of the {len(price)} market prices are 0; generated ones are above")
    return tuple(said)
