"""``equibid runs`` and ``equibid show``: runs that were made, and what they came to."""

from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from equibid.cli.console import plain_console, plain_table
from equibid.runs.past import PastRun, Rows, runs_in, runs_of

# Columns of a table that fit 80 characters.
WIDEST = 8
# Where commands put their runs.
DEFAULT = Path("runs")


def runs(
    folder: Annotated[
        Path,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="FOLDER", help="The folder in which the run folders lie."),
    ] = DEFAULT,
) -> None:
    """List run folders: the command, its market, when, and whether it is finished.

    Example: equibid runs
    """
    console = plain_console()
    # Who has made no run yet has no such folder.
    found = [] if folder == DEFAULT and not folder.exists() else runs_in(folder)
    if not found:
        console.print(f"{folder} holds no runs.")
        return
    table = plain_table(f"Runs in {folder}")
    for title in ("run", "command", "market", "when", ""):
        table.add_column(title, style="cyan" if title == "run" else "", overflow="fold")
    for run in found:
        state = "finished" if run.finished else "not finished"
        when = f"{run.when:%Y-%m-%d %H:%M}"
        table.add_row(str(run.folder.relative_to(folder)), run.kind, run.market, when, state)
    console.print(table)


def show(
    run: Annotated[
        Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="The folder of a run.")
    ],
) -> Path:
    """Print what a finished run came to, from its folder alone.

    Example: equibid show runs/demo

    Example: equibid show runs/solve-demo --json
    """
    console = plain_console()
    for one in runs_of(run):
        show_run(console, one)
    return run


def show_run(console: Console, run: PastRun) -> None:
    """Print the main table of a run."""
    rows = run.rows()
    if run.kind == "compare":
        # With it come JAX and the statistics, which other runs do without.
        from equibid.cli.table import print_ranking  # noqa: PLC0415
        from equibid.runs.comparison_result import read_result  # noqa: PLC0415
        from equibid.runs.reading import read_run  # noqa: PLC0415

        print_ranking(console, read_result(read_run(run.folder)).ranked, run.market)
        return
    console.print(f"{run.kind} {run.market}: {run.folder}", style="bold", soft_wrap=True)
    console.print(table_of(rows))


def table_of(rows: Rows) -> Table:
    """Rows for people, without what holds further tables; one row, or wide ones, stand upright."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if not any(isinstance(x.get(name), dict | list) for x in rows)]
    lines = [[in_cell(row.get(name)) for name in names] for row in rows]
    table = plain_table("")
    if len(rows) > 1 and len(names) <= WIDEST:
        for name in names:
            number = any(isinstance(row.get(name), int | float) for row in rows)
            table.add_column(name, justify="right" if number else "left", overflow="fold")
    else:
        table.show_header = False
        table.add_column("", style="cyan", no_wrap=True)
        for _ in rows:
            table.add_column("", justify="right", overflow="fold")
        lines = [[name, *cells] for name, *cells in zip(names, *lines, strict=True)]
    for line in lines:
        table.add_row(*line)
    return table


def in_cell(x: Any) -> str:
    """A value in a table for people."""
    if isinstance(x, bool):
        return "yes" if x else "no"
    if isinstance(x, int | float):
        return f"{x:,.6g}" if isinstance(x, float) else f"{x:,}"
    return "–" if x is None else str(x)
