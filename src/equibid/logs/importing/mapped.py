"""The form of a log that is read through a map of its columns."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from equibid.errors import InputError
from equibid.logs.importing.column_map import COLUMNS, ColumnMap
from equibid.logs.importing.mapped_notes import notes
from equibid.logs.importing.schema import Field, LogSchema, left_out, named, text
from equibid.logs.importing.words import NOTHING, days, numbers, times


def mapped_form(columns: ColumnMap) -> LogSchema:
    """The form of a log that is read through a map."""
    ours = columns.names
    sums = {"clicks": "click", "conversions": "conversion", "cost": "cost"}
    return LogSchema(
        name="columns",
        fields=tuple(replace(_field(name, columns), optional=True) for name in ours),
        recognises=lambda *_: False,
        separator=columns.labels.get("separator", ","),
        header="yes" if columns.header else "no",
        quoted=True,
        key=(pl.col("id"),) if "id" in ours else (),
        totals={"impressions": pl.len()}
        | {total: pl.col(name).sum() for total, name in sums.items() if name in ours},
        beside=lambda _: {"labels": dict(columns.labels)},
        derive=_derive(columns),
        named=_named(columns),
        copies=tuple(
            (_field(name, columns), first)
            for name, first in _first_of(columns).items()
            if name != first
        ),
        notes=lambda rows: notes(rows, columns),
    )


def _field(name: str, columns: ColumnMap) -> Field:
    """A column of ours, and how the log's words become what is stored."""
    meaning, labels = COLUMNS[name], columns.labels
    if name == "time":
        zone, unit = labels.get("time_zone", "UTC"), columns.units.get(name)
        wish = f"a count of {unit}" if unit else "a time, as in 2013-06-12T08:30:00 or 1371025800"
        return _converted(name, wish, lambda x: times(x, zone, unit))
    if name == "day":
        return _converted(name, "a whole number or a date as in 2013-06-12", days)
    if meaning.rule is None:
        return named(name) if name in ("id", "advertiser") else text(name)
    decimal = labels.get("decimal", ".")
    field = _converted(name, meaning.rule.wish, lambda x: numbers(x, decimal))
    return replace(field, holds=meaning.rule.holds, nothing=NOTHING if meaning.gaps else ())


def _converted(name: str, wish: str, convert: Callable[[pl.Series], pl.Series]) -> Field:
    stores = COLUMNS[name].stores
    read = pl.Float64 if COLUMNS[name].rule is not None else stores
    return Field(
        name,
        wish,
        stores=stores,
        convert=lambda x: x.map_batches(convert, return_dtype=read, is_elementwise=True),
        typed=True,
    )


def _first_of(columns: ColumnMap) -> dict[str, str]:
    """For each of our columns, the first that is read from the same one of the log."""
    first: dict[str, str] = {}
    for name, theirs in columns.columns.items():
        first.setdefault(theirs, name)
    return {name: first[theirs] for name, theirs in columns.columns.items()}


def _named(columns: ColumnMap) -> Callable[[list[str]], tuple[Field, ...]]:
    """From a header to fields; columns that are not mapped are read as text and not stored."""
    firsts = set(_first_of(columns).values())
    ours = {theirs: name for name, theirs in columns.columns.items() if name in firsts}

    def fields(header: list[str]) -> tuple[Field, ...]:
        numbered = any(looks_like_rows([theirs]) or theirs not in header for theirs in ours)
        if columns.header and numbered and looks_like_rows(header):
            raise InputError(
                f"the first line looks like a row ({', '.join(header[:5])}); if the file has no "
                f"header, write header = false in {columns.path} and number its columns from 1 on"
            )
        for theirs in ours:
            if header.count(theirs) != 1:
                there = "is there twice" if theirs in header else "is missing"
                raise InputError(
                    f"column {theirs!r}, which {columns.path} names, {there}; the log has "
                    f"{_listed(header)}"
                )
        return tuple(
            _field(ours[name], columns) if name in ours else left_out(place)
            for place, name in enumerate(header)
        )

    return fields


def looks_like_rows(header: Sequence[str]) -> bool:
    """Whether a line that should name columns holds numbers, and not those that count them."""
    read = pl.Series(list(header), dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
    counted = len(read) > 1 and read[0] in (0, 1) and (read.diff().drop_nulls() == 1).all()
    return 2 * len(read) > len(header) and not counted


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return f"{shown}, …" if len(names) > 12 else shown


def _derive(columns: ColumnMap) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def derive(frame: pl.DataFrame) -> pl.DataFrame:
        scaled = [
            (pl.col(name) * factor).alias(name)
            for name, factor in columns.scale.items()
            if factor != 1
        ]
        constants = [
            pl.lit(constant, COLUMNS[name].stores).alias(name)
            for name, constant in columns.constants.items()
        ]
        return frame.with_columns(*scaled, *constants)

    return derive
