"""One look a bidder, the same in every chart."""

from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.palette import REFERENCE, Mark, look


def marks(tables: RunTables) -> dict[str, Mark]:
    """Colours in rank order; references are grey and hollow."""
    contenders = [name for name in tables.bidders if name not in tables.references]
    looks = {name: look(rank) for rank, name in enumerate(contenders)}
    return looks | dict.fromkeys(tables.references, REFERENCE)
