"""Rows that share a key with an earlier row.

Keys are compared by 64-bit hashes first, which takes 16 bytes a row while they are sorted; rows
whose hashes meet are then compared by the keys themselves, so no row is a duplicate by accident.
Only these keys are ever in memory.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from equibid.files import parquet, read_parquet
from equibid.logs.importing.parts import Part, text_of, without
from equibid.logs.importing.quarantine import Quarantine
from equibid.logs.importing.rules import Lines, bad_rows
from equibid.logs.importing.schema import LogSchema

REASON = "the same id as an earlier row"


def drop_duplicates(
    parts: Sequence[Part], form: LogSchema, names: Sequence[str], quarantine: Quarantine
) -> list[Part]:
    """The parts without rows whose key an earlier row has; those go to the quarantine.

    Args:
        parts: in order of the files and their lines.
        form: with the key.
        names: of the files.
        quarantine: takes the rows.
    """
    if not form.key:
        return list(parts)
    suspects = _meeting([part.hashes for part in parts])
    if not any(len(rows) for rows in suspects):
        return list(parts)
    tables = []
    for number, (part, rows) in enumerate(zip(parts, suspects, strict=True)):
        if not len(rows):
            continue
        with parquet(part.path) as table:
            keys = table.select(pl.struct(*form.key).alias("key")).collect()[rows]
        place = {"row": pl.Series(rows), "line": pl.Series(np.asarray(part.line)[rows])}
        tables.append(keys.with_columns(part=pl.lit(number, pl.Int32), **place))
    # Each row's place among them, and that of the first row of its key.
    seen = pl.concat(tables).with_row_index("place")
    seen = seen.with_columns(first=pl.col("place").first().over("key")).drop("key")
    result = list(parts)
    for (number,), rows in seen.filter(pl.col("first") != pl.col("place")).group_by(
        "part", maintain_order=True
    ):
        assert isinstance(number, int)
        part, at = parts[number], rows["row"].to_numpy()
        text = text_of(read_parquet(part.path)[at], form)
        firsts = seen[rows["first"]].select("part", "line").iter_rows()
        found = zip(rows["line"], firsts, text, strict=True)
        quarantine.add(
            names[part.source],
            bad_rows(
                (line, "id", REASON, f"first in {names[parts[one].source]}, line {first}", row)
                for line, (one, first), row in found
            ),
        )
        result[number] = without(part, at, form)
    return [part for part in result if part.rows]


def _meeting(hashes: Sequence[np.ndarray]) -> list[Lines]:
    """The rows of each part whose hash another row has too."""
    if not hashes:
        return []
    together = np.sort(np.concatenate(hashes))
    twice = np.unique(together[1:][together[1:] == together[:-1]])
    del together
    if not len(twice):
        return [np.zeros(0, np.int64)] * len(hashes)
    found = []
    for part in hashes:
        near = np.minimum(np.searchsorted(twice, part), len(twice) - 1)
        found.append(np.flatnonzero(twice[near] == part))
    return found
