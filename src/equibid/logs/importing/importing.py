"""The import: files in, a folder of Parquet out, whole or not at all.

FOLDER/rows/*.parquet   the good rows, in order of files and lines
FOLDER/quarantine.csv   every other row: file, line, field, reason, value, row
FOLDER/import.json      files, counts, reasons, totals, digests of the files of rows
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import move, parquet, write_json
from equibid.kept import file_digest
from equibid.logs.importing.chunks import CHUNK
from equibid.logs.importing.duplicates import drop_duplicates
from equibid.logs.importing.joined import (
    parted,
    read_events,
    set_orphans_aside,
    with_counts,
)
from equibid.logs.importing.parts import Part, added, write_part
from equibid.logs.importing.quarantine import FILE, Quarantine
from equibid.logs.importing.schema import SCHEMAS, LogSchema, known_only
from equibid.logs.importing.source import Piece, Source, open_source, pieces
from equibid.logs.importing.staging import staged
from equibid.logs.importing.summary import Summary, description, file_summaries, file_summary
from equibid.logs.importing.unknown_advertisers import set_unknown_aside

MAX_BAD = 0.001
WORKERS = 2

Progress = Callable[[int, int], None]


def import_logs(
    paths: Sequence[Path | str],
    out: Path | str,
    form: LogSchema | str | None = None,
    max_bad: float = MAX_BAD,
    advertisers: Sequence[int] | None = None,
    join: bool = False,
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> Summary:
    """Import log files of one form.

    Args:
        paths: of the files, read in this order.
        out: folder to write; it must not be there yet.
        form: of the log, or its name in `SCHEMAS`; None recognises it.
        max_bad: share of rows that may be bad.
        advertisers: those there are, if rows of others are bad; None is the form's own rule.
        join: whether raw iPinYou impressions get the counts of their clicks and conversions.
        progress: told how much of how much has been read.
        chunk: bytes of text that are read at once.

    Raises:
        InputError: a file cannot be read or is of another form, more rows than `max_bad` are bad
            (the quarantine file then stands alone beside `out`), or `out` cannot be written.
    """
    out = Path(out)
    sources = _sources(paths, form, advertisers)
    with staged(out) as folder:
        summary = _carry_out(sources, out, folder, join, progress, chunk)
        _judge(summary, folder, max_bad)
        digests = {path.name: file_digest(path) for path in sorted((folder / "rows").iterdir())}
        write_json(folder / "import.json", description(summary) | {"digests": digests})
    aside(out).unlink(missing_ok=True)
    return summary


def aside(out: Path) -> Path:
    """Where the quarantine of an import stands that failed."""
    return out.with_name(f"{out.name}.{FILE}")


def _sources(
    paths: Sequence[Path | str], form: LogSchema | str | None, advertisers: Sequence[int] | None
) -> list[Source]:
    if not paths:
        raise InputError("name the log files to import")
    asked = SCHEMAS[form] if isinstance(form, str) else form
    sources = [open_source(Path(path), asked) for path in paths]
    forms = {source.form.name: source.path for source in sources}
    if len(forms) > 1:
        listed = ", ".join(f"{path} is {name}" for name, path in forms.items())
        raise InputError(f"one import takes one kind of log, but {listed}; import them apart")
    if advertisers is not None:
        known = known_only(sources[0].form, advertisers)
        sources = [open_source(source.path, known) for source in sources]
    names = _names([source.path for source in sources])
    return [replace(source, name=name) for source, name in zip(sources, names, strict=True)]


def _names(paths: Sequence[Path]) -> list[str]:
    """What the files are called: with their folders, as far as that tells them apart."""
    places = [path.resolve() for path in paths]
    if len(set(places)) < len(places):
        twice = next(place for place in places if places.count(place) > 1)
        raise input_error(twice, "it is named twice")
    length = 1
    while len({place.parts[-length:] for place in places}) < len(places):
        length += 1
    return ["/".join(place.parts[-length:]) for place in places]


def _carry_out(
    sources: Sequence[Source],
    out: Path,
    folder: Path,
    join: bool,
    progress: Progress | None,
    chunk: int,
) -> Summary:
    """Write rows and quarantine; impressions of a join come first among the files."""
    rows = folder / "rows"
    rows.mkdir()
    with Quarantine(folder / FILE) as quarantine:
        if not join:
            parts, blank = _rows(sources, rows, quarantine, progress, chunk)
            files = file_summaries(sources, parts, blank, quarantine)
            form = sources[0].form
        else:
            impressions, followers = parted(sources)
            first = len(impressions)
            events, empty = read_events(followers, first, quarantine, chunk)
            widened = with_counts(impressions, events)
            form = widened[0].form
            parts, blank = _rows(widened, rows, quarantine, progress, chunk)
            events = set_orphans_aside(events, parts, followers, first, quarantine)
            files = file_summaries(widened, parts, blank, quarantine)
            for number, (source, lines) in enumerate(zip(followers, empty, strict=True), first):
                kept = events.filter(pl.col("file") == number).height
                files.append(file_summary(source, [], kept, lines, quarantine))
    totals = added((file.totals for file in files if file.totals), form)
    reasons = dict(quarantine.reasons.most_common())
    notes = _notes(sources, form, [part.path for part in parts])
    return Summary(out, form.name, files, reasons, totals, notes)


def _notes(sources: Sequence[Source], form: LogSchema, parts: Sequence[Path]) -> list[str]:
    """What is not as one might think: columns that were left out, and the form's own notes."""
    said = []
    for source in sources:
        names = source.left_out
        if names and form.name != "columns":
            listed = ", ".join(name or "one without a name" for name in names)
            said.append(
                f"{source.name}: {len(names)} columns are not of the format {form.name} and were "
                f"left out: {listed}"
            )
    if form.use:
        said.append(f"the format {form.name}: {form.use}")
    with ExitStack() as opened:
        tables = [opened.enter_context(parquet(part)) for part in parts]
        return said + (form.notes(pl.concat(tables)) if tables else [])


def _rows(
    sources: Sequence[Source],
    rows: Path,
    quarantine: Quarantine,
    progress: Progress | None,
    chunk: int,
) -> tuple[list[Part], list[int]]:
    """The parts of all files, and the blank lines of each."""
    names = [source.name for source in sources]
    blank = [0] * len(sources)
    parts: list[Part] = []
    for number, part, bad, empty in _parts(sources, rows, progress, chunk):
        quarantine.add(names[number], bad)
        blank[number] += empty
        if part is not None:
            parts.append(part)
    form = sources[0].form
    parts = drop_duplicates(parts, form, names, quarantine)
    return set_unknown_aside(parts, form, names, quarantine), blank


def _parts(
    sources: Sequence[Source], rows: Path, progress: Progress | None, chunk: int
) -> Iterator[tuple[int, Part | None, pl.DataFrame, int]]:
    """Parse the pieces of all files, a few at a time, and write them; results in order."""
    total = sum(source.length for source in sources)
    before = 0

    def work(number: int, count: int, piece: Piece) -> tuple[int, Part | None, pl.DataFrame, int]:
        parsed = piece.parse()
        part = None
        if parsed.frame.height:
            path = rows / f"{number:03d}-{count:05d}.parquet"
            form = sources[number].form
            frame = parsed.frame if form.derive is None else form.derive(parsed.frame)
            part = write_part(path, number, frame, parsed.line, form)
        return number, part, parsed.bad, parsed.blank

    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[tuple[int, Future[tuple[int, Part | None, pl.DataFrame, int]]]] = deque()
        try:
            for number, source in enumerate(sources):
                for count, piece in enumerate(pieces(source, chunk)):
                    job = pool.submit(work, number, count, piece)
                    waiting.append((before + piece.position, job))
                    if len(waiting) > WORKERS:
                        yield _next(waiting, progress, total)
                before += source.length
            while waiting:
                yield _next(waiting, progress, total)
        finally:
            pool.shutdown(cancel_futures=True)


def _next(waiting: deque[tuple[int, Future[Any]]], progress: Progress | None, total: int) -> Any:
    position, job = waiting.popleft()
    result = job.result()
    if progress is not None:
        progress(position, total)
    return result


def _judge(summary: Summary, folder: Path, max_bad: float) -> None:
    """Refuse an import with too many bad rows, or with no good one; keep its quarantine."""
    if summary.kept and summary.quarantined <= max_bad * summary.read:
        return
    names = ", ".join(file.name for file in summary.files[:3])
    names += ", …" if len(summary.files) > 3 else ""
    if not summary.read:
        raise InputError(f"{names}: there are no rows")
    listed = aside(summary.folder)
    move(folder / FILE, listed)
    reason, count = next(iter(summary.reasons.items()))
    allowed = f"--max-bad {max_bad:g} allows {int(max_bad * summary.read):,}; "
    raise InputError(
        f"{names}: {summary.quarantined:,} of {summary.read:,} rows cannot be used, mostly "
        f"{reason!r} ({count:,}); {allowed if summary.kept else ''}they are listed in {listed}"
    )
