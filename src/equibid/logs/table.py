"""Tables of numbers in text files: read fast, and blame exactly one place when they are bad."""

import gzip
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import opening

Numbers = npt.NDArray[np.float64]
Table = dict[str, Numbers]

# Far beyond any log, and their sums stay finite.
MOST = 1e15
MOST_WHOLE = 2**31 - 1

NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.ASCII | re.IGNORECASE
)


class Column(NamedTuple):
    """A column of numbers and the rule they keep.

    Attributes:
        name: as in the header, or in the format's description.
        wish: what a number must be, for people.
        holds: which numbers of the column are so.
    """

    name: str
    wish: str
    holds: Callable[[Numbers], npt.NDArray[np.bool_]]


def flag(name: str) -> Column:
    """A column of zeros and ones."""
    return Column(name, "0 or 1", lambda x: (x == 0) | (x == 1))


def whole(name: str) -> Column:
    """A column of whole numbers from 0 on."""
    return Column(
        name,
        f"a whole number from 0 to {MOST_WHOLE}",
        lambda x: (x >= 0) & (x <= MOST_WHOLE) & (x == np.floor(x)),
    )


def probability(name: str) -> Column:
    """A column of numbers from 0 to 1."""
    return Column(name, "a number from 0 to 1", lambda x: (x >= 0) & (x <= 1))


def amount(name: str) -> Column:
    """A column of numbers from 0 on."""
    return Column(name, f"a number from 0 to {MOST:g}", lambda x: (x >= 0) & (x <= MOST))


def positive(name: str) -> Column:
    """A column of numbers above 0."""
    return Column(name, f"a number above 0, up to {MOST:g}", lambda x: (x > 0) & (x <= MOST))


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked if its name ends in .gz."""
    with opening(path):
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data


def files_in(folder: Path) -> list[Path]:
    """What a folder holds, by name."""
    with opening(folder):
        return sorted(folder.iterdir())


def first_line(path: Path) -> str:
    """A file's first line, unpacked if its name ends in .gz."""
    with opening(path), (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        return file.readline(10_000).decode("utf-8-sig", "replace").rstrip("\r\n")


def read_spaced(path: Path, columns: Sequence[Column]) -> Table:
    """A table without a header, its columns divided by single tabs or spaces.

    Raises:
        InputError: the file is missing, damaged or empty, or a line breaks the form.
    """
    data = _lines(path).replace(b"\t", b" ")
    return _numbers(path, data, columns, " ", header=0)


def read_csv(path: Path, columns: Sequence[Column]) -> Table:
    """A table with a header that names exactly these columns, in any order, divided by commas.

    Raises:
        InputError: the file is missing, damaged or empty, the header has other names, or a line
            breaks the form.
    """
    data = _lines(path)
    by_name = {column.name: column for column in columns}
    names = data.partition(b"\n")[0].decode("utf-8-sig", "replace").rstrip("\r").split(",")
    for name in names:
        if name not in by_name:
            raise input_error(path, f"there is no column {name!r} in this format", 1)
        if names.count(name) > 1:
            raise input_error(path, f"column {name!r} is there twice", 1)
    for name in by_name:
        if name not in names:
            raise input_error(path, f"column {name!r} is missing", 1)
    return _numbers(path, data, [by_name[name] for name in names], ",", header=1)


def _lines(path: Path) -> bytes:
    """A file's content up to its last line that is not empty, each line with its end."""
    data = read_bytes(path).rstrip(b"\r\n")
    if not data:
        raise input_error(path, "the file is empty")
    # Without a last line end Polars would overlook an empty last column.
    return data + b"\n"


def _numbers(
    path: Path, data: bytes, columns: Sequence[Column], separator: str, header: int
) -> Table:
    """The body of a table as float64 columns that keep their rules."""
    rows = data.count(b"\n") - header
    if rows == 0:
        raise input_error(path, "it holds a header and no rows", 1)
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            skip_lines=header,
            separator=separator,
            quote_char=None,
            schema={column.name: pl.Float64 for column in columns},
        )
    except pl.exceptions.PolarsError as error:
        raise _blame(path, data, columns, separator, header) from error
    # Polars fills short lines with nulls.
    if frame.height != rows or any(frame.null_count().row(0)):
        raise _blame(path, data, columns, separator, header)
    table = {name: frame[name].to_numpy() for name in frame.columns}
    for column in columns:
        good = column.holds(table[column.name])
        if not good.all():
            row = int(good.argmin())
            number = float(table[column.name][row])
            raise input_error(
                path, f"{column.name} {number:.15g} is not {column.wish}", row + 1 + header
            )
    return table


def _blame(
    path: Path, data: bytes, columns: Sequence[Column], separator: str, header: int
) -> InputError:
    """The error of the first line that is not a row of numbers."""
    lines = data.decode("utf-8-sig", "replace").split("\n")[:-1]
    for number, line in enumerate(lines[header:], start=1 + header):
        words = line.removesuffix("\r").split(separator)
        if len(words) != len(columns):
            names = separator.join(column.name for column in columns)
            return input_error(
                path, f"{len(words)} columns where {len(columns)} belong ({names})", number
            )
        for column, word in zip(columns, words, strict=True):
            if not NUMBER.fullmatch(word):
                return input_error(path, f"{column.name} {word[:40]!r} is not a number", number)
    return input_error(path, f"it is not a text table of {len(columns)} columns of numbers")
