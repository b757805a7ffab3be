"""Logs of the AuctionNet simulator: one row for each impression and advertiser, all bids included.

Columns are found by the names in the header. The log's `cost` is the price of the slot won; the
advertiser pays ``cost · isExposed``. `leastWinningCost` is the market price. An impression is named
by its delivery period, tick and pvIndex, which starts anew in every tick. An advertiser without a
row for an impression did not take part in it: the market has no value of it for that advertiser.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.auctions.clearing import ABSENT
from equibid.errors import input_error
from equibid.logs.dataset import LogDataset
from equibid.logs.table import (
    Numbers,
    Table,
    amount,
    flag,
    positive,
    probability,
    whole,
)
from equibid.markets.history import market_history
from equibid.markets.market import Campaigns, Labels, Market, span, sparse

COLUMNS = (
    whole("deliveryPeriodIndex"),
    whole("advertiserNumber"),
    whole("advertiserCategoryIndex"),
    positive("budget"),
    positive("CPAConstraint"),
    whole("timeStepIndex"),
    amount("remainingBudget"),
    whole("pvIndex"),
    probability("pValue"),
    amount("pValueSigma"),
    amount("bid"),
    flag("xi"),
    whole("adSlot"),
    amount("cost"),
    flag("isExposed"),
    flag("conversionAction"),
    amount("leastWinningCost"),
    flag("isEnd"),
)


@dataclass(frozen=True)
class AuctionNetLog:
    """A delivery period, or a part of one, as it was sold; money in CNY.

    Attributes:
        market: what was sold, under budgets that together are what was spent (see `prorated`).
        bids: [K, N] money per exposure; `ABSENT` where an advertiser has no row.
        slot: [K, N] the slot won, 0 for none.
        cost: [K, N] price per exposure of the slot won.
        exposed: [K, N] whether the ad was shown, and so the cost paid.
        conversions: [K, N] whether it converted.
        least_winning_cost: [K] lowest price that would have won a slot.
        remaining_budget: [K, N] money left at the start of the impression's tick; NaN where an
            advertiser has no row.
    """

    market: Market
    bids: Numbers
    slot: npt.NDArray[np.int32]
    cost: Numbers
    exposed: npt.NDArray[np.bool_]
    conversions: npt.NDArray[np.bool_]
    least_winning_cost: Numbers
    remaining_budget: Numbers


def auctionnet_logs(path: Path, name: str, rows: Table) -> list[AuctionNetLog]:
    """All that a table of rows says, one log a delivery period, impressions in order of arrival.

    Args:
        path: where the rows come from, for errors.
        name: of the log.
        rows: the columns of the format, the first row from line 2.

    Raises:
        InputError: an impression has two rows of an advertiser, or rows contradict each other.
    """
    count = len(rows["pvIndex"])
    keys = ("advertiserNumber", "pvIndex", "timeStepIndex", "deliveryPeriodIndex")
    order = np.lexsort([rows[key] for key in keys])
    if (order == np.arange(count)).all():
        order = slice(None)
    rows = {name: column[order] for name, column in rows.items()}
    # The header is line 1.
    line = np.arange(2, count + 2)[order]
    starts = np.flatnonzero(np.diff(rows["deliveryPeriodIndex"])) + 1
    edges = [0, *starts.tolist(), count]
    parts = [slice(first, last) for first, last in pairwise(edges)]
    return [
        _period(path, name, {key: rows[key][part] for key in rows}, line[part]) for part in parts
    ]


def datasets_of(path: Path, logs: Sequence[AuctionNetLog]) -> list[LogDataset]:
    """The dataset of each delivery period: tuned on its first half, tested on its second.

    In the training half the least winning costs stand as market prices; in the test half all
    bidders are inside the market, and prices come from their bids.

    Raises:
        InputError: a period has a single impression.
    """
    return [_recording(path, log) for log in logs]


def prorated(budget: Numbers, spend: float) -> Numbers:
    """Budgets that sum to `spend`, in proportion to `budget`; all in one currency.

    A log is often an excerpt: a day's budgets would bind nobody in some thousand impressions. What
    was spent on them is the money the advertisers had for them.
    """
    return budget * (spend / budget.sum())


def _period(path: Path, name: str, rows: Table, line: npt.NDArray[np.integer]) -> AuctionNetLog:
    """The log of one delivery period, from its rows in order of arrival and advertiser."""
    tick, index, advertiser = rows["timeStepIndex"], rows["pvIndex"], rows["advertiserNumber"]
    begins = np.concatenate([[True], (np.diff(tick) != 0) | (np.diff(index) != 0)])
    impression = np.cumsum(begins) - 1
    advertisers, column = np.unique(advertiser, return_inverse=True)
    twice = ~begins[1:] & (np.diff(advertiser) == 0)
    if twice.any():
        at = int(twice.argmax()) + 1
        what = f"impression {index[at]:.0f} of tick {tick[at]:.0f}"
        problem = f"{what} must have one row an advertiser, and has two of {advertiser[at]:.0f}"
        raise input_error(path, problem, int(line[at]))
    for fixed in ("budget", "CPAConstraint", "advertiserCategoryIndex"):
        _same(path, fixed, rows[fixed], column, "advertiser", line)
    _same(path, "leastWinningCost", rows["leastWinningCost"], impression, "impression", line)
    first = np.unique(column, return_index=True)[1]
    starts = np.flatnonzero(begins)
    shape = (len(starts), len(advertisers))

    def table(key: str, absent: float = 0.0) -> Numbers:
        cells = np.full(shape, absent)
        cells[impression, column] = rows[key]
        return cells

    exposed = table("isExposed") == 1
    cost = table("cost")
    hour = tick[starts]
    tick_start = [0, *(np.flatnonzero(np.diff(hour)) + 1).tolist(), len(hour)]
    numbered = (advertisers == np.arange(len(advertisers))).all()
    period = int(rows["deliveryPeriodIndex"][0])
    market = Market(
        values=jnp.asarray(table("pValue")),
        tick_start=jnp.asarray(tick_start, jnp.int32),
        campaigns=Campaigns(
            budget=jnp.asarray(prorated(rows["budget"][first], float((cost * exposed).sum()))),
            target_cpa=jnp.asarray(rows["CPAConstraint"][first]),
            category=jnp.asarray(rows["advertiserCategoryIndex"][first], jnp.int32),
        ),
        labels=Labels(
            name=f"{name}-{period}",
            advertisers=() if numbered else tuple(str(int(number)) for number in advertisers),
            value_unit="conversion",
            currency="CNY",
        ),
    )
    return AuctionNetLog(
        market=sparse(market) if 2 * len(line) < shape[0] * shape[1] else market,
        bids=table("bid", ABSENT),
        slot=table("adSlot").astype(np.int32),
        cost=cost,
        exposed=exposed,
        conversions=table("conversionAction") == 1,
        least_winning_cost=rows["leastWinningCost"][starts],
        remaining_budget=table("remainingBudget", np.nan),
    )


def _same(
    path: Path,
    name: str,
    numbers: Numbers,
    group: npt.NDArray[np.integer],
    whose: str,
    line: npt.NDArray[np.integer],
) -> None:
    """Refuse a number of rows that changes within a group, where it is one and the same."""
    first = numbers[np.unique(group, return_index=True)[1]][group]
    if (numbers != first).any():
        at = int((numbers != first).argmax())
        raise input_error(
            path,
            f"{name} {numbers[at]:.15g} is not the {first[at]:.15g} of the {whose}'s first row",
            int(line[at]),
        )


def _recording(path: Path, log: AuctionNetLog) -> LogDataset:
    """First half of the impressions to tune on, second half to test on."""
    market = log.market
    count = market.impressions
    if count < 2:
        raise input_error(path, "a single impression cannot be split to tune and to test on")
    budget = np.asarray(market.campaigns.budget)

    def part(first: int, last: int) -> Market:
        spend = float((log.cost * log.exposed)[first:last].sum())
        return span(market, first, last).with_budget(jnp.asarray(prorated(budget, spend)))

    train = replace(
        part(0, count // 2), market_price=jnp.asarray(log.least_winning_cost[: count // 2])
    )
    return LogDataset(
        name=market.labels.name,
        test=part(count // 2, count),
        train=train,
        history=market_history(train),
        severed=count // 2 not in np.asarray(market.tick_start),
    )
