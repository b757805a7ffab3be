"""Logs with an hour: ``CAMPAIGN.train.txt`` and ``CAMPAIGN.test.txt`` (or .gz).

One line ``click price pctr hour_index`` an impression, divided by tabs or spaces. The index is the
hour of the day, or counts hours from some start.
"""

import re

import numpy as np
import numpy.typing as npt

from equibid.logs.campaign import (
    BUDGET_SHARE,
    PERIOD,
    campaign_market,
    with_budget_share,
)
from equibid.logs.dataset import LogDataset
from equibid.logs.table import Table
from equibid.markets.history import market_history
from equibid.markets.market import Market

NAME = re.compile(r"(?P<campaign>[^.]+)\.(?P<part>train|test)\.txt(\.gz)?")


def in_hours(
    hour: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """Order of arrival, and the ticks: runs of equal hours.

    An hour of the day starts anew every day, so rows stay in the order of the file. An index of 24
    or more counts hours on; by it rows are sorted, keeping the file's order within an hour, for
    the rows of a day of iPinYou's third season come shuffled.

    Args:
        hour: [K] hour index of each row of the file.

    Returns:
        [K] the file's rows in order of arrival, and [T+1] the first impression of each tick, and K.
    """
    order = np.arange(len(hour)) if hour.max() < 24 else np.argsort(hour, kind="stable")
    change = np.flatnonzero(np.diff(hour[order])) + 1
    return order, np.concatenate([[0], change, [len(hour)]])


def hourly_recording(
    name: str, test: Table, train: Table | None = None, budget_share: float = BUDGET_SHARE
) -> LogDataset:
    """The dataset of a campaign.

    Args:
        name: of the campaign.
        test: columns click, price, pctr and hour_index.
        train: the same of the training period; None when there is none.
        budget_share: c0 of the budget, which the log does not say; see `campaign_budget`.
    """
    earlier = None if train is None else _market(name, train)
    dataset = LogDataset(
        name,
        test=_market(name, test),
        train=earlier,
        history=None if earlier is None else market_history(earlier),
        period=PERIOD,
    )
    return with_budget_share(dataset, budget_share)


def _market(name: str, rows: Table) -> Market:
    order, tick_start = in_hours(rows["hour_index"].astype(np.int64))
    return campaign_market(name, {key: rows[key][order] for key in rows}, tick_start)
