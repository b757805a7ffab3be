"""Where rows go that cannot be used: a CSV file with file, line, field, reason, value and row."""

from collections import Counter
from pathlib import Path
from types import TracebackType

import polars as pl

from equibid.logs.importing.rules import BAD

FILE = "quarantine.csv"


class Quarantine:
    """Writes bad rows as they come, and counts them.

    Attributes:
        reasons: how many rows of each field and reason.
        by_file: how many rows of each file.
    """

    def __init__(self, path: Path) -> None:
        self.reasons: Counter[str] = Counter()
        self.by_file: Counter[str] = Counter()
        self._file = path.open("wb")
        pl.DataFrame(schema={"file": pl.String} | dict(BAD)).write_csv(self._file)

    def __enter__(self) -> "Quarantine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def rows(self) -> int:
        """How many rows are in it."""
        return self.by_file.total()

    def add(self, file: str, bad: pl.DataFrame) -> None:
        """Write bad rows of a file down, see `BAD`."""
        if bad.is_empty():
            return
        self.by_file[file] += bad.height
        for field, reason in bad.select("field", "reason").iter_rows():
            self.reasons[f"{field} {reason}".strip()] += 1
        bad.select(pl.lit(file).alias("file"), *BAD).write_csv(self._file, include_header=False)
