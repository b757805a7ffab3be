"""iPinYou impressions with all they were: the logs of make-ipinyou-data.

``train.log.txt`` and ``test.log.txt`` of a campaign, an impression a line, in the form
``ipinyou-prepared`` that `equibid import` takes too. Lines come in any order of time.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from equibid.errors import input_error
from equibid.logs.importing.form import FORMS, text
from equibid.logs.importing.ipinyou_forms import PREPARED
from equibid.logs.importing.source import open_source, pieces
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS, Reader
from equibid.logs.table import files_in, first_line
from equibid.markets.values.features import NAMES, Columns

# What is counted and sorted keeps the rules of an import; words stay as they are logged.
RULED = ("click", "timestamp", "payprice", "nconversation")
FIELDS = tuple(
    field if field.name in RULED else replace(text(field.name), optional=field.optional)
    for field in PREPARED
)
FORM = replace(FORMS["ipinyou-prepared"], fields=FIELDS, key=(), totals={})
COLUMNS = tuple(field.name for field in FIELDS)
NEEDED = {field.name for field in FIELDS if not field.optional}
TRAIN, TEST = "train.log.txt", "test.log.txt"
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


def recognises(path: Path) -> bool:
    """A log with as many columns, or a folder with a ``train.log.txt``."""
    if path.is_dir():
        return any(file.name in (TRAIN, f"{TRAIN}.gz") for file in files_in(path))
    if not path.name.endswith((".txt", ".txt.gz")):
        return False
    words = first_line(path).split("\t")
    wide = len(words) in (len(NEEDED), len(COLUMNS))
    return wide and (words[0] in ("0", "1") or set(words) >= NEEDED)


def read(path: Path) -> list[Recording]:
    """Refuse: such a log says what was clicked, and not what it was expected to be worth.

    Raises:
        InputError: always.
    """
    raise input_error(
        path,
        "this log holds no predictions to bid on; train them with `equibid values "
        f"{path} --out FOLDER`, then compare bidders on FOLDER",
    )


def parts_of(path: Path) -> tuple[Path, Path | None]:
    """The log to train on and the one to test on, of a folder or of a single log.

    Raises:
        InputError: there is no such file, or no ``train.log.txt`` in the folder.
    """
    if not path.exists():
        raise input_error(path, "there is no such file or folder")
    if not path.is_dir():
        return path, None
    there = {file.name.removesuffix(".gz"): file for file in files_in(path)}
    if TRAIN not in there:
        raise input_error(path, f"the folder holds no {TRAIN}")
    return there[TRAIN], there.get(TEST)


def read_impressions(path: Path, outcome: str = "click") -> Impressions:
    """All impressions of a log, sorted by time.

    Args:
        path: of the log, packed or not.
        outcome: a key of `OUTCOMES`; conversions stand only in logs of 29 columns.

    Raises:
        InputError: a column is missing, or a line breaks the form.
    """
    counted = OUTCOMES[outcome]
    frame = _rows(path, counted).sort("timestamp", maintain_order=True)
    campaigns = frame["advertiser"].unique(maintain_order=True).to_list()
    if len(campaigns) > 1:
        raise input_error(
            path,
            f"advertiser must be one and the same; it holds {campaigns[0]} and {campaigns[1]}: "
            "divide it into a log for each",
        )
    return Impressions(
        campaign=campaigns[0],
        time=frame["timestamp"].to_numpy(),
        price=frame["payprice"].cast(pl.Float64).to_numpy(),
        happened=(frame[counted] > 0).to_numpy(),
        # A word that is not there is one too.
        columns={name: frame[name].replace("", "null").to_list() for name in NAMES},
    )


def _rows(path: Path, counted: str) -> pl.DataFrame:
    """The rows of a log, all of them good."""
    source = open_source(path, FORM)
    if counted not in {field.name for field in source.fields}:
        raise input_error(path, f"column {counted!r} is missing")
    tables = []
    for piece in pieces(source):
        parsed = piece.parse()
        for line, name, reason, value, _ in parsed.bad.head(1).rows():
            said = f"{name} {value[:40]!r} is {reason}" if name else reason
            raise input_error(path, said, line)
        time = parsed.frame["timestamp"].to_numpy()
        wrong = moments_of(time).is_null()
        if wrong.any():
            at = int(wrong.arg_max() or 0)
            said = f"timestamp {time[at]} is no time as yyyyMMddHHmmssSSS"
            raise input_error(path, said, int(parsed.line[at]))
        tables.append(parsed.frame)
    if not sum(table.height for table in tables):
        raise input_error(path, "it holds no rows")
    return pl.concat(tables)


def moments_of(time: Int[np.ndarray, " K"]) -> pl.Series:
    """[K] times as datetimes, null where a number is no moment."""
    text = pl.col("time").cast(pl.String)
    seconds = text.str.head(14).str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="ms")
    rest = pl.duration(milliseconds=text.str.tail(3).cast(pl.Int64), time_unit="ms")
    whole = pl.when(text.str.len_chars() == 17).then(seconds + rest)
    return pl.DataFrame({"time": time}).select(whole.alias("time")).to_series()


READERS.add(
    "ipinyou-log", "make-ipinyou-data's CAMPAIGN/train.log.txt; for `equibid values`, not to play."
)(Reader(recognises, read))
