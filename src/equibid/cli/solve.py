"""``equibid solve``: an equilibrium of a market, with its certificate."""

import sys
from pathlib import Path

import tyro
from rich.console import Console

from equibid.cli.certificates import (
    heading,
    print_certificate,
    print_equilibria,
    print_notices,
    print_results,
)
from equibid.cli.console import plain_console, print_place
from equibid.cli.progress import progress
from equibid.reports import write_report
from equibid.runs import processes
from equibid.runs import solve as solving
from equibid.runs.certifying import all_notices
from equibid.runs.market import MarketChoice
from equibid.runs.processes import ProcessesConfig
from equibid.runs.solve import SolveConfig, Solved
from equibid.runs.solving import equilibria_frame


def solve(
    choice: tyro.conf.OmitArgPrefixes[MarketChoice],
    settings: tyro.conf.OmitArgPrefixes[SolveConfig],
    together: tyro.conf.OmitArgPrefixes[ProcessesConfig],
) -> Path:
    """Find an equilibrium of a market and prove how much anybody could gain by leaving it.

    Example: equibid solve demo --starts 20

    Example: equibid solve ncb-1000 --method tatonnement --objective revenue
    """
    console = plain_console()
    with processes.together(together, sys.argv[1:]):
        if not processes.first():
            solving.help_solve(choice, settings)
            sys.exit(0)
        with progress(console) as bar:
            solved = solving.solve(choice, settings, bar)
    report = write_report(solved.run.folder)
    show(console, solved)
    for sentence in solved.run.reuse():
        console.print(sentence)
    print_place(console, solved.seconds, report.parent, report)
    return report.parent


def show(console: Console, solved: Solved) -> None:
    """Print what was found."""
    if len(solved.results) > 1:
        title = f"{solved.market}: {len(solved.results)} markets"
        print_results(console, solved.results, title)
    else:
        console.print(heading(solved.results[0]))
        console.print()
        print_equilibria(console, equilibria_frame(solved.starts), solved.starts.height)
        console.print()
        print_certificate(console, solved.results[0])
    print_notices(console, all_notices(solved.results))
