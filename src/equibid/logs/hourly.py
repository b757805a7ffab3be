"""Logs with an hour: ``CAMPAIGN.train.txt`` and ``CAMPAIGN.test.txt`` (or .gz).

One line ``click price pctr hour_index`` an impression, divided by tabs or spaces. The index is the
hour of the day, or counts hours from some start.
"""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from equibid.errors import input_error
from equibid.logs.campaign import (
    BUDGET_SHARE,
    COLUMNS,
    PERIOD,
    campaign_market,
    with_budget_share,
)
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS, Reader
from equibid.logs.table import Table, files_in, read_spaced, whole
from equibid.markets.history import market_history
from equibid.markets.market import Market

NAME = re.compile(r"(?P<campaign>[^.]+)\.(?P<part>train|test)\.txt(\.gz)?")


def recognises(path: Path) -> bool:
    """A file named as above, or a folder that holds one."""
    files = files_in(path) if path.is_dir() else [path]
    return any(NAME.fullmatch(file.name) for file in files)


def read(path: Path, budget_share: float = BUDGET_SHARE) -> list[Recording]:
    """One recording a campaign, with a training log where the train file is beside the test file.

    Args:
        path: a train or test file, or a folder of them. A file of another name is a test file.
        budget_share: c0 of the budget, which the log does not say; see `campaign_budget`.

    Raises:
        InputError: a campaign has no test file, or a file cannot be used.
    """
    if not path.is_dir():
        match = NAME.fullmatch(path.name)
        if match is None:
            return [_read_campaign(path.name.partition(".")[0], path, None, budget_share)]
        return [_read_named(path.parent, match["campaign"], budget_share)]
    matches = [NAME.fullmatch(file.name) for file in files_in(path)]
    campaigns = sorted({match["campaign"] for match in matches if match})
    if not campaigns:
        raise input_error(path, "the folder holds no CAMPAIGN.test.txt")
    return [_read_named(path, campaign, budget_share) for campaign in campaigns]


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


def _one_of(folder: Path, stem: str) -> Path | None:
    """The file `stem`, plain or packed; None when there is neither."""
    files = [file for file in (folder / stem, folder / f"{stem}.gz") if file.exists()]
    if len(files) > 1:
        raise input_error(files[0], "it is there twice, plain and as .gz; keep one")
    return files[0] if files else None


def _read_named(folder: Path, campaign: str, budget_share: float) -> Recording:
    test = _one_of(folder, f"{campaign}.test.txt")
    if test is None:
        raise input_error(folder, f"there is no {campaign}.test.txt to test bidders on")
    return _read_campaign(campaign, test, _one_of(folder, f"{campaign}.train.txt"), budget_share)


def hourly_recording(
    name: str, test: Table, train: Table | None = None, budget_share: float = BUDGET_SHARE
) -> Recording:
    """The recording of a campaign.

    Args:
        name: of the campaign.
        test: columns click, price, pctr and hour_index.
        train: the same of the training period; None when there is none.
        budget_share: see `read`.
    """
    earlier = None if train is None else _market(name, train)
    recording = Recording(
        name,
        test=_market(name, test),
        train=earlier,
        history=None if earlier is None else market_history(earlier),
        period=PERIOD,
    )
    return with_budget_share(recording, budget_share)


def _read_campaign(name: str, test: Path, train: Path | None, budget_share: float) -> Recording:
    earlier = None if train is None else _rows(train)
    return hourly_recording(name, _rows(test), earlier, budget_share)


def _rows(path: Path) -> Table:
    return read_spaced(path, (*COLUMNS, whole("hour_index")))


def _market(name: str, rows: Table) -> Market:
    order, tick_start = in_hours(rows["hour_index"].astype(np.int64))
    return campaign_market(name, {key: rows[key][order] for key in rows}, tick_start)


READERS.add("hourly", "CAMPAIGN.test.txt (and .train.txt): click, price, pctr, hour of each row.")(
    Reader(recognises, read)
)
