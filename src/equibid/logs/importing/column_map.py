"""Any CSV or Parquet log through a map of columns: our names on the left, the log's on the right.

    name = "my-exchange"      # for people; the file's name if it is left out
    currency = "EUR"          # of prices, bids and costs
    value_unit = "click"      # what one unit of value is
    separator = ";"           # of a CSV file; a comma if it is left out

    [columns]
    id = "auction_id"
    value = "predicted_ctr"
    price = {column = "clearing_price_cpm", scale = 0.001}
    click = "clicked"
    advertiser = {constant = "mine"}

A column is read from the log's column of the name that is given, its numbers multiplied by `scale`;
or it is the same constant in every row. Columns of the log that the map does not name are left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import read_toml
from equibid.logs.importing.form import Field, Form, named, number, text
from equibid.logs.table import amount, flag, whole

FIELDS: dict[str, tuple[Field, str]] = {
    field.name: (field, summary)
    for field, summary in (
        (named("id"), "names the impression; no two rows may share it"),
        (text("time"), "when it was, as text"),
        (number(whole("tick"), pl.Int32), "step of the period, such as the hour"),
        (named("advertiser"), "whose row it is; each advertiser is played on its own"),
        (number(amount("value")), "expected value of showing the ad, in value units"),
        (
            number(amount("price")),
            "market price, what it takes to win the impression; currency",
        ),
        (number(amount("bid")), "what was bid for the impression; currency"),
        (number(amount("cost")), "what was paid for it; currency"),
        (number(flag("click"), pl.UInt8), "whether it was clicked"),
        (number(flag("conversion"), pl.UInt8), "whether it converted"),
    )
}
SCALED = ("value", "price", "bid", "cost")
LABELS = ("name", "currency", "value_unit", "separator")


@dataclass(frozen=True)
class ColumnMap:
    """Where our columns come from.

    Attributes:
        path: of the TOML file.
        labels: names and units, see above.
        columns: the log's column of each of ours.
        scale: what its numbers are multiplied by.
        constants: our columns that are the same in every row.
    """

    path: Path
    labels: Mapping[str, Any]
    columns: Mapping[str, str]
    scale: Mapping[str, float]
    constants: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """Our columns that there are, in their usual order."""
        return [name for name in FIELDS if name in self.columns or name in self.constants]


def read_column_map(path: Path | str) -> ColumnMap:
    """A map from a TOML file.

    Raises:
        InputError: it cannot be read, or says something that no map can say.
    """
    path = Path(path)
    content = read_toml(path)
    rows = content.pop("columns", None)
    if not isinstance(rows, dict) or not rows:
        raise input_error(path, "there is no table [columns] with our names and the log's")
    for name, said in content.items():
        if name not in LABELS:
            raise input_error(path, f"{name} is not known; known are {', '.join(LABELS)}")
        if not isinstance(said, str):
            raise input_error(path, f"{name} = {said!r} must be text")
    separator = content.get("separator", ",").encode()
    if len(separator) != 1 or separator in b'"\r\n':
        raise input_error(path, "separator must be one character, and no quote or line end")
    columns, scale, constants = {}, {}, {}
    for name, said in rows.items():
        if name not in FIELDS:
            raise input_error(path, f"column {name} is not one of ours ({', '.join(FIELDS)})")
        one = {"column": said} if isinstance(said, str) else said
        if not isinstance(one, dict) or not (set(one) <= {"column", "scale"} and "column" in one):
            if not isinstance(one, dict) or set(one) != {"constant"}:
                raise input_error(
                    path,
                    f'{name} must be "THEIR NAME", {{column = "THEIR NAME", scale = 2.0}} or '
                    "{constant = 1.0}",
                )
            constants[name] = _constant(path, name, one["constant"])
            continue
        columns[name] = one["column"]
        scale[name] = _scale(path, name, one.get("scale", 1.0))
    twice = {theirs for theirs in columns.values() if list(columns.values()).count(theirs) > 1}
    if twice:
        raise input_error(path, f"column {', '.join(sorted(twice))} is mapped twice")
    if not columns:
        raise input_error(path, "all columns are constants; map at least one to the log's")
    return ColumnMap(path, content, columns, scale, constants)


def mapped_form(columns: ColumnMap) -> Form:
    """The form of a log that is read through a map."""
    ours = columns.names
    sums = {"clicks": "click", "conversions": "conversion", "cost": "cost"}
    return Form(
        name="columns",
        fields=tuple(replace(FIELDS[name][0], optional=True) for name in ours),
        recognises=lambda *_: False,
        separator=columns.labels.get("separator", ","),
        header="yes",
        quoted=True,
        key=(pl.col("id"),) if "id" in ours else (),
        totals={"impressions": pl.len()}
        | {total: pl.col(name).sum() for total, name in sums.items() if name in ours},
        beside=lambda _: {"labels": dict(columns.labels)},
        derive=_derive(columns),
        named=_named(columns),
    )


def _named(columns: ColumnMap) -> Callable[[list[str]], tuple[Field, ...]]:
    """From a header to fields; columns that are not mapped are read as text and not stored."""
    ours = {theirs: name for name, theirs in columns.columns.items()}

    def fields(header: list[str]) -> tuple[Field, ...]:
        for theirs in ours:
            if header.count(theirs) != 1:
                there = "is there twice" if theirs in header else "is missing"
                raise InputError(f"column {theirs!r}, which {columns.path} names, {there}")
        return tuple(
            FIELDS[ours[name]][0] if name in ours else Field(f"left out {place}")
            for place, name in enumerate(header)
        )

    return fields


def _derive(columns: ColumnMap) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def derive(frame: pl.DataFrame) -> pl.DataFrame:
        scaled = [
            (pl.col(name) * factor).alias(name)
            for name, factor in columns.scale.items()
            if factor != 1
        ]
        constants = [
            pl.lit(constant, FIELDS[name][0].stores).alias(name)
            for name, constant in columns.constants.items()
        ]
        return frame.with_columns(*scaled, *constants)

    return derive


def _constant(path: Path, name: str, constant: Any) -> Any:
    field = FIELDS[name][0]
    if field.stores == pl.String:
        if not isinstance(constant, str) or not constant or name == "id":
            raise input_error(path, f"the constant {name} must be text, and no id")
        return constant
    real = isinstance(constant, int | float) and not isinstance(constant, bool)
    if not real or field.holds is None or not _holds(field, float(constant)):
        raise input_error(path, f"the constant {name} must be {field.wish}")
    return constant


def _scale(path: Path, name: str, scale: Any) -> float:
    if scale != 1 and name not in SCALED:
        raise input_error(path, f"{name} has no unit to be scaled")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < 1e15:
        raise input_error(path, f"the scale of {name} must be a number above 0")
    return float(scale)


def _holds(field: Field, constant: float) -> bool:
    return field.holds is not None and bool(field.holds(pl.Series([constant]).to_numpy()).all())
