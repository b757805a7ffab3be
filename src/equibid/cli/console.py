"""The console: what is printed is text, whatever names hold.

Names of advertisers, logs and files come from users. Here brackets are brackets and ``:x:`` is no
picture, and signs that would steer a terminal are shown as what they are.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from unicodedata import category

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Control characters, marks of direction and the like, halves of characters, other line ends.
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


_silent = ContextVar("silent", default=False)


def plain_console(stderr: bool = False) -> Console:
    """A console that prints text as it is; colour comes from ``style`` alone.

    One for stdout prints nothing where it is made under `silence`.
    """
    quiet = _silent.get() and not stderr
    return Plain(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)


@contextmanager
def silence() -> Iterator[None]:
    """Let the consoles that are made in the block print nothing to stdout."""
    before = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(before)


def plain_table(title: str, caption: str | None = None) -> Table:
    """An empty table without lines, titled above and explained below."""
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        caption=caption,
        caption_justify="left",
    )


def shown(text: str) -> str:
    """A text as a terminal may see it: what is no sign or steers is shown by its number."""
    if text.isprintable():
        return text
    return "".join(ascii(x)[1:-1] if category(x) in STEERING and x != "\n" else x for x in text)


def take_any_text() -> None:
    """Let what a terminal has no sign for, as ± in ASCII, be printed as a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


class Plain(Console):
    """Renders every text through `shown`."""

    def render_str(self, text: str, **how: Any) -> Text:
        """As rich does, of the text as it may be seen."""
        return super().render_str(shown(text), **how)


def print_place(console: Console, seconds: float, folder: Path, report: Path) -> None:
    """Say how long a run took, and where it is."""
    told = f"{seconds:.0f} s; tables in {folder}, open {report} in a browser"
    console.print(told, style="dim")
