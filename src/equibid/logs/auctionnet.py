"""Logs of the AuctionNet simulator: one row for each impression and advertiser, all bids included.

Columns are found by the names in the header. The log's `cost` is the price of the slot won; the
advertiser pays ``cost · isExposed``. `leastWinningCost` is the market price. An impression is named
by its delivery period, tick and pvIndex, which starts anew in every tick.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.errors import input_error
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS, Reader
from equibid.logs.table import (
    Numbers,
    Table,
    amount,
    first_line,
    flag,
    positive,
    probability,
    read_csv,
    whole,
)
from equibid.markets.history import market_history
from equibid.markets.market import Campaigns, Labels, Market, span

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
        bids: [K, N] money per exposure.
        slot: [K, N] the slot won, 0 for none.
        cost: [K, N] price per exposure of the slot won.
        exposed: [K, N] whether the ad was shown, and so the cost paid.
        conversions: [K, N] whether it converted.
        least_winning_cost: [K] lowest price that would have won a slot.
        remaining_budget: [K, N] money left at the start of the impression's tick.
    """

    market: Market
    bids: Numbers
    slot: npt.NDArray[np.int32]
    cost: Numbers
    exposed: npt.NDArray[np.bool_]
    conversions: npt.NDArray[np.bool_]
    least_winning_cost: Numbers
    remaining_budget: Numbers


def recognises(path: Path) -> bool:
    """A CSV file whose header has AuctionNet's names."""
    if not path.is_file() or not path.name.endswith((".csv", ".csv.gz")):
        return False
    return {"pvIndex", "advertiserNumber"} <= set(first_line(path).split(","))


def read(path: Path) -> list[Recording]:
    """One recording a delivery period: bidders are tuned on its first half, tested on its second.

    In the training half the least winning costs stand as market prices; in the test half all
    bidders are inside the market, and prices come from their bids.

    Raises:
        InputError: the file cannot be used.
    """
    return recordings_of(path, read_auctionnet_rows(path))


def read_auctionnet_rows(path: Path) -> list[AuctionNetLog]:
    """All that a file says, one log a delivery period, impressions in order of arrival.

    Raises:
        InputError: the file cannot be used; an impression must have one row an advertiser.
    """
    return auctionnet_logs(path, _stem(path), read_csv(path, COLUMNS))


def auctionnet_logs(path: Path, name: str, rows: Table) -> list[AuctionNetLog]:
    """All that a table of rows says, one log a delivery period, impressions in order of arrival.

    Args:
        path: where the rows come from, for errors.
        name: of the log.
        rows: the columns of the format, the first row from line 2.

    Raises:
        InputError: an impression has not one row an advertiser, or rows contradict each other.
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


def recordings_of(path: Path, logs: Sequence[AuctionNetLog]) -> list[Recording]:
    """The recording of each delivery period, see `read`.

    Raises:
        InputError: a period has a single impression.
    """
    return [_recording(path, log) for log in logs]


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def prorated(budget: Numbers, spend: float) -> Numbers:
    """Budgets that sum to `spend`, in proportion to `budget`; all in one currency.

    A log is often an excerpt: a day's budgets would bind nobody in some thousand impressions. What
    was spent on them is the money the advertisers had for them.
    """
    return budget * (spend / budget.sum())


def _period(path: Path, name: str, rows: Table, line: npt.NDArray[np.integer]) -> AuctionNetLog:
    """The log of one delivery period, from its rows in order of arrival and advertiser."""
    advertisers = _whole_impressions(path, rows, line)
    table = {key: column.reshape(-1, len(advertisers)) for key, column in rows.items()}
    line = line.reshape(-1, len(advertisers))
    for column in ("budget", "CPAConstraint", "advertiserCategoryIndex"):
        _same(path, column, table[column], line, axis=0)
    _same(path, "leastWinningCost", table["leastWinningCost"], line, axis=1)

    exposed = table["isExposed"] == 1
    spend = float((table["cost"] * exposed).sum())
    tick = table["timeStepIndex"][:, 0]
    tick_start = [0, *(np.flatnonzero(np.diff(tick)) + 1).tolist(), len(tick)]
    numbered = (advertisers == np.arange(len(advertisers))).all()
    period = int(rows["deliveryPeriodIndex"][0])
    market = Market(
        values=jnp.asarray(table["pValue"]),
        tick_start=jnp.asarray(tick_start, jnp.int32),
        campaigns=Campaigns(
            budget=jnp.asarray(prorated(table["budget"][0], spend)),
            target_cpa=jnp.asarray(table["CPAConstraint"][0]),
            category=jnp.asarray(table["advertiserCategoryIndex"][0], jnp.int32),
        ),
        labels=Labels(
            name=f"{name}-{period}",
            advertisers=() if numbered else tuple(str(int(number)) for number in advertisers),
            value_unit="conversion",
            currency="CNY",
        ),
    )
    return AuctionNetLog(
        market=market,
        bids=table["bid"],
        slot=table["adSlot"].astype(np.int32),
        cost=table["cost"],
        exposed=exposed,
        conversions=table["conversionAction"] == 1,
        least_winning_cost=table["leastWinningCost"][:, 0],
        remaining_budget=table["remainingBudget"],
    )


def _whole_impressions(path: Path, rows: Table, line: npt.NDArray[np.integer]) -> Numbers:
    """[N] the advertisers, once every impression is known to have one row for each of them.

    The first impression says who they are.
    """
    tick, index, advertiser = rows["timeStepIndex"], rows["pvIndex"], rows["advertiserNumber"]
    begins = np.concatenate([[True], (np.diff(tick) != 0) | (np.diff(index) != 0)])
    starts = np.flatnonzero(begins)
    first = advertiser[: starts[1] if len(starts) > 1 else None]
    place = np.arange(len(advertiser)) % len(first)
    wrong = (advertiser != first[place]) | (begins != (place == 0))
    wrong[1:] |= ~begins[1:] & (np.diff(advertiser) == 0)
    if not wrong.any() and place[-1] == len(first) - 1:
        return first
    at = int(wrong.argmax()) if wrong.any() else len(wrong) - 1
    if begins[at] and place[at] > 0:
        # The impression before ended too early.
        at -= 1
    raise input_error(
        path,
        f"impression {index[at]:.0f} of tick {tick[at]:.0f} must have one row for each of the "
        f"advertisers of the first impression ({len(first)} rows)",
        int(line[at]),
    )


def _same(
    path: Path, name: str, numbers: Numbers, line: npt.NDArray[np.integer], axis: int
) -> None:
    """Refuse a number [K, N] that changes along an axis where it is one and the same."""
    first = np.broadcast_to(numbers.take([0], axis), numbers.shape)
    changed = np.argwhere(numbers != first)
    if len(changed):
        at = tuple(changed[0])
        whose = "advertiser" if axis == 0 else "impression"
        raise input_error(
            path,
            f"{name} {numbers[at]:.15g} is not the {first[at]:.15g} of the {whose}'s first row",
            int(line[at]),
        )


def _recording(path: Path, log: AuctionNetLog) -> Recording:
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
    return Recording(
        name=market.labels.name,
        test=part(count // 2, count),
        train=train,
        history=market_history(train),
        severed=count // 2 not in np.asarray(market.tick_start),
    )


READERS.add("auctionnet", "AuctionNet's CSV: one row for each impression and advertiser.")(
    Reader(recognises, read)
)
