"""What people write for numbers, days and times, as numbers.

Each function takes a column as it was read, text or numbers, and gives numbers, null where a word
means none.
"""

import polars as pl

TRUE, FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n")
# Words for "no value".
NOTHING = ("", "null", "NULL", "NA", "N/A", "n/a", "nan", "NaN", "None", "none", "-", "\\N")

SECOND = 1_000_000
UNITS = {"s": SECOND, "ms": 1000, "us": 1, "ns": 1e-3}
# Numbers of seconds since 1970 that are taken as such: from 2000 on, below 2010010100 of 2033-09,
# which is 2010-01-01 00 h in the way of yyyyMMddHH.
EPOCH = (946_684_800, 2_010_010_100)

TIME = (
    r"^(?<year>\d{4})-?(?<month>\d\d)-?(?<day>\d\d)[T ]?(?<hour>\d\d):?(?<minute>\d\d)"
    r"(?::?(?<second>\d\d)(?:[.,]?(?<part>\d{1,9}))?)?"
    r" ?(?<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$"
)
DATE = r"^(\d{4}-\d\d-\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?)?$"


def numbers(column: pl.Series, decimal: str = ".") -> pl.Series:
    """Numbers; also with a decimal comma, as "12 %", as true or false, yes or no."""
    if column.dtype == pl.Boolean or column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    text = column.cast(pl.String)
    plain = text if decimal == "." else text.str.replace(decimal, ".", literal=True)
    read = plain.cast(pl.Float64, strict=False).fill_nan(None)
    if decimal != ".":
        # A point in a log of decimal commas divides thousands, or is a mistake.
        read = pl.select(pl.when(~text.str.contains(".", literal=True)).then(read)).to_series()
    rest = read.is_null() & text.is_not_null()
    if not rest.any():
        return read
    words = plain.filter(rest).str.strip_chars().str.to_lowercase()
    percent = words.str.ends_with("%")
    found = words.str.strip_suffix("%").str.strip_chars().cast(pl.Float64, strict=False)
    if decimal != ".":
        found = pl.select(
            pl.when(~text.filter(rest).str.contains(".", literal=True)).then(found)
        ).to_series()
    told = pl.select(
        pl.when(words.is_in(TRUE))
        .then(1.0)
        .when(words.is_in(FALSE))
        .then(0.0)
        .when(percent)
        .then(found / 100)
        .otherwise(found)
        .fill_nan(None)
    ).to_series()
    places = rest.arg_true()
    return read.scatter(places, told)


def days(column: pl.Series) -> pl.Series:
    """Days: whole numbers as they are, dates as days since 1970."""
    if column.dtype.is_numeric():
        counted = column.cast(pl.Float64)
        dates = pl.Series([None] * len(column), dtype=pl.Int64)
    else:
        text = column.cast(pl.String).str.strip_chars()
        counted = text.cast(pl.Float64, strict=False)
        dates = text.str.extract(DATE).str.to_date("%Y-%m-%d", strict=False).cast(pl.Int64)
    number = pl.when(counted == counted.floor()).then(counted).cast(pl.Int64, strict=False)
    return pl.select(pl.coalesce(number, dates)).to_series()


def times(column: pl.Series, zone: str = "UTC", unit: str | None = None) -> pl.Series:
    """Moments in UTC, to the microsecond.

    Args:
        column: ISO 8601 (also without marks between the parts, as iPinYou writes it), or numbers.
        zone: of times that name none.
        unit: of numbers, a key of `UNITS`; None takes seconds, milliseconds, microseconds or
            nanoseconds since 1970, whichever gives a moment from 2000 to 2033.
    """
    if isinstance(column.dtype, pl.Datetime):
        moments = column.dt.cast_time_unit("us")
        if column.dtype.time_zone is None:
            moments = _in_zone(moments, zone)
        return moments.dt.convert_time_zone("UTC")
    text = column.cast(pl.String).str.strip_chars()
    written = _written(text, zone)
    counted = text.cast(pl.Float64, strict=False)
    exact = text.str.strip_suffix(".0").cast(pl.Int64, strict=False)
    low, high = (0, 2**53 / SECOND) if unit else EPOCH
    since = pl.coalesce(
        pl.when((counted * size >= low * SECOND) & (counted * size < high * SECOND)).then(
            _scaled(counted, exact, size)
        )
        for size in ([UNITS[unit]] if unit else UNITS.values())
    )
    if unit is not None:
        return _moments(pl.select(since).to_series())
    return pl.select(pl.coalesce(_moments(pl.select(since).to_series()), written)).to_series()


def _scaled(counted: pl.Series, exact: pl.Series, size: float) -> pl.Series:
    """Microseconds of a count; whole counts by whole numbers."""
    whole = exact * int(size) if size >= 1 else exact // 1000
    part = (counted * size).round().cast(pl.Int64, strict=False)
    return pl.select(pl.coalesce(whole, part)).to_series()


def _moments(microseconds: pl.Series) -> pl.Series:
    return microseconds.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _written(text: pl.Series, zone: str) -> pl.Series:
    """Moments that are written as dates and times."""
    part = text.str.extract_groups(TIME).struct.unnest()
    clock = [part[name] for name in ("year", "month", "day", "hour", "minute")]
    stamp = pl.concat_str(*clock, part["second"].fill_null("00"))
    fraction = part["part"].fill_null("0").str.pad_end(9, "0").str.head(6).cast(pl.Int64)
    second = stamp.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us").to_physical()
    moment = pl.select((second + fraction).cast(pl.Datetime("us"))).to_series()
    named = part["zone"]
    digits = named.str.extract_groups(r"^([+-])(\d\d):?(\d\d)?$").struct.unnest()
    sign, hours, minutes = (digits[name] for name in digits.columns)
    offset = hours.cast(pl.Int64).fill_null(0) * 60 + minutes.cast(pl.Int64).fill_null(0)
    offset = pl.when(sign == "-").then(-offset).otherwise(offset)
    told = moment.dt.replace_time_zone("UTC")
    return pl.select(
        pl.when(named.is_null())
        .then(_in_zone(moment, zone).dt.convert_time_zone("UTC"))
        .otherwise(told - pl.duration(minutes=offset))
    ).to_series()


def _in_zone(moments: pl.Series, zone: str) -> pl.Series:
    """Times of a clock as moments; of an hour that the clock shows twice, the first."""
    return moments.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
