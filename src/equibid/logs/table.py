"""Tables of numbers in text files: read fast, and blame exactly one place when they are bad."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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
