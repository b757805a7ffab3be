"""How far a command has come."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from equibid.cli.console import shown


class Said(ProgressColumn):
    """What a task is doing, in words."""

    def render(self, task: Task) -> Text:
        """The words as they may be seen."""
        return Text(f"{shown(task.description):<40}", end="", no_wrap=True)


def progress(console: Console) -> Progress:
    """Progress bars that vanish when done, of things that are counted."""
    columns = (Said(), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def reading(console: Console) -> Progress:
    """Progress bars that vanish when done, of bytes."""
    columns = (Said(), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)
