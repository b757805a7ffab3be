"""How far a run has come, told to whoever shows it."""

from typing import Any, Protocol


class Progress(Protocol):
    """Tasks that come, move and go; those of rich are such."""

    def add_task(self, description: str, *, total: float | None, **more: Any) -> Any:
        """A new task, and what it is known by; None is an unknown total.

        With ``quiet=True`` its parts are no milestones: the run tells those itself.
        """
        ...

    def update(self, task_id: Any, **news: Any) -> None:
        """News of a task: ``total``, ``completed``, ``advance`` or ``description``."""
        ...

    def advance(self, task_id: Any, advance: float = 1) -> None:
        """So much more of a task is done."""
        ...

    def remove_task(self, task_id: Any) -> None:
        """A task is no longer shown."""
        ...

    def milestone(self, text: str) -> None:
        """A line of its own, where tasks are not drawn."""
        ...


class Silent:
    """Shows nothing."""

    def add_task(self, description: str, *, total: float | None, **more: Any) -> Any:
        """Nothing is shown."""

    def update(self, task_id: Any, **news: Any) -> None:
        """Nothing is shown."""

    def advance(self, task_id: Any, advance: float = 1) -> None:
        """Nothing is shown."""

    def remove_task(self, task_id: Any) -> None:
        """Nothing is shown."""

    def milestone(self, text: str) -> None:
        """Nothing is shown."""


SILENT = Silent()
