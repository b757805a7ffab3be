"""iPinYou impressions with all they were: the logs of make-ipinyou-data.

``train.log.txt`` and ``test.log.txt`` of a campaign, divided by tabs, an impression a line: click,
weekday, hour and the 24 columns of iPinYou's impression log; logs for tests have two more, nclick
and nconversation. A header names them; without one they stand in this order. Lines come in any
order of time.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from equibid.errors import InputError, input_error
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS, Reader
from equibid.logs.table import MOST_WHOLE, files_in, first_line, read_bytes
from equibid.markets.values.features import NAMES, Columns

COLUMNS = (
    *("click", "weekday", "hour", "bidid", "timestamp", "logtype", "ipinyouid", "useragent"),
    *("IP", "region", "city", "adexchange", "domain", "url", "urlid", "slotid", "slotwidth"),
    *("slotheight", "slotvisibility", "slotformat", "slotprice", "creative", "bidprice"),
    *("payprice", "keypage", "advertiser", "usertag", "nclick", "nconversation"),
)
# A log for training ends before the counts.
WIDTHS = (27, 29)
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
    return len(words) in WIDTHS and (words[0] in ("0", "1") or set(COLUMNS[:27]) <= set(words))


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
    frame = _words(path)
    names = frame.columns
    counted = OUTCOMES[outcome]
    for name in ("timestamp", "payprice", "advertiser", counted, *NAMES):
        if name not in names:
            raise input_error(path, f"column {name!r} is missing")
    header = 1 if first_line(path).startswith("click\t") else 0
    time = _whole(path, frame, "timestamp", header, 10**17 - 1)
    _check_clock(path, time, header)
    price = _whole(path, frame, "payprice", header).astype(np.float64)
    count = _whole(path, frame, counted, header)
    if outcome == "click" and (count > 1).any():
        raise input_error(path, "click must be 0 or 1", int((count > 1).argmax()) + 1 + header)
    order = np.argsort(time, kind="stable")
    frame = frame[order]
    campaigns = frame["advertiser"].unique(maintain_order=True).to_list()
    if len(campaigns) > 1:
        raise input_error(
            path,
            f"advertiser must be one and the same; it holds {campaigns[0]} and {campaigns[1]}: "
            "divide it into a log for each",
        )
    return Impressions(
        campaign=campaigns[0],
        time=time[order],
        price=price[order],
        happened=count[order] > 0,
        columns={name: frame[name].to_list() for name in NAMES},
    )


def _words(path: Path) -> pl.DataFrame:
    """The log as text, a column a name."""
    data = read_bytes(path).rstrip(b"\r\n") + b"\n"
    if data == b"\n":
        raise input_error(path, "the file is empty")
    first = data.partition(b"\n")[0].decode("utf-8-sig", "replace").rstrip("\r").split("\t")
    headed = first[0] == "click"
    if not headed and len(first) not in WIDTHS:
        raise input_error(path, f"{len(first)} columns where 27 or 29 belong", 1)
    names = first if headed else list(COLUMNS[: len(first)])
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise input_error(path, f"column {twice[0]!r} is there twice", 1)
    rows = data.count(b"\n") - headed
    if rows == 0:
        raise input_error(path, "it holds a header and no rows", 1)
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            skip_lines=int(headed),
            separator="\t",
            quote_char=None,
            schema=dict.fromkeys(names, pl.String),
        )
    except pl.exceptions.PolarsError as error:
        raise _blame(path, data, len(names)) from error
    # Polars refuses long lines and fills short ones up.
    if frame.height != rows or data.count(b"\t") != (rows + headed) * (len(names) - 1):
        raise _blame(path, data, len(names))
    return frame.fill_null("null")


def _blame(path: Path, data: bytes, width: int) -> InputError:
    """The error of the first line that has not as many words as there are columns."""
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        count = line.count(b"\t") + 1
        if count != width:
            return input_error(path, f"{count} columns where {width} belong", number)
    return input_error(path, f"it is not a text table of {width} columns")


def _whole(
    path: Path, frame: pl.DataFrame, name: str, header: int, most: int = MOST_WHOLE
) -> Int[np.ndarray, " K"]:
    """A column of whole numbers from 0 on."""
    numbers = frame[name].str.strip_chars().cast(pl.Int64, strict=False)
    wrong = (numbers.is_null() | (numbers < 0) | (numbers > most)).fill_null(True)
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        raise input_error(
            path,
            f"{name} {frame[name][at][:40]!r} is not a whole number from 0 to {most}",
            at + 1 + header,
        )
    return numbers.to_numpy()


def _check_clock(path: Path, time: Int[np.ndarray, " K"], header: int) -> None:
    """Refuse numbers that are no moment, as yyyyMMddHHmmssSSS."""
    moments = moments_of(time)
    if moments.null_count():
        at = int(moments.is_null().arg_max() or 0)
        raise input_error(
            path, f"timestamp {time[at]} is no time as yyyyMMddHHmmssSSS", at + 1 + header
        )


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
