"""``equibid report``: a run's report made anew, or several runs side by side."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from equibid.cli.console import plain_console
from equibid.errors import InputError
from equibid.reports import write_report
from equibid.reports.report import write_figures
from equibid.reports.sheet import Form, written
from equibid.reports.side_by_side import main_table, write_side_by_side
from equibid.runs.reading import RunFolder, read_run


def report(
    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(help="Run folders: one of any kind, or several of one kind."),
    ],
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Where to write it; default report.html in the run's folder, or "
            "runs/side-by-side.html for several."
        ),
    ] = None,
    table: Annotated[
        Form | None,
        tyro.conf.arg(
            help="Print the main table of the run, or of all runs together, as latex (for "
            "booktabs), markdown or csv, and make no report."
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        tyro.conf.arg(help="A folder for the charts of one run as SVG, and make no report."),
    ] = None,
) -> None:
    """Make the report of a run anew, or one of several runs of a kind side by side.

    Example: equibid report runs/demo

    Example: equibid report runs/gsp runs/first-price --out auctions.html

    Example: equibid report runs/demo --table latex
    """
    console = plain_console()
    if not runs:
        raise InputError("name a run folder, as in equibid report runs/demo")
    folders = list(dict.fromkeys(path.resolve() for path in runs))
    if table is not None or figures is not None:
        if out is not None:
            raise InputError("--out is for the report; --table prints, --figures names a folder")
        export(folders, table, figures)
        return
    if len(folders) == 1:
        path = write_report(runs[0], None if out is None else place(out))
    else:
        path = side_by_side(folders, out)
    console.print(f"open {path} in a browser", style="dim")


def export(folders: list[Path], table: Form | None, figures: Path | None) -> None:
    """Print the main table, and write the charts, as far as they are asked for."""
    runs = alike(folders)
    if table is not None:
        sys.stdout.write(written(main_table(runs), table))
    if figures is not None:
        if len(runs) > 1:
            raise InputError("--figures writes the charts of one run; name one run folder")
        try:
            figures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--figures {figures}: cannot write there ({error.strerror})"
            ) from error
        for path in write_figures(next(iter(runs.values())), figures):
            sys.stdout.write(f"{path}\n")


def alike(folders: list[Path]) -> dict[str, RunFolder]:
    """The runs by the names that tell them apart.

    Raises:
        InputError: one is none, or they are not of one kind.
    """
    runs = {name: read_run(folder) for folder, name in distinct(folders).items()}
    kinds = {run.kind for run in runs.values()}
    if len(kinds) > 1:
        raise InputError(
            "only runs of one kind stand side by side, and these are of "
            f"{' and '.join(sorted(kinds))}; name them apart"
        )
    return runs


def side_by_side(folders: list[Path], out: Path | None) -> Path:
    """The report of several runs of one kind, of whole paths, no two alike; gives its path."""
    runs = alike(folders)
    path = place(out or Path("runs") / "side-by-side.html")
    return write_side_by_side(runs, path)


def distinct(folders: list[Path]) -> dict[Path, str]:
    """As much of each path as tells it from the others."""
    for parts in range(1, 64):
        names = ["/".join(folder.parts[-parts:]) for folder in folders]
        if len(set(names)) == len(names):
            return dict(zip(folders, names, strict=True))
    return {folder: str(folder) for folder in folders}


def place(path: Path) -> Path:
    """A file that can be written.

    Raises:
        InputError: its folder cannot be made, or it is a folder.
    """
    if path.is_dir():
        raise InputError(f"--out {path} is a folder; name a file, as {path / 'report.html'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {path}: cannot write there ({error.strerror})") from error
    return path
