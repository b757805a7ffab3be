"""Tables in the terminal."""

from io import StringIO

import polars as pl
from rich.console import Console

from equibid.cli.table import print_head_to_head


def test_who_buys_nothing_among_its_own_kind_has_a_dash() -> None:
    rows = [("a", "a", None), ("a", "b", None), ("b", "a", 0.5), ("b", "b", 1.0)]
    shares = pl.DataFrame(rows, schema=["bidder", "against", "share"], orient="row")
    shown = StringIO()
    print_head_to_head(Console(width=80, file=shown), shares)
    lines = [line.split() for line in shown.getvalue().splitlines()]
    assert ["a", "–", "–"] in lines
    assert ["b", "0.500", "1.000"] in lines
