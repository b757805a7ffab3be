"""Advertisers that are in a log by mistake.

Where every impression has a row for each advertiser, one that has hardly any rows is nobody: its
number is a mistake.
"""

from collections.abc import Sequence

import polars as pl

from equibid.files import parquet, read_parquet
from equibid.logs.importing.parts import Part, text_of, without
from equibid.logs.importing.quarantine import Quarantine
from equibid.logs.importing.rules import bad_rows
from equibid.logs.importing.schema import LogSchema

# Of the rows that the advertiser with most rows has.
FEW = 0.01
REASON = "unknown: nearly no impression has a row of it"


def set_unknown_aside(
    parts: Sequence[Part], form: LogSchema, names: Sequence[str], quarantine: Quarantine
) -> list[Part]:
    """The parts without rows of such advertisers; those go to the quarantine."""
    if not form.census or form.advertiser is None or not parts:
        return list(parts)
    found = []
    for part in parts:
        with parquet(part.path) as table:
            found.append(table.group_by(form.census).len().collect())
    counts = pl.concat(found).group_by(form.census).agg(pl.col("len").sum())
    most = pl.col("len").max().over(form.census[:-1] or pl.lit(0))
    few = counts.filter(pl.col("len") < FEW * most).select(form.census)
    if few.is_empty():
        return list(parts)
    result = []
    for part in parts:
        frame = read_parquet(part.path).with_columns(line=pl.Series(list(part.line)))
        found = frame.with_row_index("place").join(few, on=form.census, how="semi")
        if found.is_empty():
            result.append(part)
            continue
        text = text_of(found.drop("place", "line"), form)
        told = zip(found["line"], found[form.advertiser], text, strict=True)
        quarantine.add(
            names[part.source],
            bad_rows((line, form.advertiser, REASON, str(who), row) for line, who, row in told),
        )
        result.append(without(part, found["place"].cast(pl.Int64).to_numpy(), form))
    return [part for part in result if part.rows]
