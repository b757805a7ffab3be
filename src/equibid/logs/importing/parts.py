"""Parquet parts of an import, each from a piece of a file."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.files import put_parquet, read_parquet
from equibid.logs.importing.rules import Lines
from equibid.logs.importing.schema import LogSchema, Totals

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Part:
    """A Parquet file and where its rows come from.

    Attributes:
        path: of the Parquet file.
        source: which file of the import.
        line: the line of each row; a range where no line was left out.
        totals: sums over its rows, see `LogSchema.totals`.
        hashes: [rows] of the keys; empty when rows have none.
    """

    path: Path
    source: int
    line: range | Lines
    totals: Totals
    hashes: Hashes

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.line)


def write_part(path: Path, source: int, frame: pl.DataFrame, line: Lines, form: LogSchema) -> Part:
    """Write rows as a Parquet file.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("wb") as file:
        put_parquet(file, frame)
    return Part(path, source, _compact(line), totals_of(frame, form), hashes_of(frame, form.key))


def without(part: Part, rows: Lines, form: LogSchema) -> Part:
    """The part without some of its rows, written anew."""
    keep = np.ones(part.rows, bool)
    keep[rows] = False
    frame = read_parquet(part.path).filter(keep)
    return write_part(part.path, part.source, frame, np.asarray(part.line)[keep], form)


def totals_of(frame: pl.DataFrame, form: LogSchema) -> Totals:
    """Sums over the rows of a table."""
    if not form.totals or frame.is_empty():
        return dict.fromkeys(form.totals, 0)
    sums = frame.select(**form.totals).row(0, named=True)
    return {name: 0 if total is None else total for name, total in sums.items()}


def added(totals: Iterable[Totals], form: LogSchema) -> Totals:
    """Sums of sums."""
    listed = list(totals)
    return {name: _sum([one[name] for one in listed]) for name in form.totals}


def hashes_of(frame: pl.DataFrame, key: Sequence[pl.Expr]) -> Hashes:
    """[rows] 64 bits of the key of each row; empty without a key."""
    if not key:
        return np.zeros(0, np.uint64)
    return frame.select(pl.struct(*key).hash()).to_series().to_numpy()


def text_of(frame: pl.DataFrame, form: LogSchema) -> list[str]:
    """Stored rows as lines, for the quarantine."""
    return [
        form.separator.join("" if cell is None else str(cell) for cell in row)
        for row in frame.iter_rows()
    ]


def _sum(numbers: Sequence[int | float]) -> int | float:
    return sum(numbers) if all(isinstance(x, int) for x in numbers) else math.fsum(numbers)


def _compact(line: Lines) -> range | Lines:
    if len(line) and line[-1] - line[0] + 1 == len(line):
        return range(int(line[0]), int(line[-1]) + 1)
    return line
