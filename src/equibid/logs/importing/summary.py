"""What became of each file of an import, in numbers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import equibid
from equibid.logs.importing.parts import Part, added
from equibid.logs.importing.quarantine import Quarantine
from equibid.logs.importing.schema import Totals
from equibid.logs.importing.source import Source


@dataclass(frozen=True)
class FileSummary:
    """What became of a file.

    Attributes:
        name: of the file.
        size: bytes, packed.
        read: rows it holds, good and bad.
        kept: rows that are in Parquet now.
        blank: lines that hold nothing.
        totals: sums over the rows kept.
        parts: names of the Parquet files, in order.
        beside: what was read from a file that belongs to it.
        unlike: totals that a file beside it states and that are not found, both numbers.
    """

    name: str
    size: int
    read: int
    kept: int
    blank: int
    totals: Totals
    parts: list[str]
    beside: dict[str, Any] = field(default_factory=dict)
    unlike: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What an import did.

    Attributes:
        folder: that it wrote.
        form: of the log.
        files: each file.
        reasons: how many rows are in quarantine, by field and reason.
        totals: sums over all rows kept.
        notes: what people should know before they use it.
    """

    folder: Path
    form: str
    files: list[FileSummary]
    reasons: dict[str, int]
    totals: Totals
    notes: list[str] = field(default_factory=list)

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


def file_summaries(
    sources: Sequence[Source], parts: Sequence[Part], blank: Sequence[int], quarantine: Quarantine
) -> list[FileSummary]:
    """Of files whose rows are in `parts`."""
    result = []
    for number, source in enumerate(sources):
        own = [part for part in parts if part.source == number]
        kept = sum(part.rows for part in own)
        result.append(file_summary(source, own, kept, blank[number], quarantine))
    return result


def file_summary(
    source: Source, parts: Sequence[Part], kept: int, blank: int, quarantine: Quarantine
) -> FileSummary:
    """Of a file of which `kept` rows are good and `blank` lines empty."""
    form, name = source.form, source.name
    totals = added((part.totals for part in parts), form) if parts else {}
    beside = form.beside(source.path)
    stated = form.stated(name, beside)
    return FileSummary(
        name=name,
        size=source.size,
        read=kept + quarantine.by_file[name],
        kept=kept,
        blank=blank,
        totals=totals,
        parts=[part.path.name for part in parts],
        beside=beside,
        unlike={
            key: (total, totals.get(key, 0))
            for key, total in stated.items()
            if total != totals.get(key, 0)
        },
    )


def description(summary: Summary) -> dict[str, Any]:
    """What import.json says."""
    return {
        "version": equibid.__version__,
        "form": summary.form,
        "read": summary.read,
        "kept": summary.kept,
        "quarantined": summary.quarantined,
        "reasons": summary.reasons,
        "totals": summary.totals,
        "notes": summary.notes,
        "files": [asdict(file) for file in summary.files],
    }
