"""``equibid demo``: the main job on a small generated market."""

import webbrowser
from pathlib import Path
from typing import Annotated

import tyro

from equibid.cli.compare import run_comparison
from equibid.runs.compare import CompareConfig

BIDDERS = (
    "random,constant,mcpc,lin,ortb1,fixed,pacing,pacing-multiplicative,pacing-ratio,online-lp,"
    "hindsight"
)


def demo(
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Run folder; default runs/demo, or one beside it where that holds a run with "
            "other settings."
        ),
    ] = None,
    seeds: Annotated[
        int,
        tyro.conf.arg(help="Days to play; fewer than 11 are too few to tell two bidders apart."),
    ] = 12,
    open_report: Annotated[
        bool, tyro.conf.arg(name="open", help="Open the report in a browser.")
    ] = False,
    force: Annotated[bool, tyro.conf.arg(help="Replace the run that is in the folder.")] = False,
) -> Path:
    """Generate a market of 24 advertisers, let classic bidders meet in it, and rank them.

    Example: equibid demo --open
    """
    settings = CompareConfig("demo", bidders=BIDDERS, seeds=seeds, out=out, force=force)
    report = run_comparison(settings, Path("runs/demo"))
    if open_report:
        webbrowser.open(report.resolve().as_uri())
    return report.parent
