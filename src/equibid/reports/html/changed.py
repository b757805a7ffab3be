"""Which settings differ between runs that stand side by side."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from equibid.reports.html.document import Section, table


def settings(names: Sequence[str], changed: Mapping[str, list[Any]]) -> Section:
    """A row a setting, a column a run.

    Args:
        names: of the runs.
        changed: see `equibid.runs.diff_runs.differing`.
    """
    if not changed:
        return Section("What differs", '<p class="guide">No setting.</p>')
    lines = [
        f'<tr><td></td><td class="name">{escape(name)}</td>'
        + "".join(f"<td>{escape(said(value))}</td>" for value in values)
        + "</tr>"
        for name, values in changed.items()
    ]
    shown = table("Setting", [(name, "") for name in names], lines, "settings")
    return Section("What differs", shown)


def said(value: Any) -> str:
    """A setting for people."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)
