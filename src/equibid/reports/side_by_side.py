"""The page of several runs of one kind: what differs, and their figures beside each other."""

from collections.abc import Mapping
from pathlib import Path

from equibid.files import write_text
from equibid.reports.comparison.side_by_side import page as comparisons_page
from equibid.reports.html.changed import settings
from equibid.reports.html.document import Section, Verdict, document
from equibid.reports.html.sheets import figures_table
from equibid.reports.report import KINDS, as_it_was_left
from equibid.reports.sheet import Sheet, together
from equibid.runs.comparison_result import read_result
from equibid.runs.diff_runs import PastComparison, differing
from equibid.runs.reading import RunFolder


def write_side_by_side(runs: Mapping[str, RunFolder], path: Path) -> Path:
    """Write the page of several runs of one kind; gives its path.

    Args:
        runs: by their names for people.
        path: of the page.

    Raises:
        InputError: a folder does not hold all that is shown.
    """
    kind = next(iter(runs.values())).kind
    with as_it_was_left(*runs.values()):
        if kind == "compare":
            past = [
                PastComparison(name, run.config, read_result(run)) for name, run in runs.items()
            ]
            text = comparisons_page(past)
        else:
            text = page(kind, runs)
    return write_text(path, text)


def page(kind: str, runs: Mapping[str, RunFolder]) -> str:
    """The page of runs that are no comparisons: a table of their main figures."""
    changed = differing([run.config for run in runs.values()])
    what = ", ".join(list(changed)[:6]) + " and more" * (len(changed) > 6)
    return document(
        title="Runs side by side: " + ", ".join(runs),
        facts=f"{len(runs)} runs of equibid {kind}",
        said=Verdict(
            f"{len(runs)} runs of equibid {kind}",
            f"They differ in {what}." if changed else "No setting differs.",
        ),
        legend="Runs",
        looks=(),
        sections=(
            settings(list(runs), changed),
            Section("Main figures", figures_table(main_table(runs))),
        ),
    )


def main_table(runs: Mapping[str, RunFolder]) -> Sheet:
    """The main table of one run, or of several of one kind with the run in front of each row."""
    sheets = []
    for name, run in runs.items():
        kind = KINDS[run.kind]
        with as_it_was_left(run):
            sheets.append((name, kind.sheet(kind.read(run))))
    return sheets[0][1] if len(sheets) == 1 else together(sheets)
