"""``equibid certify``: how far what everybody bids is from equilibrium."""

from pathlib import Path

import tyro

from equibid.cli.certificates import heading, print_certificate, print_notices, print_results
from equibid.cli.console import plain_console, print_place
from equibid.cli.progress import progress
from equibid.reports import write_report
from equibid.runs import certify as certifying
from equibid.runs.certify import CertifyConfig
from equibid.runs.certifying import all_notices
from equibid.runs.market import MarketChoice


def certify(
    choice: tyro.conf.OmitArgPrefixes[MarketChoice],
    settings: tyro.conf.OmitArgPrefixes[CertifyConfig],
) -> Path:
    """Prove how much any advertiser could gain by leaving a profile of factors.

    Example: equibid certify demo runs/solve-demo --days 10

    Example: equibid certify demo factors.csv

    Example: equibid certify demo pacing --days 5
    """
    console = plain_console()
    with progress(console) as bar:
        proven = certifying.certify(choice, settings, bar)
    report = write_report(proven.run.folder)
    results = proven.results
    if len(results) > 1:
        what = "days" if len(proven.days) > 1 else "markets"
        print_results(console, results, f"{proven.market}: {len(results)} {what}")
    else:
        console.print(heading(results[0]))
        console.print()
        print_certificate(console, results[0])
    print_notices(console, [*filter(None, [proven.notice]), *all_notices(results)])
    print_place(console, proven.seconds, report.parent, report)
    return report.parent
