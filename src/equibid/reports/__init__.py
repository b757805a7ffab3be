"""One self-contained HTML file a run."""

from equibid.reports.from_ranking import from_findings, from_ranking
from equibid.reports.report import write_report
from equibid.reports.tables import RunTables

__all__ = ["RunTables", "from_findings", "from_ranking", "write_report"]
