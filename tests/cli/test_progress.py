"""What is said on the way: bars in a terminal, lines elsewhere."""

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from equibid.cli.progress import progress

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]


def lines(total: int, **fields: object) -> list[str]:
    """What a task of so many steps says."""
    out = io.StringIO()
    with progress(Console(file=out)) as bar:
        task = bar.add_task("playing", total=total, **fields)  # pyright: ignore
        for number in range(total):
            bar.update(task, advance=1, description=f"playing [b]{number}")
    return out.getvalue().splitlines()


def test_a_line_a_tenth_part() -> None:
    assert lines(3) == [f"playing [b]{k} ({k + 1} of 3)" for k in range(3)]
    assert lines(200) == [f"playing [b]{k - 1} ({k} of 200)" for k in range(20, 201, 20)]
    assert lines(5, quiet=True) == lines(0) == []


def test_a_milestone_is_a_line_where_there_is_no_terminal() -> None:
    for terminal, said in ((False, "step 5, best 0.1\n"), (True, "")):
        out = io.StringIO()
        bar = progress(Console(file=out, force_terminal=terminal))
        bar.milestone("step 5, best 0.1")
        assert out.getvalue() == said


def test_a_comparison_says_how_far_it_is_without_control_characters(
    equibid: Command, capsys: Captured
) -> None:
    words = ("--impressions", 200, "--advertisers", 3, "--ticks", 2, "--bidders", "lin,fixed")
    assert equibid("compare", "demo", *words, "--seeds", 2) == 0
    out, err = capsys.readouterr()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out + err)
    assert re.findall(r"^playing .*$", out, re.MULTILINE) == [
        "playing demo-0 (1 of 2)",
        "playing demo-1 (2 of 2)",
    ]
