"""A log of any known or described format, as clean Parquet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from equibid.errors import InputError
from equibid.logs.importing import Summary, import_logs, mapped_form, read_column_map
from equibid.logs.importing.importing import MAX_BAD, Progress
from equibid.runs.options import check_numbers


@dataclass(frozen=True)
class ImportConfig:
    """What to import, and where to."""

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="LOG …")]
    """Log files of one format: text, also packed (.gz, .bz2, .xz, .zip), JSON lines or Parquet."""

    out: Path | None = None
    """Folder to write; it must not be there yet."""

    format: str | None = None
    """Format of the logs, if it is not recognised (see `equibid list`)."""

    columns: Path | None = None
    """TOML file that says which column is what, for a log of no known format."""

    join: bool = False
    """Give iPinYou's raw impressions the counts of their clicks and conversions."""

    advertisers: str | None = None
    """Numbers of the advertisers there are, separated by commas; a row of another is bad."""

    time_zone: str | None = None
    """Time zone of the days of a log with a `time` column, as Europe/Berlin; default the map's."""

    max_bad: float = MAX_BAD
    """Share of the rows that may be bad. With more, nothing is imported."""


def import_log(asked: ImportConfig, progress: Progress | None = None) -> Summary:
    """Import a log: good rows to Parquet, bad ones to a quarantine file, none lost.

    Args:
        asked: which files, how to read them, and where to.
        progress: told how many bytes of how many have been read.

    Raises:
        InputError: something that is asked for does not go together, a file cannot be read or is of
            another format, too many rows are bad, or the folder cannot be written.
    """
    check_numbers(asked)
    if asked.out is None:
        raise InputError("name the folder to write, as in --out logs/mine")
    if not asked.max_bad <= 1:
        raise InputError(f"--max-bad {asked.max_bad:g} must be a share from 0 to 1")
    if asked.columns is not None and asked.format is not None:
        raise InputError("--columns describes the format; leave --format out")
    form = asked.format
    if asked.columns is not None:
        form = mapped_form(read_column_map(asked.columns).in_zone(asked.time_zone))
    elif asked.time_zone is not None:
        raise InputError("--time-zone is for a map of columns; name one with --columns")
    advertisers = _numbers(asked.advertisers)
    return import_logs(
        asked.logs, asked.out, form, asked.max_bad, advertisers, asked.join, progress
    )


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as error:
        raise InputError(f"--advertisers {text!r} must be numbers, as in 1458,2259") from error
