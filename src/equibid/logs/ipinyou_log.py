"""iPinYou impressions with all they were: the logs of make-ipinyou-data.

``train.log.txt`` and ``test.log.txt`` of a campaign, an impression a line, in the form
``ipinyou-prepared`` that `equibid import` takes too. Lines come in any order of time.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from equibid.errors import InputError, input_error
from equibid.logs import imported
from equibid.logs.imported import File
from equibid.logs.importing.campaign_forms import part_of
from equibid.logs.importing.chunks import unpacked_name
from equibid.logs.importing.ipinyou_forms import PREPARED
from equibid.logs.importing.schema import SCHEMAS, Field, text
from equibid.logs.importing.source import open_source
from equibid.logs.raw import good_rows
from equibid.logs.table import files_in
from equibid.markets.values.features import NAMES, Columns

# What is counted and sorted keeps the rules of an import; words stay as they are logged.
RULED = ("click", "timestamp", "payprice", "nconversation")
TIME = Field(
    "timestamp",
    "a time as yyyyMMddHHmmssSSS",
    pl.Int64,
    pl.Int64,
    lambda x: moments_of(np.where(x > 0, x, 0)).is_not_null().to_numpy(),
)
FIELDS = tuple(
    TIME
    if field.name == "timestamp"
    else field
    if field.name in RULED
    else replace(text(field.name), optional=field.optional)
    for field in PREPARED
)
FORM = replace(SCHEMAS["ipinyou-prepared"], fields=FIELDS, key=(), totals={})
COLUMNS = tuple(field.name for field in FIELDS)
TRAIN, TEST = "train.log.txt", "test.log.txt"
# Forms whose imports hold what values are trained on.
IMPORTED = ("ipinyou-prepared", "ipinyou-joined")
# From what is predicted to the column that counts it.
OUTCOMES = {"click": "click", "conversion": "nconversation"}


@dataclass(frozen=True)
class Impressions:
    """A campaign's impressions in order of time.

    Attributes:
        campaign: the advertiser's number.
        time: yyyyMMddHHmmssSSS as a whole number.
        price: fen per thousand impressions.
        happened: whether the outcome asked for did.
        columns: words of the columns in `features.NAMES`.
    """

    campaign: str
    time: Int[np.ndarray, " K"]
    price: Float[np.ndarray, " K"]
    happened: Bool[np.ndarray, " K"]
    columns: Columns

    def part(self, first: int, last: int) -> "Impressions":
        """Impressions `first` … `last` - 1."""
        inside = slice(first, last)
        columns = {name: words[inside] for name, words in self.columns.items()}
        return Impressions(
            self.campaign, self.time[inside], self.price[inside], self.happened[inside], columns
        )


def parts_of(path: Path) -> tuple[Path | File, Path | File | None]:
    """The log to train on and the one to test on, of a folder, an import or a single log.

    Raises:
        InputError: there is no such file, or no ``train.log.txt`` in the folder.
    """
    if not path.exists():
        raise input_error(path, "there is no such file or folder")
    if not path.is_dir():
        return path, None
    if imported.recognises(path):
        return _imported_parts(path)
    there = {unpacked_name(file.name): file for file in files_in(path)}
    if TRAIN not in there:
        raise input_error(path, f"the folder holds no {TRAIN}")
    return there[TRAIN], there.get(TEST)


def _imported_parts(folder: Path) -> tuple[File, File | None]:
    """The files of an import: one, or one to train on and one to test on."""
    form, files = imported.files_of(folder)
    if form not in IMPORTED:
        forms = " and ".join(IMPORTED)
        raise input_error(folder, f"it is of the form {form}; values are trained on {forms}")
    if len(files) == 1:
        return files[0], None
    parts = {part_of(Path(file.name)): file for file in files}
    if len(files) != 2 or set(parts) != {"train", "test"}:
        names = ", ".join(file.name for file in files)
        raise input_error(folder, f"it holds {names}; import {TRAIN} and {TEST}, or one log")
    return parts["train"], parts["test"]


def read_impressions(log: Path | File, outcome: str = "click") -> Impressions:
    """All impressions of a log, sorted by time.

    Args:
        log: the path of a text log, packed or not, or a file that was imported.
        outcome: a key of `OUTCOMES`; conversions stand only in logs of 29 columns.

    Raises:
        InputError: a column is missing, or a line breaks the form.
    """
    counted = OUTCOMES[outcome]
    frame = _rows(log, counted) if isinstance(log, Path) else _imported_rows(log, counted)
    frame = frame.sort("timestamp", maintain_order=True)
    campaigns = frame["advertiser"].unique(maintain_order=True).to_list()
    if len(campaigns) > 1:
        raise InputError(
            f"{log}: advertiser must be one and the same; it holds {campaigns[0]} and "
            f"{campaigns[1]}: divide it into a log for each, or import it with --advertisers "
            f"{campaigns[0]}",
        )
    return Impressions(
        campaign=campaigns[0],
        time=frame["timestamp"].to_numpy(),
        price=frame["payprice"].cast(pl.Float64).to_numpy(),
        happened=(frame[counted] > 0).to_numpy(),
        # A word that is not there is one too.
        columns={name: frame[name].replace("", "null").to_list() for name in NAMES},
    )


def _imported_rows(file: File, counted: str) -> pl.DataFrame:
    """The rows of an imported file, in the words of the log it was made of."""
    frame = file.frame()
    if "clicks" in frame.columns:
        # Impressions with counts: weekday and hour stand in their time.
        moment = moments_of(frame["timestamp"].to_numpy())
        frame = frame.with_columns(
            click=pl.col("clicks"),
            nconversation=pl.col("conversions"),
            weekday=moment.dt.weekday() % 7,
            hour=moment.dt.hour(),
        )
    if frame[counted].null_count():
        raise InputError(f"{file}: column {counted!r} is missing")
    hour = pl.col("hour").cast(pl.String).str.zfill(2)
    words = [name for name in COLUMNS if name not in RULED and name != "hour"]
    return frame.with_columns(
        pl.col(name).cast(pl.String).fill_null("null") for name in words if name in frame.columns
    ).with_columns(hour)


def _rows(path: Path, counted: str) -> pl.DataFrame:
    """The rows of a text log, all of them good."""
    source = open_source(path, FORM)
    if counted not in {field.name for field in source.fields}:
        raise input_error(path, f"column {counted!r} is missing")
    return good_rows(source)


def moments_of(time: Int[np.ndarray, " K"]) -> pl.Series:
    """[K] times as datetimes, null where a number is no moment."""
    text = pl.col("time").cast(pl.String)
    seconds = text.str.head(14).str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="ms")
    rest = pl.duration(milliseconds=text.str.tail(3).cast(pl.Int64), time_unit="ms")
    whole = pl.when(text.str.len_chars() == 17).then(seconds + rest)
    return pl.DataFrame({"time": time}).select(whole.alias("time")).to_series()
