"""The main table of a run in a page."""

from html import escape

from equibid.reports.html.document import table
from equibid.reports.sheet import Sheet


def figures_table(sheet: Sheet) -> str:
    """The table as HTML."""
    lines = [
        f'<tr><td></td><td class="name">{escape(name)}</td>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in sheet.cells(row))
        + "</tr>"
        for name, row in sheet.rows
    ]
    heads = [(column.title, column.unit) for column in sheet.columns]
    return table(sheet.first, heads, lines)
