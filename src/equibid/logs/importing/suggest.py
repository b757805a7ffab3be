"""A map of columns to begin with, from the names a log has."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from equibid.errors import input_error
from equibid.logs.importing.column_map import COLUMNS
from equibid.logs.importing.mapped import looks_like_rows
from equibid.logs.importing.source import head_of

# Names that logs have for our columns, the likeliest first; marks and capitals are of no account.
LIKELY = {
    "id": "id bidid auctionid requestid impressionid",
    "time": "timestamp ts time datetime eventtime",
    "day": "day date",
    "hour": "hour",
    "tick": "tick timestep timestepindex",
    "advertiser": "advertiser advertiserid campaign campaignid",
    "value": "pctr predictedctr ctr pcvr predictedcvr pclick prediction value pvalue",
    "price": "marketprice mprice price clearingprice winprice winningprice payprice clearingmicros "
    "cpm",
    "bid": "bid bidprice",
    "cost": "cost paid spend payprice",
    "budget": "budget dailybudget",
    "click": "click clicked clk isclick",
    "conversion": "conversion converted conv isconversion",
}
SEPARATORS = (",", ";", "\t", "|")


def suggested_map(path: Path) -> str:
    """The text of a map for a log, to be edited.

    Raises:
        InputError: the file cannot be read, or has one column.
    """
    names, lines = head_of(path)
    separator = ","
    row: Sequence[str] = ()
    if not names:
        separator = max(SEPARATORS, key=lines[0].count)
        names = next(csv.reader(lines[:1], delimiter=separator))
        row = next(csv.reader(lines[1:2], delimiter=separator), ())
    if len(names) < 2:
        raise input_error(path, "its first line has one column; name its separator in a map")
    header = not looks_like_rows(names)
    if not header:
        names, row = [str(place + 1) for place in range(len(names))], names
    guessed = guess(names) if header else {}
    text = [
        f"# A map of the columns of {path.name}: check every line, then import with --columns.",
        "# On the left our names, on the right the log's. Its columns are:",
        *(_shown(place, name, row) for place, name in enumerate(names)),
        "",
        f"name = {_quoted(path.name.split('.')[0])}",
        'currency = "unit"  # of prices, bids, costs and budgets',
        'value_unit = "click"  # what one unit of value is',
    ]
    if separator != ",":
        text.append(f"separator = {_quoted(separator)}")
    if separator != "," and any(re.fullmatch(r"-?\d+,\d+", cell) for cell in row):
        text.append('decimal = ","')
    if not header:
        text.append("header = false")
    text += ["", "[columns]"]
    for name, meaning in COLUMNS.items():
        mark = "" if name in guessed else "# "
        theirs = _quoted(guessed.get(name, "?"))
        text.append(f"{mark}{name} = {theirs}  # {meaning.says}")
    return "\n".join(text) + "\n"


def guess(names: Sequence[str]) -> Mapping[str, str]:
    """For each of our columns that one can guess, the log's."""
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(names)}
    found = {}
    for name, words in LIKELY.items():
        theirs = next((plain[word] for word in words.split() if word in plain), None)
        if theirs is not None and theirs not in found.values():
            found[name] = theirs
    if "time" in found:
        for name in ("day", "hour", "tick"):
            found.pop(name, None)
    if "hour" in found:
        found.pop("tick", None)
    return found


def _shown(place: int, name: str, row: Sequence[str]) -> str:
    example = f", as in {row[place][:40]}" if place < len(row) else ""
    return f"#   {_quoted(name)}{example}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'
