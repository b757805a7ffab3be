"""The report of a run: one HTML file that needs nothing else."""

from pathlib import Path

from equibid.files import write_text
from equibid.reports.comparison.page import page
from equibid.reports.comparison.tables import RunTables, check

__all__ = ["RunTables", "write_report"]


def write_report(tables: RunTables, path: Path) -> None:
    """Write the report to `path` (about 5 MB: Plotly's script is inside).

    Raises:
        InputError: a table lacks a column or contradicts another.
    """
    write_text(path, page(check(tables)))
