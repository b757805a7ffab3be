"""The import: files in, a folder of Parquet out, whole or not at all.

FOLDER/rows/*.parquet   the good rows, in order of files and lines
FOLDER/quarantine.csv   every other row: file, line, field, reason, value, row
FOLDER/import.json      files, counts, reasons, totals
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

import equibid
from equibid.errors import InputError
from equibid.logs.importing.chunks import CHUNK
from equibid.logs.importing.duplicates import drop_duplicates
from equibid.logs.importing.form import FORMS, Form, known_only
from equibid.logs.importing.parts import Part, Totals, added, write_part
from equibid.logs.importing.quarantine import FILE, Quarantine
from equibid.logs.importing.source import Piece, Source, open_source, pieces
from equibid.logs.importing.staging import staged

MAX_BAD = 0.001
WORKERS = 2

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FileSummary:
    """What became of a file.

    Attributes:
        name: of the file.
        size: bytes, packed; rows of a Parquet file.
        read: rows it holds, good and bad.
        kept: rows that are in Parquet now.
        blank: lines that hold nothing.
        totals: sums over the rows kept.
        parts: names of the Parquet files, in order.
        beside: what was read from a file that belongs to it.
    """

    name: str
    size: int
    read: int
    kept: int
    blank: int
    totals: Totals
    parts: list[str]
    beside: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What an import did.

    Attributes:
        folder: that it wrote.
        form: of the log.
        files: each file.
        reasons: how many rows are in quarantine, by field and reason.
        totals: sums over all rows kept.
    """

    folder: Path
    form: str
    files: list[FileSummary]
    reasons: dict[str, int]
    totals: Totals

    @property
    def read(self) -> int:
        """Rows of all files."""
        return sum(file.read for file in self.files)

    @property
    def kept(self) -> int:
        """Rows in Parquet."""
        return sum(file.kept for file in self.files)

    @property
    def quarantined(self) -> int:
        """Rows in quarantine."""
        return self.read - self.kept


def import_logs(
    paths: Sequence[Path | str],
    out: Path | str,
    form: Form | str | None = None,
    max_bad: float = MAX_BAD,
    advertisers: Sequence[int] | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> Summary:
    """Import log files of one form.

    Args:
        paths: of the files, read in this order.
        out: folder to write; it must not be there yet.
        form: of the log, or its name in `FORMS`; None recognises it.
        max_bad: share of rows that may be bad.
        advertisers: those there are, if rows of others are bad; None is the form's own rule.
        progress: told how much of how much has been read.
        chunk: bytes of text that are read at once.

    Raises:
        InputError: a file cannot be read or is of another form, more rows than `max_bad` are bad
            (the quarantine file then stands alone beside `out`), or `out` cannot be written.
    """
    out = Path(out)
    sources = _sources(paths, form, advertisers)
    with staged(out) as folder:
        summary = _carry_out(sources, out, folder, progress, chunk)
        _judge(summary, folder, max_bad)
        text = json.dumps(_description(summary), indent=1)
        (folder / "import.json").write_text(text + "\n", encoding="utf-8")
    aside(out).unlink(missing_ok=True)
    return summary


def aside(out: Path) -> Path:
    """Where the quarantine of an import stands that failed."""
    return out.with_name(f"{out.name}.{FILE}")


def _sources(
    paths: Sequence[Path | str], form: Form | str | None, advertisers: Sequence[int] | None
) -> list[Source]:
    if not paths:
        raise InputError("name the log files to import")
    asked = FORMS[form] if isinstance(form, str) else form
    sources = [open_source(Path(path), asked) for path in paths]
    forms = {source.form.name: source.path for source in sources}
    if len(forms) > 1:
        listed = ", ".join(f"{path} is {name}" for name, path in forms.items())
        raise InputError(f"one import takes one kind of log, but {listed}; import them apart")
    names = [source.path.name for source in sources]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"two files are called {', '.join(sorted(twice))}; rename one of them")
    if advertisers is None:
        return sources
    known = known_only(sources[0].form, advertisers)
    return [open_source(source.path, known) for source in sources]


def _carry_out(
    sources: Sequence[Source], out: Path, folder: Path, progress: Progress | None, chunk: int
) -> Summary:
    form = sources[0].form
    names = [source.path.name for source in sources]
    blank = [0] * len(sources)
    parts: list[Part] = []
    (folder / "rows").mkdir()
    with Quarantine(folder / FILE) as quarantine:
        for number, part, bad, empty in _parts(sources, folder / "rows", progress, chunk):
            quarantine.add(names[number], bad)
            blank[number] += empty
            if part is not None:
                parts.append(part)
        parts = drop_duplicates(parts, form, names, quarantine)
    files = []
    for number, source in enumerate(sources):
        own = [part for part in parts if part.source == number]
        kept = sum(part.rows for part in own)
        files.append(
            FileSummary(
                name=names[number],
                size=source.size,
                read=kept + quarantine.by_file[names[number]],
                kept=kept,
                blank=blank[number],
                totals=added((part.totals for part in own), form),
                parts=[part.path.name for part in own],
                beside=form.beside(source.path),
            )
        )
    totals = added((file.totals for file in files), form)
    reasons = dict(quarantine.reasons.most_common())
    return Summary(out, form.name, files, reasons, totals)


def _parts(
    sources: Sequence[Source], rows: Path, progress: Progress | None, chunk: int
) -> Iterator[tuple[int, Part | None, pl.DataFrame, int]]:
    """Parse the pieces of all files, a few at a time, and write them; results in order."""
    total = sum(source.size for source in sources)
    before = 0

    def work(number: int, count: int, piece: Piece) -> tuple[int, Part | None, pl.DataFrame, int]:
        parsed = piece.parse()
        part = None
        if parsed.frame.height:
            path = rows / f"{number:03d}-{count:05d}.parquet"
            part = write_part(path, number, parsed.frame, parsed.line, sources[number].form)
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
                before += source.size
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
    kept = aside(summary.folder)
    (folder / FILE).replace(kept)
    reason, count = next(iter(summary.reasons.items()))
    raise InputError(
        f"{names}: {summary.quarantined:,} of {summary.read:,} rows cannot be used, mostly "
        f"{reason!r} ({count:,}); --max-bad {max_bad:g} allows {int(max_bad * summary.read):,}; "
        f"they are listed in {kept}"
    )


def _description(summary: Summary) -> dict[str, Any]:
    """What import.json says."""
    return {
        "version": equibid.__version__,
        "form": summary.form,
        "read": summary.read,
        "kept": summary.kept,
        "quarantined": summary.quarantined,
        "reasons": summary.reasons,
        "totals": summary.totals,
        "files": [asdict(file) for file in summary.files],
    }
