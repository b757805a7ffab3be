"""JSON lines: an object a line, whose keys name the columns.

A key of an object within is called "outer.inner".
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from equibid.logs.importing.chunks import Chunk
from equibid.logs.importing.parse import damaged
from equibid.logs.importing.rules import Fields, Lines, Parsed, bad_rows, check
from equibid.logs.importing.schema import LogSchema


def keys_of(lines: Sequence[str]) -> list[str]:
    """The names that some of the lines have, in the order they come in."""
    names: dict[str, None] = {}
    for line in lines:
        try:
            names |= dict.fromkeys(_cells(line))
        except ValueError:
            continue
    return list(names)


def parse_json(chunk: Chunk, form: LogSchema, fields: Fields, names: Sequence[str]) -> Parsed:
    """The rows of a chunk of JSON lines.

    Args:
        chunk: whole lines.
        form: of the log.
        fields: its columns.
        names: the key of each.
    """
    if chunk.damage is not None:
        return damaged(chunk, form)
    rows: list[list[str | None]] = []
    texts: list[str] = []
    lines: list[int] = []
    found: list[tuple[int, str, str, str, str]] = []
    blank = 0
    for number, line in enumerate(chunk.data.split(b"\n")[:-1], start=chunk.first_line):
        shown = line.decode("utf-8", "backslashreplace").rstrip("\r")
        if not shown.strip():
            blank += 1
            continue
        try:
            cells = _cells(line.decode())
        except UnicodeDecodeError:
            found.append((number, "", "bytes that are not UTF-8 text", "", shown))
        except ValueError:
            found.append((number, "", "not a JSON object", "", shown))
        else:
            rows.append([cells.get(name) for name in names])
            texts.append(shown)
            lines.append(number)
    schema = {field.name: pl.String for field in fields}
    words = pl.DataFrame(rows, schema=schema, orient="row")
    frame = words.with_columns(
        pl.col(field.name).cast(field.reads, strict=False) for field in fields
    )
    line = np.array(lines, np.int64)

    def shown_at(at: Lines) -> list[str]:
        return [texts[i] for i in at]

    parsed = check(frame, line, form, fields, shown_at, words)
    bad = pl.concat([bad_rows(found), parsed.bad]).sort("line")
    return Parsed(parsed.frame, parsed.line, bad, blank)


def _cells(line: str) -> dict[str, str | None]:
    """The texts of an object by their keys.

    Raises:
        ValueError: the line is no JSON object.
    """
    try:
        said = json.loads(line)
        if not isinstance(said, dict):
            raise ValueError
        return {key: _text(value) for key, value in _flat(said)}
    except RecursionError as error:
        raise ValueError from error


def _flat(said: dict[str, Any], outer: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in said.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{outer}{key}.")
        else:
            yield outer + key, value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    # A half of a pair of surrogates is no text.
    return text.encode("utf-8", "replace").decode()
