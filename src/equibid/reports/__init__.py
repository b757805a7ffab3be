"""One self-contained HTML file a run, made from the run's folder alone."""

from equibid.reports.report import write_report

__all__ = ["write_report"]
