"""What commands do, as functions: ``equibid.compare("demo", ["lin", "pacing"], seeds=5).ranking``.

A function takes what its command takes, writes the same run folder with the same report, prints
nothing, and gives a result that shows itself in a notebook.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from equibid.errors import InputError, near
from equibid.reports.report import KINDS, write_report
from equibid.reports.sheet import Form, written
from equibid.runs import compare as comparing
from equibid.runs.compare import CompareConfig
from equibid.runs.reading import read_run


@dataclass(frozen=True)
class Compared:
    """A comparison that was made.

    Attributes:
        folder: in which all its tables are, and its report.
        ranking: a row a contender or reference, the best first, each metric with the ends of its
            95 % interval (``metric_low``, ``metric_high``).
        paired: a row a pair of bidders: their mean difference, its interval and its p-value; None
            where there is one bidder.
        delivery: a row a market, replicate, bidder, tick and advertiser, money in currency.
        report: the page.
    """

    folder: Path
    ranking: pl.DataFrame
    paired: pl.DataFrame | None
    delivery: pl.DataFrame
    report: Path

    def table(self, form: Form = "markdown") -> str:
        """The ranking as text for a paper or a spreadsheet.

        Args:
            form: "latex" (with booktabs), "markdown" or "csv".
        """
        run = read_run(self.folder)
        kind = KINDS[run.kind]
        return written(kind.sheet(kind.read(run)), form)

    def _repr_html_(self) -> str:
        """The ranking, for notebooks."""
        return self.ranking._repr_html_()


def compare(
    market: str | Path, bidders: Sequence[str] | str | None = None, **options: Any
) -> Compared:
    """Rank bidders on a market, as ``equibid compare`` does.

    Args:
        market: the name of a generated market, or the path of its settings, of a log or of a
            folder of logs.
        bidders: by name with their settings, or folders of training runs; default the classic ones.
        options: of the command, with underscores: ``seeds=5``, ``auction="gsp:reserve=0.01"``,
            ``seating="pairs"``, ``out="runs/mine"``; see ``equibid compare --help``.

    Returns:
        The tables, and the folder they are in. A comparison that was made before is read again,
        piece by piece.

    Raises:
        InputError: there is no such market, bidder or option, or they do not go together.
    """
    known = [field.name for field in fields(CompareConfig)]
    for name in options:
        if name not in known:
            others = near(name, known) or known
            raise InputError(f"compare has no option {name!r}; try {', '.join(others)}")
    if bidders is not None:
        options["bidders"] = bidders if isinstance(bidders, str) else ",".join(bidders)
    if options.get("out") is not None:
        options["out"] = Path(options["out"])
    made = comparing.compare(CompareConfig(str(market), **options))
    folder, found = made.run.folder, made.found
    report = write_report(folder)
    return Compared(folder, found.ranking, found.paired, found.delivery, report)
