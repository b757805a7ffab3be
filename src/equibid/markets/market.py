"""What is sold, and to whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int

from equibid.errors import InputError


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["budget", "target_cpa", "category"],
    meta_fields=[],
)
@dataclass(frozen=True)
class Campaigns:
    """The advertisers of a market, one row each, as their bidders know them.

    Attributes:
        budget: money for the whole period, in the market's currency; infinite for no limit.
        target_cpa: money one unit of value is worth to the advertiser (AuctionNet's
            CPAConstraint), in currency per unit of value.
        category: the industry of the advertiser.
    """

    budget: Float[Array, "*S N"]
    target_cpa: Float[Array, "*S N"]
    category: Int[Array, "*S N"]

    @property
    def count(self) -> int:
        """N, the number of advertisers."""
        return self.budget.shape[-1]


@dataclass(frozen=True)
class Labels:
    """Names and units of a market, for people; nothing is computed from them.

    Attributes:
        name: of the market.
        advertisers: one name each, or empty for 0 … N-1.
        value_unit: what one unit of value is ("conversion", "click").
        currency: what people count money in ("CNY", "fen").
        per_currency: units of the market's money in one unit of currency. A log with prices in
            fen per thousand impressions keeps them whole by counting thousandths of a fen: 1000.
    """

    name: str = "market"
    advertisers: tuple[str, ...] = ()
    value_unit: str = "conversion"
    currency: str = "unit"
    per_currency: float = 1.0

    def advertiser(self, index: int) -> str:
        """The name of advertiser `index`."""
        return self.advertisers[index] if self.advertisers else str(index)


@partial(
    jax.tree_util.register_dataclass,
    data_fields=[
        *("values", "tick_start", "campaigns", "market_price", "candidates", "outcomes"),
        "expected",
    ],
    meta_fields=["labels", "bid_step", "bid_cap"],
)
@dataclass(frozen=True)
class Market:
    """Impressions in order of arrival, and the value of each to each advertiser.

    A leading axis ``S`` on every array makes a stack of markets of equal shape.

    Attributes:
        values: expected value of showing the ad of column c on impression k, in value units.
            Dense markets have one column an advertiser (C = N). Zero means not eligible: no bid.
        tick_start: tick t holds impressions ``tick_start[t] … tick_start[t+1] - 1``.
        campaigns: the advertisers.
        market_price: highest bid from outside the market on each impression (a logged market
            price), currency per impression; None when there is no outside.
        candidates: advertiser id of each column, ascending along a row, -1 where a row has fewer;
            None for a dense market.
        outcomes: logged conversions; None when they are to be drawn from `values`.
        expected: impressions that bidders expect from the start of each tick to the end, and 0;
            None where the number of impressions is settled beforehand, and they know it.
        bid_step: bids are rounded down to a multiple of it (currency per impression); 0 leaves
            them as they are.
        bid_cap: the highest bid the exchange takes (currency per impression).
    """

    values: Float[Array, "*S K C"]
    tick_start: Int[Array, "*S T+1"]
    campaigns: Campaigns
    market_price: Float[Array, "*S K"] | None = None
    candidates: Int[Array, "*S K C"] | None = None
    outcomes: Bool[Array, "*S K C"] | None = None
    expected: Int[Array, "*S T+1"] | None = None
    labels: Labels = field(default_factory=Labels)
    bid_step: float = 0.0
    bid_cap: float = float("inf")

    @property
    def impressions(self) -> int:
        """K, the number of impressions."""
        return self.values.shape[-2]

    @property
    def advertisers(self) -> int:
        """N, the number of advertisers."""
        return self.campaigns.count

    @property
    def ticks(self) -> int:
        """T, the number of ticks."""
        return self.tick_start.shape[-1] - 1

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self))

    def with_budget(self, budget: Float[Array, "*S N"]) -> "Market":
        """The same market under other budgets."""
        return replace(self, campaigns=replace(self.campaigns, budget=jnp.asarray(budget)))


def dense(market: Market) -> Float[Array, "K N"]:
    """Values with one column an advertiser, whatever the market's own form."""
    if market.candidates is None:
        return market.values
    rows = jnp.arange(market.impressions)[:, None]
    columns = jnp.where(market.candidates < 0, market.advertisers, market.candidates)
    table = jnp.zeros((market.impressions, market.advertisers + 1), market.values.dtype)
    return table.at[rows, columns].set(market.values)[:, :-1]


def sparse(market: Market, columns: int | None = None) -> Market:
    """The same market as candidate lists of `columns` (default: as many as the fullest row needs).

    Raises:
        InputError: a row has more eligible advertisers than `columns`.
    """
    values = np.asarray(dense(market))
    eligible = values > 0
    count = eligible.sum(axis=1)
    most = max(int(count.max(initial=0)), 1)
    if columns is not None and columns < most:
        raise InputError(f"{columns} candidate columns are too few: an impression has {most}")
    row, advertiser = eligible.nonzero()
    place = np.arange(len(row)) - np.repeat(count.cumsum() - count, count)

    def pack(x: npt.NDArray[Any], padding: float) -> Array:
        packed = np.full((len(values), columns or most), padding, x.dtype)
        packed[row, place] = x
        return jnp.asarray(packed)

    outcomes = market.outcomes
    if outcomes is not None:
        wide = np.asarray(dense(replace(market, values=outcomes)))
        outcomes = pack(wide[row, advertiser], False)
    return replace(
        market,
        values=pack(values[row, advertiser], 0),
        candidates=pack(advertiser.astype(np.int32), -1),
        outcomes=outcomes,
    )


def even_ticks(impressions: int, ticks: int) -> Int[Array, "T+1"]:
    """`tick_start` for traffic spread evenly over `ticks`."""
    return jnp.asarray((np.arange(ticks + 1) * impressions) // ticks, jnp.int32)


def split(market: Market, length: int, ticks: int = 1) -> Market:
    """Cut one market into delivery periods of `length` impressions, stacked along axis S.

    Every period starts with the market's full budgets and spreads its impressions evenly over
    `ticks`; a short last period is filled with impressions nobody is eligible for.
    """
    periods = -(-market.impressions // length)
    missing = periods * length - market.impressions

    def cut(x: Array, padding: int = 0) -> Array:
        margin = [(0, missing)] + [(0, 0)] * (x.ndim - 1)
        padded = jnp.pad(x, margin, constant_values=padding)
        return padded.reshape(periods, length, *x.shape[1:])

    def repeat(x: Array) -> Array:
        return jnp.broadcast_to(x, (periods, *x.shape))

    return replace(
        market,
        values=cut(market.values),
        tick_start=repeat(even_ticks(length, ticks)),
        campaigns=jax.tree.map(repeat, market.campaigns),
        market_price=None if market.market_price is None else cut(market.market_price),
        candidates=None if market.candidates is None else cut(market.candidates, -1),
        outcomes=None if market.outcomes is None else cut(market.outcomes),
    )


def joined(markets: Sequence[Market]) -> Market:
    """Periods of one market one after the other: their ticks and impressions in a row.

    Raises:
        InputError: there is none, or they differ in form, advertisers or budgets.
    """
    if not markets:
        raise InputError("a market of several periods needs at least one")
    first = markets[0]
    for market in markets[1:]:
        same = market.advertisers == first.advertisers and all(
            np.array_equal(x, y)
            for x, y in zip(
                jax.tree.leaves(market.campaigns), jax.tree.leaves(first.campaigns), strict=True
            )
        )
        if not same or jax.tree.structure(market) != jax.tree.structure(first):
            raise InputError(
                f"market {market.labels.name}: periods played in a row have the same advertisers, "
                "budgets and form"
            )
    ends = np.cumsum([market.impressions for market in markets])
    starts = [
        np.asarray(market.tick_start)[:-1] + end - market.impressions
        for market, end in zip(markets, ends, strict=True)
    ]

    def chain(name: str) -> Any:
        parts = [np.asarray(getattr(market, name)) for market in markets]
        return None if getattr(first, name) is None else jnp.asarray(np.concatenate(parts))

    return replace(
        first,
        tick_start=jnp.asarray(np.concatenate([*starts, ends[-1:]]), jnp.int32),
        **{name: chain(name) for name in ("values", "market_price", "candidates", "outcomes")},
    )


def usual_rest(tick_start: Int[Array, " D*T+1"], ticks: int) -> Int[Array, " T+1"]:
    """Impressions from the start of each tick to the end of a period, the mean of D in a row.

    Args:
        tick_start: as in `Market`, of all periods.
        ticks: T of a period.
    """
    start = np.asarray(tick_start, np.int64)
    rest = [start[t + ticks] - start[t : t + ticks + 1] for t in range(0, len(start) - 1, ticks)]
    return jnp.asarray(np.rint(np.mean(rest, axis=0)).astype(np.int64))


def in_all(
    expected: Int[Array, " T+1"] | None,
    impressions: Int[Array, ""],
    tick: Int[Array, ""],
    before: Int[Array, ""],
    arrived: Int[Array, ""],
) -> Int[Array, ""]:
    """Impressions that bidders expect of the whole period by now.

    Args:
        expected: as in `Market`.
        impressions: of the period, where that is known.
        tick: the tick now.
        before: impressions of the ticks before.
        arrived: impressions so far.
    """
    if expected is None:
        return impressions
    return arrived + jnp.maximum(expected[tick] - (arrived - before), expected[tick + 1])


def slab(market: Market, first: int, last: int) -> Market:
    """Impressions `first` … `last` - 1 with all ticks, those outside empty, budgets unchanged."""
    inside = slice(first, last)
    start = np.clip(np.asarray(market.tick_start), first, last) - first
    return replace(
        market,
        values=market.values[inside],
        tick_start=jnp.asarray(start, jnp.int32),
        market_price=None if market.market_price is None else market.market_price[inside],
        candidates=None if market.candidates is None else market.candidates[inside],
        outcomes=None if market.outcomes is None else market.outcomes[inside],
    )


def span(market: Market, first: int, last: int) -> Market:
    """Impressions `first` … `last` - 1 with the ticks they fall into, budgets unchanged."""
    part = slab(market, first, last)
    # Ticks wholly outside vanish; the two at the edges have shrunk.
    return replace(part, tick_start=jnp.asarray(np.unique(part.tick_start)), expected=None)


def portion(market: Market, first: int, last: int) -> Market:
    """Impressions `first` … `last` - 1 as a period of their own, with that part of the budgets."""
    share = (last - first) / market.impressions
    return span(market, first, last).with_budget(jnp.asarray(market.campaigns.budget) * share)


# Impressions whose values stand for all.
SAMPLED = 4096


def worth(market: Market) -> Float[Array, ""]:
    """About what all impressions of one market are worth together, money; infinite if unknown.

    Their market prices where they were logged; else their values, taken evenly through the market,
    at the dearest finite target.
    """
    if market.market_price is not None:
        price = market.market_price.astype(jnp.float64).sum()
        return jnp.where(price > 0, price, jnp.inf)
    every = -(-market.impressions // SAMPLED) or 1
    mean = market.values[::every].astype(jnp.float64).sum(axis=1).mean()
    target = jnp.asarray(market.campaigns.target_cpa, jnp.float64)
    total = market.impressions * mean * jnp.where(jnp.isfinite(target), target, 0).max()
    return jnp.where(total > 0, total, jnp.inf)


# What no limit is taken for, in multiples of what there is to buy.
UNLIMITED = 2.0**40


def limited(market: Market) -> Market:
    """The same market with a number for every infinite budget, so large that nobody can spend it.

    Shares of a budget, and plans of it, are numbers then.
    """
    budget = jnp.asarray(market.campaigns.budget, jnp.float64)
    known = worth(market)
    largest = jnp.where(jnp.isfinite(budget), budget, 0).max()
    most = jnp.maximum(jnp.where(jnp.isfinite(known), known, 1.0), largest)
    return market.with_budget(jnp.where(jnp.isinf(budget), UNLIMITED * most, budget))


def tick_span(market: Market, first: int, last: int) -> Market:
    """Ticks `first` … `last` - 1, those without impressions too, budgets unchanged."""
    start = np.asarray(market.tick_start)[first : last + 1]
    part = span(market, int(start[0]), int(start[-1]))
    return replace(part, tick_start=jnp.asarray(start - start[0], jnp.int32))


def parted(market: Market, ticks: int) -> list[Market]:
    """The periods of `ticks` ticks each that stand in a row: the inverse of `joined`."""
    return [tick_span(market, t, t + ticks) for t in range(0, market.ticks, ticks)]


def validate(market: Market) -> Market:
    """The market itself, if it keeps the promises of its docstring.

    Raises:
        InputError: shapes disagree, a value or budget is negative or not a number, ticks are not
            ascending, or candidate ids are out of range or out of order.
    """
    values = np.asarray(market.values)
    impressions, columns = values.shape
    start = np.asarray(market.tick_start)
    name = market.labels.name
    if not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"market {name}: values must be finite and not negative")
    if start[0] != 0 or start[-1] != impressions or (np.diff(start) < 0).any():
        raise InputError(f"market {name}: tick_start must ascend from 0 to {impressions}")
    budget = np.asarray(market.campaigns.budget)
    if not (budget >= 0).all():
        raise InputError(f"market {name}: budgets must be numbers from 0 on; inf is no limit")
    if market.candidates is None and columns != market.advertisers:
        raise InputError(
            f"market {name}: {columns} value columns for {market.advertisers} advertisers"
        )
    if market.candidates is not None:
        ids = np.asarray(market.candidates)
        if ids.shape != values.shape or ids.min() < -1 or ids.max() >= market.advertisers:
            raise InputError(f"market {name}: candidate ids must lie in -1 … N-1, one a value")
        filled = np.where(ids < 0, market.advertisers, ids)
        step = np.diff(filled, axis=1)
        if ((step <= 0) & (filled[:, 1:] < market.advertisers)).any():
            raise InputError(f"market {name}: candidate ids of a row must ascend")
    if market.market_price is not None:
        price = np.asarray(market.market_price)
        if price.shape != (impressions,) or not (price >= 0).all():
            raise InputError(f"market {name}: market_price must be one number >= 0 an impression")
    return market
