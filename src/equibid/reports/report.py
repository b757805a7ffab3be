"""The report of a run: one HTML file, a function of the run's folder and of nothing else.

Nothing in a folder is carried out: its plugins are not imported, its states of learning not loaded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from polars.exceptions import PolarsError

from equibid.errors import InputError
from equibid.files import write_text
from equibid.reports.charts.chart import Chart
from equibid.reports.charts.svg import STYLE, WHOLE, svg
from equibid.reports.comparison.drawn import drawn as comparison_charts
from equibid.reports.comparison.page import page as comparison_page
from equibid.reports.comparison.read import read_comparison
from equibid.reports.comparison.tables import sheet as comparison_sheet
from equibid.reports.equilibrium.page import drawn as equilibrium_charts
from equibid.reports.equilibrium.page import page as equilibrium_page
from equibid.reports.equilibrium.tables import read_equilibrium
from equibid.reports.equilibrium.tables import sheet as equilibrium_sheet
from equibid.reports.exploit.page import drawn as exploit_charts
from equibid.reports.exploit.page import page as exploit_page
from equibid.reports.exploit.tables import read_exploit
from equibid.reports.exploit.tables import sheet as exploit_sheet
from equibid.reports.fitting.page import drawn as fit_charts
from equibid.reports.fitting.page import page as fit_page
from equibid.reports.fitting.tables import read_fit
from equibid.reports.fitting.tables import sheet as fit_sheet
from equibid.reports.frontier.page import drawn as frontier_charts
from equibid.reports.frontier.page import page as frontier_page
from equibid.reports.frontier.tables import read_frontier
from equibid.reports.frontier.tables import sheet as frontier_sheet
from equibid.reports.sheet import Sheet
from equibid.reports.training.page import drawn as training_charts
from equibid.reports.training.page import page as training_page
from equibid.reports.training.tables import read_learning
from equibid.reports.training.tables import sheet as training_sheet
from equibid.runs.reading import RunFolder, read_run


class Kind(NamedTuple):
    """How the runs of a command are shown.

    Attributes:
        read: the tables of its folder.
        page: of these.
        charts: of these, by name.
        sheet: the main table of these.
    """

    read: Callable[[RunFolder], Any]
    page: Callable[[Any], str]
    charts: Callable[[Any], dict[str, Chart]]
    sheet: Callable[[Any], Sheet]


KINDS = {
    "compare": Kind(read_comparison, comparison_page, comparison_charts, comparison_sheet),
    "solve": Kind(read_equilibrium, equilibrium_page, equilibrium_charts, equilibrium_sheet),
    "certify": Kind(read_equilibrium, equilibrium_page, equilibrium_charts, equilibrium_sheet),
    "frontier": Kind(read_frontier, frontier_page, frontier_charts, frontier_sheet),
    "exploit": Kind(read_exploit, exploit_page, exploit_charts, exploit_sheet),
    "train": Kind(read_learning, training_page, training_charts, training_sheet),
    "fit": Kind(read_fit, fit_page, fit_charts, fit_sheet),
}


def write_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run; gives its path.

    Args:
        folder: of the run.
        path: of the page; default report.html in the folder.

    Raises:
        InputError: the folder is none of a run, or does not hold all that the report shows.
    """
    run = read_run(folder)
    with as_it_was_left(run):
        kind = KINDS[run.kind]
        text = kind.page(kind.read(run))
    return write_text(path or folder / "report.html", text)


def write_figures(run: RunFolder, folder: Path) -> list[Path]:
    """Write each chart of a run as a picture of its own (SVG, light); gives their paths.

    Args:
        run: that was made.
        folder: for the pictures; made if it is not there.

    Raises:
        InputError: the run's folder does not hold all that the charts show, or `folder` cannot be
            written.
    """
    with as_it_was_left(run):
        kind = KINDS[run.kind]
        found = kind.charts(kind.read(run))
    return [
        write_text(folder / f"{name}.svg", svg(chart, WHOLE, style=STYLE) + "\n")
        for name, chart in found.items()
    ]


@contextmanager
def as_it_was_left(*runs: RunFolder) -> Iterator[None]:
    """Blame the folders for what only tables can cause that were changed since they were written.

    Raises:
        InputError: no report can be made of them; tells which error it came to.
    """
    try:
        yield
    except InputError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        PolarsError,
    ) as error:
        names = " or ".join(str(run.path) for run in runs)
        raise InputError(
            f"{names}: no report can be made of its files ({type(error).__name__}: {error}); "
            f"{runs[0].mend}"
        ) from error
