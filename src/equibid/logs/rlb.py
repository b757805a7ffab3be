"""Logs of the RLB paper (Cai et al., WSDM 2017): totals of training, impressions to test on.

``CAMPAIGN.info.json`` has imp_train, cost_train, clk_train and price_counter_train, the number of
training impressions at each market price 0 … 300. Beside it, ``CAMPAIGN.*.theta.txt`` (or .gz) has
one line ``click price pctr`` an impression.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from equibid.errors import input_error
from equibid.logs.campaign import (
    BID_CAP,
    BUDGET_SHARE,
    PERIOD,
    campaign_market,
    with_budget_share,
)
from equibid.logs.dataset import LogDataset
from equibid.logs.table import Table, read_bytes
from equibid.markets.history import PriceHistory, market_history
from equibid.markets.market import Market, even_ticks

# The log has no clock; a bidder that adjusts itself does so in 40 rounds, as in Zhang et al. 2016.
TICKS = 40

THETA = re.compile(r"[^.]+\..*theta\.txt(\.gz)?")


def read_info(path: Path) -> PriceHistory:
    """Totals of the training period from an info file.

    Raises:
        InputError: the file is no JSON, or a field is missing or contradicts another.
    """
    data = read_bytes(path)
    try:
        info = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise input_error(path, f"it is not JSON ({error})") from error
    return history_of(path, info)


def history_of(path: Path, info: Any) -> PriceHistory:
    """Totals of the training period from what an info file says.

    Raises:
        InputError: a field is missing or contradicts another.
    """
    if not isinstance(info, dict):
        raise input_error(path, "it is not a JSON object")
    impressions, cost, clicks = (
        _count(path, info, key) for key in ("imp_train", "cost_train", "clk_train")
    )
    counts = _field(path, info, "price_counter_train")
    if not isinstance(counts, list) or len(counts) != BID_CAP + 1:
        raise input_error(
            path, f"price_counter_train must list {BID_CAP + 1} counts, of prices 0 to {BID_CAP}"
        )
    if not all(_is_count(count) for count in counts):
        raise input_error(path, "price_counter_train must hold whole numbers from 0 on")
    if impressions == 0:
        raise input_error(path, "imp_train must be above 0")
    if sum(counts) != impressions:
        raise input_error(
            path, f"price_counter_train sums to {sum(counts)}, but imp_train is {impressions}"
        )
    paid = sum(price * count for price, count in enumerate(counts))
    if paid != cost:
        raise input_error(
            path, f"price_counter_train makes a cost of {paid}, but cost_train is {cost}"
        )
    return PriceHistory(
        counts=np.array(counts, np.float64),
        step=1.0,
        impressions=float(impressions),
        cost=float(cost),
        value=np.array([clicks], np.float64),
    )


def _field(path: Path, info: dict[str, Any], key: str) -> Any:
    if key not in info:
        raise input_error(path, f"{key} is missing")
    return info[key]


def _count(path: Path, info: dict[str, Any], key: str) -> int:
    value = _field(path, info, key)
    if not _is_count(value):
        raise input_error(path, f"{key} must be a whole number from 0 on")
    return value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def rlb_recording(
    name: str,
    history: PriceHistory | None,
    rows: Table,
    budget_share: float = BUDGET_SHARE,
    train: Table | None = None,
) -> LogDataset:
    """The dataset of a campaign.

    Args:
        name: of the campaign.
        history: totals of the training period; None takes those of `train`, if there is one.
        rows: columns click, price and pctr of the test.
        budget_share: c0 of the budget, which the log does not say; see `campaign_budget`.
        train: the same columns of the training period; None when there is no such log.
    """
    earlier = None if train is None else _market(name, train)
    dataset = LogDataset(
        name,
        test=_market(name, rows),
        train=earlier,
        history=history or (None if earlier is None else market_history(earlier)),
        period=PERIOD,
    )
    return with_budget_share(dataset, budget_share)


def _market(name: str, rows: Table) -> Market:
    count = len(rows["click"])
    return campaign_market(name, rows, np.asarray(even_ticks(count, min(TICKS, count))))
