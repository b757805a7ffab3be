"""One self-contained HTML file a run."""

from equibid.reports.comparison.from_ranking import from_findings, from_ranking
from equibid.reports.comparison.report import write_report
from equibid.reports.comparison.tables import RunTables

__all__ = ["RunTables", "from_findings", "from_ranking", "write_report"]
