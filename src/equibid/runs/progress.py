"""How far a run has come, told to whoever shows it."""

from typing import Any, Protocol


class Progress(Protocol):
    """Tasks that come, move and go; those of rich are such."""

    def add_task(self, description: str, *, total: float | None) -> Any:
        """A new task, and what it is known by; None is an unknown total."""
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


class Silent:
    """Shows nothing."""

    def add_task(self, description: str, *, total: float | None) -> Any:
        """Nothing is shown."""

    def update(self, task_id: Any, **news: Any) -> None:
        """Nothing is shown."""

    def advance(self, task_id: Any, advance: float = 1) -> None:
        """Nothing is shown."""

    def remove_task(self, task_id: Any) -> None:
        """Nothing is shown."""


SILENT = Silent()
