"""Any log through a map of columns: our names on the left, the log's on the right.

    name = "my-exchange"           # for people; the file's name if it is left out
    currency = "EUR"               # of prices, bids, costs and budgets
    value_unit = "click"           # what one unit of value is
    separator = ";"                # of a CSV file; a comma if it is left out
    decimal = ","                  # what stands before tenths; a point if it is left out
    header = false                 # for a CSV file without names: columns are then numbers from 1
    time_zone = "Europe/Berlin"    # of days, and of times that name none; UTC if it is left out
    day_ticks = 24                 # into how many ticks `time` divides a day; 24 if it is left out

    [columns]
    id = "auction_id"
    time = {column = "ts", unit = "s"}
    value = "predicted_ctr"
    price = {column = "clearing_price_cpm", scale = 0.001}
    click = "clicked"
    advertiser = {constant = "mine"}

A column is read from the log's column of the name that is given, its numbers multiplied by `scale`;
or it is the same constant in every row. Columns of the log that the map does not name are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import read_toml
from equibid.logs.importing.schema import Type
from equibid.logs.importing.words import UNITS
from equibid.logs.table import Column, amount, flag, positive, whole


class Meaning(NamedTuple):
    """What a column of ours is.

    Attributes:
        says: for people.
        stores: type it has in Parquet.
        rule: of its numbers; None where it is no number.
        scaled: whether the log may count it in another unit.
        gaps: whether a row may lack it.
    """

    says: str
    stores: Type
    rule: Column | None = None
    scaled: bool = False
    gaps: bool = False


TEXT = pl.String
MOMENT = pl.Datetime("us", "UTC")
COLUMNS = {
    "id": Meaning("names the impression; no two rows may share it", TEXT),
    "time": Meaning("when it was; gives the day, and the tick by the time of day", MOMENT),
    "day": Meaning("which day it was, a whole number or a date", pl.Int64),
    "hour": Meaning("hour of the day, or hours counted on from midnight", pl.Int32, whole("hour")),
    "tick": Meaning("step of the day or period, a whole number", pl.Int32, whole("tick")),
    "advertiser": Meaning("whose row it is; each advertiser is played on its own", TEXT),
    "value": Meaning(
        "expected value of showing the ad, in value units", pl.Float64, amount("value"), True
    ),
    "price": Meaning(
        "market price, what it takes to win the impression; currency",
        *(pl.Float64, amount("price"), True, True),
    ),
    "bid": Meaning(
        "what was bid for the impression; currency", pl.Float64, amount("bid"), True, True
    ),
    "cost": Meaning("what was paid for it; currency", pl.Float64, amount("cost"), True, True),
    "budget": Meaning(
        "the advertiser's budget of a day or period; currency",
        *(pl.Float64, positive("budget"), True),
    ),
    "click": Meaning("whether it was clicked", pl.UInt8, flag("click"), False, True),
    "conversion": Meaning("whether it converted", pl.UInt8, flag("conversion"), False, True),
}
TEXTS = ("name", "currency", "value_unit", "separator", "decimal", "time_zone")
LABELS = (*TEXTS, "header", "day_ticks")
WAYS = (
    '"THEIR NAME", its number, {column = "THEIR NAME", scale = 2.0}, {column = "THEIR NAME", '
    'unit = "s"} or {constant = 1.0}'
)


@dataclass(frozen=True)
class ColumnMap:
    """Where our columns come from.

    Attributes:
        path: of the TOML file.
        labels: names, units and how the log is written, see above.
        columns: the log's column of each of ours.
        scale: what its numbers are multiplied by.
        units: of times that are numbers, see `words.UNITS`.
        constants: our columns that are the same in every row.
    """

    path: Path
    labels: Mapping[str, Any]
    columns: Mapping[str, str]
    scale: Mapping[str, float]
    units: Mapping[str, str]
    constants: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """Our columns that there are, in their usual order."""
        return [name for name in COLUMNS if name in self.columns or name in self.constants]

    @property
    def header(self) -> bool:
        """Whether the first line of a CSV file names its columns."""
        return self.labels.get("header", True)

    def in_zone(self, zone: str | None) -> "ColumnMap":
        """The same map, its days those of another time zone; None changes nothing.

        Raises:
            InputError: there is no such zone.
        """
        if zone is None:
            return self
        _check_zone(f"--time-zone {zone}", zone)
        return replace(self, labels=dict(self.labels) | {"time_zone": zone})


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
    _check_labels(path, content)
    found: dict[str, dict[str, Any]] = {name: {} for name in ("column", "scale", "unit")}
    constants = {}
    for name, said in rows.items():
        if name not in COLUMNS:
            raise input_error(path, f"column {name} is not one of ours ({', '.join(COLUMNS)})")
        one = said if isinstance(said, dict) else {"column": said}
        if set(one) == {"constant"}:
            constants[name] = _constant(path, name, one["constant"])
            continue
        if not set(one) <= set(found) or not _names_column(one.get("column")):
            raise input_error(path, f"{name} must be {WAYS}")
        if isinstance(one["column"], int) and content.get("header", True):
            raise input_error(path, f"{name} must be a name; numbers are for header = false")
        found["column"][name] = str(one["column"])
        found["scale"][name] = _scale(path, name, one.get("scale", 1.0))
        if "unit" in one:
            found["unit"][name] = _unit(path, name, one["unit"])
    columns = found["column"]
    if not columns:
        raise input_error(path, "all columns are constants; map at least one to the log's")
    _check_clock(path, list(rows))
    result = ColumnMap(path, content, columns, found["scale"], found["unit"], constants)
    if not result.header and not all(theirs.isdecimal() for theirs in columns.values()):
        raise input_error(path, "header = false: name the columns by their numbers, from 1 on")
    return result


def _check_labels(path: Path, labels: Mapping[str, Any]) -> None:
    """Refuse labels that no map has."""
    for name, said in labels.items():
        if name not in LABELS:
            raise input_error(path, f"{name} is not known; known are {', '.join(LABELS)}")
        if name in TEXTS and not isinstance(said, str):
            raise input_error(path, f"{name} = {said!r} must be text")
    separator = labels.get("separator", ",").encode()
    if len(separator) != 1 or separator in b'"\r\n':
        raise input_error(path, "separator must be one character, and no quote or line end")
    if labels.get("decimal", ".") not in (".", ","):
        raise input_error(path, 'decimal must be "." or ","')
    if not isinstance(labels.get("header", True), bool):
        raise input_error(path, "header must be true or false")
    ticks = labels.get("day_ticks", 24)
    if type(ticks) is not int or not 1 <= ticks <= 86_400:
        raise input_error(path, "day_ticks must be a whole number from 1 to 86400")
    _check_zone(f"{path}: time_zone", labels.get("time_zone", "UTC"))


def _check_zone(what: str, zone: str) -> None:
    try:
        pl.select(pl.datetime(2020, 1, 1).dt.replace_time_zone(zone))
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{what}: there is no time zone {zone!r}; write one as in Europe/Berlin"
        ) from error


def _check_clock(path: Path, names: list[str]) -> None:
    """Refuse two columns that say the same of when a row was."""
    for one, others in (("time", ("day", "hour", "tick")), ("hour", ("tick",))):
        for other in others:
            if one in names and other in names:
                raise input_error(
                    path, f"{one} and {other} both say when a row was; leave one of them out"
                )


def _names_column(said: Any) -> bool:
    return isinstance(said, str) or (type(said) is int and said >= 1)


def _constant(path: Path, name: str, constant: Any) -> Any:
    meaning = COLUMNS[name]
    if name in ("id", "time", "day"):
        raise input_error(path, f"{name} differs from row to row; it is no constant")
    if meaning.rule is None:
        if not isinstance(constant, str) or not constant:
            raise input_error(path, f"the constant {name} must be text")
        return constant
    real = isinstance(constant, int | float) and not isinstance(constant, bool)
    if not real or not meaning.rule.holds(pl.Series([float(constant)]).to_numpy()).all():
        raise input_error(path, f"the constant {name} must be {meaning.rule.wish}")
    return constant


def _scale(path: Path, name: str, scale: Any) -> float:
    if scale != 1 and not COLUMNS[name].scaled:
        raise input_error(path, f"{name} has no unit to be scaled")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < 1e15:
        raise input_error(path, f"the scale of {name} must be a number above 0")
    return float(scale)


def _unit(path: Path, name: str, unit: Any) -> str:
    if name != "time" or unit not in UNITS:
        raise input_error(path, f"only time has a unit, one of {', '.join(UNITS)}")
    return unit
