"""iPinYou's raw impressions with the clicks and conversions that followed, one row an impression.

Clicks and conversions have the bid's id of their impression. They are few and stay in memory; the
impressions stream by. An event whose impression is not there is an orphan and goes to the
quarantine.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from equibid.errors import InputError
from equibid.files import parquet
from equibid.logs.importing.chunks import first_lines
from equibid.logs.importing.duplicates import REASON
from equibid.logs.importing.parts import Part, text_of
from equibid.logs.importing.quarantine import Quarantine
from equibid.logs.importing.rules import bad_rows
from equibid.logs.importing.schema import SCHEMAS, LogSchema, integer
from equibid.logs.importing.source import Source, pieces

LOGTYPE = 2  # the place of the column
IMPRESSION = 1
COUNTS = {"clicks": 2, "conversions": 3}
ORPHAN = "no impression has this id"


def parted(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """Files of impressions, and files of clicks and conversions, by what most first lines are.

    Raises:
        InputError: a file is of another form, or there are no impressions.
    """
    for source in sources:
        if source.form.name != "ipinyou":
            raise InputError(
                f"{source.path}: --join takes iPinYou's raw logs of 24 columns, but this is "
                f"{source.form.name}"
            )
    impressions = [source for source in sources if _mostly_impressions(source)]
    if not impressions:
        raise InputError("--join needs a log of impressions beside clicks and conversions")
    return impressions, [source for source in sources if source not in impressions]


def read_events(
    sources: Sequence[Source], first: int, quarantine: Quarantine, chunk: int
) -> tuple[pl.DataFrame, list[int]]:
    """Clicks and conversions, each once.

    Args:
        sources: their files.
        first: number of the first of them among all files.
        quarantine: takes bad rows, and rows that stand there twice.
        chunk: bytes of text that are read at once.

    Returns:
        Their columns, with `file` (number) and `line`; and the blank lines of each file.
    """
    places = {"file": pl.Int32, "line": pl.Int64}
    tables = [pl.DataFrame(schema=SCHEMAS["ipinyou"].schema | places)]
    blank = []
    for number, source in enumerate(sources, start=first):
        form = of_types(source.form, *COUNTS.values())
        blank.append(0)
        for piece in pieces(replace(source, form=form, fields=form.fields), chunk):
            parsed = piece.parse()
            quarantine.add(source.name, parsed.bad)
            blank[-1] += parsed.blank
            place = [pl.lit(number, pl.Int32).alias("file"), pl.Series("line", parsed.line)]
            tables.append(parsed.frame.with_columns(place))
    events = pl.concat(tables)
    key = pl.struct("bidid", "logtype", "timestamp")
    _set_aside(events.filter(~key.is_first_distinct()), sources, first, REASON, quarantine)
    return events.filter(key.is_first_distinct()), blank


def of_types(form: LogSchema, low: int, high: int) -> LogSchema:
    """The form, where rows of other types are bad: each file holds its own."""
    fields = tuple(
        integer("logtype", low, high, pl.UInt8) if field.name == "logtype" else field
        for field in form.fields
    )
    return replace(form, fields=fields)


def with_counts(sources: Sequence[Source], events: pl.DataFrame) -> list[Source]:
    """Files of impressions whose rows get `clicks` and `conversions`, counted in `events`."""
    form = joined_form(of_types(sources[0].form, IMPRESSION, IMPRESSION), events)
    # The counts are in no file.
    fields = form.fields[: -len(COUNTS)]
    return [replace(source, form=form, fields=fields) for source in sources]


def joined_form(form: LogSchema, events: pl.DataFrame) -> LogSchema:
    """The form with `clicks` and `conversions`, counted in `events`."""
    counted = tuple(replace(integer(name, 0, 2**31 - 1), optional=True) for name in COUNTS)
    counts = events.group_by("bidid").agg(
        (pl.col("logtype") == kind).sum().cast(pl.Int32).alias(name)
        for name, kind in COUNTS.items()
    )

    def derive(frame: pl.DataFrame) -> pl.DataFrame:
        return (
            frame.drop(COUNTS)
            .join(counts, on="bidid", how="left", maintain_order="left")
            .with_columns(pl.col(*COUNTS).fill_null(0))
        )

    return replace(
        form,
        name="ipinyou-joined",
        fields=(*form.fields, *counted),
        derive=derive,
        key=(pl.col("bidid"),),
        totals={
            "impressions": pl.len(),
            "clicks": pl.col("clicks").sum(),
            "conversions": pl.col("conversions").sum(),
            "cost": pl.col("payprice").sum(),
        },
    )


def set_orphans_aside(
    events: pl.DataFrame,
    parts: Sequence[Part],
    sources: Sequence[Source],
    first: int,
    quarantine: Quarantine,
) -> pl.DataFrame:
    """The events whose impression is in the parts; the others go to the quarantine."""
    followed = (pl.col("clicks") > 0) | (pl.col("conversions") > 0)
    ids = [pl.DataFrame(schema={"bidid": pl.String})]
    for part in parts:
        with parquet(part.path) as table:
            ids.append(table.filter(followed).select("bidid").collect())
    found = pl.concat(ids)
    orphans = events.join(found, on="bidid", how="anti", maintain_order="left")
    _set_aside(orphans, sources, first, ORPHAN, quarantine)
    return events.join(found, on="bidid", how="semi", maintain_order="left")


def _mostly_impressions(source: Source) -> bool:
    cells = [line.split("\t") for line in first_lines(source.path).split("\n")]
    types = [row[LOGTYPE] for row in cells if len(row) == len(source.form.fields)]
    return types.count("1") * 2 >= len(types)


def _set_aside(
    rows: pl.DataFrame, sources: Sequence[Source], first: int, reason: str, quarantine: Quarantine
) -> None:
    for number, source in enumerate(sources, start=first):
        own = rows.filter(pl.col("file") == number)
        text = text_of(own.drop("file", "line"), source.form)
        found = zip(own["line"], own["bidid"], text, strict=True)
        quarantine.add(
            source.name,
            bad_rows((line, "bidid", reason, value, row) for line, value, row in found),
        )
