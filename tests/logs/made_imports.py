"""Logs of every form that can be imported, made up, and what their rows mean in plain Python."""

import bz2
import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import made_logs
import numpy as np
import polars as pl

from equibid.logs.importing import SCHEMAS

Rows = list[list[str]]

NAMES = (
    "bidid timestamp logtype ipinyouid useragent IP region city adexchange domain url urlid slotid "
    "slotwidth slotheight slotvisibility slotformat slotprice creative bidprice payprice keypage "
    "advertiser usertag"
)
LOG = NAMES.split()
TRAJECTORY = (
    "deliveryPeriodIndex,advertiserNumber,advertiserCategoryIndex,budget,CPAConstraint,"
    "realAllCost,realAllConversion,timeStepIndex,state,action,reward,reward_continuous,done,"
    "next_state"
)


@dataclass(frozen=True)
class Made:
    """A form's file.

    Attributes:
        form: its name in `SCHEMAS`.
        name: of the file.
        columns: names of the cells of a row.
        rows: makes so many rows.
        separator: between cells.
        header: whether the file begins with the names.
        numbers: cells that must be numbers from 0 on.
        keyed: whether two equal rows are one too many.
    """

    form: str
    name: str
    columns: tuple[str, ...]
    rows: Callable[[int], Rows]
    separator: str
    header: bool
    numbers: tuple[str, ...]
    keyed: bool

    def lines(self, count: int) -> list[bytes]:
        """The lines of a file of so many rows, the header first if there is one."""
        header = [self.separator.join(self.columns).encode()] if self.header else []
        return header + [self.line(row) for row in self.rows(count)]

    def line(self, row: list[str]) -> bytes:
        """A row as a line, without its end."""
        if self.form != "auctionnet-trajectory":
            return self.separator.join(row).encode()
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(row)
        return text.getvalue().encode()

    def meaning(self, row: list[str]) -> dict[str, Any]:
        """What is to be stored of a row."""
        cells = dict(zip(self.columns, row, strict=True))
        return {
            name: _meaning(cells[name], stores) if name in cells else None
            for name, stores in SCHEMAS[self.form].schema.items()
        }


def pack(path: Path, data: bytes) -> Path:
    """Write, packed as the name says."""
    kinds = {".gz": gzip.compress, ".bz2": bz2.compress}
    path.write_bytes(kinds.get(path.suffix, bytes)(data))
    return path


def _meaning(cell: str, stores: Any) -> Any:
    if stores == pl.String:
        return cell
    if stores == pl.List(pl.Float64):
        return [float(word) for word in cell.strip("()").split(",")] if cell else None
    if stores == pl.List(pl.Int32):
        return [int(word.split(":")[0]) for word in cell.split()]
    if stores == pl.Float64:
        return float(cell)
    if cell == "null":
        return None
    return int(cell) if cell.isdigit() else int(float(cell))


def raw(count: int, logtype: int = 1, seed: int = 0) -> Rows:
    """Rows of iPinYou's raw log; every second in the way of season 2."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        season = number % 2
        rows.append(
            [
                f"{number:04x}{seed:04x}{draw.integers(2**62):024x}"[:32],
                f"2013061{number % 10}0001013{number % 90 + 10}",
                str(logtype),
                "null" if number % 3 == 0 else "VhTnPaf9OHb8MsR",
                'Mozilla/5.0 (Windows NT 6.1; "x"),gzip(gfe)',
                "60.187.41.*",
                "94",
                "null" if number % 5 == 0 else "100",
                "null" if number % 7 == 0 else "1",
                "trqRTuToMTNUjM9r5rMi",
                "8c96434bb6f4a2aa",
                "null",
                "mm_17967481_é",
                "950",
                "90",
                ("0", "FirstView")[season],
                ("1", "Na")[season],
                str(draw.integers(101)),
                "cc9b344e950b4f8c",
                "300",
                str(draw.integers(301)),
                "null",
                ("1458", "2259")[season],
                "10063,10006" if number % 2 else "null",
            ]
        )
    return rows


def _without(*names: str) -> Callable[[int], Rows]:
    keep = [place for place, name in enumerate(LOG) if name not in names]
    return lambda count: [[row[place] for place in keep] for row in raw(count)]


def _prepared(count: int) -> Rows:
    return [[str(k % 2), str(k % 7), f"{k % 24:02d}", *row] for k, row in enumerate(raw(count))]


def _ended(rows: Callable[[int], Rows]) -> Callable[[int], Rows]:
    return lambda count: [[*row, str(k % 3), "0"] for k, row in enumerate(rows(count))]


def _features(columns: int) -> Callable[[int], Rows]:
    def rows(count: int) -> Rows:
        draw = np.random.default_rng(3)
        return [
            [
                str(draw.integers(2)),
                *(str(draw.integers(2, 301)) for _ in range(columns - 1)),
                " ".join(f"{x}:1" for x in draw.integers(10, 9999, 2 + k % 4)),
            ]
            for k in range(count)
        ]

    return rows


def _with_whole(count: int) -> Rows:
    return [[*row, str(k // 3 % 24)] for k, row in enumerate(made_logs.clicks(count))]


def _index(count: int) -> Rows:
    return [[f"{k % 5}:é{k}\u2028,other", str(k)] for k in range(count)]


def _auctionnet(count: int) -> Rows:
    return made_logs.auctionnet(ticks=(count, count))[:count]


def _trajectory(count: int) -> Rows:
    draw = np.random.default_rng(5)

    def state() -> str:
        return str(tuple(float(x) for x in draw.uniform(-1, 9, 16)))

    return [
        [
            *("7.0", f"{k % 3}.0", "0.0", "750.0", "8.0", "238.28781368636638", "16.0", f"{k}.0"),
            *(state(), "-1.5", repr(float(draw.uniform())), "0.25", str(int(k % 4 == 3))),
            "" if k % 4 == 3 else state(),
        ]
        for k in range(count)
    ]


PRICES = ("timestamp", "slotwidth", "slotprice", "bidprice", "payprice", "advertiser")
BID = tuple(name for name in LOG if name not in ("logtype", "payprice", "keypage"))
PREPARED = ("click", "weekday", "hour", *LOG)
OUTCOMES = ("nclick", "nconversation")
TRIPLE = ("click", "price", "pctr")
NUMBERS = ("deliveryPeriodIndex", "budget", "pvIndex", "pValue", "bid", "xi", "cost", "isEnd")

MADE = {
    made.form + made.name: made
    for made in (
        Made(
            "auctionnet",
            "period-7.csv",
            tuple(made_logs.HEADER.split(",")),
            _auctionnet,
            *(",", True, NUMBERS, True),
        ),
        Made(
            "auctionnet-trajectory",
            "trajectory.csv",
            tuple(TRAJECTORY.split(",")),
            _trajectory,
            *(",", True, ("budget", "timeStepIndex", "realAllCost", "done"), True),
        ),
        Made("ipinyou", "imp.20130612.txt", tuple(LOG), raw, "\t", False, PRICES, True),
        Made(
            "ipinyou-1",
            "imp.20130311.txt",
            tuple(name for name in LOG if name not in ("advertiser", "usertag")),
            _without("advertiser", "usertag"),
            *("\t", False, tuple(x for x in PRICES if x != "advertiser"), True),
        ),
        Made(
            "ipinyou-1-bid",
            "bid.20130311.txt",
            tuple(name for name in BID if name not in ("advertiser", "usertag")),
            _without("logtype", "payprice", "keypage", "advertiser", "usertag"),
            *("\t", False, ("timestamp", "bidprice"), True),
        ),
        Made(
            "ipinyou-bid",
            "bid.20130612.txt",
            BID,
            _without("logtype", "payprice", "keypage"),
            *("\t", False, ("timestamp", "bidprice", "advertiser"), True),
        ),
        Made(
            "ipinyou-test",
            "leaderboard.test.data.txt",
            (*LOG, *OUTCOMES),
            _ended(raw),
            *("\t", False, (*PRICES, *OUTCOMES), True),
        ),
        Made(
            "ipinyou-prepared",
            "train.log.txt",
            PREPARED,
            _prepared,
            *("\t", True, ("click", "hour", *PRICES), True),
        ),
        Made(
            "ipinyou-prepared",
            "test.log.txt",
            (*PREPARED, *OUTCOMES),
            _ended(_prepared),
            *("\t", True, ("weekday", *PRICES, *OUTCOMES), True),
        ),
        Made(
            "ipinyou-prepared",
            "headless.train.txt.log",
            PREPARED,
            _prepared,
            *("\t", False, ("click", *PRICES), True),
        ),
        Made(
            "ipinyou-prepared",
            "headless.test.txt.log",
            (*PREPARED, *OUTCOMES),
            _ended(_prepared),
            *("\t", False, ("click", *PRICES, *OUTCOMES), True),
        ),
        Made(
            "ipinyou-features",
            "train.yzx.txt",
            ("click", "payprice", "features"),
            _features(2),
            *(" ", False, ("click", "payprice"), False),
        ),
        Made(
            "ipinyou-bid-features",
            "train.yzbx.txt",
            ("click", "payprice", "bidprice", "features"),
            _features(3),
            *(" ", False, ("click", "payprice", "bidprice"), False),
        ),
        Made(
            "ipinyou-feature-index",
            "featindex.txt",
            ("feature", "index"),
            _index,
            *("\t", False, ("index",), True),
        ),
        Made("rlb", "7.test.theta.txt", TRIPLE, made_logs.clicks, " ", False, TRIPLE, False),
        Made(
            "hourly",
            "7.test.txt",
            (*TRIPLE, "hour_index"),
            _with_whole,
            *("\t", False, (*TRIPLE, "hour_index"), False),
        ),
        Made(
            "yzpc",
            "7.test.yzpc.txt",
            (*TRIPLE, "adexchange"),
            _with_whole,
            *("\t", False, (*TRIPLE, "adexchange"), False),
        ),
    )
}
