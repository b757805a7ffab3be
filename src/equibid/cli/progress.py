"""How far a command has come: bars in a terminal, else a line a milestone."""

from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from equibid.cli.console import shown

# Lines of a task at most, where there is no terminal.
LINES = 10


class Said(ProgressColumn):
    """What a task is doing, in words."""

    def render(self, task: Task) -> Text:
        """The words as they may be seen."""
        return Text(f"{shown(task.description):<40}", end="", no_wrap=True)


class Bars(Progress):
    """Progress bars that vanish when done; plain lines where the output is no terminal."""

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        super().__init__(
            *columns,
            console=console,
            transient=True,
            disable=console.quiet or not console.is_terminal,
        )

    def update(self, task_id: TaskID, **news: Any) -> None:
        """As `Progress.update`; a line for every tenth part of a task that is done."""
        before = self._tasks[task_id].completed
        super().update(task_id, **news)
        self._tell(task_id, before)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """As `Progress.advance`; a line for every tenth part of a task that is done."""
        before = self._tasks[task_id].completed
        super().advance(task_id, advance)
        self._tell(task_id, before)

    def milestone(self, text: str) -> None:
        """A line of its own, where there is no terminal."""
        if self.disable:
            self.console.print(shown(text), markup=False, highlight=False, soft_wrap=True)

    def _tell(self, task_id: TaskID, before: float) -> None:
        task = self._tasks[task_id]
        if not task.total or task.fields.get("quiet"):
            return
        parts = min(LINES, task.total)
        if int(task.completed * parts / task.total) > int(before * parts / task.total):
            self.milestone(f"{task.description.strip()} ({task.completed:g} of {task.total:g})")


def progress(console: Console) -> Bars:
    """Progress of a command, of things that are counted."""
    columns = (Said(), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Bars(*columns, console=console)


def reading(console: Console) -> Bars:
    """Progress of a command, of bytes."""
    columns = (Said(), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Bars(*columns, console=console)
