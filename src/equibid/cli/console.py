"""The console: what is printed is text, whatever names hold.

Names of advertisers, logs and files come from users. Here brackets are brackets and ``:x:`` is no
picture, and signs that would steer a terminal are shown as what they are.
"""

import sys
from io import TextIOWrapper
from typing import Any
from unicodedata import category

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Control characters, marks of direction and the like, halves of characters, other line ends.
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain_console(stderr: bool = False) -> Console:
    """A console that prints text as it is; colour comes from ``style`` alone."""
    return Plain(stderr=stderr, markup=False, emoji=False, highlight=False)


def plain_table(title: str, caption: str | None = None) -> Table:
    """An empty table without lines, titled above and explained below."""
    return Table(
        title=title,
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
