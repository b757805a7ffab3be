"""From lines of text to a table, and to the lines that are no row of it.

Polars reads a chunk at once. Where lines have too many or too few columns, or bytes that are no
text, those are sorted out first and the rest goes through the same parser: a good row has the same
numbers whatever stands beside it.
"""

import re

import numpy as np
import polars as pl

from equibid.logs.importing.chunks import Chunk
from equibid.logs.importing.rules import Fields, Lines, Parsed, bad_rows, check, csv_cells
from equibid.logs.importing.schema import LogSchema

# A separator that no line has: the whole line is one column.
NEVER = "\x1e"


def parse(chunk: Chunk, form: LogSchema, fields: Fields) -> Parsed:
    """The rows of a chunk of text.

    Args:
        chunk: whole lines; with `damage` set, the piece that is left is a bad row.
        form: of the log.
        fields: its columns in the order of the file.
    """
    if chunk.damage is not None:
        return damaged(chunk, form)
    data = chunk.data.replace(b"\r\n", b"\n") if b"\r" in chunk.data else chunk.data
    if form.spaced:
        data = data.replace(b"\t", b" ")
    frame = _at_once(data, chunk.lines, form, fields)
    if frame is None:
        return _with_care(data, chunk.first_line, form, fields)
    line = _lines(chunk.first_line, frame.height)

    def rows(at: Lines) -> list[str]:
        text = data.split(b"\n")
        return [_shown(text[i]) for i in at]

    return check(frame, line, form, fields, rows)


def damaged(chunk: Chunk, form: LogSchema) -> Parsed:
    """The one bad row that is left of a damaged archive."""
    row = (chunk.first_line, "", chunk.damage or "", "", _shown(chunk.data))
    return Parsed(pl.DataFrame(schema=form.schema), _lines(1, 0), bad_rows([row]))


def _at_once(data: bytes, count: int, form: LogSchema, fields: Fields) -> pl.DataFrame | None:
    """All `count` lines as rows; None unless each has as many columns as there are fields.

    Polars refuses a line with too many columns and fills up one with too few: if all separators
    together are as many as they should be, neither can be.
    """
    if (form.rest or len(fields) == 1) and (data.startswith(b"\n") or b"\n\n" in data):
        return None
    if not form.rest and _separators(data, form) != count * (len(fields) - 1):
        return None
    try:
        frame = _read(data, form, fields)
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == count else None


def _with_care(data: bytes, first_line: int, form: LogSchema, fields: Fields) -> Parsed:
    """Sort out the lines that cannot be split into columns; read the rest at once."""
    texts: list[bytes] = []
    numbers: list[int] = []
    found: list[tuple[int, str, str, str, str]] = []
    blank = 0
    for number, row in enumerate(data.split(b"\n")[:-1], start=first_line):
        if not row:
            blank += 1
        elif problem := _misshapen(row, form, len(fields)):
            found.append((number, "", problem, "", _shown(row)))
        else:
            texts.append(row)
            numbers.append(number)
    frames, fits = _isolate(texts, form, fields)
    found += [
        (number, "", "not a row of this format", "", _shown(row))
        for number, row, fit in zip(numbers, texts, fits, strict=True)
        if not fit
    ]
    texts = [row for row, fit in zip(texts, fits, strict=True) if fit]
    line = np.array(numbers, np.int64)[np.array(fits, bool)]
    if not frames:
        return Parsed(pl.DataFrame(schema=form.schema), line, bad_rows(found), blank)
    parsed = check(pl.concat(frames), line, form, fields, lambda at: [_shown(texts[i]) for i in at])
    bad = pl.concat([bad_rows(found), parsed.bad]).sort("line")
    return Parsed(parsed.frame, parsed.line, bad, blank)


def _misshapen(row: bytes, form: LogSchema, columns: int) -> str | None:
    """What keeps a line from being split into columns."""
    try:
        text = row.decode()
    except UnicodeDecodeError:
        return "bytes that are not UTF-8 text"
    if form.rest:
        return None
    count = text.count(form.separator) + 1
    if form.quoted and '"' in text:
        if not _quotes_fit(text, form.separator):
            return "a quote that is not closed, or stands inside a text"
        count = len(csv_cells(text, form))
    return None if count == columns else f"{count} columns where {columns} belong"


def _quotes_fit(text: str, separator: str) -> bool:
    """Whether quotes stand only around whole cells, or doubled within them."""
    sign = re.escape(separator)
    cell = f'(?:[^"{sign}]*|"(?:[^"]|"")*")'
    return re.fullmatch(f"{cell}(?:{sign}{cell})*", text, re.DOTALL) is not None


def _isolate(
    rows: list[bytes], form: LogSchema, fields: Fields
) -> tuple[list[pl.DataFrame], list[bool]]:
    """Tables of the rows that can be read together, and which they are."""
    if not rows:
        return [], []
    try:
        frame = _read(b"\n".join(rows) + b"\n", form, fields, ignore_errors=True)
        if frame.height == len(rows):
            return [frame], [True] * len(rows)
    except pl.exceptions.PolarsError:
        pass
    if len(rows) == 1:
        return [], [False]
    half = len(rows) // 2
    first, second = _isolate(rows[:half], form, fields), _isolate(rows[half:], form, fields)
    return first[0] + second[0], first[1] + second[1]


def _read(
    data: bytes, form: LogSchema, fields: Fields, ignore_errors: bool = False
) -> pl.DataFrame:
    """Lines as columns of the types they are read as; null is what is no number."""
    frame = pl.read_csv(
        data,
        has_header=False,
        separator=NEVER if form.rest else form.separator,
        quote_char='"' if form.quoted else None,
        schema={"line": pl.String} if form.rest else {field.name: field.reads for field in fields},
        empty_string_is_null=False,
        ignore_errors=ignore_errors,
    )
    if not form.rest:
        return frame
    names = [field.name for field in fields]
    parts = pl.col("line").str.splitn(form.separator, len(fields)).struct.rename_fields(names)
    return (
        frame.select(parts)
        .unnest("line")
        .with_columns(
            *(pl.col(field.name).cast(field.reads, strict=False) for field in fields[:-1]),
            pl.col(names[-1]).fill_null(""),
        )
    )


def _separators(data: bytes, form: LogSchema) -> int:
    """Separators outside of quotes; -1 if a quote is not where it may be, see `_quotes_fit`."""
    separator = form.separator.encode()
    if not form.quoted or b'"' not in data:
        return data.count(separator)
    outside = data.split(b'"')[::2]
    edge = (separator, b"\n")
    # Nothing is between two quotes that stand for one.
    fit = all(not part or part.startswith(edge) for part in outside[1:])
    fit = fit and all(not part or part.endswith(edge) for part in outside[:-1])
    together = b"".join(outside)
    fit = fit and data.count(b'"') % 2 == 0 and together.count(b"\n") == data.count(b"\n")
    return together.count(separator) if fit else -1


def _shown(row: bytes) -> str:
    return row.decode("utf-8", "backslashreplace")


def _lines(first: int, count: int) -> Lines:
    return np.arange(first, first + count, dtype=np.int64)
