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
    COLUMNS,
    PERIOD,
    campaign_market,
    with_budget_share,
)
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS, Reader
from equibid.logs.table import Table, files_in, read_bytes, read_spaced
from equibid.markets.history import PriceHistory
from equibid.markets.market import even_ticks

# The log has no clock; a bidder that adjusts itself does so in 40 rounds, as in Zhang et al. 2016.
TICKS = 40

INFO = re.compile(r"[^.]+\.info\.json")
THETA = re.compile(r"[^.]+\..*theta\.txt(\.gz)?")


def recognises(path: Path) -> bool:
    """An info file, a theta file, or a folder that holds one."""
    names = [file.name for file in files_in(path)] if path.is_dir() else [path.name]
    return any(INFO.fullmatch(name) or THETA.fullmatch(name) for name in names)


def read(path: Path, budget_share: float = BUDGET_SHARE) -> list[Recording]:
    """One recording a campaign, without a training log.

    Args:
        path: an info file, a theta file, or a folder of them.
        budget_share: c0 of the budget, which the log does not say; see `campaign_budget`.

    Raises:
        InputError: a file of a pair is missing, or one of them cannot be used.
    """
    if not path.is_dir():
        return [_read_campaign(path, budget_share)]
    files = [x for x in files_in(path) if INFO.fullmatch(x.name) or THETA.fullmatch(x.name)]
    if not files:
        raise input_error(path, "the folder holds no CAMPAIGN.info.json")
    campaigns = sorted({_campaign(file) for file in files})
    return [_read_campaign(path / f"{name}.info.json", budget_share) for name in campaigns]


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


def _campaign(path: Path) -> str:
    return path.name.partition(".")[0]


def _theta_beside(info: Path) -> Path:
    """The one theta file of the campaign of an info file."""
    name = _campaign(info)
    files = sorted(
        file
        for file in files_in(info.parent)
        if THETA.fullmatch(file.name) and _campaign(file) == name
    )
    if not files:
        raise input_error(info, f"there is no {name}.*.theta.txt beside it")
    if len(files) > 1:
        several = ", ".join(file.name for file in files)
        raise input_error(info, f"there are several logs beside it ({several}); name one of them")
    return files[0]


def _read_campaign(path: Path, budget_share: float) -> Recording:
    """The recording of one info file or one theta file."""
    name = _campaign(path)
    history = read_info(path.with_name(f"{name}.info.json"))
    rows = read_spaced(_theta_beside(path) if path.suffix == ".json" else path, COLUMNS)
    return rlb_recording(name, history, rows, budget_share)


def rlb_recording(
    name: str, history: PriceHistory, rows: Table, budget_share: float = BUDGET_SHARE
) -> Recording:
    """The recording of a campaign.

    Args:
        name: of the campaign.
        history: totals of the training period.
        rows: columns click, price and pctr of the test.
        budget_share: see `read`.
    """
    count = len(rows["click"])
    market = campaign_market(name, rows, np.asarray(even_ticks(count, min(TICKS, count))))
    recording = Recording(name, test=market, history=history, period=PERIOD)
    return with_budget_share(recording, budget_share)


READERS.add("rlb", "RLB's iPinYou form: CAMPAIGN.info.json with CAMPAIGN.*.theta.txt beside it.")(
    Reader(recognises, read)
)
