"""``equibid import``: any ad log in, clean Parquet out."""

import sys
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from equibid.cli.console import plain_console
from equibid.cli.progress import reading
from equibid.errors import InputError
from equibid.files import write_text
from equibid.logs.importing import Summary
from equibid.logs.importing.suggest import suggested_map
from equibid.runs.import_log import ImportConfig, import_log

# How many kinds of bad rows are shown.
MOST = 10


def import_(
    settings: tyro.conf.OmitArgPrefixes[ImportConfig],
    suggest_columns: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Write a map of the columns of the first log to this TOML file, to edit it and to "
            "import with --columns; nothing is imported."
        ),
    ] = None,
) -> Path:
    """Import a log: good rows to Parquet, bad ones to a quarantine file, none lost.

    Example: equibid import period-7.csv --out logs/period-7

    Example: equibid import imp.*.bz2 clk.*.bz2 conv.*.bz2 --join --out logs/ipinyou

    Example: equibid import mine.csv.gz --suggest-columns mine.toml

    Example: equibid import mine.csv.gz --columns mine.toml --out logs/mine
    """
    if suggest_columns is not None:
        suggest(settings.logs, suggest_columns)
        return suggest_columns
    console = plain_console()
    try:
        with reading(console) as bar:
            task = bar.add_task("importing", total=None)
            summary = import_log(
                settings, lambda done, total: bar.update(task, completed=done, total=total)
            )
    except KeyboardInterrupt:
        plain_console(stderr=True).print("equibid: stopped; nothing was imported")
        sys.exit(130)
    print_summary(console, summary)
    return summary.folder


def suggest(logs: tuple[Path, ...], path: Path) -> None:
    """Write a map to edit.

    Raises:
        InputError: there is a file already, or the log cannot be read.
    """
    if not logs:
        raise InputError("name a log, as in equibid import mine.csv --suggest-columns mine.toml")
    if path.exists():
        raise InputError(f"{path}: there is a file already; name another one")
    text = suggested_map(logs[0])
    write_text(path, text)
    plain_console().print(
        f"{path} is written: check its lines, then equibid import {logs[0]} --columns {path} --out "
        "FOLDER",
        soft_wrap=True,
    )


def print_summary(console: Console, summary: Summary) -> None:
    """What was kept, what was not, and the totals."""
    console.print(_files(summary))
    if summary.reasons:
        console.print(_reasons(summary))
        console.print(f"every row in quarantine: {summary.folder / 'quarantine.csv'}")
    for file in summary.files:
        for name, (stated, found) in file.unlike.items():
            console.print(
                f"{file.name}: {found:,} {name}, but the file beside it says {stated:,}",
                style="yellow",
            )
    for note in summary.notes:
        console.print(note, style="yellow")
    totals = ", ".join(f"{name} {total:,.15g}" for name, total in summary.totals.items())
    console.print(f"{summary.form}: {totals}")
    console.print(f"Parquet in {summary.folder / 'rows'}", style="dim")


def _files(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("file", style="cyan", overflow="fold")
    for name in ("rows", "kept", "quarantined", "blank lines"):
        table.add_column(name, justify="right")
    for file in summary.files:
        counts = (file.read, file.kept, file.read - file.kept, file.blank)
        table.add_row(file.name, *(f"{count:,}" for count in counts))
    return table


def _reasons(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("quarantined", justify="right", style="red")
    table.add_column("because")
    listed = list(summary.reasons.items())
    for reason, count in listed[:MOST]:
        table.add_row(f"{count:,}", reason)
    if listed[MOST:]:
        rest = sum(count for _, count in listed[MOST:])
        table.add_row(f"{rest:,}", f"{len(listed) - MOST} other reasons")
    return table
