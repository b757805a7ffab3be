"""``equibid compare``: rank bidders on a market."""

from pathlib import Path

import tyro

from equibid.cli.console import plain_console, print_place
from equibid.cli.progress import progress
from equibid.cli.table import print_head_to_head, print_ranking, print_verdict
from equibid.reports import write_report
from equibid.reports.comparison.read import read_comparison
from equibid.reports.comparison.verdict import verdict
from equibid.runs import compare as comparing
from equibid.runs.compare import CompareConfig
from equibid.runs.reading import read_run


def compare(settings: tyro.conf.OmitArgPrefixes[CompareConfig]) -> Path:
    """Rank bidders on a market, with a table, Parquet files and an HTML report.

    Example: equibid compare auctionnet --impressions 50000 --bidders lin,pacing,hindsight --seeds 5

    Example: equibid compare logs/ipinyou --bidders mcpc,lin,rlb --budget-share 0.0625
    """
    return run_comparison(settings).parent


def run_comparison(settings: CompareConfig, default: Path | None = None) -> Path:
    """Carry out a comparison and print it; gives the path of the report.

    Args:
        settings: of the command.
        default: run folder where none is named, in place of runs/compare-MARKET.
    """
    console = plain_console()
    with progress(console) as bar:
        made = comparing.compare(settings, default, bar)
    folder = made.run.folder
    report = write_report(folder)
    print_ranking(console, made.found.ranked, made.market)
    if made.left_out:
        console.print(f"Left out, as they suppose second price: {', '.join(made.left_out)}.")
    print_verdict(console, verdict(read_comparison(read_run(folder))))
    if made.found.head_to_head is not None:
        print_head_to_head(console, made.found.head_to_head)
    for sentence in made.run.reuse():
        console.print(sentence)
    print_place(console, made.seconds, folder, report)
    return report
