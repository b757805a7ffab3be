"""What a log looks like: its columns, the rules they keep, and how it is recognised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.errors import InputError
from equibid.logs.table import Column
from equibid.registry import Registry

Rule = Callable[[npt.NDArray[Any]], npt.NDArray[np.bool_]]
Totals = Mapping[str, int | float]
Type = Any  # a Polars data type: pl.Int32 or pl.List(pl.Float64)


@dataclass(frozen=True)
class Field:
    """A column of a log.

    Attributes:
        name: as in the header, or in the format's description.
        wish: what its content must be, for people.
        reads: type it is read as.
        stores: type it has in Parquet.
        holds: which numbers are so; None for any.
        convert: from the text that was read to what is stored, null where it cannot be.
        nothing: texts that say "no value" and are stored as null.
        optional: whether a header may leave the column out; it is then stored as null.
        typed: whether `convert` also takes the numbers, flags and times of a typed table.
    """

    name: str
    wish: str = "text"
    reads: Type = pl.String
    stores: Type = pl.String
    holds: Rule | None = None
    convert: Callable[[pl.Expr], pl.Expr] | None = None
    nothing: tuple[str, ...] = ()
    optional: bool = False
    typed: bool = False


def number(column: Column, stores: Type = pl.Float64) -> Field:
    """Numbers that keep the rule of a `Column`, however they are written (1, 1.0, 1e0)."""
    return Field(column.name, column.wish, pl.Float64, stores, column.holds)


def integer(name: str, low: int, high: int, stores: Type = pl.Int32) -> Field:
    """Whole numbers, written as such."""
    wish = f"a whole number from {low} to {high}"
    return Field(name, wish, pl.Int64, stores, lambda x: (x >= low) & (x <= high))


def integer_or(name: str, *nothing: str) -> Field:
    """Whole numbers from 0 on, or one of the words for none."""
    wish = f"a whole number from 0 on, or {' or '.join(repr(word) for word in nothing)}"
    return Field(
        name,
        wish,
        stores=pl.Int32,
        holds=lambda x: ~(x < 0),
        convert=lambda x: x.cast(pl.Int32, strict=False),
        nothing=nothing,
    )


def text(name: str) -> Field:
    """Any text."""
    return Field(name)


def named(name: str) -> Field:
    """Text that is there and not empty."""
    return Field(name, "an id", holds=lambda x: x != "")


def listed(name: str, count: int, *nothing: str) -> Field:
    """A list of `count` finite numbers written as ``(1.0, 2.0, …)``."""

    def convert(words: pl.Expr) -> pl.Expr:
        whole = words.str.starts_with("(") & words.str.ends_with(")")
        numbers = (
            words.str.strip_chars("()")
            .str.split(",")
            .list.eval(pl.element().str.strip_chars().cast(pl.Float64, strict=False))
        )
        finite = numbers.list.eval(pl.element().is_finite().fill_null(False)).list.all()
        return pl.when(whole & finite & (numbers.list.len() == count)).then(numbers)

    wish = f"{count} numbers in brackets"
    return Field(name, wish, stores=pl.List(pl.Float64), convert=convert, nothing=nothing)


def features(name: str) -> Field:
    """A list of feature ids written as ``3:1 6:1 …``."""

    def convert(words: pl.Expr) -> pl.Expr:
        form = (words == "") | words.str.contains(r"^\d{1,9}:1( \d{1,9}:1)*$")
        ids = words.str.extract_all(r"\d+:").list.eval(
            pl.element().str.strip_suffix(":").cast(pl.Int32, strict=False)
        )
        return pl.when(form).then(ids)

    return Field(name, "feature ids as in 3:1 6:1", stores=pl.List(pl.Int32), convert=convert)


@dataclass(frozen=True)
class LogSchema:
    """A format of logs.

    Attributes:
        name: of the format.
        fields: its columns, in their order where there is no header.
        recognises: whether a file looks like it, by its name (without .gz or .bz2) and its first
            lines.
        separator: between columns.
        header: whether the first line names the columns; they may then come in any order.
        quoted: whether a text with separators in it stands in double quotes (within a line).
        spaced: whether tabs and spaces both separate.
        rest: whether the last column takes the rest of the line.
        key: what no two rows may share; empty when rows have no name.
        totals: sums over all rows, for the summary.
        advertiser: the column with the advertiser's number, if there is one.
        census: columns of the period and the advertiser, where every impression of a period has a
            row for each; see `unknown_advertisers`.
        beside: what a file beside the log tells, to be kept with it.
        stated: the totals that it gives for a file of some name.
        derive: fills columns that are not in the file, before rows are written.
        named: from a header to fields, where it is not the form's own names; see `in_order`.
        use: what a log of the form is good for, where it cannot be played.
        copies: further fields that are read from the column of another, by that one's name.
        notes: what people should know of all rows, from their Parquet files.
    """

    name: str
    fields: tuple[Field, ...]
    recognises: Callable[[str, Sequence[str]], bool]
    separator: str = ","
    header: Literal["no", "yes", "maybe"] = "no"
    quoted: bool = False
    spaced: bool = False
    rest: bool = False
    key: tuple[pl.Expr, ...] = ()
    totals: Mapping[str, pl.Expr] = field(default_factory=dict)
    advertiser: str | None = None
    census: tuple[str, ...] = ()
    beside: Callable[[Path], dict[str, Any]] = lambda _: {}
    stated: Callable[[str, dict[str, Any]], Totals] = lambda *_: {}
    derive: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    named: Callable[[list[str]], tuple[Field, ...]] | None = None
    use: str = ""
    copies: tuple[tuple[Field, str], ...] = ()
    notes: Callable[[pl.LazyFrame], list[str]] = lambda _: []

    @property
    def schema(self) -> dict[str, Type]:
        """Columns and types in Parquet."""
        return {field.name: field.stores for field in self.fields}


SCHEMAS: Registry[LogSchema] = Registry("log form")
"""Forms of logs that are imported, by name."""


def in_order(form: LogSchema, names: Sequence[str]) -> tuple[Field, ...]:
    """The fields of a header; columns that are not of the form are read as text and not stored.

    Raises:
        InputError: a name of the form is there twice, or is missing.
    """
    if form.named is not None:
        return form.named(list(names))
    fields = {field.name: field for field in form.fields}
    for name in names:
        if name in fields and list(names).count(name) > 1:
            raise InputError(f"column {name!r} is there twice")
    for field_ in form.fields:
        if field_.name not in names and not field_.optional:
            raise InputError(f"column {field_.name!r} is missing")
    return tuple(fields.get(name) or left_out(place) for place, name in enumerate(names))


def left_out(place: int) -> Field:
    """The field of a column that is not stored."""
    return Field(f"left out {place}")


def known_only(form: LogSchema, advertisers: Sequence[int]) -> LogSchema:
    """The same form, where every other advertiser's row is bad.

    Raises:
        InputError: the form has no advertiser.
    """
    if form.advertiser is None:
        raise InputError(f"the format {form.name} has no column of advertisers to be known")
    known = np.array(sorted(advertisers))
    wish = f"a known advertiser ({', '.join(map(str, known.tolist()))})"
    fields = tuple(
        replace(field, wish=wish, holds=lambda x: np.isin(x, known))
        if field.name == form.advertiser
        else field
        for field in form.fields
    )
    return replace(form, fields=fields)
