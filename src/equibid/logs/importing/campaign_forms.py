"""Logs of one campaign: click, market price, predicted CTR of each impression, and the like.

Prices are fen per thousand impressions, in iPinYou's way; totals of cost thousandths of a fen.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from equibid.files import read_json
from equibid.logs import hourly, rlb
from equibid.logs.campaign import COLUMNS
from equibid.logs.importing.schema import SCHEMAS, LogSchema, Totals, number
from equibid.logs.table import whole

# What files of a campaign are called, alone or after its name.
PARTS = ("train", "test", "valid", "validation")
STORES = (pl.UInt8, pl.Int32, pl.Float64)
FIELDS = tuple(map(number, COLUMNS, STORES))
TOTALS = {
    "impressions": pl.len(),
    "clicks": pl.col("click").sum(),
    "cost": pl.col("price").sum(),
}


def first_word(path: Path) -> str:
    """A file's name up to the first dot."""
    return path.name.partition(".")[0]


def part_of(path: Path) -> str:
    """Which part of a campaign a file is, of `PARTS`; empty if its name does not say."""
    return next((word for word in path.name.split(".")[:2] if word in PARTS), "")


def campaign_lines(*more: str) -> Callable[[Sequence[str]], bool]:
    """A test whether most lines are click, price, pctr and further whole numbers."""
    pattern = re.compile(" ".join((r"[01] \d+(\.0*)? [01]?(\.\d+)?([eE]-\d+)?", *more)))

    def fit(lines: Sequence[str]) -> bool:
        rows = [line.replace("\t", " ") for line in lines if line]
        return sum(pattern.fullmatch(row) is not None for row in rows) * 2 > len(rows)

    return fit


THREE, FOUR = campaign_lines(), campaign_lines(r"\d+(\.0*)?")


def campaign_beside(path: Path) -> dict[str, Any]:
    """The campaign of a file that is only called train, test or valid: its folder's name."""
    return {"campaign": path.resolve().parent.name} if first_word(path) in PARTS else {}


def info_beside(path: Path) -> dict[str, Any]:
    """RLB's totals of training and test, if they are there, and the campaign.

    Raises:
        InputError: the file is there and cannot be used.
    """
    beside = campaign_beside(path)
    names = ["info.json"] if beside else [f"{first_word(path)}.info.json"]
    for info in (path.with_name(name) for name in names):
        if info.exists():
            rlb.read_info(info)
            beside["info"] = read_json(info)
    return beside


def stated_totals(name: str, beside: dict[str, Any]) -> Totals:
    """What RLB's totals say of CAMPAIGN.train.theta.txt and CAMPAIGN.test.theta.txt."""
    part = part_of(Path(name))
    keys = {"impressions": f"imp_{part}", "clicks": f"clk_{part}", "cost": f"cost_{part}"}
    info = beside.get("info", {})
    return {total: info[key] for total, key in keys.items() if key in info}


SCHEMAS.add("rlb", "RLB's CAMPAIGN.*.theta.txt with CAMPAIGN.info.json beside it.")(
    LogSchema(
        name="rlb",
        fields=FIELDS,
        recognises=lambda file, lines: (
            THREE(lines) or (rlb.THETA.fullmatch(file) is not None and not FOUR(lines))
        ),
        separator=" ",
        spaced=True,
        totals=TOTALS,
        beside=info_beside,
        stated=stated_totals,
    )
)
SCHEMAS.add("hourly", "CAMPAIGN.train.txt and .test.txt: click, price, pctr, hour of each row.")(
    LogSchema(
        name="hourly",
        fields=(*FIELDS, number(whole("hour_index"), pl.Int32)),
        recognises=lambda file, lines: hourly.NAME.fullmatch(file) is not None and not THREE(lines),
        separator=" ",
        spaced=True,
        totals=TOTALS,
        beside=campaign_beside,
    )
)
SCHEMAS.add(
    "yzpc", "*.yzpc.txt, or train.txt and test.txt: click, price, pctr, adexchange of each row."
)(
    LogSchema(
        name="yzpc",
        fields=(*FIELDS, number(whole("adexchange"), pl.Int32)),
        recognises=lambda file, lines: FOUR(lines) and hourly.NAME.fullmatch(file) is None,
        separator=" ",
        spaced=True,
        totals=TOTALS,
        beside=campaign_beside,
    )
)
