"""The rules that rows keep, whatever they were read from."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.logs.importing.schema import Field, LogSchema

Lines = npt.NDArray[np.int64]
Fields = Sequence[Field]
# The text of the rows at some places of a table.
RowsAt = Callable[[Lines], list[str]]

# Letters of a cell, as many as the module can count on any system.
LONGEST = 2**31 - 1

BAD = pl.Schema(
    {
        "line": pl.Int64,
        "field": pl.String,
        "reason": pl.String,
        "value": pl.String,
        "row": pl.String,
    }
)


@dataclass(frozen=True)
class Parsed:
    """What a chunk holds.

    Attributes:
        frame: the good rows, columns and types as stored.
        line: [rows] the line of each.
        bad: a row for each bad line, see `BAD`.
        blank: how many lines hold nothing.
    """

    frame: pl.DataFrame
    line: Lines
    bad: pl.DataFrame
    blank: int = 0


def check(
    frame: pl.DataFrame,
    line: Lines,
    form: LogSchema,
    fields: Fields,
    rows: RowsAt,
    words: pl.DataFrame | None = None,
) -> Parsed:
    """Part rows that keep the rules of their fields from those that do not.

    Args:
        frame: columns as they are read, null where a text is no number.
        line: [rows] of each row.
        form: of the log.
        fields: its columns in the order of the file.
        rows: see `RowsAt`.
        words: the columns as text; None divides the rows for it.
    """
    place = {field.name: number for number, field in enumerate(fields)}
    places = [*range(len(fields)), *(place[source] for _, source in form.copies)]
    frame = frame.with_columns(pl.col(source).alias(field.name) for field, source in form.copies)
    fields = (*fields, *(field for field, _ in form.copies))
    done = frame.with_columns(
        field.convert(pl.col(field.name)) for field in fields if field.convert is not None
    )
    # The first field of each row that breaks its rule; none is len(fields).
    wrong = np.full(frame.height, len(fields), np.int16)
    for number, field in reversed(list(enumerate(fields))):
        wrong[~_keeps(field, frame[field.name], done[field.name])] = number
    good = wrong == len(fields)
    if good.all():
        return Parsed(_stored(done, form), line, bad_rows([]))
    at = np.flatnonzero(~good)
    found = []
    for i, row in zip(at, rows(at), strict=True):
        number = int(wrong[i])
        cells = _cells(row, form, len(place)) if words is None else words.row(int(i))
        value = cells[places[number]] if places[number] < len(cells) else ""
        reason = f"not {fields[number].wish}"
        found.append((int(line[i]), fields[number].name, reason, value or "", row))
    return Parsed(_stored(done.filter(good), form), line[good], bad_rows(found))


def bad_rows(rows: Iterable[tuple[int, str, str, str, str]]) -> pl.DataFrame:
    """A table of bad rows: line, field, reason, value, row."""
    return pl.DataFrame(list(rows), schema=BAD, orient="row")


def csv_cells(row: str, form: LogSchema) -> list[str]:
    """The cells of a row with quotes."""
    csv.field_size_limit(LONGEST)
    # A carriage return inside a line is text like any other, which the module does not take.
    return next(csv.reader([row.replace("\r", " ")], delimiter=form.separator), [])


def _keeps(field: Field, read: pl.Series, done: pl.Series) -> npt.NDArray[np.bool_]:
    """[rows] which rows keep a field's rule."""
    holds = field.holds
    if field.convert is not None:
        good = done.is_not_null().to_numpy()
        good = good if holds is None else good & holds(done.to_numpy())
        if not field.nothing:
            return good
        return good | read.cast(pl.String).fill_null("").is_in(field.nothing).to_numpy()
    if field.reads == pl.String and holds is None:
        return np.ones(len(read), bool)
    # Null keeps no rule.
    there = read.is_not_null().to_numpy()
    return there if holds is None else there & holds(read.to_numpy())


def _stored(frame: pl.DataFrame, form: LogSchema) -> pl.DataFrame:
    """Columns of the form in its order and types; optional ones that are absent are null."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(stores).alias(name)
        for name, stores in form.schema.items()
    )


def _cells(row: str, form: LogSchema, columns: int) -> list[str]:
    if form.quoted:
        return csv_cells(row, form)
    return row.split(form.separator, columns - 1 if form.rest else -1)
