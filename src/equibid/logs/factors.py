"""Factors from a file: what everybody bids, one row an advertiser or an advertiser and tick.

Columns, of CSV with a header or of Parquet, in any order; others are left alone:

- ``advertiser``: its index from 0, or its name;
- ``factor``: currency per value unit, 0 sits out;
- ``tick``: from 0; optional, for factors that change;
- ``market``: optional, for a file with the factors of several markets.
"""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equibid.errors import InputError, input_error
from equibid.files import check_parquet, read_parquet
from equibid.logs.table import read_bytes
from equibid.markets.market import Market

# What to do about a file that cannot be used.
AGAIN = "write it again, or as CSV"
Row = dict[str, str]
NEEDED = ("advertiser", "factor")


def read_factors(path: Path, market: Market) -> npt.NDArray[np.float64]:
    """The factors of a market.

    Args:
        path: of the file.
        market: whose advertisers and ticks the rows are about, and its currency.

    Returns:
        [N], or [T N] if there is a column ``tick``; the market's money per value unit.

    Raises:
        InputError: the file cannot be read, or a row names nobody, names somebody twice, or has a
            factor that is no number from 0; or an advertiser has no row.
    """
    ticks, advertisers = market.ticks, market.advertisers
    names = {market.labels.advertiser(i): i for i in range(advertisers)}
    table = np.full((ticks, advertisers), np.nan)
    seen: dict[tuple[int, int], str] = {}
    by_tick = False
    for place, row in _rows(path):
        about = row.get("market", market.labels.name)
        if market.labels.name not in (about, about.strip()):
            continue
        by_tick = "tick" in row
        who = _advertiser(row["advertiser"], names, place, market)
        when = _tick(row["tick"], ticks, place) if by_tick else 0
        if (when, who) in seen:
            raise InputError(
                f"{place}: advertiser {row['advertiser']} has its factor{_at(when, by_tick)} in "
                f"{seen[when, who]} already; keep one of the two"
            )
        seen[when, who] = place.rpartition(", ")[2]
        table[when, who] = _factor(row["factor"], place)
    if not seen:
        raise input_error(path, f"no row is about market {market.labels.name}")
    rows = table if by_tick else table[:1]
    missing = np.argwhere(np.isnan(rows))
    if missing.size:
        when, who = missing[0].tolist()
        raise input_error(
            path,
            f"advertiser {market.labels.advertiser(who)} has no factor{_at(when, by_tick)}; add a "
            "row, with factor 0 if it sits out",
        )
    return (rows if by_tick else rows[0]) * market.labels.per_currency


def _rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Each row's place, as ``path, line 3``, and its cells by column."""
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    # Python's reader counts lines also where a name holds a line end.
    text = read_bytes(path).decode("utf-8-sig", "replace")
    lines = csv.reader(StringIO(text, newline=""))
    try:
        header = next(lines, None)
        if header is None:
            raise input_error(path, "the file is empty")
        _check_header(path, header)
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(header):
                problem = f"{len(cells)} cells where {len(header)} belong ({','.join(header)})"
                raise input_error(path, problem, lines.line_num)
            row = dict(zip(header, cells, strict=True))
            yield f"{path}, line {lines.line_num}", row
    except csv.Error as error:
        raise input_error(path, f"it is not a CSV table ({error})", lines.line_num) from error


def _parquet(path: Path) -> Iterator[tuple[str, Row]]:
    check_parquet([path], AGAIN)
    frame = read_parquet(path, AGAIN)
    _check_header(path, frame.columns)
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        yield f"{path}, row {number}", {name: _text(cell) for name, cell in row.items()}


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in NEEDED:
        if header.count(name) != 1:
            there = "is there more than once" if name in header else "is missing"
            raise input_error(
                path, f"column {name!r} {there}; it needs advertiser and factor, once each", 1
            )


def _advertiser(text: str, names: dict[str, int], place: str, market: Market) -> int:
    """An index: a number below N is one itself, anything else is a name."""
    word = text.strip()
    if is_number(word) and int(word) < market.advertisers:
        return int(word)
    for name in (text, word):
        if name in names:
            return names[name]
    most = market.advertisers - 1
    raise InputError(
        f"{place}: there is no advertiser {text!r} in market {market.labels.name}; "
        f"write a number from 0 to {most}, or a name"
    )


def is_number(text: str) -> bool:
    """Whether it is a whole number from 0 that a count can be."""
    return text.isascii() and text.isdigit() and len(text) < 20


def _tick(text: str, ticks: int, place: str) -> int:
    if not (is_number(text.strip()) and int(text) < ticks):
        raise InputError(f"{place}: tick {text!r} must be a whole number from 0 to {ticks - 1}")
    return int(text)


def _factor(text: str, place: str) -> float:
    try:
        factor = float(text)
    except ValueError as error:
        raise InputError(
            f"{place}: factor {text!r} is not a number; write currency per value unit, 0 to sit out"
        ) from error
    if not isfinite(factor) or factor < 0:
        raise InputError(f"{place}: factor {text} must be finite and at least 0; 0 sits out")
    return factor


def _at(tick: int, by_tick: bool) -> str:
    return f" of tick {tick}" if by_tick else ""
